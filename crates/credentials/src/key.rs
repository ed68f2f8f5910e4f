//! An access key.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// An access key, with the token of a temporary one.
#[derive(Clone)]
pub struct Credentials {
    /// The access key's id. Not a secret, but not for logs either.
    pub access_key_id: String,
    /// The access key's secret.
    pub access_key_secret: SecretString,
    /// The token of temporary credentials.
    pub security_token: Option<SecretString>,
}

impl Credentials {
    /// Whether both are the same key with the same token.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        let token = |key: &Self| key.security_token.as_ref().map(|token| token.expose_secret().to_owned());
        self.access_key_id == other.access_key_id
            && self.access_key_secret.expose_secret() == other.access_key_secret.expose_secret()
            && token(self) == token(other)
    }
}

/// Shows which parts are present, and nothing of them.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = if self.security_token.is_some() { "with" } else { "without" };
        write!(formatter, "Credentials({token} a security token)")
    }
}
