//! Errors while the exporter is built.

use outbound_http::root_cause;

/// The exporter cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The HTTP client can't be built, for example without CA certificates.
    #[error("the HTTP client can't be built: {}", root_cause(.0))]
    HttpClient(#[source] reqwest::Error),
    /// The exporter's own metrics can't be registered.
    #[error("the exporter's own metrics can't be registered: {0}")]
    Telemetry(#[source] prometheus::Error),
}
