//! The effective settings of a web configuration file.

use std::{fmt, sync::Arc, time::Duration};

use hyper::header::{HeaderName, HeaderValue};

use super::{basic_auth::Users, rate_limit::RateLimit};

/// The settings of a valid web configuration file; by default, no restrictions.
#[derive(Default)]
pub struct Security {
    /// TLS; without it, connections are not encrypted.
    pub(in crate::web) tls: Option<Tls>,
    /// Headers of every response.
    pub(in crate::web) headers: Vec<(HeaderName, HeaderValue)>,
    /// The users with access; without any, everybody has access.
    pub(in crate::web) users: Users,
    /// The limit of requests.
    pub(in crate::web) limit: Option<RateLimit>,
}

/// The TLS settings of the server.
#[derive(Clone)]
pub(in crate::web) struct Tls {
    /// The settings for new connections.
    pub(in crate::web) config: Arc<rustls::ServerConfig>,
    /// When the served certificates are valid.
    pub(in crate::web) validity: Validity,
}

/// The time during which a chain of certificates is valid, since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) struct Validity {
    pub(in crate::web) not_before: Duration,
    pub(in crate::web) not_after: Duration,
}

/// Prints no key and no hash.
impl fmt::Debug for Security {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Security").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}
