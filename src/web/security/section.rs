//! The `tls_server_config` section of the web configuration file, and the errors found so far.

use std::{fmt, path::PathBuf};

use serde::Deserialize;
use yaml_serde::Value;

/// `tls_server_config`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct TlsSection {
    pub(super) cert: Option<String>,
    pub(super) cert_file: Option<PathBuf>,
    pub(super) key: Option<Value>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) client_ca: Option<String>,
    pub(super) client_ca_file: Option<PathBuf>,
    pub(super) client_auth_type: Option<String>,
    pub(super) client_allowed_sans: Option<Vec<String>>,
    pub(super) min_version: Option<String>,
    pub(super) max_version: Option<String>,
    pub(super) cipher_suites: Option<Vec<String>>,
    pub(super) curve_preferences: Option<Vec<String>>,
    pub(super) prefer_server_cipher_suites: bool,
}

impl Default for TlsSection {
    fn default() -> Self {
        Self {
            cert: None,
            cert_file: None,
            key: None,
            key_file: None,
            client_ca: None,
            client_ca_file: None,
            client_auth_type: None,
            client_allowed_sans: None,
            min_version: None,
            max_version: None,
            cipher_suites: None,
            curve_preferences: None,
            prefer_server_cipher_suites: true,
        }
    }
}

/// Prints no key.
impl fmt::Debug for TlsSection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TlsSection").finish_non_exhaustive()
    }
}

/// The mistakes that were found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(pub(super) Vec<String>);

impl Mistakes {
    pub(super) fn note(&mut self, key: &str, message: impl fmt::Display) {
        self.0.push(format!("{key}: {message}"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes a mistake where a value is wanted.
    pub(super) fn add<T>(&mut self, key: &str, message: impl fmt::Display) -> Option<T> {
        self.note(key, message);
        None
    }
}
