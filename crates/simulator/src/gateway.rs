//! The gateway's checks: the headers of the protocol, the signature, its age and its nonce.

use std::collections::{HashSet, VecDeque};

use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use parking_lot::Mutex;
use secrecy::{ExposeSecret as _, SecretString};

use crate::operation::Operation;
use crate::reply::Refusal;
use acs3::{
    Signable,
    verify::{self, Authorization},
};
use clock::Clock;

/// How far a request's date may be from the server's.
const MAX_SKEW_SECONDS: u64 = 15 * 60;

/// Nonces remembered: the oldest is forgotten first.
const MAX_NONCES: usize = 65_536;

/// Longer than any client's, so that the nonces remembered stay small.
const MAX_NONCE_LENGTH: usize = 128;

/// Lets requests in or refuses them.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Without a key, only the form of the requests is checked.
    access_key: Option<(String, SecretString)>,
    clock: Clock,
    nonces: Mutex<Nonces>,
}

#[derive(Debug, Default)]
struct Nonces {
    seen: HashSet<String>,
    by_age: VecDeque<String>,
}

impl Nonces {
    /// False if `nonce` was there before.
    fn insert(&mut self, nonce: &str) -> bool {
        if !self.seen.insert(nonce.to_owned()) {
            return false;
        }
        self.by_age.push_back(nonce.to_owned());
        if self.by_age.len() > MAX_NONCES
            && let Some(oldest) = self.by_age.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}

/// The headers that every request has.
struct Credentials<'a> {
    authorization: Authorization<'a>,
    date: &'a str,
    nonce: &'a str,
    body_sha256: &'a str,
}

impl Gateway {
    pub(crate) fn new(access_key: Option<(String, SecretString)>, clock: Clock) -> Self {
        Self { access_key, clock, nonces: Mutex::default() }
    }

    /// Checks a request for `operation` in the order of the real gateway: the API, the key, the date, the
    /// signature, the nonce.
    pub(crate) fn admit<B>(&self, operation: Operation, request: &Request<B>) -> Result<(), Refusal> {
        let headers = request.headers();
        check_api(operation, headers)?;
        let credentials = Credentials::read(headers)?;
        let date = read_date(credentials.date)?;
        if let Some((id, secret)) = &self.access_key {
            if credentials.authorization.access_key_id != id {
                return Err(Refusal::gateway(
                    StatusCode::NOT_FOUND,
                    "InvalidAccessKeyId.NotFound",
                    "Specified access key is not found.",
                ));
            }
            self.check_date(date)?;
            check_signature(request, &credentials, secret)?;
        }
        self.check_nonce(credentials.nonce)
    }

    fn check_date(&self, date: Timestamp) -> Result<(), Refusal> {
        if date.as_second().abs_diff(self.clock.timestamp().as_second()) <= MAX_SKEW_SECONDS {
            return Ok(());
        }
        Err(bad_request("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."))
    }

    fn check_nonce(&self, nonce: &str) -> Result<(), Refusal> {
        if self.nonces.lock().insert(nonce) {
            return Ok(());
        }
        Err(bad_request("SignatureNonceUsed", "Specified signature nonce was used already."))
    }
}

impl<'a> Credentials<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let authorization = Authorization::parse(required(headers, AUTHORIZATION.as_str())?)
            .filter(|authorization| is_sha256(authorization.signature))
            .ok_or_else(incomplete_signature)?;
        let credentials = Self {
            authorization,
            date: required(headers, "x-acs-date")?,
            nonce: required(headers, "x-acs-signature-nonce")?,
            body_sha256: required(headers, "x-acs-content-sha256")?,
        };
        let nonce_fits = (1..=MAX_NONCE_LENGTH).contains(&credentials.nonce.len());
        let names_fit = signs_what_was_sent(headers, authorization.signed_headers);
        if nonce_fits && names_fit && is_sha256(credentials.body_sha256) {
            Ok(credentials)
        } else {
            Err(incomplete_signature())
        }
    }
}

fn check_api(operation: Operation, headers: &HeaderMap) -> Result<(), Refusal> {
    let action = required(headers, "x-acs-action")?;
    if action != operation.as_str() {
        return Err(unknown_api(action));
    }
    let version = required(headers, "x-acs-version")?;
    if version != operation.version() {
        return Err(bad_request("InvalidVersion", format!("Specified version {version} is not valid.")));
    }
    Ok(())
}

/// The signature is over exactly the headers that it names: the official clients differ in which they sign.
fn check_signature<B>(
    request: &Request<B>,
    credentials: &Credentials<'_>,
    secret: &SecretString,
) -> Result<(), Refusal> {
    let query = verify::canonical_received_query(request.uri().query().unwrap_or_default());
    let headers: Vec<_> = credentials
        .authorization
        .signed_headers
        .split(';')
        .flat_map(|name| request.headers().get_all(name).iter().map(move |value| (name, value)))
        .filter_map(|(name, value)| Some((name, value.to_str().ok()?)))
        .collect();
    let signable = Signable {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: &query,
        headers: &headers,
        body_sha256: credentials.body_sha256,
    };
    // A GET has no body: a client that hashed something else signed something else.
    let body_fits = credentials.body_sha256 == acs3::EMPTY_SHA256;
    if body_fits && verify::verify(signable, secret.expose_secret(), credentials.authorization.signature) {
        return Ok(());
    }
    let canonical = acs3::canonical_request(signable);
    Err(bad_request(
        "SignatureDoesNotMatch",
        format!(
            "Specified signature does not match our calculation. server string to sign is [{}\n{}] , \
             server CanonicalRequest:[{canonical}]",
            acs3::ALGORITHM,
            acs3::sha256_hex(canonical.as_bytes()),
        ),
    ))
}

/// Every official client signs the host and each `x-acs-` header that it sends, and no header that it doesn't.
fn signs_what_was_sent(headers: &HeaderMap, signed: &str) -> bool {
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-acs-");
    signed.split(';').all(|name| headers.contains_key(name))
        && headers.keys().all(|name| {
            !must_be_signed(name.as_str()) || signed.split(';').any(|signed| signed == name.as_str())
        })
}

fn required<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty()).ok_or_else(
        || bad_request("MissingParameter", format!("The header {name} is mandatory for this action.")),
    )
}

fn read_date(text: &str) -> Result<Timestamp, Refusal> {
    // The parser takes more forms than the gateway: fractions, offsets, a blank for the T.
    let date = text.parse().ok().filter(|date: &Timestamp| date.to_string() == text);
    date.ok_or_else(|| {
        bad_request("InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
    })
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// No such API: the path, or the action that doesn't go with it.
pub(crate) fn unknown_api(what: &str) -> Refusal {
    Refusal::gateway(
        StatusCode::NOT_FOUND,
        "InvalidApi.NotFound",
        format!("Specified api is not found, please check your url and method: {what}."),
    )
}

fn incomplete_signature() -> Refusal {
    bad_request("IncompleteSignature", "The request signature does not conform to Aliyun standards.")
}

fn bad_request(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::gateway(StatusCode::BAD_REQUEST, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_nonce_is_forgotten_first() {
        let mut nonces = Nonces::default();
        for nonce in 0..=MAX_NONCES {
            assert!(nonces.insert(&nonce.to_string()));
        }
        assert!(!nonces.insert("1"));
        assert!(nonces.insert("0"));
        assert_eq!(nonces.seen.len(), MAX_NONCES);
    }
}
