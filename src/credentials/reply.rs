//! Replies that hold credentials: read whole or not at all, and never quoted.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::Response;
use secrecy::SecretString;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Unexpected},
};

use super::{Credentials, CredentialsError, Issued};

/// A credential and its token are a few kilobytes.
const MAX_SIZE: usize = 64 * 1024;

/// A reply of HTTP.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Sends `request` to `whom` and reads all of its reply.
pub(super) async fn exchange(
    request: reqwest::RequestBuilder,
    whom: &str,
) -> Result<Reply, CredentialsError> {
    let network = |error: reqwest::Error| {
        let text = format!("{whom} {}", broken(&error));
        let nobody = error.is_connect() || error.is_timeout();
        if nobody { CredentialsError::unreachable(text) } else { CredentialsError::failed(text) }
    };
    let mut response: Response = request.send().await.map_err(network)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if body.len() + chunk.len() > MAX_SIZE {
            return Err(CredentialsError::failed(format!("{whom} answered more than 64 KiB")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, body })
}

/// What broke, without the URL, which may hold a secret.
fn broken(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "did not answer in time".to_owned();
    }
    let mut innermost: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = innermost.and_then(|error| error.source()) {
        innermost = Some(inner);
    }
    let reason = innermost.map(|error| format!(": {error}")).unwrap_or_default();
    let stage = if error.is_connect() { "can't be reached" } else { "broke the connection" };
    format!("{stage}{reason}")
}

/// A credential as every service writes it.
#[derive(Deserialize)]
pub(super) struct WireCredentials {
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
    /// The credential, unless it is over `now`.
    pub(super) fn issued(self, now: Duration, origin: String) -> Result<Issued, CredentialsError> {
        let seconds = u64::try_from(self.expiration.as_second()).unwrap_or_default();
        let expires = Duration::from_secs(seconds);
        if self.id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialsError::failed(format!("{origin} gave an access key without an id")));
        }
        if expires <= now {
            return Err(CredentialsError::failed(format!(
                "{origin} gave a credential that expired at {}; is this machine's clock right?",
                self.expiration
            )));
        }
        let credentials = Arc::new(Credentials {
            access_key_id: self.id,
            access_key_secret: self.secret,
            security_token: Some(self.token),
        });
        Ok(Issued { credentials, expires: Some(expires), origin, provisional: false })
    }
}

/// Reads the reply of the metadata service or of a credentials URI.
pub(super) fn flat(body: &[u8], whom: &str) -> Result<WireCredentials, CredentialsError> {
    #[derive(Deserialize)]
    struct Code {
        #[serde(rename = "Code")]
        code: Option<String>,
    }
    let code = serde_json::from_slice::<Code>(body).ok().and_then(|reply| reply.code);
    match code.as_deref() {
        // Go's SDK does without; a reply without it and without a credential fails below.
        None | Some("Success") => unreadable(serde_json::from_slice(body), whom),
        Some(code) => Err(CredentialsError::failed(format!("{whom} answered {}", word(code)))),
    }
}

/// What can't be read of a reply, without any of it.
pub(super) fn unreadable<T>(read: Result<T, serde_json::Error>, whom: &str) -> Result<T, CredentialsError> {
    read.map_err(|error| {
        CredentialsError::failed(format!(
            "{whom} answered no credential that can be read (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

/// A code or an id of the service's: anything longer, or with other characters, is none.
pub(super) fn word(text: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = !text.is_empty() && text.len() <= 80 && text.bytes().all(plain);
    if fits { text } else { "something that is no error code" }
}
