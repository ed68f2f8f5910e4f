//! Responses that contain credentials: read whole or not at all, and never quoted.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Unexpected},
};

use crate::{
    credentials::Credentials,
    error::CredentialsError,
    provider::{IssuedCredentials, SERVICE_RECHECK_INTERVAL},
};

/// In bytes. Credentials with their token are a few kilobytes.
const MAX_SIZE: usize = 64 * 1024;

/// An HTTP response.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Sends `request` to `service` and reads the whole response.
pub(crate) async fn exchange(
    request: reqwest::RequestBuilder,
    service: &str,
) -> Result<Response, CredentialsError> {
    let network = |error: reqwest::Error| {
        let text = format!("{service} {}", outbound_http::failure(&error));
        let is_unreachable = error.is_connect() || error.is_timeout();
        if is_unreachable { CredentialsError::unreachable(text) } else { CredentialsError::failed(text) }
    };
    let mut response = request.send().await.map_err(network)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if body.len() + chunk.len() > MAX_SIZE {
            return Err(CredentialsError::failed(format!("{service} answered more than 64 KiB")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Response { status, body })
}

/// Credentials as every service writes them.
#[derive(Deserialize)]
pub(crate) struct WireCredentials {
    #[serde(rename = "AccessKeyId")]
    id: String,
    #[serde(rename = "AccessKeySecret", deserialize_with = "secret")]
    secret: SecretString,
    #[serde(rename = "SecurityToken", deserialize_with = "secret")]
    token: SecretString,
    #[serde(rename = "Expiration", default, deserialize_with = "expiration")]
    expiration: Expiration,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(D::Error::invalid_value(Unexpected::Other("something else"), &"a secret"));
    }
    Ok(text.into())
}

/// When credentials expire, according to the service.
#[derive(Default, Clone, Copy, PartialEq)]
enum Expiration {
    /// The service does not say.
    #[default]
    Missing,
    At(Timestamp),
    /// So far in the future that the date can't be represented.
    Never,
}

fn expiration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Expiration, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        return Ok(Expiration::Missing);
    }
    if let Ok(time) = text.parse() {
        return Ok(Expiration::At(time));
    }
    // 9999-12-31T23:59:59Z, and years of more than four digits.
    let (year, rest) = text.split_once('-').unwrap_or_default();
    let is_year = year.len() >= 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    let is_far = is_year && (year.len() > 4 || year == "9999");
    if is_far && rest.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+ ".contains(&byte)) {
        return Ok(Expiration::Never);
    }
    Err(D::Error::invalid_value(Unexpected::Other("something else"), &"a time"))
}

/// Whether a service may omit the expiry of credentials.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// The service issues temporary credentials only.
    Limited,
    /// Without an expiry, the credentials don't expire.
    Unlimited,
}

impl WireCredentials {
    /// The credentials, unless they have expired by `now`.
    pub(crate) fn issued(
        self,
        now: Duration,
        lifetime: Lifetime,
        origin: String,
    ) -> Result<IssuedCredentials, CredentialsError> {
        let expires = match self.expiration {
            Expiration::At(time) => Some(time),
            Expiration::Missing if lifetime == Lifetime::Limited => {
                return Err(CredentialsError::failed(format!(
                    "{origin} returned credentials without an expiry"
                )));
            }
            Expiration::Missing | Expiration::Never => None,
        };
        if self.id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialsError::failed(format!("{origin} returned an access key without an id")));
        }
        let since_epoch =
            |time: Timestamp| Duration::from_secs(u64::try_from(time.as_second()).unwrap_or_default());
        if let Some(time) = expires.filter(|time| since_epoch(*time) <= now) {
            return Err(CredentialsError::failed(format!(
                "{origin} returned credentials that expired at {time}; is this machine's clock right?",
            )));
        }
        let credentials = Arc::new(Credentials {
            access_key_id: self.id,
            access_key_secret: self.secret,
            security_token: Some(self.token),
        });
        Ok(IssuedCredentials {
            credentials,
            expires: expires.map(since_epoch),
            origin,
            is_fallback: false,
            recheck_interval: SERVICE_RECHECK_INTERVAL,
        })
    }
}

/// Parses the response of the metadata service or of a credentials URI.
pub(crate) fn flat(body: &[u8], service: &str) -> Result<WireCredentials, CredentialsError> {
    #[derive(Deserialize)]
    struct Code {
        #[serde(rename = "Code")]
        code: Option<String>,
    }
    let code = serde_json::from_slice::<Code>(body).ok().and_then(|response| response.code);
    match code.as_deref() {
        // The Go SDK does not require the code. Without code and credentials, parsing fails below.
        None | Some("Success") => parsed(serde_json::from_slice(body), service),
        Some(code) => Err(CredentialsError::failed(format!("{service} answered {}", sanitize_code(code)))),
    }
}

/// Replaces the error of the parser, which may quote the response, by its position.
pub(crate) fn parsed<T>(result: Result<T, serde_json::Error>, service: &str) -> Result<T, CredentialsError> {
    result.map_err(|error| {
        CredentialsError::failed(format!(
            "{service} answered no credentials that can be read (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

/// An error code or a request id of a service. Anything longer, or with other characters, may be anything.
pub(crate) fn sanitize_code(text: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = !text.is_empty() && text.len() <= 80 && text.bytes().all(plain);
    if fits { text } else { "an invalid error code" }
}
