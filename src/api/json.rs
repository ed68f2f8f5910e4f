//! JSON whose shape is not to be trusted: each value is read as it stands, and a wrong one spoils only itself.
//!
//! The service writes numbers as strings and strings as numbers, leaves parts out, sends `null` for them, and adds
//! keys. So objects take any keys in any number, and what stands where an object, a list or a scalar is expected
//! is kept apart from what is absent. Texts are borrowed from the body; values that nobody asks for are skipped.

mod blocks;
mod cursor;
mod escape;
mod quotes;

use std::borrow::Cow;

pub(super) use cursor::{Cursor, SyntaxError};
pub(super) use escape::unescape;

use cursor::Quoted;
use escape::{unescape_json, unescape_valid};

/// The longest text taken into the model: it becomes a label's value on every series of a deployment.
pub(super) const MAX_TEXT: usize = 1024;

/// Integers up to here are exact as a gauge's value.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// A value that was given, but can't be read as what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// A value that was read: none where it was absent, `null` or blank.
pub(super) type Read<T> = Result<Option<T>, Unreadable>;

/// A type that can be read wherever a value stands.
pub(super) trait Wire<'a>: Default {
    /// Reads the value, in place of the one that is there.
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError>;

    /// Reads the value.
    #[inline]
    fn next(cursor: &mut Cursor<'a>) -> Result<Self, SyntaxError> {
        let mut value = Self::default();
        value.read(cursor)?;
        Ok(value)
    }
}

/// Reads `text` as `T`, and nothing after it.
pub(super) fn parse<'a, T: Wire<'a>>(text: &'a str) -> Result<T, SyntaxError> {
    let mut cursor = Cursor::new(text);
    let value = T::next(&mut cursor)?;
    cursor.end()?;
    Ok(value)
}

/// A scalar as it stands in the body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scalar<'a> {
    kind: Kind,
    /// As it is written; of a string, what stands between the quotes.
    text: &'a str,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// Nothing, or `null`.
    #[default]
    Absent,
    /// A number or a boolean.
    Bare,
    /// A string without escapes.
    Plain,
    /// A string with escapes.
    Escaped,
    /// An object or a list: no scalar, but JSON.
    Container,
}

impl<'a> Wire<'a> for Scalar<'a> {
    #[inline]
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        *self = match cursor.peek()? {
            b'"' => cursor.string()?.into(),
            b'{' | b'[' => Self { kind: Kind::Container, text: cursor.skip()? },
            _ => match cursor.bare()? {
                "null" => Self::default(),
                text => Self { kind: Kind::Bare, text },
            },
        };
        Ok(())
    }
}

impl<'a> From<Quoted<'a>> for Scalar<'a> {
    #[inline]
    fn from(Quoted { inner, escaped }: Quoted<'a>) -> Self {
        Self { kind: if escaped { Kind::Escaped } else { Kind::Plain }, text: inner }
    }
}

impl<'a> Scalar<'a> {
    /// The value as text; a number or a boolean is taken as it is written.
    pub(super) fn text(self) -> Read<Cow<'a, str>> {
        let text = match self.kind {
            Kind::Container => return Err(Unreadable),
            _ => self.json_text()?,
        };
        match text.as_ref().map_or(0, |text| text.len()) {
            0 => Ok(None),
            1..=MAX_TEXT => Ok(text),
            _ => Err(Unreadable),
        }
    }

    /// The text of JSON that may stand bare or in a string of any length.
    pub(super) fn json_text(self) -> Read<Cow<'a, str>> {
        match self.kind {
            Kind::Absent => Ok(None),
            Kind::Escaped => unescape_valid(self.text).map(Cow::Owned).ok_or(Unreadable).map(Some),
            Kind::Bare | Kind::Plain | Kind::Container => Ok(Some(Cow::Borrowed(self.text))),
        }
    }

    /// The text of JSON in a string, escaped as often as its first quote tells; nothing where that is more than `most`,
    /// or not so simple. It takes `memory` where there are escapes.
    pub(super) fn unescaped_json<'m>(self, most: u32, memory: &'m mut Vec<u8>) -> Option<&'m str>
    where
        'a: 'm,
    {
        match self.kind {
            Kind::Escaped => unescape_json(self.text, most, memory),
            Kind::Plain => Some(self.text),
            Kind::Absent | Kind::Bare | Kind::Container => None,
        }
    }

    /// The value as a finite number, from a number or from a text that holds one.
    pub(super) fn number(self) -> Read<f64> {
        self.parse(|text| text.parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// The value as an integer, also from `4.0` or `"4"`.
    pub(super) fn integer(self) -> Read<i64> {
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

    /// The value as an integer from 0 on.
    pub(super) fn count(self) -> Read<u64> {
        self.integer()?.map(|number| u64::try_from(number).map_err(|_| Unreadable)).transpose()
    }

    /// The value as a boolean, also from `"true"`.
    pub(super) fn boolean(self) -> Read<bool> {
        self.parse(|text| match text {
            _ if text.eq_ignore_ascii_case("true") => Some(true),
            _ if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        })
    }

    fn parse<T>(self, parse: impl FnOnce(&str) -> Option<T>) -> Read<T> {
        let Some(text) = self.text()? else { return Ok(None) };
        match text.trim() {
            "" => Ok(None),
            text => parse(text).ok_or(Unreadable).map(Some),
        }
    }
}

/// What stands where an object or a list is expected.
#[derive(Debug, Default)]
pub(super) enum Part<T> {
    /// Nothing, or `null`.
    #[default]
    Absent,
    /// Something else.
    Wrong,
    /// What was expected.
    Is(T),
}

impl<T> Part<T> {
    /// The value, nothing, or a mistake.
    pub(super) fn value(self) -> Read<T> {
        match self {
            Self::Absent => Ok(None),
            Self::Wrong => Err(Unreadable),
            Self::Is(value) => Ok(Some(value)),
        }
    }

    /// Reads what is not what was expected.
    pub(super) fn missing(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        Ok(if Scalar::next(cursor)?.kind == Kind::Absent { Self::Absent } else { Self::Wrong })
    }
}

/// A structure that a JSON object is read into.
pub(super) trait Object<'a>: Default {
    /// Reads the value that stands under `key`.
    fn read_member(&mut self, key: &str, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError>;
}

impl<'a, T: Object<'a>> Wire<'a> for Part<T> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek()? != b'{' {
            *self = Self::missing(cursor)?;
            return Ok(());
        }
        *self = Self::Is(T::default());
        let Self::Is(object) = self else { return Ok(()) };
        cursor.object(|cursor, key| match key.text() {
            Some(key) => object.read_member(&key, cursor),
            None => cursor.skip().map(drop),
        })
    }
}

/// A JSON array.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<'a, T: Wire<'a>> Wire<'a> for Part<List<T>> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek()? != b'[' {
            *self = Self::missing(cursor)?;
            return Ok(());
        }
        let mut elements = Vec::new();
        cursor.list(|cursor| {
            elements.push(T::next(cursor)?);
            Ok(())
        })?;
        *self = Self::Is(List(elements));
        Ok(())
    }
}

/// An object whose keys are data; a key that can't be read is none.
#[derive(Debug, Default)]
pub(super) struct Entries<'a>(pub(super) Vec<(Option<Cow<'a, str>>, Scalar<'a>)>);

impl<'a> Wire<'a> for Part<Entries<'a>> {
    fn read(&mut self, cursor: &mut Cursor<'a>) -> Result<(), SyntaxError> {
        if cursor.peek()? != b'{' {
            *self = Self::missing(cursor)?;
            return Ok(());
        }
        let mut entries = Vec::new();
        cursor.object(|cursor, key| {
            entries.push((key.text(), Scalar::next(cursor)?));
            Ok(())
        })?;
        *self = Self::Is(Entries(entries));
        Ok(())
    }
}

/// Declares a structure that is read from a JSON object: every key may be missing, unknown keys are skipped, and
/// of a key that stands twice the last holds.
macro_rules! wire_object {
    ($(#[$attribute:meta])* $name:ident<'a> { $($field:ident: $type:ty = $key:literal),* $(,)? }) => {
        $(#[$attribute])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $field: $type,)*
        }

        impl<'a> $crate::api::json::Object<'a> for $name<'a> {
            fn read_member(
                &mut self,
                key: &str,
                cursor: &mut $crate::api::json::Cursor<'a>,
            ) -> Result<(), $crate::api::json::SyntaxError> {
                match key {
                    $($key => $crate::api::json::Wire::read(&mut self.$field, cursor)?,)*
                    _ => {
                        cursor.skip()?;
                    }
                }
                Ok(())
            }
        }
    };
}
pub(super) use wire_object;

#[cfg(test)]
mod tests;
