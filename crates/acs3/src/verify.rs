//! The server's side: reads and verifies the signature of a request, for simulators and tests.

use hmac::Mac as _;
use percent_encoding::percent_decode_str;

use super::{ALGORITHM, Signable, canonical_query, canonical_request, mac, string_to_sign};

/// The fields of an `Authorization` header.
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
    /// Parses an `Authorization` header of this algorithm.
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

/// Whether `signature`, in lower-case hexadecimal, is what `access_key_secret` gives for `request`. Compares in
/// constant time.
pub fn verify(request: Signable<'_>, access_key_secret: &str, signature: &str) -> bool {
    let mac = mac(access_key_secret, &string_to_sign(&canonical_request(request)));
    mac.zip(unhex(signature)).is_some_and(|(mac, bytes)| mac.verify_slice(&bytes).is_ok())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}

/// The canonical form of a received query, in which a blank may be `+` and the encoding may differ.
pub fn canonical_received_query(query: &str) -> String {
    let pairs = query_parameters(query);
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    canonical_query(&pairs)
}

/// The decoded parameters of a received query or form, in its order.
pub fn query_parameters(query: &str) -> Vec<(String, String)> {
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
