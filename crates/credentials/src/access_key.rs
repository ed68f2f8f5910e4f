//! An access key in the configuration, or in files that it names.

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    error::CredentialsError,
    files,
    key::Credentials,
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    source::{AccessKey, SecretSource},
};

/// A configured access key. Its files are read on each fetch.
#[derive(Debug)]
pub(crate) struct AccessKeyProvider {
    key: AccessKey,
    origin: String,
}

impl AccessKeyProvider {
    pub(crate) fn new(key: AccessKey) -> Self {
        let place = match &key.secret {
            SecretSource::Inline(_) => "in the configuration".to_owned(),
            SecretSource::File(path) => format!("in {}", path.display()),
        };
        Self { key, origin: format!("the access key {place}") }
    }

    async fn read(&self) -> Result<IssuedCredentials, CredentialsError> {
        let AccessKey { id, secret, token } = &self.key;
        let security_token = match token {
            Some(token) => Some(read_secret(token).await?),
            None => None,
        };
        let credentials = Credentials {
            access_key_id: read_secret(id).await?.expose_secret().to_owned(),
            access_key_secret: read_secret(secret).await?,
            security_token,
        };
        Ok(IssuedCredentials::permanent(credentials, &self.origin))
    }
}

impl CredentialsSource for AccessKeyProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.read())
    }
}

async fn read_secret(secret: &SecretSource) -> Result<SecretString, CredentialsError> {
    match secret {
        SecretSource::Inline(secret) => Ok(secret.expose().clone()),
        SecretSource::File(path) => files::read_secret(path).await,
    }
}

/// The access key, if no part of it is in a file.
pub(crate) fn inline_key(key: &AccessKey) -> Option<Credentials> {
    let inline = |secret: &SecretSource| match secret {
        SecretSource::Inline(secret) => Some(secret.expose().clone()),
        SecretSource::File(_) => None,
    };
    let security_token = match &key.token {
        Some(token) => Some(inline(token)?),
        None => None,
    };
    Some(Credentials {
        access_key_id: inline(&key.id)?.expose_secret().to_owned(),
        access_key_secret: inline(&key.secret)?,
        security_token,
    })
}
