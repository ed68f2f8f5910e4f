//! Scalars, as they are written and as what they may mean.

use std::borrow::Cow;

use crate::{
    cursor::{Cursor, RawString, SyntaxError},
    escape::{unescape_json, unescape_valid},
    value::{FromJson, InvalidValue, Parsed},
};

/// The longest text that [`Scalar::text`] returns, in bytes.
pub const MAX_TEXT: usize = 1024;

/// Integers up to here are exact in an `f64`.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// A value as it is written, not yet converted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalar<'a> {
    pub(crate) kind: ScalarKind,
    /// As it is written; of a string, what is between the quotes.
    pub(crate) text: &'a str,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ScalarKind {
    /// Missing or `null`.
    #[default]
    Absent,
    /// A number or a boolean.
    Literal,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    /// An object or an array: not a scalar, but kept as JSON text.
    Container,
}

impl<'a> FromJson<'a> for Scalar<'a> {
    #[inline]
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        *self = match cursor.peek()? {
            b'"' => cursor.string()?.into(),
            b'{' | b'[' => Self { kind: ScalarKind::Container, text: cursor.skip()? },
            _ => match cursor.literal()? {
                "null" => Self::default(),
                text => Self { kind: ScalarKind::Literal, text },
            },
        };
        Ok(())
    }
}

impl<'a> From<RawString<'a>> for Scalar<'a> {
    #[inline]
    fn from(RawString { inner, escaped }: RawString<'a>) -> Self {
        Self { kind: if escaped { ScalarKind::Escaped } else { ScalarKind::Plain }, text: inner }
    }
}

impl<'a> Scalar<'a> {
    /// The value as text of at most [`MAX_TEXT`] bytes. A number or a boolean is returned as it is written.
    ///
    /// # Errors
    ///
    /// If the value is an object or an array, a longer text, or one with a lone surrogate.
    pub fn text(self) -> Parsed<Cow<'a, str>> {
        let text = match self.kind {
            ScalarKind::Container => return Err(InvalidValue),
            _ => self.json_text()?,
        };
        match text.as_ref().map_or(0, |text| text.len()) {
            0 => Ok(None),
            1..=MAX_TEXT => Ok(text),
            _ => Err(InvalidValue),
        }
    }

    /// The text of JSON that is either a value itself or encoded in a string, of any length.
    ///
    /// # Errors
    ///
    /// If the value is a string with a lone surrogate.
    pub fn json_text(self) -> Parsed<Cow<'a, str>> {
        match self.kind {
            ScalarKind::Absent => Ok(None),
            ScalarKind::Escaped => unescape_valid(self.text).map(Cow::Owned).ok_or(InvalidValue).map(Some),
            ScalarKind::Literal | ScalarKind::Plain | ScalarKind::Container => {
                Ok(Some(Cow::Borrowed(self.text)))
            }
        }
    }

    /// The text of JSON that was encoded as a string once or more, as often as its first quote shows. `None` if that is
    /// more than `max_depth` times or if the shortcut does not apply. The text is written to `buffer` if it has
    /// escapes.
    pub fn unescaped_json<'m>(self, max_depth: u32, buffer: &'m mut Vec<u8>) -> Option<&'m str>
    where
        'a: 'm,
    {
        match self.kind {
            ScalarKind::Escaped => unescape_json(self.text, max_depth, buffer),
            ScalarKind::Plain => Some(self.text),
            ScalarKind::Absent | ScalarKind::Literal | ScalarKind::Container => None,
        }
    }

    /// The value as a finite number, from a number or from a text that contains one.
    ///
    /// # Errors
    ///
    /// If it is neither.
    pub fn number(self) -> Parsed<f64> {
        self.parse(|text| text.parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// The value as an integer within ±2⁵³, also from `4.0` or `"4"`.
    ///
    /// # Errors
    ///
    /// If it is not such an integer.
    pub fn integer(self) -> Parsed<i64> {
        self.parse(|text| {
            #[expect(clippy::cast_possible_truncation, reason = "integral and within 2^53")]
            let from_float =
                |number: f64| (number.fract() == 0.0 && number.abs() <= MAX_INTEGER).then_some(number as i64);
            text.parse()
                .ok()
                .filter(|number: &i64| (*number as f64).abs() <= MAX_INTEGER)
                .or_else(|| text.parse().ok().and_then(from_float))
        })
    }

    /// The value as an integer that is not negative.
    ///
    /// # Errors
    ///
    /// If it is not such an integer.
    pub fn count(self) -> Parsed<u64> {
        self.integer()?.map(|number| u64::try_from(number).map_err(|_| InvalidValue)).transpose()
    }

    /// The value as a boolean, also from `"true"` in any case.
    ///
    /// # Errors
    ///
    /// If it is neither true nor false.
    pub fn boolean(self) -> Parsed<bool> {
        self.parse(|text| match text {
            _ if text.eq_ignore_ascii_case("true") => Some(true),
            _ if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        })
    }

    fn parse<T>(self, parse: impl FnOnce(&str) -> Option<T>) -> Parsed<T> {
        let Some(text) = self.text()? else { return Ok(None) };
        match text.trim() {
            "" => Ok(None),
            text => parse(text).ok_or(InvalidValue).map(Some),
        }
    }
}
