//! Responses that contain credentials: read whole or not at all, and never quoted.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Unexpected},
};

use crate::{error::CredentialsError, key::Credentials, provider::IssuedCredentials};

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
    #[serde(rename = "Expiration", deserialize_with = "timestamp")]
    expiration: Timestamp,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(D::Error::invalid_value(Unexpected::Other("something else"), &"a secret"));
    }
    Ok(text.into())
}

fn timestamp<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::invalid_value(Unexpected::Other("something else"), &"a time"))
}

impl WireCredentials {
    /// The credentials, unless they have expired by `now`.
    pub(crate) fn issued(self, now: Duration, origin: String) -> Result<IssuedCredentials, CredentialsError> {
        let seconds = u64::try_from(self.expiration.as_second()).unwrap_or_default();
        let expires = Duration::from_secs(seconds);
        if self.id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialsError::failed(format!("{origin} returned an access key without an id")));
        }
        if expires <= now {
            return Err(CredentialsError::failed(format!(
                "{origin} returned credentials that expired at {}; is this machine's clock right?",
                self.expiration
            )));
        }
        let credentials = Arc::new(Credentials {
            access_key_id: self.id,
            access_key_secret: self.secret,
            security_token: Some(self.token),
        });
        Ok(IssuedCredentials { credentials, expires: Some(expires), origin, is_fallback: false })
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
        // The Go SDK does not require it. Without it and without credentials, parsing fails below.
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
    if fits { text } else { "something that is no error code" }
}
