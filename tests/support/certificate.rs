//! A self-signed certificate for a server.

use std::{fs, path::Path};

use rcgen::{CertificateParams, KeyPair};

/// Writes a certificate, its key, and a web configuration `web.yml` that uses both; `more` has more keys of
/// `tls_server_config`. Returns the path of the web configuration.
pub(crate) fn web_config_with_certificate(directory: &Path, more: &str) -> String {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["exporter.example".to_owned()]).unwrap();
    fs::write(directory.join("server.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(directory.join("server.key"), key.serialize_pem()).unwrap();
    let path = directory.join("web.yml");
    let yaml = format!("tls_server_config: {{cert_file: server.pem, key_file: server.key{more}}}\n");
    fs::write(&path, yaml).unwrap();
    path.to_str().unwrap().to_owned()
}
