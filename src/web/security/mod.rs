//! TLS, authentication, headers and rate limit: the web configuration file, in the exporter-toolkit's format.

mod auth;
mod client_cert;
mod file;
mod rate_limit;
mod reloader;
mod section;
mod settings;
mod tls;

#[cfg(test)]
mod tests;

pub use file::WebConfigError;
pub use reloader::Reloader;
pub use settings::Security;

pub(super) use auth::Verdict;
