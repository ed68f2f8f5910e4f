//! Why the exporter can't be built.

use crate::{credentials::CredentialsError, endpoint::root_cause};

/// Why the exporter can't be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A workspace has no credentials.
    #[error("workspace {workspace}: {source}")]
    Credentials {
        /// The workspace's id.
        workspace: String,
        /// What was tried.
        source: CredentialsError,
    },
    /// The HTTP client can't be built, for example without CA certificates.
    #[error("the HTTP client can't be built: {}", root_cause(.0))]
    HttpClient(#[source] reqwest::Error),
    /// The exporter's own metrics can't be registered.
    #[error("the exporter's own metrics can't be registered: {0}")]
    Telemetry(#[source] prometheus::Error),
}
