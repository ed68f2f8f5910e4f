//! The configuration file: YAML or TOML, by its ending.

use std::path::Path;
use std::time::Duration;

use small_file::Limits;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::error::Diagnostic;
use crate::located_values::{Content, Document, Located};
use crate::unstable_numbers::is_unstable_number;
use crate::yaml_parser;

/// For tens of thousands of namespaces. A pipe is allowed, such as `<(command)` in a shell.
const LIMITS: Limits = Limits { max_size: 16 << 20, timeout: Duration::from_secs(5), pipes: true };

type Parse = fn(&str, &str) -> Result<Option<Located>, Diagnostic>;

/// Reads a configuration file.
///
/// # Errors
///
/// The first error in its form, or why it can't be read.
pub fn read(path: &Path) -> Result<Document, Diagnostic> {
    // An unknown format is reported even if there is no such file.
    format(path)?;
    let text = small_file::read_text(path, LIMITS)
        .map_err(|error| Diagnostic::new(format!("can't be read: {error}")).at(path.display().to_string()))?;
    parse(path, &text)
}

/// Reads `text` as if it were the content of the file.
///
/// # Errors
///
/// The first error in its form.
pub fn parse(path: &Path, text: &str) -> Result<Document, Diagnostic> {
    let name = path.display().to_string();
    let empty = Located { line: 1, content: Content::Table(Vec::new()) };
    match format(path)?(text, &name)? {
        None => Ok(Document { name, root: empty }),
        Some(root @ Located { content: Content::Table(_), .. }) => Ok(Document { name, root }),
        Some(root) if root.is_absent() => Ok(Document { name, root: empty }),
        Some(_) => {
            Err(Diagnostic::new("expected keys and values at the top, such as `workspaces:`").at(name))
        }
    }
}

fn format(path: &Path) -> Result<Parse, Diagnostic> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let problem = match ending.to_ascii_lowercase().as_str() {
        "yml" | "yaml" => return Ok(yaml_parser::parse),
        "toml" => return Ok(toml),
        "" => "the file's name has no ending".to_owned(),
        _ => format!("the ending .{ending} says no known format"),
    };
    let message = format!("{problem}: expected .yml or .yaml (YAML), or .toml (TOML)");
    Err(Diagnostic::new(message).at(path.display().to_string()))
}

fn toml(text: &str, name: &str) -> Result<Option<Located>, Diagnostic> {
    let source = Source { text, lines: line_starts(text) };
    let table = DeTable::parse(text).map_err(|error| {
        // Not the error's Display: it repeats the line, and with it a secret.
        let (line, column) = source.line_and_column(error.span().map_or(0, |span| span.start));
        let reason = error.message().replace('\n', ", ");
        Diagnostic::new(format!("not valid TOML: {reason} at line {line} column {column}"))
            .at(format!("{name}:{line}"))
    })?;
    Ok(Some(Located { line: 1, content: source.table(table.get_ref()) }))
}

fn line_starts(text: &str) -> Vec<usize> {
    text.match_indices('\n').map(|(position, _)| position + 1).collect()
}

struct Source<'t> {
    text: &'t str,
    /// Where each line but the first begins.
    lines: Vec<usize>,
}

impl Source<'_> {
    /// The line and the column, from 1, of a position in bytes.
    fn line_and_column(&self, position: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= position);
        let start = line.checked_sub(1).map_or(0, |line| self.lines[line]);
        let column = self.text.get(start..position).map_or(0, |before| before.chars().count());
        (line + 1, column + 1)
    }

    fn table(&self, table: &DeTable<'_>) -> Content {
        let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
            let (line, _) = self.line_and_column(key.span().start);
            (key.get_ref().as_ref().to_owned(), Located { line, content: self.content(value) })
        };
        Content::Table(table.iter().map(entry).collect())
    }

    fn content(&self, value: &Spanned<DeValue<'_>>) -> Content {
        let mut unstable = None;
        let scalar = match value.get_ref() {
            DeValue::Array(items) => {
                let item = |item: &Spanned<_>| Located {
                    line: self.line_and_column(item.span().start).0,
                    content: self.content(item),
                };
                return Content::List(items.iter().map(item).collect());
            }
            DeValue::Table(table) => return self.table(table),
            DeValue::String(text) => text.as_ref().into(),
            DeValue::Integer(whole) => {
                let written = self.text.get(value.span()).unwrap_or_default();
                unstable = is_unstable_number(written).then(|| written.to_owned());
                i64::from_str_radix(whole.as_str(), whole.radix()).map_or_else(|_| written.into(), Into::into)
            }
            DeValue::Float(number) => number.as_str().parse().unwrap_or(f64::NAN).into(),
            DeValue::Boolean(value) => (*value).into(),
            DeValue::Datetime(time) => time.to_string().into(),
        };
        Content::Scalar { value: scalar, unstable }
    }
}

#[cfg(test)]
mod tests {
    use figment::value::{Dict, Value};

    use super::*;

    fn read(name: &str, text: &str) -> Result<Dict, String> {
        let document = parse(Path::new(name), text).map_err(|mistake| mistake.to_string())?;
        Ok(document.root.to_value().into_dict().unwrap())
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
        let settings = read("c.yml", "words: [y, no, on, 010, 1_000]\n");
        let words: Vec<Value> = ["y", "no", "on", "010", "1_000"].map(Value::from).into();
        assert_eq!(settings.unwrap().get("words"), Some(&Value::from(words)));
    }

    #[test]
    fn merge_keys_are_followed() {
        let settings = read("c.yml", "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n").unwrap();
        assert_eq!(Value::from(settings).find("b.x"), Some(Value::from(1_u8)));
    }

    #[test]
    fn a_syntax_error_has_line_and_column() {
        for (name, text, message) in [
            (
                "c.yml",
                "a: 1\nb: [1, 2\nc: 3\n",
                "c.yml:3: not valid YAML: illegal placement of ':' indicator at line 3 column 2",
            ),
            ("c.yml", "a:\n  b: 1\n  b: 2\n", "c.yml:3: not valid YAML: duplicate key b"),
            ("c.yml", "[a, b]: c\n", "c.yml:1: not valid YAML: a key is a list, a table or an alias"),
            ("c.yml", "- a\n", "c.yml: expected keys and values at the top, such as `workspaces:`"),
            ("c.yml", "text", "c.yml: expected keys and values at the top, such as `workspaces:`"),
            ("c.yml", "a: 1\n---\nb: 1\n", "c.yml:2: not valid YAML: there is more than one document"),
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

    fn line(document: &Document, keys: &[&str]) -> usize {
        document.place(keys).1
    }

    #[test]
    fn a_yaml_key_is_found_on_its_line() {
        let text = "# top\npoll:\n  interval: 1s\n\nworkspaces:\n  - id: a\n    namespaces: [x, {name: y,\n      api: list}]\n  - {id: b}\n";
        let document = parse(Path::new("c.yml"), text).unwrap();
        for (keys, expected) in [
            (&["poll"][..], 2),
            (&["poll", "interval"], 3),
            (&["poll", "timeout"], 2),
            (&["workspaces"], 5),
            (&["workspaces", "0", "id"], 6),
            (&["workspaces", "0", "namespaces"], 7),
            (&["workspaces", "0", "namespaces", "0"], 7),
            (&["workspaces", "0", "namespaces", "1", "api"], 8),
            (&["workspaces", "1"], 9),
            (&["workspaces", "1", "region"], 9),
        ] {
            assert_eq!(line(&document, keys), expected, "{keys:?}");
        }
    }

    #[test]
    fn a_toml_key_is_found_on_its_line() {
        let text = "# top\n[poll]\ninterval = '1s'\n\n[[workspaces]]\nid = 'a'\nnamespaces = ['x',\n  'y']\n\n[[workspaces]]\nid = 'b'\n";
        let document = parse(Path::new("c.toml"), text).unwrap();
        for (keys, expected) in [
            (&["poll"][..], 2),
            (&["poll", "interval"], 3),
            (&["poll", "timeout"], 2),
            (&["workspaces", "0", "id"], 6),
            (&["workspaces", "0", "namespaces", "1"], 8),
            (&["workspaces", "1"], 10),
            (&["workspaces", "1", "region"], 10),
        ] {
            assert_eq!(line(&document, keys), expected, "{keys:?}");
        }
    }

    #[test]
    fn positions_count_from_one() {
        let position = |text, position| Source { text, lines: line_starts(text) }.line_and_column(position);
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a\n杭州b", 8), (2, 3));
        assert_eq!(position("a\n", 99), (2, 1));
    }
}
