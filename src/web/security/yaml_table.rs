//! Strict reading of a YAML table: every key is known and has the expected type.
//!
//! A value that is null, or a text without content, counts as missing.

use yaml_serde::{Mapping, Value};

use super::errors::Diagnostics;

/// Names are shown up to this length. What is longer is more likely a secret in the wrong place.
const MAX_NAME_LENGTH: usize = 40;

/// A table whose keys are taken one by one.
#[derive(Debug)]
pub(super) struct Table {
    path: &'static str,
    entries: Mapping,
    known: Vec<&'static str>,
}

impl Table {
    /// Reads `value` as the table at `path`; an empty path is the file itself.
    pub(super) fn new(path: &'static str, value: Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Mapping(entries) => Some(Self { path, entries, known: Vec::new() }),
            other => diagnostics.fail(path, expected("a table", &other)),
        }
    }

    /// Whether the table has no keys left.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The path of `key`.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Takes a value of any type.
    pub(super) fn take(&mut self, key: &'static str) -> Value {
        self.known.push(key);
        self.entries.remove(key).unwrap_or_default()
    }

    /// Takes a text with content.
    pub(super) fn text(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<String> {
        match self.take(key) {
            Value::Null => None,
            Value::String(text) => (!text.trim().is_empty()).then_some(text),
            other => diagnostics.fail(&self.path(key), expected("text", &other)),
        }
    }

    /// Takes a list of texts. Elements without content are left out.
    pub(super) fn texts(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<Vec<String>> {
        let elements = match self.take(key) {
            Value::Null => return None,
            Value::Sequence(elements) => elements,
            other => return diagnostics.fail(&self.path(key), expected("a list", &other)),
        };
        let mut texts = Vec::new();
        for element in elements {
            match element {
                Value::String(text) if text.trim().is_empty() => {}
                Value::String(text) => texts.push(text),
                other => diagnostics.report(&self.path(key), expected("a list of texts", &other)),
            }
        }
        Some(texts)
    }

    /// Takes a boolean.
    pub(super) fn boolean(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<bool> {
        match self.take(key) {
            Value::Null => None,
            Value::Bool(value) => Some(value),
            Value::String(text) if text.trim().is_empty() => None,
            other => diagnostics.fail(&self.path(key), expected("true or false", &other)),
        }
    }

    /// Takes a whole number from 0 to 4294967295.
    pub(super) fn number(&mut self, key: &'static str, diagnostics: &mut Diagnostics) -> Option<u32> {
        let value = self.take(key);
        match &value {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            other => match other.as_u64().and_then(|number| number.try_into().ok()) {
                Some(number) => Some(number),
                None => diagnostics.fail(&self.path(key), expected("a number from 0 to 4294967295", other)),
            },
        }
    }

    /// Reports every key that was not taken.
    pub(super) fn finish(self, diagnostics: &mut Diagnostics) {
        for key in self.entries.keys() {
            let name = key.as_str().filter(|name| is_setting_name(name));
            let nearest = name.and_then(|name| {
                let distance = |known: &&&str| strsim::damerau_levenshtein(name, known);
                self.known.iter().min_by_key(distance).filter(|known| distance(known) <= 3)
            });
            // A name that resembles no key may be a secret in the wrong place.
            if let Some((name, known)) = name.zip(nearest) {
                diagnostics.report(&self.path(name), format_args!("unknown key: did you mean {known}?"));
            } else {
                let known = self.known.join(", ");
                diagnostics.report(self.path, format_args!("unknown key: expected one of {known}"));
            }
        }
    }
}

/// Whether `name` looks like the name of a setting.
fn is_setting_name(name: &str) -> bool {
    name.len() <= MAX_NAME_LENGTH
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The message for a value of the wrong type.
pub(super) fn expected(what: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a table",
        Value::Tagged(_) => "a value with a tag",
    };
    if found == what { format!("expected other {what}") } else { format!("expected {what}, found {found}") }
}
