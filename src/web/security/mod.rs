//! Who may read, and over what: the web configuration file, in the exporter-toolkit's format.

mod auth;
mod file;
mod limit;
mod peer;
mod store;
mod tls;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use hyper::header::{HeaderName, HeaderValue};

pub use file::WebConfigError;
pub use store::Store;

use auth::Users;
pub(super) use auth::Verdict;
use limit::RateLimit;

/// What a valid web configuration file asks for; by default nothing.
#[derive(Default)]
pub struct Security {
    /// How TLS is spoken; in clear text without it.
    pub(super) tls: Option<Arc<rustls::ServerConfig>>,
    /// Headers of every response.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Who may read; everybody if there is no one.
    pub(super) users: Users,
    /// How many requests are answered.
    pub(super) limit: Option<RateLimit>,
}

/// Prints no key and no hash.
impl fmt::Debug for Security {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Security").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}
