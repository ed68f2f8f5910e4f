//! Reads the web configuration file strictly: every error is reported under its key.

use std::{
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::Arc,
    time::Duration,
};

use hyper::header::{HeaderName, HeaderValue};
use small_file::{Limits, ReadError};
use yaml_serde::{Mapping, Value};

use super::{
    basic_auth::{User, Users},
    errors::{Diagnostics, WebConfigError},
    password_check::PasswordCheck,
    rate_limit::RateLimit,
    security_settings::{Security, Tls},
    tls,
    tls_server_config::{PemSource, TlsSection},
    yaml_table::{Table, expected},
};

/// Checking a bcrypt hash of a higher cost takes longer than a scrape may last.
const MAX_BCRYPT_COST: u32 = 16;

/// The headers that may be set, and their permitted values in lower case; no values means any.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-XSS-Protection", &[]),
    ("Strict-Transport-Security", &[]),
];

/// The outcome of reading the file at a path.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The settings, or all errors.
    pub(super) security: Result<Security, WebConfigError>,
    /// Every file that was read, or could not be read. A change of one of them is a reason to read again.
    pub(super) files: Vec<PathBuf>,
}

/// Reads the file at `path` and the files it refers to.
pub(super) fn load(path: &Path, passwords: &Arc<PasswordCheck>) -> Loaded {
    let mut files = vec![path.to_owned()];
    let security = parse(path).and_then(|value| {
        let mut diagnostics = Diagnostics::default();
        let directory = path.parent().unwrap_or(Path::new(""));
        let security = security(value, directory, passwords, &mut files, &mut diagnostics);
        diagnostics.into_result(path, security)
    });
    Loaded { security, files }
}

fn parse(path: &Path) -> Result<Value, WebConfigError> {
    let text = read(path).and_then(small_file::text);
    let text = text.map_err(|error| WebConfigError::new(path, format!("cannot be read: {error}")))?;
    // A file of comments has no document at all, which is no error.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Value::Null);
    }
    // The parser's messages may quote the file.
    yaml_serde::from_str(&text).map_err(|error| {
        let location = error
            .location()
            .map(|place| format!(" (line {}, column {})", place.line(), place.column()))
            .unwrap_or_default();
        WebConfigError::new(path, format!("is not valid YAML{location}"))
    })
}

/// Reads a file of at most 1 MiB within a few seconds, wherever its path leads.
fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    let limits = Limits { pipes: true, ..Limits::default() };
    small_file::read(path, limits).map(|contents| contents.bytes)
}

fn security(
    value: Value,
    directory: &Path,
    passwords: &Arc<PasswordCheck>,
    files: &mut Vec<PathBuf>,
    diagnostics: &mut Diagnostics,
) -> Security {
    let Some(mut file) = Table::new("", value, diagnostics) else { return Security::default() };
    let section = TlsSection::read(file.take("tls_server_config"), diagnostics);
    let (http2, headers) = http_section(file.take("http_server_config"), diagnostics);
    let users = users(file.take("basic_auth_users"), diagnostics);
    let limit = rate_limit(file.take("rate_limit"), diagnostics);
    file.finish(diagnostics);
    let tls = section.and_then(|section| tls_server(&section, http2, directory, files, diagnostics));
    Security { tls, headers, users: Users::new(users, passwords.clone()), limit }
}

fn tls_server(
    section: &TlsSection,
    http2: bool,
    directory: &Path,
    files: &mut Vec<PathBuf>,
    diagnostics: &mut Diagnostics,
) -> Option<Tls> {
    let mut material = |source: &PemSource| {
        let Some(file) = &source.file else {
            return source.inline.as_ref().map(|pem| pem.clone().into_bytes());
        };
        let path = directory.join(file);
        let bytes = read(&path);
        files.push(path);
        bytes.map_or_else(
            |error| {
                let key = format!("tls_server_config.{}_file", source.name);
                diagnostics.fail(&key, format!("cannot be read: {error}"))
            },
            Some,
        )
    };
    let material = tls::Material {
        cert: material(&section.cert),
        key: material(&section.key),
        client_ca: material(&section.client_ca),
    };
    tls::server(section, &material, http2, diagnostics)
}

type Headers = Vec<(HeaderName, HeaderValue)>;

fn http_section(value: Value, diagnostics: &mut Diagnostics) -> (bool, Headers) {
    let Some(mut section) = Table::new("http_server_config", value, diagnostics) else {
        return (true, Vec::new());
    };
    let http2 = section.boolean("http2", diagnostics).unwrap_or(true);
    let headers = match section.take("headers") {
        Value::Null => Vec::new(),
        Value::Mapping(headers) => read_headers(headers, diagnostics),
        other => {
            diagnostics.report("http_server_config.headers", expected("a table", &other));
            Vec::new()
        }
    };
    section.finish(diagnostics);
    (http2, headers)
}

fn read_headers(headers: Mapping, diagnostics: &mut Diagnostics) -> Headers {
    let mut header = |(name, value): (Value, Value)| {
        let name = name.as_str().unwrap_or_default();
        let Some((name, values)) = HEADERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else {
            let known = HEADERS.map(|(name, _)| name).join(", ");
            return diagnostics
                .fail("http_server_config.headers", format!("unknown header: expected one of {known}"));
        };
        let key = format!("http_server_config.headers.{name}");
        let value = match value {
            Value::Null => return None,
            Value::String(text) => text,
            // `X-XSS-Protection: 0` is a number in YAML.
            Value::Number(number) => number.to_string(),
            other => return diagnostics.fail(&key, expected("text", &other)),
        };
        // Without a value, the exporter's own header stays.
        if value.trim().is_empty() {
            return None;
        }
        if !values.is_empty() && !values.contains(&value.to_ascii_lowercase().as_str()) {
            return diagnostics.fail(&key, format!("expected {}, found other text", values.join(" or ")));
        }
        let pair = HeaderName::from_str(name).ok().zip(HeaderValue::from_str(&value).ok());
        pair.or_else(|| diagnostics.fail(&key, "has characters that a header cannot carry"))
    };
    headers.into_iter().filter_map(&mut header).collect()
}

fn users(users: Value, diagnostics: &mut Diagnostics) -> Vec<User> {
    let table = match users {
        Value::Null => return Vec::new(),
        Value::Mapping(table) => table,
        other => {
            diagnostics.report("basic_auth_users", expected("a table of names and bcrypt hashes", &other));
            return Vec::new();
        }
    };
    let mut user = |(name, hash): (Value, Value)| {
        let Value::String(name) = name else {
            return diagnostics.fail("basic_auth_users", expected("names in quotes", &name));
        };
        // A hash in the place of the name is not shown.
        let key = if name.starts_with('$') { String::new() } else { format!(".{}", name.escape_debug()) };
        let key = format!("basic_auth_users{key}");
        let Value::String(hash) = hash else {
            return diagnostics.fail(&key, expected("a bcrypt hash in quotes", &hash));
        };
        match bcrypt::HashParts::from_str(&hash).map(|parts| parts.get_cost()) {
            Ok(cost @ 4..=MAX_BCRYPT_COST) => Some(User { name, hash, cost }),
            Ok(_) => diagnostics.fail(&key, format!("the cost must be from 4 to {MAX_BCRYPT_COST}")),
            Err(_) => diagnostics.fail(&key, "expected a bcrypt hash, which starts with $2y$, $2b$ or $2a$"),
        }
    };
    table.into_iter().filter_map(&mut user).collect()
}

fn rate_limit(value: Value, diagnostics: &mut Diagnostics) -> Option<RateLimit> {
    let mut section = Table::new("rate_limit", value, diagnostics)?;
    let interval = section.text("interval", diagnostics);
    let burst = section.number("burst", diagnostics).unwrap_or_default();
    section.finish(diagnostics);
    let Some(interval) = go_duration(&interval?) else {
        return diagnostics.fail("rate_limit.interval", "expected a duration such as 1s, found other text");
    };
    (!interval.is_zero()).then(|| RateLimit::new(interval, burst))
}

/// A duration as Go and Prometheus write it: `1s`, `1m30s`, `0.5s`, `0`.
fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut total, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, after) = rest.split_at(digits);
        let end = after.find(|character: char| character.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_go_s() {
        for (text, milliseconds) in [
            ("0", Some(0)),
            ("1s", Some(1000)),
            ("1m30s", Some(90_000)),
            ("0.5s", Some(500)),
            ("250ms", Some(250)),
            ("", None),
            ("1", None),
            ("s", None),
            ("-1s", None),
            ("1x", None),
        ] {
            assert_eq!(go_duration(text), milliseconds.map(Duration::from_millis), "{text}");
        }
    }
}
