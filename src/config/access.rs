//! The section `credentials`, read by the table of settings that the credentials crate has for each type of source.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::decode::{Node, Table};
use super::units::format_duration;
use crate::credentials::{Field, FieldKind, SOURCE_TYPES, Source};
use crate::endpoint;

/// The limits of STS.
const MIN_SESSION_DURATION: Duration = Duration::from_secs(900);
const MAX_SESSION_DURATION: Duration = Duration::from_secs(12 * 3600);

const FILE: &str = "the path of a file";

pub(super) fn source(section: &Node<'_>) -> Option<Source> {
    let settings = settings(section)?;
    // The settings were checked one by one.
    serde_json::from_value(settings).ok().or_else(|| section.expected("credentials"))
}

/// The settings of a source, if all are valid.
fn settings(section: &Node<'_>) -> Option<Value> {
    let table = section.open_table()?;
    let types: Vec<_> = SOURCE_TYPES.iter().map(|source_type| (source_type.0, source_type)).collect();
    let names = types.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (name, fields) = table.require("type", &format!("one of {names}"))?.choice(&types)?;
    let keys = keys(fields);
    table.allow_only(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    let mut settings = Map::from_iter([("type".to_owned(), (*name).into())]);
    let mut valid = true;
    for field in *fields {
        match setting(&table, field) {
            Ok(setting) => settings.extend(setting),
            Err(Invalid) => valid = false,
        }
    }
    valid.then_some(Value::Object(settings))
}

/// The keys of a type of source.
pub(super) fn keys(fields: &[Field]) -> Vec<String> {
    let mut keys = vec!["type".to_owned()];
    for field in fields {
        keys.push(field.name.to_owned());
        if field.kind == FieldKind::SecretOrFile {
            keys.push(file_key(field));
        }
    }
    keys
}

pub(super) fn file_key(field: &Field) -> String {
    format!("{}_file", field.name)
}

/// A setting that is missing or wrong, which was reported.
struct Invalid;

/// The key and the value of a setting; none if it is absent and may be.
fn setting(table: &Table<'_>, field: &Field) -> Result<Option<(String, Value)>, Invalid> {
    let node = table.get(field.name);
    let file = table.get(&file_key(field)).filter(|_| field.kind == FieldKind::SecretOrFile);
    match (node, file) {
        (Some(_), Some(file)) => {
            let key = field.name;
            file.reject(format!("`{key}` is given too: expected the value or the file, not both"))
        }
        (Some(node), None) => value(&node, field).map(|value| Some((field.name.to_owned(), value))),
        (None, Some(file)) => file.text(FILE).map(|path| Some((file_key(field), path.into()))),
        (None, None) if field.required => {
            let alternative = match field.kind {
                FieldKind::SecretOrFile => format!(", or `{}`", file_key(field)),
                _ => String::new(),
            };
            table.missing(field.name, &format!("{}{alternative}", field.expected));
            None
        }
        (None, None) => Some(None),
    }
    .ok_or(Invalid)
}

/// The value of a setting, in the form that the source deserializes.
fn value(node: &Node<'_>, field: &Field) -> Option<Value> {
    let expected = field.expected;
    match field.kind {
        FieldKind::Text => node.text(expected).map(Value::from),
        FieldKind::HeaderText => node.header_text(expected).map(Value::from),
        FieldKind::Secret | FieldKind::SecretOrFile => node.secret(expected).map(Value::from),
        FieldKind::SessionName => session_name(node, expected).map(Value::from),
        FieldKind::SessionDuration => session_duration(node, expected).map(Value::from),
        FieldKind::Boolean => node.boolean().map(Value::from),
        FieldKind::StsEndpoint => sts_endpoint(node, expected).map(|url| Value::from(url.as_str())),
        FieldKind::Endpoint => endpoint(node, expected).map(|url| Value::from(url.as_str())),
        FieldKind::Uri => uri(node, expected).map(|url| Value::from(url.as_str())),
        FieldKind::Source => settings(node),
    }
}

fn session_name(node: &Node<'_>, expected: &str) -> Option<String> {
    let name = node.text(expected)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@=".contains(&byte);
    if (2..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Some(name);
    }
    node.expected(expected)
}

fn session_duration(node: &Node<'_>, expected: &str) -> Option<String> {
    let duration = node.duration(Duration::ZERO)?;
    if (MIN_SESSION_DURATION..=MAX_SESSION_DURATION).contains(&duration) {
        return Some(format_duration(duration));
    }
    node.expected(expected)
}

/// The responses of STS contain secrets.
fn sts_endpoint(node: &Node<'_>, expected: &str) -> Option<Url> {
    let url = endpoint(node, expected)?;
    if url.scheme() == "https" || endpoint::is_loopback(&url) {
        return Some(url);
    }
    node.reject(format!("not encrypted, and STS answers with secrets: expected {expected}"))
}

fn endpoint(node: &Node<'_>, expected: &str) -> Option<Url> {
    let text = node.text(expected)?;
    let fits = |url: &Url| {
        let plain = url.username().is_empty() && url.password().is_none() && !text.contains(['?', '#']);
        matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.path() == "/" && plain
    };
    match Url::parse(&text).ok().filter(fits) {
        Some(url) => Some(url),
        None => node.expected(&format!("{expected}: http or https, a host, no path")),
    }
}

fn uri(node: &Node<'_>, expected: &str) -> Option<Url> {
    let url = Url::parse(&node.header_text(expected)?).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    url.or_else(|| node.expected(expected))
}
