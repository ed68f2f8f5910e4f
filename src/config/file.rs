//! The configuration file: YAML or TOML, by its ending.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use figment::value::{Dict, Empty, Tag, Value};
use small_file::Limits;

use super::decode::plain_start;
use super::error::Mistake;
use super::layer::{Kind, Layer};
use super::locate;

/// For tens of thousands of namespaces. A pipe is allowed, such as `<(command)` in a shell.
const LIMITS: Limits = Limits { max_size: 16 << 20, timeout: Duration::from_secs(5), pipes: true };

#[derive(Debug, Clone, Copy)]
enum Format {
    Yaml,
    Toml,
}

/// Reads a file; a mistake in its form ends the reading.
pub(super) fn layer(path: &Path) -> Result<Layer, Mistake> {
    let name = path.display().to_string();
    let format = format(path).map_err(|mistake| mistake.at(&name))?;
    let text = small_file::read_text(path, LIMITS)
        .map_err(|error| Mistake::new(format!("can't be read: {error}")).at(&name))?;
    layer_of(name, format, text)
}

/// The layer of a file with this name, as if it held `text`.
pub(super) fn layer_of_text(path: &Path, text: String) -> Result<Layer, Mistake> {
    let name = path.display().to_string();
    let format = format(path).map_err(|mistake| mistake.at(&name))?;
    layer_of(name, format, text)
}

fn layer_of(name: String, format: Format, text: String) -> Result<Layer, Mistake> {
    let settings = match format {
        Format::Yaml => yaml(&text, &name),
        Format::Toml => toml(&text, &name),
    }?;
    let text: Arc<str> = text.into();
    Ok(Layer::new(Kind::File, settings, move |keys| {
        let line = match format {
            Format::Yaml => locate::yaml_line(&text, keys),
            Format::Toml => locate::toml_line(&text, keys),
        };
        at_line(&name, line)
    }))
}

fn format(path: &Path) -> Result<Format, Mistake> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "yml" | "yaml" => Ok(Format::Yaml),
        "toml" => Ok(Format::Toml),
        "" => {
            Err(Mistake::new("the file's name has no ending: expected .yml or .yaml (YAML), or .toml (TOML)"))
        }
        _ => Err(Mistake::new(format!(
            "the ending .{ending} says no known format: expected .yml or .yaml (YAML), or .toml (TOML)"
        ))),
    }
}

fn at_line(name: &str, line: Option<usize>) -> String {
    line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"))
}

fn yaml(text: &str, name: &str) -> Result<Dict, Mistake> {
    let invalid = |error: yaml_serde::Error| {
        let line = error.location().map(|location| location.line());
        let message = error.to_string();
        // A key that stands twice may hold a value, as after a forgotten colon, and so a secret.
        let message = match message.split_once(" with key ") {
            Some((what, key)) => format!("{what}: {}", plain_start(key.trim_start_matches('"'))),
            None => message,
        };
        Mistake::new(format!("not valid YAML: {message}")).at(at_line(name, line))
    };
    // yaml_serde's own value refuses duplicate keys; figment's would keep the last one.
    let mut document: yaml_serde::Value = yaml_serde::from_str(text).map_err(invalid)?;
    document.apply_merge().map_err(invalid)?;
    match from_yaml(document) {
        Value::Dict(_, settings) => Ok(settings),
        Value::Empty(..) => Ok(Dict::new()),
        _ => Err(Mistake::new("expected keys and values at the top, such as `workspaces:`").at(name)),
    }
}

fn from_yaml(value: yaml_serde::Value) -> Value {
    use yaml_serde::Value as Yaml;
    match value {
        Yaml::Null => Value::Empty(Tag::Default, Empty::Unit),
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => from_yaml_number(&number),
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(from_yaml).collect::<Vec<_>>().into(),
        Yaml::Mapping(entries) => {
            let entry = |(key, value)| (yaml_key(key), from_yaml(value));
            entries.into_iter().map(entry).collect::<Dict>().into()
        }
        Yaml::Tagged(tagged) => from_yaml(tagged.value),
    }
}

fn from_yaml_number(number: &yaml_serde::Number) -> Value {
    match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => whole.into(),
        (_, Some(whole)) => whole.into(),
        _ => number.as_f64().unwrap_or(f64::NAN).into(),
    }
}

/// No known key is anything but text, so that others only need a name to be refused by.
fn yaml_key(key: yaml_serde::Value) -> String {
    match key {
        yaml_serde::Value::String(text) => text,
        other => yaml_serde::to_string(&other).unwrap_or_default().trim_end().to_owned(),
    }
}

fn toml(text: &str, name: &str) -> Result<Dict, Mistake> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // Not the error's Display: it repeats the line, and with it a secret.
        let (line, column) = locate::line_and_column(text, error.span().map_or(0, |span| span.start));
        let reason = error.message().replace('\n', ", ");
        Mistake::new(format!("not valid TOML: {reason} at line {line} column {column}"))
            .at(at_line(name, Some(line)))
    })?;
    Ok(from_toml_table(table))
}

fn from_toml_table(table: toml::Table) -> Dict {
    table.into_iter().map(|(key, value)| (key, from_toml(value))).collect()
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(whole) => whole.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(value) => value.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect::<Vec<_>>().into(),
        toml::Value::Table(table) => from_toml_table(table).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Dict, String> {
        let result = if name.ends_with("toml") { toml(text, name) } else { yaml(text, name) };
        result.map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn an_empty_file_has_no_settings() {
        for (name, text) in
            [("c.yml", ""), ("c.yml", "# nothing\n"), ("c.yml", "---\n"), ("c.toml", "# nothing\n")]
        {
            assert_eq!(read(name, text), Ok(Dict::new()), "{text:?}");
        }
    }

    #[test]
    fn words_that_other_parsers_take_for_booleans_or_numbers_stay_text() {
        let settings =
            read("c.yml", "[y, no, on, 010, 1_000, 12e, 0123]: x\nwords: [y, no, on, 010, 1_000]\n");
        let words: Vec<Value> = ["y", "no", "on", "010", "1_000"].map(Value::from).into();
        assert_eq!(settings.unwrap().get("words"), Some(&Value::from(words)));
    }

    #[test]
    fn merge_keys_are_followed() {
        let settings = read("c.yml", "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n").unwrap();
        assert_eq!(Value::from(settings).find("b.x"), Some(Value::from(1_u8)));
    }

    #[test]
    fn a_mistake_of_form_tells_line_and_column() {
        for (name, text, message) in [
            (
                "c.yml",
                "a: 1\nb: [1, 2\nc: 3\n",
                "c.yml:3: not valid YAML: did not find expected ',' or ']' at line 3 column 2, while parsing a flow sequence at line 2 column 4",
            ),
            ("c.yml", "a:\n  b: 1\n  b: 2\n", "c.yml:2: not valid YAML: a: duplicate entry: b"),
            ("c.yml", "- a\n", "c.yml: expected keys and values at the top, such as `workspaces:`"),
            ("c.yml", "text", "c.yml: expected keys and values at the top, such as `workspaces:`"),
            (
                "c.yml",
                "a: 1\n---\nb: 1\n",
                "c.yml: not valid YAML: deserializing from YAML containing more than one document is not supported",
            ),
            ("c.toml", "a = 1\na = 2\n", "c.toml:2: not valid TOML: duplicate key at line 2 column 1"),
            (
                "c.toml",
                "[credentials]\nsecret = hunter2\n",
                "c.toml:2: not valid TOML: string values must be quoted, expected literal string at line 2 column 10",
            ),
        ] {
            assert_eq!(read(name, text), Err(message.to_owned()));
        }
    }
}
