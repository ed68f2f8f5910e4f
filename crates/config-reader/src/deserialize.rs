//! Settings as a format of serde, which reads on after an error.
//!
//! What is wrong with a value is noted with its place, and the value then counts as absent, as an unknown key does. So
//! one pass finds every error, provided that the fields of the types are optional.
//!
//! The text of variables and flags becomes what the type expects. A [`Short`](crate::Short) form or the long one
//! is chosen by the shape of the value.

use std::fmt;
use std::marker::PhantomData;

use figment::value::{Num, Value};
use serde::de::value::{SeqDeserializer, StrDeserializer, UnitDeserializer};
use serde::de::{
    self, Deserialize, DeserializeSeed, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::layer::Kind;
use crate::merged_setting::{Node, show_number};
use crate::short_form;
use crate::suggestion::suggestion;

const QUOTE: &str = ": put it in quotes";

/// Why a value could not be read.
#[derive(Debug)]
pub enum Invalid {
    /// It has been noted.
    Noted,
    /// Something else is expected.
    Expected(String),
    /// One of these is expected.
    Choice(&'static [&'static str]),
    /// The key is none of these.
    UnknownKey(&'static [&'static str]),
    /// This key is missing.
    Missing(&'static str),
    /// What is wrong, in words.
    Other(String),
}

impl std::error::Error for Invalid {}

impl fmt::Display for Invalid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("invalid")
    }
}

/// What was found is never taken from serde, which would show secrets.
impl de::Error for Invalid {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        match message.strip_prefix("expected ") {
            Some(expected) => Self::Expected(expected.to_owned()),
            None => Self::Other(message),
        }
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Expected(in_words(expected))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Expected(in_words(expected))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::Choice(known)
    }

    fn unknown_field(_: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownKey(known)
    }

    fn missing_field(key: &'static str) -> Self {
        Self::Missing(key)
    }
}

impl Node<'_> {
    /// Notes an error that serde returned for this setting; always [`Invalid::Noted`].
    pub fn note(&self, error: Invalid) -> Invalid {
        match error {
            Invalid::Noted => {}
            Invalid::Other(message) => self.reject_problems(&message),
            Invalid::Missing(key) => self.get(key).reject("missing: this key is required"),
            Invalid::Expected(what) => self.expected(&what),
            Invalid::Choice(known) => {
                let text = self.text();
                let hint = text.and_then(|found| suggestion(found, known)).unwrap_or_default();
                self.expected(&format!("one of {}{hint}", known.join(", ")));
            }
            Invalid::UnknownKey(known) => self.reject_key(known),
        }
        Invalid::Noted
    }

    /// Problems of a table as a whole, separated by `; `. One with a key, in backquotes, that is wrong by itself follows
    /// from that.
    fn reject_problems(&self, problems: &str) {
        let follows = |problem: &&str| problem.split('`').nth(1).is_some_and(|key| self.get(key).is_noted());
        problems.split("; ").filter(|problem| !follows(problem)).for_each(|problem| self.reject(problem));
    }

    /// The value isn't shown: it may be a secret under a mistyped key.
    fn reject_key(&self, known: &[&str]) {
        let path = self.path();
        let key = path.rsplit('.').next().unwrap_or_default();
        let hint = self.misplaced(key, known).or_else(|| suggestion(key, known)).unwrap_or_default();
        self.reject(format!("unknown key{hint}; known here: {}", known.join(", ")));
    }

    /// `POLL_INTERVAL` for `POLL__INTERVAL`: one underscore too few between the levels of a variable's name.
    fn misplaced(&self, key: &str, known: &[&str]) -> Option<String> {
        if self.kind() != Some(Kind::Environment) || self.path() != key {
            return None;
        }
        let (table, rest) = known.iter().find_map(|table| Some((table, key.strip_prefix(table)?)))?;
        let name = format!("{table}__{}", rest.strip_prefix('_')?).to_ascii_uppercase();
        Some(format!(" (levels are separated by two underscores: {name})"))
    }

    /// Something else was expected: a number or a boolean, which a file may hold as text.
    fn invalid_unquoted(&self, expected: &dyn Expected) -> Invalid {
        let text = self.text().filter(|_| self.untyped().is_none());
        let is_quoted =
            text.is_some_and(|text| matches!(text, "true" | "false") || text.trim().parse::<f64>().is_ok());
        invalid(expected, if is_quoted { ": leave out the quotes" } else { "" })
    }

    /// The text that is written: a text, or a whole number whose digits are kept.
    fn written(&self, expected: &dyn Expected) -> Result<String, Invalid> {
        if let Some(written) = self.unstable_number() {
            self.reject(if self.is_secret() {
                format!("found a number, expected {}{QUOTE}", in_words(expected))
            } else {
                format!(
                    "found {written}, which readers of YAML and TOML take for a number and change, expected {}{QUOTE}",
                    in_words(expected)
                )
            });
            return Err(Invalid::Noted);
        }
        match self.value() {
            Some(Value::String(_, text)) if !text.is_empty() => Ok(text.clone()),
            Some(Value::Num(_, number)) if number.to_f64().is_none() => Ok(show_number(*number)),
            Some(Value::Num(..) | Value::Bool(..)) => Err(invalid(expected, QUOTE)),
            _ => Err(invalid(expected, "")),
        }
    }
}

fn invalid(expected: &dyn Expected, remedy: &str) -> Invalid {
    Invalid::Expected(format!("{}{remedy}", in_words(expected)))
}

/// What serde calls Rust's types is for programmers.
fn in_words(expected: &dyn Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a string" | "path string" => "a text".to_owned(),
        "a map" => "a table of keys and values".to_owned(),
        _ if expected.starts_with("struct ") => "a table of keys and values".to_owned(),
        _ => expected,
    }
}

fn visit_number<'de, V: Visitor<'de>>(number: Num, visitor: V) -> Result<V::Value, Invalid> {
    match (number.to_u128_lossy().and_then(|whole| u64::try_from(whole).ok()), number.to_f64()) {
        (Some(whole), _) => visitor.visit_u64(whole),
        (_, Some(number)) => visitor.visit_f64(number),
        _ => visitor.visit_i64(number.to_i128().and_then(|whole| whole.try_into().ok()).unwrap_or(i64::MIN)),
    }
}

impl<'de> de::Deserializer<'de> for Node<'de> {
    type Error = Invalid;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match self.value() {
            Some(Value::String(_, text)) => visitor.visit_str(text),
            Some(Value::Char(_, character)) => visitor.visit_char(*character),
            Some(Value::Bool(_, value)) => visitor.visit_bool(*value),
            Some(Value::Num(_, number)) => visit_number(*number, visitor),
            Some(Value::Dict(_, entries)) => {
                // The type of a source decides how its other keys are read.
                let (types, others): (Vec<_>, Vec<_>) = entries.keys().partition(|key| *key == "type");
                let keys: Vec<_> = types.into_iter().chain(others).map(String::as_str).collect();
                visitor.visit_map(Entries { table: self, keys: keys.into_iter(), current: None })
            }
            Some(Value::Array(_, items)) => {
                let indices = 0..items.len();
                visitor.visit_seq(Items { list: self, indices })
            }
            Some(Value::Empty(..)) | None => visitor.visit_unit(),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match (self.value(), self.untyped()) {
            (Some(Value::Bool(_, value)), _) => visitor.visit_bool(*value),
            (_, Some(text @ ("true" | "false"))) => visitor.visit_bool(text == "true"),
            _ => Err(self.invalid_unquoted(&visitor)),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match (self.value(), self.untyped().filter(|text| text.parse::<f64>().is_ok())) {
            (Some(Value::Num(_, number)), _) => visit_number(*number, visitor),
            (_, Some(number)) => visitor.visit_str(number),
            _ => Err(self.invalid_unquoted(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match self.value() {
            Some(Value::Num(..)) => Err(invalid(&visitor, QUOTE)),
            _ => self.deserialize_string(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        let text = self.written(&visitor)?;
        visitor.visit_string(text)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        if self.is_set() { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        visitor.visit_newtype_struct(self)
    }

    /// The short form as some value, the long one as a newtype.
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        form: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        let is_short = match form {
            short_form::LIST => matches!(self.value(), Some(Value::Array(..))),
            _ => !self.is_table(),
        };
        if is_short { visitor.visit_some(self) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        match self.text() {
            Some(text) => visitor.visit_enum::<StrDeserializer<'_, Invalid>>(text.into_deserializer()),
            None => Err(Invalid::Choice(variants)),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u32 u64 f32 char bytes byte_buf unit unit_struct seq tuple map struct
        identifier ignored_any
    }
}

/// A table that is read key by key, the unknown ones noted.
struct Entries<'de> {
    table: Node<'de>,
    keys: std::vec::IntoIter<&'de str>,
    current: Option<Node<'de>>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Invalid;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Invalid> {
        let mut present = self.keys.by_ref().map(|key| (key, self.table.get(key)));
        let Some((key, node)) = present.find(|(_, node)| node.is_set()) else { return Ok(None) };
        let read = seed.deserialize(IntoDeserializer::<Invalid>::into_deserializer(key));
        let read = read.map_err(|error| node.note(error));
        self.current = Some(node);
        read.map(Some)
    }

    fn next_key<K: Deserialize<'de>>(&mut self) -> Result<Option<K>, Invalid> {
        loop {
            if let Ok(key) = self.next_key_seed(PhantomData) {
                return Ok(key);
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Invalid> {
        let node = self.current.take().ok_or(Invalid::Noted)?;
        seed.deserialize(node.clone()).map_err(|error| node.note(error))
    }

    fn next_value<V: Deserialize<'de>>(&mut self) -> Result<V, Invalid> {
        self.next_value_seed(PhantomData).or_else(|_| V::deserialize(Absent).map_err(|_| Invalid::Noted))
    }

    fn next_entry<K: Deserialize<'de>, V: Deserialize<'de>>(&mut self) -> Result<Option<(K, V)>, Invalid> {
        while let Some(key) = self.next_key()? {
            if let Ok(value) = self.next_value() {
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }
}

/// The placeholder of an invalid value: none, an empty list or an empty text.
struct Absent;

impl<'de> de::Deserializer<'de> for Absent {
    type Error = Invalid;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_none()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<()>()))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_str("")
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A list whose invalid items are noted. They are absent, or left out if the type of the items has no such value.
struct Items<'de> {
    list: Node<'de>,
    indices: std::ops::Range<usize>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Invalid;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Invalid> {
        let Some(index) = self.indices.next() else { return Ok(None) };
        let item = self.list.item(index);
        if !item.is_set() {
            return Err(item.note(Invalid::Expected("a value".to_owned())));
        }
        seed.deserialize(item.clone()).map(Some).map_err(|error| item.note(error))
    }

    fn next_element<T: Deserialize<'de>>(&mut self) -> Result<Option<T>, Invalid> {
        loop {
            if let Ok(item) = self.next_element_seed(PhantomData) {
                return Ok(item);
            }
            if let Ok(absent) = T::deserialize(UnitDeserializer::<Invalid>::new()) {
                return Ok(Some(absent));
            }
        }
    }
}
