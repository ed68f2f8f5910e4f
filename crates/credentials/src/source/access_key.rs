//! An access key whose parts are each in the configuration or in a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// A secret, or the file that contains it.
#[derive(Debug, Clone, PartialEq)]
pub enum SecretSource {
    /// The secret itself.
    Inline(Secret),
    /// A file, which is read again when it changes.
    File(PathBuf),
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct AccessKey {
    /// Its id.
    pub id: SecretSource,
    /// Its secret.
    pub secret: SecretSource,
    /// The token of a temporary one.
    pub token: Option<SecretSource>,
}

/// The settings: each part by its own name, or with `_file` after it.
#[derive(Deserialize, Serialize)]
struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_secret: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_secret_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_token: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_token_file: Option<PathBuf>,
}

impl TryFrom<Fields> for AccessKey {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let id = part("access_key_id", fields.access_key_id, fields.access_key_id_file)?;
        let secret = part("access_key_secret", fields.access_key_secret, fields.access_key_secret_file)?;
        let missing = |name| format!("missing field `{name}` or `{name}_file`");
        Ok(Self {
            id: id.ok_or_else(|| missing("access_key_id"))?,
            secret: secret.ok_or_else(|| missing("access_key_secret"))?,
            token: part("security_token", fields.security_token, fields.security_token_file)?,
        })
    }
}

impl From<AccessKey> for Fields {
    fn from(key: AccessKey) -> Self {
        let [id, secret, token] = [Some(key.id), Some(key.secret), key.token].map(|part| match part {
            Some(SecretSource::Inline(secret)) => (Some(secret), None),
            Some(SecretSource::File(path)) => (None, Some(path)),
            None => (None, None),
        });
        Self {
            access_key_id: id.0,
            access_key_id_file: id.1,
            access_key_secret: secret.0,
            access_key_secret_file: secret.1,
            security_token: token.0,
            security_token_file: token.1,
        }
    }
}

fn part(name: &str, value: Option<Secret>, file: Option<PathBuf>) -> Result<Option<SecretSource>, String> {
    match (value, file) {
        (Some(_), Some(_)) => Err(format!("expected `{name}` or `{name}_file`, not both")),
        (Some(value), None) => Ok(Some(SecretSource::Inline(value))),
        (None, file) => Ok(file.map(SecretSource::File)),
    }
}
