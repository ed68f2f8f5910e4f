//! The traits of credentials providers: one for sources, one for users of credentials.

use std::{fmt, future::ready, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use crate::{credentials::Credentials, error::CredentialsError};

/// Credentials, with their expiry and origin.
#[derive(Debug, Clone)]
pub(crate) struct IssuedCredentials {
    pub(crate) credentials: Arc<Credentials>,
    /// When they expire, since the Unix epoch; none if they don't.
    pub(crate) expires: Option<Duration>,
    /// The provider, for people: `the environment`, `the ECS instance's RAM role app`.
    pub(crate) origin: String,
    /// Whether a provider earlier in the chain should have issued them and failed. It is retried soon.
    pub(crate) is_fallback: bool,
    /// The interval at which they are fetched again if they don't expire.
    pub(crate) recheck_interval: Duration,
}

/// For sources on this machine, which may have changed.
const LOCAL_RECHECK_INTERVAL: Duration = Duration::from_secs(10);

/// For credentials that a service issued.
pub(crate) const SERVICE_RECHECK_INTERVAL: Duration = Duration::from_secs(60);

impl IssuedCredentials {
    /// Credentials that do not expire.
    pub(crate) fn permanent(credentials: Credentials, origin: impl Into<String>) -> Self {
        let credentials = Arc::new(credentials);
        Self {
            credentials,
            expires: None,
            origin: origin.into(),
            is_fallback: false,
            recheck_interval: LOCAL_RECHECK_INTERVAL,
        }
    }

    /// The same credentials, obtained through `outer`, such as the profile that names a role.
    pub(crate) fn found_in(self, outer: &str) -> Self {
        if self.origin == outer {
            return self;
        }
        Self { origin: format!("{outer}: {}", self.origin), ..self }
    }
}

/// The result of a fetch.
pub(crate) type Fetched<'a> = BoxFuture<'a, Result<IssuedCredentials, CredentialsError>>;

/// A source of credentials without a cache.
pub(crate) trait CredentialsSource: fmt::Debug + Send + Sync {
    /// Fetches credentials.
    ///
    /// # Errors
    ///
    /// If the source is not configured or not usable, if its service does not answer, or if the service rejects the request.
    fn fetch(&self) -> Fetched<'_>;

    /// The files that the credentials depend on: after a change of one, they are fetched again at once.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Reports that the API rejected the credentials fetched last.
    fn rejected(&self) {}
}

/// A source with fixed credentials.
#[derive(Debug)]
pub(crate) struct StaticKey(pub(crate) IssuedCredentials);

impl CredentialsSource for StaticKey {
    fn fetch(&self) -> Fetched<'_> {
        Box::pin(ready(Ok(self.0.clone())))
    }
}

/// Provides valid credentials.
pub trait ProvideCredentials: fmt::Debug + Send + Sync {
    /// The credentials for the next request.
    ///
    /// # Errors
    ///
    /// If there are no valid credentials, and the last attempt to fetch some failed.
    fn credentials(&self) -> BoxFuture<'_, Result<Arc<Credentials>, CredentialsError>>;

    /// Reports that the API rejected `rejected`. Fetches others, at most once a minute, and returns whether there are
    /// others now.
    fn renewed<'a>(&'a self, rejected: &'a Credentials) -> BoxFuture<'a, bool> {
        let _ = rejected;
        Box::pin(ready(false))
    }

    /// When the credentials returned last expire, since the Unix epoch; none if they don't, or if there were none.
    fn expiry(&self) -> Option<Duration> {
        None
    }

    /// The provider of the credentials returned last, for people.
    fn origin(&self) -> Option<String> {
        None
    }
}

/// Credentials that never change.
#[derive(Debug)]
pub struct Static(Arc<Credentials>);

impl Static {
    /// Provides `credentials`.
    pub fn new(credentials: Credentials) -> Self {
        Self(Arc::new(credentials))
    }
}

impl ProvideCredentials for Static {
    fn credentials(&self) -> BoxFuture<'_, Result<Arc<Credentials>, CredentialsError>> {
        Box::pin(ready(Ok(self.0.clone())))
    }

    fn origin(&self) -> Option<String> {
        Some("the access key in the configuration".to_owned())
    }
}
