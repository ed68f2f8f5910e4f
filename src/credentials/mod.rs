//! Access keys for the API: where they come from, and how they are kept from showing.

use secrecy::SecretString;

/// Where a workspace's credentials come from, as configured.
#[derive(Debug, Clone, Default)]
pub enum Source {
    /// The default chain.
    #[default]
    Default,
    /// A key given in the configuration.
    AccessKey(Credentials),
}

/// One credential.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access key's id. No secret, but not for logs either.
    pub access_key_id: String,
    /// The access key's secret.
    pub access_key_secret: SecretString,
    /// The token of a temporary credential.
    pub security_token: Option<SecretString>,
}
