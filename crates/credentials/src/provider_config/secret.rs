//! Values that are written as `<redacted>`.

use std::fmt;

use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};
use url::Url;

use super::setting_formats::{http_url, is_header_text};

const REDACTED: &str = "<redacted>";

/// A secret in the configuration, sent in a header.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(inline)]
pub struct Secret(#[schemars(with = "String")] SecretString);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &SecretString {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(secret.into())
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `deserialize_string`, for which a number may do: its digits are not always kept.
        deserializer.deserialize_str(SecretVisitor)
    }
}

struct SecretVisitor;

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a secret of visible ASCII characters without blanks")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        if is_header_text(text) {
            return Ok(text.into());
        }
        Err(E::custom(format_args!("expected {}", &self as &dyn de::Expected)))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

/// The URI of a service that issues credentials. Its path and query may be secret.
#[derive(Clone, PartialEq, JsonSchema)]
#[schemars(inline)]
pub struct CredentialsUri(#[schemars(with = "String")] Url);

impl<'de> Deserialize<'de> for CredentialsUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let url = http_url(&text).filter(|_| is_header_text(&text));
        url.map(Self)
            .ok_or_else(|| de::Error::custom("expected a URI such as http://localhost:8080/credentials"))
    }
}

impl CredentialsUri {
    /// The service at `url`.
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

/// Only the scheme and the host.
impl fmt::Display for CredentialsUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

impl fmt::Debug for CredentialsUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CredentialsUri({self})")
    }
}

impl Serialize for CredentialsUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self}/{REDACTED}"))
    }
}
