//! TLS, authentication, headers and rate limit: the web configuration file, in the exporter-toolkit's format.

mod auth;
mod client_cert;
mod diagnostics;
mod expiry_watch;
mod fair_queue;
mod file;
mod password_check;
mod rate_limit;
mod reloader;
mod section;
mod settings;
mod table;
mod tls;

#[cfg(test)]
mod tests;

pub use diagnostics::WebConfigError;
pub use reloader::Reloader;
pub use settings::Security;

pub(super) use auth::Verdict;
