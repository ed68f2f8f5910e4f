//! Reading the web configuration file: strictly, with every mistake told under its key.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::Arc,
    time::Duration,
};

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use yaml_serde::Value;

use super::{
    auth::Users,
    rate_limit::RateLimit,
    section::{Mistakes, TlsSection},
    settings::Security,
    tls,
};

/// A bcrypt hash above this cost takes longer to check than a scrape may last.
const MAX_BCRYPT_COST: u32 = 16;

/// No file that is meant is larger.
const MAX_FILE: u64 = 1024 * 1024;

/// The headers that may be set, and the values they may have, in lower case; any where there are none.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-XSS-Protection", &[]),
    ("Strict-Transport-Security", &[]),
];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct Raw {
    tls_server_config: Option<TlsSection>,
    http_server_config: Option<HttpSection>,
    /// Not read as what it must be, since the message would show what it is.
    basic_auth_users: Option<Value>,
    rate_limit: Option<RateSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct HttpSection {
    http2: bool,
    headers: BTreeMap<String, String>,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self { http2: true, headers: BTreeMap::new() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
struct RateSection {
    interval: Option<String>,
    burst: Option<u32>,
}

/// What is wrong with a web configuration file.
#[derive(Debug)]
pub struct WebConfigError {
    path: PathBuf,
    mistakes: Vec<String>,
}

impl WebConfigError {
    pub(super) fn new(path: &Path, mistake: impl Into<String>) -> Self {
        Self { path: path.to_owned(), mistakes: vec![mistake.into()] }
    }
}

impl fmt::Display for WebConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{}: {mistake}", self.path.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for WebConfigError {}

/// What the file at `path` asks for, and every file that was read for it.
pub(super) fn load(path: &Path) -> Result<(Security, Vec<PathBuf>), WebConfigError> {
    let text = read(path).map_err(|error| WebConfigError::new(path, format!("can't be read: {error}")))?;
    let raw = parse(&text).map_err(|message| WebConfigError::new(path, message))?;
    let mut mistakes = Mistakes::default();
    let mut files = vec![path.to_owned()];
    let http = raw.http_server_config.unwrap_or_default();
    let section = raw.tls_server_config.unwrap_or_default();
    let directory = path.parent().unwrap_or(Path::new(""));
    let tls = tls_server(&section, http.http2, directory, &mut files, &mut mistakes);
    let headers = headers(http.headers, &mut mistakes);
    let users = users(raw.basic_auth_users, &mut mistakes);
    let limit = rate_limit(&raw.rate_limit.unwrap_or_default(), &mut mistakes);
    if mistakes.0.is_empty() {
        Ok((Security { tls, headers, users, limit }, files))
    } else {
        Err(WebConfigError { path: path.to_owned(), mistakes: mistakes.0 })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > MAX_FILE {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    fs::read(path)
}

fn parse(text: &[u8]) -> Result<Raw, String> {
    let text = std::str::from_utf8(text).map_err(|_| "is not UTF-8".to_owned())?;
    // An empty file asks for nothing.
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Raw::default());
    }
    yaml_serde::from_str::<Option<Raw>>(text)
        .map(Option::unwrap_or_default)
        .map_err(|error| error.to_string())
}

fn tls_server(
    section: &TlsSection,
    http2: bool,
    directory: &Path,
    files: &mut Vec<PathBuf>,
    mistakes: &mut Mistakes,
) -> Option<Arc<rustls::ServerConfig>> {
    let mut material = |name: &str, inline: Option<&str>, file: Option<&PathBuf>| {
        let file = file.filter(|file| !file.as_os_str().is_empty());
        let Some(file) = file else { return inline.map(|text| text.as_bytes().to_vec()) };
        let path = directory.join(file);
        let bytes = read(&path);
        files.push(path);
        bytes.map_or_else(
            |error| {
                mistakes.add(&format!("tls_server_config.{name}_file"), format!("can't be read: {error}"))
            },
            Some,
        )
    };
    let key = section.key.as_ref().map(|key| key.as_str().unwrap_or_default());
    let read = tls::Material {
        cert: material("cert", section.cert.as_deref(), section.cert_file.as_ref()),
        key: material("key", key, section.key_file.as_ref()),
        client_ca: material("client_ca", section.client_ca.as_deref(), section.client_ca_file.as_ref()),
    };
    let has_cert = section.cert.is_some() || section.cert_file.is_some();
    let has_key = section.key.is_some() || section.key_file.is_some();
    let has_ca = section.client_ca.is_some() || section.client_ca_file.is_some();
    if !(has_cert || has_key || has_ca || section.client_auth_type.is_some()) {
        // A file without certificates says nothing about TLS, whatever else the section holds.
        return None;
    }
    for (name, there) in [("cert", has_cert), ("key", has_key)] {
        if !there {
            mistakes.note("tls_server_config", format!("missing {name} or {name}_file"));
        }
    }
    tls::server(section, &read, http2, mistakes).map(Arc::new)
}

fn headers(headers: BTreeMap<String, String>, mistakes: &mut Mistakes) -> Vec<(HeaderName, HeaderValue)> {
    let mut header = |(name, value): (String, String)| {
        let key = format!("http_server_config.headers.{name}");
        let Some((_, values)) = HEADERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name)) else {
            let known = HEADERS.map(|(name, _)| name).join(", ");
            return mistakes.add(&key, format!("can't be set: expected one of {known}"));
        };
        if !values.is_empty() && !value.is_empty() && !values.contains(&value.to_ascii_lowercase().as_str()) {
            return mistakes.add(&key, format!("invalid value {value:?}: expected {}", values.join(" or ")));
        }
        let pair = HeaderName::from_str(&name).ok().zip(HeaderValue::from_str(&value).ok());
        pair.or_else(|| mistakes.add(&key, "can't stand in a header"))
    };
    // Without a value, the exporter's own stays.
    headers.into_iter().filter(|(_, value)| !value.is_empty()).filter_map(&mut header).collect()
}

fn users(users: Option<Value>, mistakes: &mut Mistakes) -> Users {
    let table = match users {
        None | Some(Value::Null) => return Users::default(),
        Some(Value::Mapping(table)) => table,
        Some(_) => {
            mistakes.note("basic_auth_users", "expected a table of names and bcrypt hashes");
            return Users::default();
        }
    };
    let mut user = |(name, hash): (Value, Value)| {
        let Value::String(name) = name else {
            return mistakes.add("basic_auth_users", "a name is no text: put it in quotes");
        };
        let key = format!("basic_auth_users.{name}");
        // The value is not shown: it may be the password itself.
        let hash = hash.as_str().unwrap_or_default().to_owned();
        match bcrypt::HashParts::from_str(&hash) {
            Ok(parts) if (4..=MAX_BCRYPT_COST).contains(&parts.get_cost()) => Some((name, hash)),
            Ok(_) => mistakes.add(&key, format!("the cost must be from 4 to {MAX_BCRYPT_COST}")),
            Err(_) => mistakes.add(&key, "is not a bcrypt hash: expected $2y$, $2b$ or $2a$ and so on"),
        }
    };
    Users::new(table.into_iter().filter_map(&mut user).collect())
}

fn rate_limit(section: &RateSection, mistakes: &mut Mistakes) -> Option<RateLimit> {
    let text = section.interval.as_deref()?;
    let Some(interval) = go_duration(text) else {
        return mistakes
            .add("rate_limit.interval", format!("invalid duration {text:?}: expected one such as 1s"));
    };
    (!interval.is_zero()).then(|| RateLimit::new(interval, section.burst.unwrap_or_default()))
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
