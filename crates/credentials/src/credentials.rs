//! An access key.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use tracing::warn;

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

    /// Warns if a part is in quotes. Container engines, unlike systemd, do not remove them from environment files.
    pub(crate) fn warn_of_quotes(&self, origin: &str) {
        let token = self.security_token.as_ref();
        let parts = [
            ("access key id", self.access_key_id.as_str()),
            ("access key secret", self.access_key_secret.expose_secret()),
            ("security token", token.map(SecretString::expose_secret).unwrap_or_default()),
        ];
        for (part, _) in parts.iter().filter(|(_, value)| is_quoted(value)) {
            warn!(from = origin, "the {part} is in quotes, which count as part of it; remove them");
        }
    }
}

fn is_quoted(value: &str) -> bool {
    let quoted = |quote| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
    quoted('"') || quoted('\'')
}

/// Shows which parts are present, and nothing of them.
impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = if self.security_token.is_some() { "with" } else { "without" };
        write!(formatter, "Credentials({token} a security token)")
    }
}
