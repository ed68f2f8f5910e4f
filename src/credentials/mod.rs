//! Access keys for the API: where they come from, and how they are kept from showing.

mod environment;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use secrecy::{ExposeSecret as _, SecretString};

pub use environment::from_environment;

/// Where a workspace's credentials come from, as configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Source {
    /// The default chain.
    #[default]
    Default,
    /// A key given in the configuration.
    AccessKey(Credentials),
}

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

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        let parts = |credentials: &Self| {
            let token = credentials.security_token.as_ref().map(|token| token.expose_secret().to_owned());
            (
                credentials.access_key_id.clone(),
                credentials.access_key_secret.expose_secret().to_owned(),
                token,
            )
        };
        parts(self) == parts(other)
    }
}

/// Shows which parts there are, and nothing of them.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = if self.security_token.is_some() { "with" } else { "without" };
        write!(formatter, "Credentials({token} a security token)")
    }
}

/// Why there is no credential; names what was looked for, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsError(String);

impl fmt::Display for CredentialsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for CredentialsError {}

/// A credential that is being fetched.
pub type Providing<'a> =
    Pin<Box<dyn Future<Output = Result<Arc<Credentials>, CredentialsError>> + Send + 'a>>;

/// Gives the credential that is valid now.
pub trait ProvideCredentials: fmt::Debug + Send + Sync {
    /// The credential for the next request.
    fn credentials(&self) -> Providing<'_>;
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
}

/// The provider for `source`; `variable` reads the environment.
pub fn provider<'e>(
    source: &Source,
    variable: impl Fn(&str) -> Option<&'e str>,
) -> Result<Arc<dyn ProvideCredentials>, CredentialsError> {
    let credentials = match source {
        Source::AccessKey(credentials) => credentials.clone(),
        Source::Default => from_environment(variable)?,
    };
    Ok(Arc::new(Static::new(credentials)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_prints_nothing_of_itself() {
        let credentials = Credentials {
            access_key_id: "the-id".into(),
            access_key_secret: "the-secret".into(),
            security_token: Some("the-token".into()),
        };
        let source = Source::AccessKey(credentials.clone());
        let printed = format!("{credentials:?} {source:?} {:?}", Static::new(credentials.clone()));
        assert!(!printed.contains("the-"), "{printed}");
    }
}
