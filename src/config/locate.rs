//! The line of a key in a configuration file, for messages.
//!
//! Neither parser keeps positions in its values, so a file with a mistake is read again, up to the key.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The line of the key at the end of `keys`, or of the last value on the way to it that exists.
pub(super) fn yaml_line(text: &str, keys: &[&str]) -> Option<usize> {
    let found = Probe { keys }.deserialize(yaml_serde::Deserializer::from_str(text));
    found.err()?.location().map(|location| location.line())
}

/// The same for TOML.
pub(super) fn toml_line(text: &str, keys: &[&str]) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut position = None;
    let mut table = document.get_ref().iter().collect::<Vec<_>>();
    let mut items: Option<&[toml::Spanned<toml::de::DeValue<'_>>]> = None;
    for key in keys {
        let value = match items {
            Some(items) => items.get(key.parse::<usize>().ok()?).inspect(|item| {
                position = Some(item.span().start);
            }),
            None => table.iter().find(|(name, _)| name.get_ref() == key).map(|(name, value)| {
                position = Some(name.span().start);
                *value
            }),
        };
        let Some(value) = value else { break };
        items = value.get_ref().as_array().map(|array| &array[..]);
        table = value.get_ref().as_table().into_iter().flat_map(|table| table.iter()).collect();
    }
    position.map(|position| line_and_column(text, position).0)
}

/// The line and the column, from 1, of a position in bytes.
pub(super) fn line_and_column(text: &str, position: usize) -> (usize, usize) {
    let before = text.get(..position).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Walks down to a key and fails there on purpose: errors are what `yaml_serde` gives positions to.
struct Probe<'a> {
    keys: &'a [&'a str],
}

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the end of the path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((key, rest)) = self.keys.split_first() else { return Err(here()) };
        while let Some(found) = entries.next_key_seed(KeyProbe { key, is_last: rest.is_empty() })? {
            if found {
                return entries.next_value_seed(Probe { keys: rest });
            }
            entries.next_value::<IgnoredAny>()?;
        }
        Err(here())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((index, rest)) = self.keys.split_first() else { return Err(here()) };
        for _ in 0..index.parse::<usize>().unwrap_or_default() {
            items.next_element::<IgnoredAny>()?;
        }
        items.next_element_seed(Probe { keys: rest })?;
        Err(here())
    }
}

struct KeyProbe<'a> {
    key: &'a str,
    is_last: bool,
}

impl<'de> DeserializeSeed<'de> for KeyProbe<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyProbe<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<bool, E> {
        match key == self.key {
            true if self.is_last => Err(here()),
            found => Ok(found),
        }
    }
}

fn here<E: de::Error>() -> E {
    E::custom("here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_yaml_key_is_found_on_its_line() {
        let text = "# top\npoll:\n  interval: 1s\n\nworkspaces:\n  - id: a\n    namespaces: [x, {name: y,\n      api: list}]\n  - {id: b}\n";
        for (keys, line) in [
            (&["poll"][..], 2),
            (&["poll", "interval"], 3),
            (&["poll", "timeout"], 3),
            (&["workspaces"], 5),
            (&["workspaces", "0", "id"], 6),
            (&["workspaces", "0", "namespaces"], 7),
            (&["workspaces", "0", "namespaces", "0"], 7),
            (&["workspaces", "0", "namespaces", "1", "api"], 8),
            (&["workspaces", "1"], 9),
            (&["workspaces", "1", "region"], 9),
        ] {
            assert_eq!(yaml_line(text, keys), Some(line), "{keys:?}");
        }
    }

    #[test]
    fn a_toml_key_is_found_on_its_line() {
        let text = "# top\n[poll]\ninterval = '1s'\n\n[[workspaces]]\nid = 'a'\nnamespaces = ['x',\n  'y']\n\n[[workspaces]]\nid = 'b'\n";
        for (keys, line) in [
            (&["poll"][..], 2),
            (&["poll", "interval"], 3),
            (&["poll", "timeout"], 2),
            (&["workspaces", "0", "id"], 6),
            (&["workspaces", "0", "namespaces", "1"], 8),
            (&["workspaces", "1"], 10),
            (&["workspaces", "1", "region"], 10),
        ] {
            assert_eq!(toml_line(text, keys), Some(line), "{keys:?}");
        }
    }

    #[test]
    fn positions_count_from_one() {
        assert_eq!(line_and_column("", 0), (1, 1));
        assert_eq!(line_and_column("a\n杭州b", 8), (2, 3));
        assert_eq!(line_and_column("a\n", 99), (2, 1));
    }
}
