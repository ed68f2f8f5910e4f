//! The effective settings of a web configuration file.

use std::{fmt, sync::Arc};

use hyper::header::{HeaderName, HeaderValue};

use super::{auth::Users, rate_limit::RateLimit};

/// What a valid web configuration file asks for; by default nothing.
#[derive(Default)]
pub struct Security {
    /// How TLS is spoken; in clear text without it.
    pub(in crate::web) tls: Option<Arc<rustls::ServerConfig>>,
    /// Headers of every response.
    pub(in crate::web) headers: Vec<(HeaderName, HeaderValue)>,
    /// Who may read; everybody if there is no one.
    pub(in crate::web) users: Users,
    /// How many requests are answered.
    pub(in crate::web) limit: Option<RateLimit>,
}

/// Prints no key and no hash.
impl fmt::Debug for Security {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Security").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}
