//! YAML, by the events of its parser: values with their lines.

use std::collections::{HashMap, HashSet};

use figment::value::{Empty, Tag, Value};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::error::{Diagnostic, plain_start};
use crate::located_values::{Content, Located};
use crate::unstable_numbers::is_unstable_number;

/// Deeper nesting is an error.
const MAX_DEPTH: usize = 64;

/// Values that all aliases together may repeat.
const MAX_ALIASED: usize = 100_000;

/// Bytes of text that all aliases together may repeat.
const MAX_ALIASED_TEXT: usize = 16 << 20;

/// Reads a file's one document; none if the file is empty.
pub(crate) fn parse(text: &str, name: &str) -> Result<Option<Located>, Diagnostic> {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), aliased: 0, aliased_text: 0 };
    reader.document().map_err(|Invalid { message, line }| {
        Diagnostic::new(format!("not valid YAML: {message}")).at(format!("{name}:{line}"))
    })
}

struct Invalid {
    message: String,
    line: usize,
}

impl From<ScanError> for Invalid {
    fn from(error: ScanError) -> Self {
        let (line, column) = (error.marker().line(), error.marker().col() + 1);
        Self { message: format!("{} at line {line} column {column}", error.info()), line }
    }
}

fn invalid<T>(message: impl Into<String>, span: Span) -> Result<T, Invalid> {
    Err(Invalid { message: message.into(), line: span.start.line() })
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Located>,
    aliased: usize,
    aliased_text: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Invalid> {
        self.parser.next_event().unwrap_or(Ok((Event::StreamEnd, Span::default()))).map_err(Invalid::from)
    }

    fn document(&mut self) -> Result<Option<Located>, Invalid> {
        let mut document = None;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(document),
                (Event::DocumentStart(_), span) if document.is_some() => {
                    return invalid("there is more than one document", span);
                }
                (Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd, _) => {}
                (event, span) => document = Some(self.value(event, span, 0)?),
            }
        }
    }

    fn value(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Located, Invalid> {
        if depth > MAX_DEPTH {
            return invalid("too many levels", span);
        }
        let (content, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                (scalar(&text, style == ScalarStyle::Plain && !is_text), anchor)
            }
            Event::SequenceStart(anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.table(depth)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor, span),
            _ => return invalid("expected a value", span),
        };
        let value = Located { line: span.start.line(), content };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn list(&mut self, depth: usize) -> Result<Content, Invalid> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.value(event, span, depth + 1)?),
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<Content, Invalid> {
        let (mut entries, mut keys, mut merged) = (Vec::new(), HashSet::new(), Vec::new());
        loop {
            let (key, style, span) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(key, style, ..), span) => (key.into_owned(), style, span),
                (_, span) => return invalid("a key is a list, a table or an alias", span),
            };
            let (event, value_span) = self.next()?;
            let value = self.value(event, value_span, depth + 1)?;
            if key == "<<" && style == ScalarStyle::Plain {
                merged.push((value, span));
            } else if keys.insert(key.clone()) {
                entries.push((key, Located { line: span.start.line(), ..value }));
            } else {
                // With a forgotten colon, a key holds its value, which may be a secret.
                return invalid(format!("duplicate key {}", plain_start(&key)), span);
            }
        }
        for (value, span) in merged {
            merge(value, span, &mut entries, &mut keys)?;
        }
        Ok(Content::Table(entries))
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Located, Invalid> {
        let Some(value) = self.anchors.get(&anchor) else {
            return invalid("an alias is inside its own anchor", span);
        };
        let (count, text) = size(value);
        self.aliased += count;
        self.aliased_text += text;
        if self.aliased > MAX_ALIASED || self.aliased_text > MAX_ALIASED_TEXT {
            return invalid("aliases repeat too much", span);
        }
        Ok(value.clone())
    }
}

/// The number of values, and the bytes of their text.
fn size(value: &Located) -> (usize, usize) {
    let sum = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    match &value.content {
        Content::Scalar { value, .. } => (1, value.as_str().map_or(0, str::len)),
        Content::List(items) => items.iter().map(size).fold((1, 0), sum),
        Content::Table(entries) => {
            entries.iter().map(|(key, value)| sum((0, key.len()), size(value))).fold((1, 0), sum)
        }
    }
}

/// Adds what a key `<<` refers to; keys that are there win.
fn merge(
    value: Located,
    span: Span,
    entries: &mut Vec<(String, Located)>,
    keys: &mut HashSet<String>,
) -> Result<(), Invalid> {
    match value.content {
        Content::Table(others) => {
            entries.extend(others.into_iter().filter(|(key, _)| keys.insert(key.clone())));
        }
        Content::List(items) => {
            items.into_iter().try_for_each(|item| merge(item, span, entries, keys))?;
        }
        Content::Scalar { .. } => return invalid("expected a table, or a list of tables, after `<<`", span),
    }
    Ok(())
}

/// A scalar by YAML 1.2's core schema. Words such as `yes` and `off`, and numbers with leading zeros, are text.
fn scalar(text: &str, is_plain: bool) -> Content {
    let value = match text {
        _ if !is_plain => text.into(),
        "" | "~" | "null" | "Null" | "NULL" => Value::Empty(Tag::Default, Empty::Unit),
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => text.parse::<yaml_serde::Number>().map_or_else(|_| text.into(), |number| from_number(&number)),
    };
    let unstable = (is_plain && is_unstable_number(text)).then(|| text.to_owned());
    Content::Scalar { value, unstable }
}

fn from_number(number: &yaml_serde::Number) -> Value {
    match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => whole.into(),
        (_, Some(whole)) => whole.into(),
        _ => number.as_f64().unwrap_or(f64::NAN).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Value, String> {
        let document = parse(text, "c.yml").map_err(|mistake| mistake.to_string())?;
        Ok(document.map_or_else(|| "nothing".into(), |document| document.to_value()))
    }

    #[test]
    fn scalars_are_those_of_the_core_schema_and_quoted_ones_are_text() {
        for (text, value) in [
            ("7", Value::from(7_u8)),
            ("-7", Value::from(-7_i64)),
            ("0x1f", Value::from(31_u8)),
            ("+12", Value::from(12_u8)),
            ("1.5", Value::from(1.5)),
            ("1e3", Value::from(1000.0)),
            ("true", Value::from(true)),
            ("010", Value::from("010")),
            ("1_000", Value::from("1_000")),
            ("yes", Value::from("yes")),
            ("12:30", Value::from("12:30")),
            ("'7'", Value::from("7")),
            ("\"true\"", Value::from("true")),
            ("!!str 7", Value::from("7")),
            ("|-\n  7", Value::from("7")),
            ("!other 7", Value::from(7_u8)),
        ] {
            assert_eq!(read(text), Ok(value), "{text}");
        }
        for text in ["", "~", "null", "---\n"] {
            assert!(matches!(read(text), Ok(Value::Empty(..) | Value::String(..))), "{text}");
        }
    }

    #[test]
    fn aliases_are_followed_within_limits() {
        let merged = read("a: &a {x: 1, y: 2}\nb: &b {z: 4}\nc: {<<: [*a, *b], y: 3}\nd: [*a]\n").unwrap();
        for (path, value) in [("c.x", 1_u8), ("c.y", 3), ("c.z", 4)] {
            assert_eq!(merged.find_ref(path), Some(&Value::from(value)), "{path}");
        }
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(laughs, "a{level}: &a{level} [{items}]").unwrap();
        }
        assert!(read(&laughs).unwrap_err().contains("aliases repeat too much"));
        let long = format!("a: &a '{}'\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 32].join(", "));
        assert!(read(&long).unwrap_err().contains("aliases repeat too much"));
        for text in ["a: *unknown\n", "a: &a [*a]\n", "a: {<<: 5}\n"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        assert!(read(&format!("{}{}", "[".repeat(60), "]".repeat(60))).is_ok());
        for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
            assert!(read(&text).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_value_on_its_line_or_an_error(text in r#"[\[\]{}:,\-&*!|>'"%@ \n\tab<0x_.杭]{0,60}"#) {
            match parse(&text, "f.yml") {
                Ok(None) => {}
                Ok(Some(value)) => prop_assert!((1..=text.split('\n').count()).contains(&value.line), "{}", value.line),
                Err(error) => prop_assert!(error.to_string().contains("f.yml"), "{error}"),
            }
        }

        /// What both read, both read as the same.
        #[test]
        fn a_scalar_is_read_as_by_another_reader(text in r"[-+]?[0-9a-fxo_.e]{1,6}|[a-z~]{1,5}") {
            let Ok(other) = yaml_serde::from_str::<yaml_serde::Value>(&text) else { return Ok(()) };
            let other = match other {
                yaml_serde::Value::Number(number) => from_number(&number),
                yaml_serde::Value::String(text) => text.into(),
                yaml_serde::Value::Bool(value) => value.into(),
                _ => return Ok(()),
            };
            prop_assert_eq!(format!("{:?}", read(&text)), format!("{:?}", Ok::<_, String>(other)));
        }
    }
}
