//! JSON whose shape is not to be trusted: each value is read as it stands, and a wrong one spoils only itself.
//!
//! The service writes numbers as strings and strings as numbers, leaves parts out, sends `null` for them, and adds
//! keys. So objects take any keys in any number, and what stands where an object, a list or a scalar is expected
//! is kept apart from what is absent. Texts are borrowed from the body; values that nobody asks for are skipped.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// The longest text taken into the model: it becomes a label's value on every series of a deployment.
pub(super) const MAX_TEXT: usize = 1024;

/// Integers up to here are exact as a gauge's value.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// A value that was given, but can't be read as what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// A value that was read: none where it was absent, `null` or blank.
pub(super) type Read<T> = Result<Option<T>, Unreadable>;

/// A scalar as it stands in the body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scalar<'a>(&'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

impl<'a> Scalar<'a> {
    /// The value as text; a number or a boolean is taken as it is written.
    pub(super) fn text(self) -> Read<Cow<'a, str>> {
        let text = match self.0.as_bytes() {
            [] | [b'n', ..] => return Ok(None),
            [b'{' | b'[', ..] => return Err(Unreadable),
            [b'"', ..] => self.string()?,
            _ => Cow::Borrowed(self.0),
        };
        match text.len() {
            0 => Ok(None),
            1..=MAX_TEXT => Ok(Some(text)),
            _ => Err(Unreadable),
        }
    }

    /// The text of a string, borrowed unless it holds escapes.
    fn string(self) -> Result<Cow<'a, str>, Unreadable> {
        match self.0.as_bytes() {
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
                Ok(Cow::Borrowed(&self.0[1..self.0.len() - 1]))
            }
            _ => serde_json::from_str(self.0).map(Cow::Owned).map_err(|_| Unreadable),
        }
    }

    /// The text of JSON that may stand bare or in a string of any length.
    pub(super) fn json_text(self) -> Read<Cow<'a, str>> {
        match self.0.as_bytes() {
            [] | [b'n', ..] => Ok(None),
            [b'"', ..] => self.string().map(Some),
            _ => Ok(Some(Cow::Borrowed(self.0))),
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
        match self.text()? {
            Some(text) if !text.trim().is_empty() => parse(text.trim()).ok_or(Unreadable).map(Some),
            _ => Ok(None),
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
    pub(super) fn read(self) -> Read<T> {
        match self {
            Self::Absent => Ok(None),
            Self::Wrong => Err(Unreadable),
            Self::Is(value) => Ok(Some(value)),
        }
    }
}

/// A type that a JSON object can be read into.
pub(super) trait FromMap<'de>: Sized {
    /// Reads the object's members.
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

/// A type that a JSON array can be read into.
pub(super) trait FromSeq<'de>: Sized {
    /// Reads the array's elements.
    fn from_seq<A: SeqAccess<'de>>(seq: A) -> Result<Self, A::Error>;
}

/// A JSON array.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> FromSeq<'de> for List<T> {
    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Self(elements))
    }
}

/// An object whose keys are data.
#[derive(Debug)]
pub(super) struct Entries<'a>(pub(super) Vec<(Key<'a>, Scalar<'a>)>);

impl<'de: 'a, 'a> FromMap<'de> for Entries<'a> {
    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Self(entries))
    }
}

impl<'de> Deserialize<'de> for Part<Entries<'de>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_object(deserializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Part<List<T>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor(PhantomData::<InList<List<T>>>))
    }
}

/// Reads an object, or notes that something else stands there.
pub(super) fn deserialize_object<'de, T: FromMap<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Part<T>, D::Error> {
    deserializer.deserialize_any(PartVisitor(PhantomData::<InMap<T>>))
}

/// An object's key as it stands in the body, quotes and escapes included: one that can't be read spoils itself alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a>(Scalar<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Scalar::deserialize(deserializer).map(Self)
    }
}

impl<'a> Key<'a> {
    /// The key's text, of any length; nothing where it can't be read.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        self.0.string().ok()
    }
}

/// Says which of the two containers a visitor takes.
trait Container<'de> {
    type Value;

    fn map<A: MapAccess<'de>>(mut map: A) -> Result<Part<Self::Value>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Part::Wrong)
    }

    fn seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Part<Self::Value>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Part::Wrong)
    }
}

struct InMap<T>(PhantomData<T>);

impl<'de, T: FromMap<'de>> Container<'de> for InMap<T> {
    type Value = T;

    fn map<A: MapAccess<'de>>(map: A) -> Result<Part<T>, A::Error> {
        T::from_map(map).map(Part::Is)
    }
}

struct InList<T>(PhantomData<T>);

impl<'de, T: FromSeq<'de>> Container<'de> for InList<T> {
    type Value = T;

    fn seq<A: SeqAccess<'de>>(seq: A) -> Result<Part<T>, A::Error> {
        T::from_seq(seq).map(Part::Is)
    }
}

struct PartVisitor<C>(PhantomData<C>);

impl<'de, C: Container<'de>> Visitor<'de> for PartVisitor<C> {
    type Value = Part<C::Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Part::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Part::Wrong)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Part::Wrong)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Part::Wrong)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Part::Wrong)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Part::Wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        C::map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        C::seq(seq)
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

        impl<'de> $crate::api::json::FromMap<'de> for $name<'de> {
            fn from_map<A: serde::de::MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
                let mut object = Self::default();
                while let Some(key) = map.next_key::<$crate::api::json::Key<'_>>()? {
                    match key.text().as_deref() {
                        $(Some($key) => object.$field = map.next_value()?,)*
                        _ => {
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(object)
            }
        }

        impl<'de> serde::Deserialize<'de> for $crate::api::json::Part<$name<'de>> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::api::json::deserialize_object(deserializer)
            }
        }
    };
}
pub(super) use wire_object;

/// Reads `body` as `T`, and nothing after it.
pub(super) fn from_body<'de, T: Deserialize<'de>>(body: &'de str) -> Result<T, serde_json::Error> {
    // A byte order mark says nothing in UTF-8, and some proxies put one.
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    if body.trim_start_matches([' ', '\t', '\r', '\n']).is_empty() {
        return Err(serde_json::Error::custom("an empty body"));
    }
    serde_json::from_str(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scalar(json: &str) -> Scalar<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_number_is_read_from_a_number_or_a_text() {
        for json in ["4", "4.0", "\"4\"", "\" 4\\n\"", "4e0", "\"4.0\""] {
            assert_eq!(scalar(json).number(), Ok(Some(4.0)), "{json}");
            assert_eq!(scalar(json).count(), Ok(Some(4)), "{json}");
        }
        for json in ["null", "\"\"", "\" \\n\""] {
            assert_eq!(scalar(json).number(), Ok(None), "{json}");
        }
        for json in ["1e400", "\"NaN\"", "\"inf\"", "true", "[]", "{}", "\"4 GiB\"", "\"\\ud800\""] {
            assert_eq!(scalar(json).number(), Err(Unreadable), "{json}");
        }
    }

    #[test]
    fn a_count_is_whole_exact_and_not_negative() {
        for json in ["-1", "1.5", "9007199254740994", "18446744073709551616", "1e300", "\"-3\""] {
            assert_eq!(scalar(json).count(), Err(Unreadable), "{json}");
        }
        assert_eq!(scalar("-1").integer(), Ok(Some(-1)));
    }

    #[test]
    fn a_text_is_read_from_any_scalar() {
        let cases = [
            ("\"a\"", "a"),
            ("\"\\\"a\\\"\"", "\"a\""),
            ("17", "17"),
            ("true", "true"),
            ("\"\\u00e9\"", "é"),
        ];
        for (json, text) in cases {
            assert_eq!(scalar(json).text(), Ok(Some(Cow::Borrowed(text))), "{json}");
        }
        let long = format!("\"{}\"", "x".repeat(MAX_TEXT + 1));
        assert_eq!(scalar(&long).text(), Err(Unreadable));
    }

    #[test]
    fn a_boolean_is_read_in_any_case() {
        assert_eq!(scalar("true").boolean(), Ok(Some(true)));
        assert_eq!(scalar("\"False\"").boolean(), Ok(Some(false)));
        assert_eq!(scalar("1").boolean(), Err(Unreadable));
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in ".{1,60}") {
            let json = serde_json::to_string(&text).unwrap();
            let scalar = scalar(&json);
            prop_assert_eq!(scalar.text(), Ok(Some(Cow::Owned(text))));
        }

        #[test]
        fn any_number_comes_back_as_it_was(number in any::<f64>().prop_filter("JSON", |n| n.is_finite())) {
            let json = serde_json::to_string(&number).unwrap();
            prop_assert_eq!(scalar(&json).number(), Ok(Some(number)));
        }
    }
}
