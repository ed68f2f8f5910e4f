//! The section `tls_server_config`.

use std::path::PathBuf;

use yaml_serde::Value;

use super::{errors::Diagnostics, yaml_table::Table};

/// The settings of `tls_server_config`, as the file gives them.
pub(super) struct TlsSection {
    pub(super) cert: PemSource,
    pub(super) key: PemSource,
    pub(super) client_ca: PemSource,
    pub(super) client_auth_type: Option<String>,
    /// An empty list permits no client.
    pub(super) client_allowed_sans: Option<Vec<String>>,
    pub(super) min_version: Option<String>,
    pub(super) max_version: Option<String>,
    pub(super) cipher_suites: Vec<String>,
    pub(super) curve_preferences: Vec<String>,
    pub(super) prefer_server_cipher_suites: bool,
}

/// PEM in the file itself, or the path of a file with it. The path takes precedence.
pub(super) struct PemSource {
    pub(super) name: &'static str,
    pub(super) inline: Option<String>,
    pub(super) file: Option<PathBuf>,
}

impl PemSource {
    pub(super) fn is_given(&self) -> bool {
        self.inline.is_some() || self.file.is_some()
    }
}

impl TlsSection {
    /// Reads the section. Nothing means that it is absent, null or `{}`, or has errors.
    ///
    /// Any key asks for TLS, even with an empty value: a template variable without a value must not disable TLS and
    /// the authentication of clients.
    pub(super) fn read(value: Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut table = Table::new("tls_server_config", value, diagnostics)?;
        if table.is_empty() {
            return None;
        }
        let mut pem = |name: &'static str, file: &'static str, diagnostics: &mut Diagnostics| PemSource {
            name,
            inline: table.text(name, diagnostics),
            file: table.text(file, diagnostics).map(PathBuf::from),
        };
        let cert = pem("cert", "cert_file", diagnostics);
        let key = pem("key", "key_file", diagnostics);
        let client_ca = pem("client_ca", "client_ca_file", diagnostics);
        let section = Self {
            cert,
            key,
            client_ca,
            client_auth_type: table.text("client_auth_type", diagnostics),
            client_allowed_sans: table.texts("client_allowed_sans", diagnostics),
            min_version: table.text("min_version", diagnostics),
            max_version: table.text("max_version", diagnostics),
            cipher_suites: table.texts("cipher_suites", diagnostics).unwrap_or_default(),
            curve_preferences: table.texts("curve_preferences", diagnostics).unwrap_or_default(),
            prefer_server_cipher_suites: table
                .boolean("prefer_server_cipher_suites", diagnostics)
                .unwrap_or(true),
        };
        table.finish(diagnostics);
        let missing = [&section.cert, &section.key].into_iter().filter(|source| !source.is_given());
        for source in missing {
            let name = source.name;
            diagnostics.report(
                "tls_server_config",
                format_args!("missing {name} or {name}_file: TLS needs a certificate and its key"),
            );
        }
        Some(section)
    }
}
