//! An access key whose parts are each in the configuration or in a file.

use std::path::PathBuf;

use schemars::JsonSchema;
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
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("allOf" = [
    {"oneOf": [{"required": ["access_key_id"]}, {"required": ["access_key_id_file"]}]},
    {"oneOf": [{"required": ["access_key_secret"]}, {"required": ["access_key_secret_file"]}]},
]))]
pub(super) struct Fields {
    /// The id of the access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<Secret>,
    /// Path of a file that contains the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id_file: Option<PathBuf>,
    /// The secret of the access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_secret: Option<Secret>,
    /// Path of a file that contains the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_secret_file: Option<PathBuf>,
    /// The security token of temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    security_token: Option<Secret>,
    /// Path of a file that contains the security token.
    #[serde(skip_serializing_if = "Option::is_none")]
    security_token_file: Option<PathBuf>,
}

impl TryFrom<Fields> for AccessKey {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let id = part("access_key_id", fields.access_key_id, fields.access_key_id_file).and_then(required);
        let secret = part("access_key_secret", fields.access_key_secret, fields.access_key_secret_file);
        let token =
            part("security_token", fields.security_token, fields.security_token_file).map(|(_, part)| part);
        match (id, secret.and_then(required), token) {
            (Ok(id), Ok(secret), Ok(token)) => Ok(Self { id, secret, token }),
            (id, secret, token) => {
                let problems = [id.err(), secret.err(), token.err()];
                Err(problems.into_iter().flatten().collect::<Vec<_>>().join("; "))
            }
        }
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

/// A part by its name, if it is given once.
type Part = (&'static str, Option<SecretSource>);

fn part(name: &'static str, value: Option<Secret>, file: Option<PathBuf>) -> Result<Part, String> {
    match (value, file) {
        (Some(_), Some(_)) => Err(format!("found two values, expected `{name}` or `{name}_file`, not both")),
        (Some(value), None) => Ok((name, Some(SecretSource::Inline(value)))),
        (None, file) => Ok((name, file.map(SecretSource::File))),
    }
}

fn required((name, part): Part) -> Result<SecretSource, String> {
    part.ok_or_else(|| format!("missing field `{name}` or `{name}_file`"))
}
