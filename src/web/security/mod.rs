//! TLS, authentication, headers and rate limit: the web configuration file, in the exporter-toolkit's format.

mod basic_auth;
mod certificate_expiry;
mod client_certificate;
mod errors;
mod fair_queue;
mod password_check;
mod rate_limit;
mod security_settings;
mod tls;
mod tls_server_config;
mod web_config_file;
mod web_config_reload;
mod yaml_table;

#[cfg(test)]
mod tests;

pub use errors::WebConfigError;
pub use security_settings::Security;
pub use web_config_reload::SecurityStore;

pub(super) use basic_auth::Verdict;
