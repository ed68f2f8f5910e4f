//! ACS3-HMAC-SHA256, the request signature of Alibaba Cloud's APIs (V3).
//!
//! [`Call::signed_headers`] signs a call. The functions below it are its steps. [`verify`] is the server's side, for
//! simulators and tests.
//!
//! No clock, no randomness, no I/O. The caller must send exactly the path and the query that were signed: nothing may
//! encode them again on the way.
//!
//! Specification: <https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature>.

use std::{borrow::Cow, fmt::Write as _};

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

pub mod verify;

#[cfg(test)]
mod tests;

/// The name of the algorithm, which opens the `Authorization` header.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The lower-case hexadecimal SHA-256 of an empty body.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Everything is encoded but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The access key that signs a call.
#[derive(Clone, Copy)]
pub struct AccessKey<'a> {
    /// The id.
    pub id: &'a str,
    /// The secret.
    pub secret: &'a str,
    /// The token of a temporary key.
    pub security_token: Option<&'a str>,
}

/// One call of an API, without a body.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The value of the `Host` header.
    pub host: &'a str,
    /// The path as it is sent, each segment encoded once.
    pub path: &'a str,
    /// The query as it is sent, made by [`canonical_query`].
    pub query: &'a str,
    /// The API's action, such as `AssumeRole`.
    pub action: &'a str,
    /// The API's version, such as `2015-04-01`.
    pub version: &'a str,
    /// The time of the call, such as `2026-11-22T08:47:05Z`. The service accepts a difference of 15 minutes.
    pub date: &'a str,
    /// A text that no other call has used.
    pub nonce: &'a str,
    /// Further headers to sign, such as the workspace.
    pub headers: &'a [(&'static str, &'a str)],
}

impl<'a> Call<'a> {
    /// The headers to send, `Authorization` included, signed with `key`. They hold the security token.
    pub fn signed_headers(&self, key: AccessKey<'a>) -> Vec<(&'static str, Cow<'a, str>)> {
        let mut headers = vec![
            ("host", self.host),
            ("x-acs-action", self.action),
            ("x-acs-content-sha256", EMPTY_SHA256),
            ("x-acs-date", self.date),
            ("x-acs-signature-nonce", self.nonce),
            ("x-acs-version", self.version),
        ];
        headers.extend(self.headers);
        if let Some(token) = key.security_token {
            headers.push(("x-acs-accesskey-id", key.id));
            headers.push(("x-acs-security-token", token));
        }
        let request = Signable {
            method: self.method,
            path: self.path,
            query: self.query,
            headers: &headers,
            body_sha256: EMPTY_SHA256,
        };
        let authorization = authorization(request, key.id, key.secret);
        let borrowed = headers.into_iter().map(|(name, value)| (name, Cow::Borrowed(value)));
        borrowed.chain([("authorization", Cow::Owned(authorization))]).collect()
    }
}

/// The signed parts of an HTTP request.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The path as it is sent, each segment encoded once.
    pub path: &'a str,
    /// The query as it is sent, made by [`canonical_query`].
    pub query: &'a str,
    /// The headers to sign, in any order and case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The lower-case hexadecimal SHA-256 of the body.
    pub body_sha256: &'a str,
}

/// Encodes one path segment or query value.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The query string of `parameters`: sorted by key, encoded, `key=value` joined by `&`.
pub fn canonical_query(parameters: &[(&str, &str)]) -> String {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let mut query = String::new();
    for (key, value) in sorted {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(key, RESERVED));
        query.push('=');
        query.extend(utf8_percent_encode(value, RESERVED));
    }
    query
}

/// The value of the `Authorization` header for `request`.
pub fn authorization(request: Signable<'_>, access_key_id: &str, access_key_secret: &str) -> String {
    let headers = canonical_headers(request.headers);
    let string_to_sign = string_to_sign(&canonical_request_with(request, &headers));
    let signature = mac(access_key_secret, &string_to_sign)
        .map(|mac| hex(&mac.finalize().into_bytes()))
        .unwrap_or_default();
    format!("{ALGORITHM} Credential={access_key_id},SignedHeaders={},Signature={signature}", headers.names)
}

/// The lower-case hexadecimal SHA-256 of `bytes`.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

struct CanonicalHeaders {
    lines: String,
    names: String,
}

fn canonical_headers(headers: &[(&str, &str)]) -> CanonicalHeaders {
    let mut sorted: Vec<_> =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
    sorted.sort_unstable();
    let mut canonical = CanonicalHeaders { lines: String::new(), names: String::new() };
    // A repeated name is one line, its sorted values joined by a comma.
    for group in sorted.chunk_by(|left, right| left.0 == right.0) {
        let name = &group[0].0;
        let values: Vec<_> = group.iter().map(|(_, value)| *value).collect();
        // Writing to a String can't fail.
        let _ = writeln!(canonical.lines, "{name}:{}", values.join(","));
        if !canonical.names.is_empty() {
            canonical.names.push(';');
        }
        canonical.names.push_str(name);
    }
    canonical
}

/// The canonical form of `request`. The gateway returns its own in the error if a signature is wrong.
pub fn canonical_request(request: Signable<'_>) -> String {
    canonical_request_with(request, &canonical_headers(request.headers))
}

fn canonical_request_with(request: Signable<'_>, headers: &CanonicalHeaders) -> String {
    let path = if request.path.is_empty() { "/" } else { request.path };
    format!(
        "{}\n{path}\n{}\n{}\n{}\n{}",
        request.method, request.query, headers.lines, headers.names, request.body_sha256
    )
}

fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// The MAC of `text`. HMAC takes a key of any length: it is never none.
fn mac(access_key_secret: &str, text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(access_key_secret.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
