//! An access key in the configuration, or in files that it names.

use std::{path::PathBuf, time::Duration};

use parking_lot::Mutex;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use crate::{
    credentials::Credentials,
    error::CredentialsError,
    provider::{CredentialsSource, Fetched, IssuedCredentials},
    provider_config::{AccessKey, SecretSource},
    secret_files,
};

/// How long a part of the key may be older than the others: a key is replaced file by file.
const REPLACEMENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of attempts to read files that change while they are read.
const MAX_ATTEMPTS: u32 = 3;

/// A configured access key. Its files are read on each fetch.
#[derive(Debug)]
pub(crate) struct AccessKeyProvider {
    key: AccessKey,
    origin: String,
    state: Mutex<KeyState>,
}

/// The key that was read last, while it is being replaced.
#[derive(Debug, Default)]
struct KeyState {
    /// The last complete key.
    complete: Option<Credentials>,
    /// Since when some of the files, but not all, differ from it.
    replaced_since: Option<Instant>,
    /// Whether the service rejected it: then there is nothing to keep.
    rejected: bool,
}

impl AccessKeyProvider {
    pub(crate) fn new(key: AccessKey) -> Self {
        let place = match &key.secret {
            SecretSource::Inline(_) => "in the configuration".to_owned(),
            SecretSource::File(path) => format!("in {}", path.display()),
        };
        Self { key, origin: format!("the access key {place}"), state: Mutex::default() }
    }

    async fn read(&self) -> Result<IssuedCredentials, CredentialsError> {
        let read = self.read_consistently().await?;
        Ok(IssuedCredentials::permanent(self.complete_key(read), &self.origin))
    }

    /// Reads all parts, again if a file changed before all were read.
    async fn read_consistently(&self) -> Result<Credentials, CredentialsError> {
        for _ in 0..MAX_ATTEMPTS {
            let mut read = Vec::new();
            let mut part = async |secret: &SecretSource| match secret {
                SecretSource::Inline(secret) => Ok(secret.expose().clone()),
                SecretSource::File(path) => {
                    let (secret, stamp) = secret_files::read_secret(path).await?;
                    read.push(Some(stamp));
                    Ok(secret)
                }
            };
            let id = part(&self.key.id).await?;
            let secret = part(&self.key.secret).await?;
            let token = match &self.key.token {
                Some(token) => Some(part(token).await?),
                None => None,
            };
            if secret_files::stamps(self.files()).await.is_none_or(|now| now == read) {
                let access_key_id = id.expose_secret().to_owned();
                return Ok(Credentials { access_key_id, access_key_secret: secret, security_token: token });
            }
        }
        Err(CredentialsError::unusable(format!("{} changes while it is read", self.origin)))
    }

    /// The key to use: the previous one while only a part of it has been replaced, for a while.
    fn complete_key(&self, read: Credentials) -> Credentials {
        let mut state = self.state.lock();
        if let Some(complete) = &state.complete
            && !state.rejected
            && self.is_partly_replaced(complete, &read)
        {
            let complete = complete.clone();
            let since = *state.replaced_since.get_or_insert_with(Instant::now);
            if since.elapsed() < REPLACEMENT_TIMEOUT {
                return complete;
            }
        }
        *state = KeyState { complete: Some(read.clone()), replaced_since: None, rejected: false };
        read
    }

    /// Whether some of the files contain another part than before, and some the same.
    fn is_partly_replaced(&self, before: &Credentials, now: &Credentials) -> bool {
        let token = |key: &Credentials| key.security_token.as_ref().map(|it| it.expose_secret().to_owned());
        let parts = [
            (Some(&self.key.id), before.access_key_id == now.access_key_id),
            (
                Some(&self.key.secret),
                before.access_key_secret.expose_secret() == now.access_key_secret.expose_secret(),
            ),
            (self.key.token.as_ref(), token(before) == token(now)),
        ];
        let in_files = || parts.iter().filter(|(part, _)| matches!(part, Some(SecretSource::File(_))));
        in_files().any(|(_, same)| *same) && in_files().any(|(_, same)| !*same)
    }
}

impl CredentialsSource for AccessKeyProvider {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(self.read())
    }

    fn files(&self) -> Vec<PathBuf> {
        let parts = [Some(&self.key.id), Some(&self.key.secret), self.key.token.as_ref()];
        let file = |part: &SecretSource| match part {
            SecretSource::File(path) => Some(path.clone()),
            SecretSource::Inline(_) => None,
        };
        parts.into_iter().flatten().filter_map(file).collect()
    }

    fn rejected(&self) {
        self.state.lock().rejected = true;
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
