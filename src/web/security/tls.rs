//! The TLS server's settings, as far as rustls can do what the file asks.

use std::sync::Arc;

use rustls::{
    RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};

use super::{
    client_cert::{AuthType, ClientCertPolicy},
    section::{Mistakes, TlsSection},
};

/// Go's suites that rustls does not have, since they are weak.
const WEAK_SUITES: [&str; 12] = [
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
];

/// The material that a section names, read.
pub(super) struct Material {
    pub(super) cert: Option<Vec<u8>>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) client_ca: Option<Vec<u8>>,
}

/// The server's settings; every mistake is noted.
pub(super) fn server(
    section: &TlsSection,
    material: &Material,
    http2: bool,
    mistakes: &mut Mistakes,
) -> Option<ServerConfig> {
    let provider = provider(section, mistakes);
    let versions = versions(section, mistakes);
    let chain = material.cert.as_deref().and_then(|pem| chain(pem, mistakes));
    let key = material.key.as_deref().and_then(|pem| key(pem, mistakes));
    let verifier = verifier(section, material, &provider, mistakes)?;
    // What follows would tell of the same mistakes once more.
    if !mistakes.is_empty() {
        return None;
    }
    let builder = ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&versions);
    let builder = match builder {
        Ok(builder) => builder.with_client_cert_verifier(verifier),
        Err(error) => return mistakes.add("tls_server_config", format!("no TLS can be spoken so: {error}")),
    };
    let mut config = match builder.with_single_cert(chain?, key?) {
        Ok(config) => config,
        Err(error) => {
            return mistakes
                .add("tls_server_config.key_file", format!("does not go with the certificate: {error}"));
        }
    };
    config.ignore_client_order = section.prefer_server_cipher_suites;
    config.alpn_protocols = if http2 { vec![b"h2".to_vec()] } else { Vec::new() };
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Some(config)
}

fn chain(pem: &[u8], mistakes: &mut Mistakes) -> Option<Vec<CertificateDer<'static>>> {
    match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
        Ok(chain) if !chain.is_empty() => Some(chain),
        Ok(_) => mistakes.add("tls_server_config.cert_file", "holds no certificate in PEM"),
        Err(error) => mistakes.add("tls_server_config.cert_file", format!("is no PEM: {error}")),
    }
}

fn key(pem: &[u8], mistakes: &mut Mistakes) -> Option<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(pem).ok();
    key.or_else(|| mistakes.add("tls_server_config.key_file", "holds no private key in PEM"))
}

fn versions(section: &TlsSection, mistakes: &mut Mistakes) -> Vec<&'static SupportedProtocolVersion> {
    let mut number = |key: &str, name: Option<&str>, default: u8| match name {
        None => default,
        Some("TLS12") => 12,
        Some("TLS13") => 13,
        Some(old @ ("TLS10" | "TLS11")) => {
            mistakes.add(key, format!("{old} is not supported: expected TLS12 or TLS13")).unwrap_or(default)
        }
        Some(other) => mistakes
            .add(key, format!("unknown version {other:?}: expected TLS12 or TLS13"))
            .unwrap_or(default),
    };
    let least = number("tls_server_config.min_version", section.min_version.as_deref(), 12);
    let most = number("tls_server_config.max_version", section.max_version.as_deref(), 13);
    if least > most {
        mistakes.note("tls_server_config.max_version", "is lower than min_version");
    }
    [(12, &TLS12), (13, &TLS13)]
        .into_iter()
        .filter(|(number, _)| (least..=most).contains(number))
        .map(|(_, version)| version)
        .collect()
}

fn provider(section: &TlsSection, mistakes: &mut Mistakes) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(names) = section.cipher_suites.as_ref().filter(|names| !names.is_empty()) {
        // As in Go, the list is about TLS 1.2; the suites of 1.3 are always there.
        let named: Vec<_> = names.iter().filter_map(|name| suite(name, mistakes)).collect();
        let new = aws_lc_rs::ALL_CIPHER_SUITES.iter().filter(|suite| suite.tls13().is_some());
        let old = named.into_iter().filter(|suite| suite.tls13().is_none());
        provider.cipher_suites = new.copied().chain(old).collect();
    }
    if let Some(names) = section.curve_preferences.as_ref().filter(|names| !names.is_empty()) {
        provider.kx_groups = names.iter().filter_map(|name| curve(name, mistakes)).collect();
    }
    provider
}

/// The suite of Go's name: rustls spells TLS 1.3's `TLS13_…`, and Go leaves the hash of some out.
fn suite(name: &str, mistakes: &mut Mistakes) -> Option<SupportedCipherSuite> {
    let key = "tls_server_config.cipher_suites";
    let spelled = |suite: &SupportedCipherSuite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_");
    let same = |suite: &&SupportedCipherSuite| {
        let spelled = spelled(suite);
        spelled == name || spelled.strip_suffix("_SHA256") == Some(name) && name.contains("CHACHA20")
    };
    let known = aws_lc_rs::ALL_CIPHER_SUITES.iter().find(same).copied();
    known.or_else(|| {
        if WEAK_SUITES.contains(&name) {
            mistakes.add(
                key,
                format!("{name} is not supported: expected suites of ECDHE with AES-GCM or ChaCha20"),
            )
        } else {
            mistakes.add(key, format!("unknown cipher suite {name:?}"))
        }
    })
}

fn curve(name: &str, mistakes: &mut Mistakes) -> Option<&'static dyn SupportedKxGroup> {
    match name {
        "CurveP256" => Some(aws_lc_rs::kx_group::SECP256R1),
        "CurveP384" => Some(aws_lc_rs::kx_group::SECP384R1),
        "X25519" => Some(aws_lc_rs::kx_group::X25519),
        "X25519MLKEM768" => Some(aws_lc_rs::kx_group::X25519MLKEM768),
        "CurveP521" => mistakes.add(
            "tls_server_config.curve_preferences",
            "CurveP521 is not supported: expected CurveP256, CurveP384, X25519 or X25519MLKEM768",
        ),
        other => mistakes.add(
            "tls_server_config.curve_preferences",
            format!("unknown curve {other:?}: expected CurveP256, CurveP384, X25519 or X25519MLKEM768"),
        ),
    }
}

fn verifier(
    section: &TlsSection,
    material: &Material,
    provider: &CryptoProvider,
    mistakes: &mut Mistakes,
) -> Option<Arc<dyn ClientCertVerifier>> {
    let auth_type = auth_type(section, mistakes)?;
    let allowed_sans = section.client_allowed_sans.clone().unwrap_or_default();
    if !allowed_sans.is_empty() && !auth_type.is_some_and(AuthType::requires) {
        return mistakes.add(
            "tls_server_config.client_allowed_sans",
            "needs the client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert",
        );
    }
    let Some(auth_type) = auth_type else {
        if material.client_ca.is_some() {
            return mistakes.add(
                "tls_server_config.client_auth_type",
                "is missing: with a client_ca_file, say how client certificates are verified",
            );
        }
        return Some(Arc::new(NoClientAuth));
    };
    let algorithms = provider.signature_verification_algorithms;
    let chain = if auth_type.verifies() {
        let Some(pem) = material.client_ca.as_deref() else {
            return mistakes.add(
                "tls_server_config.client_ca_file",
                "is missing: client_auth_type asks to verify certificates against it",
            );
        };
        Some(authorities(pem, provider, mistakes)?)
    } else {
        None
    };
    Some(Arc::new(ClientCertPolicy { auth_type, chain, allowed_sans, algorithms }))
}

fn authorities(
    pem: &[u8],
    provider: &CryptoProvider,
    mistakes: &mut Mistakes,
) -> Option<Arc<dyn ClientCertVerifier>> {
    let key = "tls_server_config.client_ca_file";
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| roots.add(certificate).map_err(|error| error.to_string()));
        if let Err(error) = added {
            return mistakes.add(key, format!("holds a certificate that can't be read: {error}"));
        }
    }
    if roots.is_empty() {
        return mistakes.add(key, "holds no certificate in PEM");
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider.clone()));
    match builder.build() {
        Ok(verifier) => Some(verifier),
        Err(error) => mistakes.add(key, format!("can't be used: {error}")),
    }
}

/// How certificates are asked for, if at all; nothing if that can't be known.
#[expect(clippy::option_option, reason = "no certificates asked for, and a mistake, are two things")]
fn auth_type(section: &TlsSection, mistakes: &mut Mistakes) -> Option<Option<AuthType>> {
    match section.client_auth_type.as_deref() {
        None | Some("" | "NoClientCert") => Some(None),
        Some("RequestClientCert") => Some(Some(AuthType::Request)),
        Some("RequireAnyClientCert" | "RequireClientCert") => Some(Some(AuthType::RequireAny)),
        Some("VerifyClientCertIfGiven") => Some(Some(AuthType::VerifyIfGiven)),
        Some("RequireAndVerifyClientCert") => Some(Some(AuthType::RequireAndVerify)),
        Some(other) => mistakes.add(
            "tls_server_config.client_auth_type",
            format!(
                "unknown type {other:?}: expected NoClientCert, RequestClientCert, RequireAnyClientCert, \
                 VerifyClientCertIfGiven or RequireAndVerifyClientCert"
            ),
        ),
    }
}
