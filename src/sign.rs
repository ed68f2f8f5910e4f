//! ACS3-HMAC-SHA256, the signature of Alibaba Cloud's API gateway (V3).
//!
//! Pure: no clock, no randomness, no I/O. The caller sends exactly the path and the query that were signed:
//! nothing between here and the wire may encode them again.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

/// The algorithm's name, as it opens the `Authorization` header.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The lower-case hexadecimal SHA-256 of an empty body.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Everything but RFC 3986's unreserved characters is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What is signed of one HTTP request.
#[derive(Debug, Clone, Copy)]
pub struct Signable<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The path as it goes on the wire, each segment encoded once.
    pub path: &'a str,
    /// The query as it goes on the wire, made by [`canonical_query`].
    pub query: &'a str,
    /// The headers to sign, in any order and case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The lower-case hexadecimal SHA-256 of the body.
    pub body_sha256: &'a str,
}

/// What an `Authorization` header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// The access key's id.
    pub access_key_id: &'a str,
    /// The signed headers' names, joined by `;`.
    pub signed_headers: &'a str,
    /// The signature in hexadecimal.
    pub signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads an `Authorization` header of this algorithm.
    pub fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
        let mut parts = fields.splitn(3, ',');
        Some(Self {
            access_key_id: parts.next()?.trim().strip_prefix("Credential=")?,
            signed_headers: parts.next()?.trim().strip_prefix("SignedHeaders=")?,
            signature: parts.next()?.trim().strip_prefix("Signature=")?,
        })
    }
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
        // Writing to a String can't fail.
        let _ =
            write!(query, "{}={}", utf8_percent_encode(key, RESERVED), utf8_percent_encode(value, RESERVED));
    }
    query
}

/// The canonical form of a query that came over the wire, where a blank may be `+` and encoding may differ.
pub fn canonical_query_of_wire(query: &str) -> String {
    let pairs = wire_parameters(query);
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    canonical_query(&pairs)
}

/// The decoded parameters of a query that came over the wire, in its order.
pub fn wire_parameters(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// The `Authorization` header's value for `request`.
pub fn authorization(request: Signable<'_>, access_key_id: &str, access_key_secret: &str) -> String {
    let headers = canonical_headers(request.headers);
    let signature = signature_of(request, &headers, access_key_secret);
    format!("{ALGORITHM} Credential={access_key_id},SignedHeaders={},Signature={signature}", headers.names)
}

/// Whether `signature` is the one that `access_key_secret` gives `request`, compared in constant time.
pub fn verify(request: Signable<'_>, access_key_secret: &str, signature: &str) -> bool {
    let expected = signature_of(request, &canonical_headers(request.headers), access_key_secret);
    let differences =
        expected.bytes().zip(signature.bytes()).fold(0, |seen, (left, right)| seen | (left ^ right));
    differences == 0 && expected.len() == signature.len()
}

/// Lower-case hexadecimal of a body's SHA-256.
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
        let _ = writeln!(canonical.lines, "{name}:{}", values.join(","));
        if !canonical.names.is_empty() {
            canonical.names.push(';');
        }
        canonical.names.push_str(name);
    }
    canonical
}

/// What is hashed and signed of `request`; the gateway echoes its own when a signature is wrong.
pub fn canonical_request(request: Signable<'_>) -> String {
    canonical_request_over(request, &canonical_headers(request.headers))
}

fn canonical_request_over(request: Signable<'_>, headers: &CanonicalHeaders) -> String {
    let path = if request.path.is_empty() { "/" } else { request.path };
    format!(
        "{}\n{path}\n{}\n{}\n{}\n{}",
        request.method, request.query, headers.lines, headers.names, request.body_sha256
    )
}

fn signature_of(request: Signable<'_>, headers: &CanonicalHeaders, access_key_secret: &str) -> String {
    let canonical_request = canonical_request_over(request, headers);
    let string_to_sign = format!("{ALGORITHM}\n{}", sha256_hex(canonical_request.as_bytes()));
    // HMAC takes a key of any length: the error type is the trait's, for ciphers.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(access_key_secret.as_bytes()) else {
        return String::new();
    };
    mac.update(string_to_sign.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        id: String,
        input: Input,
        output: Output,
    }

    #[derive(Deserialize)]
    struct Input {
        method: String,
        path: String,
        query: BTreeMap<String, String>,
        headers: serde_json::Map<String, serde_json::Value>,
        body: String,
        access_key_id: String,
        access_key_secret: String,
    }

    #[derive(Deserialize)]
    struct Output {
        canonical_query: String,
        authorization: String,
        signature: String,
        signed_headers: String,
    }

    fn vectors() -> Vec<Vector> {
        let text = include_str!("../tests/data/acs3-vectors.json");
        serde_json::from_str::<Vectors>(text).unwrap().vectors
    }

    #[test]
    fn every_vector_of_the_official_sdk_is_reproduced() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 50);
        for Vector { id, input, output } in &vectors {
            let query: Vec<_> = input.query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let query = canonical_query(&query);
            assert_eq!(&query, &output.canonical_query, "{id}");
            let headers: Vec<_> =
                input.headers.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
            let body_sha256 = sha256_hex(input.body.as_bytes());
            let request = Signable {
                method: &input.method,
                path: &input.path,
                query: &query,
                headers: &headers,
                body_sha256: &body_sha256,
            };
            let header = authorization(request, &input.access_key_id, &input.access_key_secret);
            assert_eq!(&header, &output.authorization, "{id}");
            let parsed = Authorization::parse(&header).unwrap();
            assert_eq!(parsed.signed_headers, output.signed_headers, "{id}");
            assert!(verify(request, &input.access_key_secret, &output.signature), "{id}");
            assert!(!verify(request, "another secret", &output.signature), "{id}");
        }
    }

    #[test]
    fn a_wire_query_in_another_encoding_has_the_same_canonical_form() {
        let sent = canonical_query(&[("name", "a b*~+"), ("labelKey", "环境 key")]);
        let wire = "name=a+b%2A~%2b&labelKey=%E7%8E%AF%E5%A2%83+key";
        assert_eq!(canonical_query_of_wire(wire), sent);
    }

    #[test]
    fn the_empty_body_has_the_published_hash() {
        assert_eq!(sha256_hex(b""), EMPTY_SHA256);
    }
}
