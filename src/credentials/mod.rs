//! Access keys for the API: where they come from, how they stay valid, and how they are kept from showing.
//!
//! A [`Source`] says what is configured. [`Context::provider`] makes of it what an API client holds: something that
//! gives the credential that is valid now. Each provider is a `Fetch` in a file of its own; a `Refreshing` cache
//! around it asks it ahead of time, in one background task, and keeps the old answer until it expires.
//!
//! No text that leaves this module holds a secret: the replies of the services that give credentials are never
//! quoted, only their error codes and request ids.

mod access_key;
mod chain;
mod cli_profile;
mod context;
mod ecs_ram_role;
mod environment;
mod error;
mod files;
mod ini_profile;
mod oidc;
mod profile;
mod ram_role_arn;
mod refreshing;
mod reply;
mod source;
mod sts;
mod uri;

#[cfg(test)]
pub(crate) mod tests;

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};

pub use context::{Context, VARIABLES};
pub use error::CredentialsError;
pub use source::{
    AccessKey, EcsRamRole, Endpoints, Location, Oidc, Profile, RamRoleArn, Secret, Session, Source,
};

/// One credential.
#[derive(Clone)]
pub struct Credentials {
    /// The access key's id. No secret, but not for logs either.
    pub access_key_id: String,
    /// The access key's secret.
    pub access_key_secret: SecretString,
    /// The token of a temporary credential.
    pub security_token: Option<SecretString>,
}

impl Credentials {
    /// Whether both are the same key with the same token.
    fn same_as(&self, other: &Self) -> bool {
        let token = |one: &Self| one.security_token.as_ref().map(|token| token.expose_secret().to_owned());
        self.access_key_id == other.access_key_id
            && self.access_key_secret.expose_secret() == other.access_key_secret.expose_secret()
            && token(self) == token(other)
    }
}

/// Shows which parts there are, and nothing of them.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = if self.security_token.is_some() { "with" } else { "without" };
        write!(formatter, "Credentials({token} a security token)")
    }
}

/// A credential and what is known of it.
#[derive(Debug, Clone)]
struct Issued {
    credentials: Arc<Credentials>,
    /// When it ends, since the Unix epoch; none if it doesn't.
    expires: Option<Duration>,
    /// Which provider gave it, in words: `the environment`, `the ECS instance's RAM role app`.
    origin: String,
    /// Whether another was meant to give one, and failed: then it is asked again soon.
    provisional: bool,
}

/// What a provider is asked for.
type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Issued, CredentialsError>> + Send + 'a>>;

/// A provider: asks for a credential whenever it is told to, and remembers none.
trait Fetch: fmt::Debug + Send + Sync {
    /// Asks for a credential.
    fn fetch(&self) -> Fetching<'_>;
}

/// A credential that is being given.
pub type Providing<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<Credentials>, CredentialsError>> + Send + 'a>>;

/// Whether there is another credential, once that is known.
pub type Renewing<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// Gives the credential that is valid now.
pub trait ProvideCredentials: fmt::Debug + Send + Sync {
    /// The credential for the next request.
    fn credentials(&self) -> Providing<'_>;

    /// Told that the API refused `rejected`: looks for another at most once in a while, and tells whether there
    /// is one now.
    fn renewed<'a>(&'a self, rejected: &'a Credentials) -> Renewing<'a> {
        let _ = rejected;
        Box::pin(std::future::ready(false))
    }

    /// When the credential ends that was given last, since the Unix epoch; none if it doesn't, or none was given.
    fn expiry(&self) -> Option<Duration> {
        None
    }

    /// Where the credential is from that was given last, in words.
    fn origin(&self) -> Option<String> {
        None
    }
}

/// A credential that stays as it is.
#[derive(Debug)]
pub struct Static(Arc<Credentials>);

impl Static {
    /// Provides `credentials` for ever.
    pub fn new(credentials: Credentials) -> Self {
        Self(Arc::new(credentials))
    }
}

impl ProvideCredentials for Static {
    fn credentials(&self) -> Providing<'_> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn origin(&self) -> Option<String> {
        Some("the access key in the configuration".to_owned())
    }
}
