//! An access key given in the configuration, or in files that it names.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::{AccessKey, Credentials, CredentialsError, Fetch, Fetching, Issued, Secret, files};

/// The key of a configuration; its files are read each time.
#[derive(Debug)]
pub(super) struct Configured {
    key: AccessKey,
    origin: String,
}

impl Configured {
    pub(super) fn new(key: AccessKey) -> Self {
        let file = match &key.secret {
            Secret::Given(_) => "in the configuration".to_owned(),
            Secret::File(path) => format!("in {}", path.display()),
        };
        Self { key, origin: format!("the access key {file}") }
    }

    async fn read(&self) -> Result<Issued, CredentialsError> {
        let AccessKey { id, secret, token } = &self.key;
        let security_token = match token {
            Some(token) => Some(value(token).await?),
            None => None,
        };
        let credentials = Credentials {
            access_key_id: value(id).await?.expose_secret().to_owned(),
            access_key_secret: value(secret).await?,
            security_token,
        };
        Ok(Issued {
            credentials: Arc::new(credentials),
            expires: None,
            origin: self.origin.clone(),
            provisional: false,
        })
    }
}

impl Fetch for Configured {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.read())
    }
}

/// The secret itself.
pub(super) async fn value(secret: &Secret) -> Result<SecretString, CredentialsError> {
    match secret {
        Secret::Given(secret) => Ok(secret.clone()),
        Secret::File(path) => files::secret(path).await,
    }
}

/// A key that was read already.
#[derive(Debug)]
pub(super) struct Known(pub(super) Issued);

impl Fetch for Known {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}
