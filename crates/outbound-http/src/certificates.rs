//! The certificate authorities of the environment.

use std::{env, fs, path::Path};

use rustls_pki_types::{CertificateDer, pem::PemObject as _};

/// What is wrong with `SSL_CERT_FILE` and `SSL_CERT_DIR`, as `variable` reads them: one sentence for each that yields no
/// certificate. The HTTP client ignores such a variable silently.
pub fn certificate_warnings<'e>(variable: impl Fn(&str) -> Option<&'e str>) -> Vec<String> {
    let value = |name| variable(name).filter(|value| !value.is_empty());
    let file = value("SSL_CERT_FILE").filter(|file| !file_has_certificate(Path::new(file)));
    let directories = value("SSL_CERT_DIR")
        .filter(|value| !env::split_paths(value).any(|directory| directory_has_certificate(&directory)));
    let warning = |name: &str, path: &str| format!("{name}: no certificate can be read from {path}");
    let file = file.map(|path| warning("SSL_CERT_FILE", path));
    file.into_iter().chain(directories.map(|path| warning("SSL_CERT_DIR", path))).collect()
}

/// Stops at the first certificate, because bundles have hundreds.
fn file_has_certificate(path: &Path) -> bool {
    path.is_file()
        && CertificateDer::pem_file_iter(path)
            .is_ok_and(|mut certificates| certificates.any(|read| read.is_ok()))
}

fn directory_has_certificate(directory: &Path) -> bool {
    let entries = fs::read_dir(directory);
    entries.is_ok_and(|entries| entries.flatten().any(|entry| file_has_certificate(&entry.path())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_yields_no_certificate_is_reported() {
        let directory = env::temp_dir().join(format!("certificates-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let empty = directory.join("empty.pem");
        fs::write(&empty, "no certificate\n").unwrap();
        let (empty, directory) = (empty.display().to_string(), directory.display().to_string());
        for (name, value) in [
            ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
            ("SSL_CERT_FILE", &empty),
            ("SSL_CERT_DIR", "/nonexistent"),
            ("SSL_CERT_DIR", &directory),
        ] {
            let warnings = certificate_warnings(|variable| (variable == name).then_some(value));
            assert_eq!(warnings, [format!("{name}: no certificate can be read from {value}")]);
        }
        assert!(certificate_warnings(|_| Some("")).is_empty() && certificate_warnings(|_| None).is_empty());
        let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testdata/ca.pem");
        assert!(certificate_warnings(|name| (name == "SSL_CERT_FILE").then_some(pem)).is_empty());
        fs::remove_dir_all(&directory).unwrap();
    }
}
