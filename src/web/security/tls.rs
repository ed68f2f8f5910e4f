//! Translates the TLS settings of the file to rustls.

use std::{sync::Arc, time::Duration};

use rustls::{
    RootCertStore, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use x509_parser::{parse_x509_certificate, time::ASN1Time};

use super::{
    client_certificate::{AuthType, Authorities, ClientCertPolicy},
    errors::Diagnostics,
    security_settings::{Tls, Validity},
    tls_server_config::TlsSection,
};

/// Go's suites that rustls does not have because they are weak.
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

/// The PEM that a section refers to.
pub(super) struct Material {
    pub(super) cert: Option<Vec<u8>>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) client_ca: Option<Vec<u8>>,
}

/// The server's settings; every error is reported.
pub(super) fn server(
    section: &TlsSection,
    material: &Material,
    http2: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Tls> {
    let provider = provider(section, diagnostics);
    let versions = versions(section, diagnostics);
    let chain = material.cert.as_deref().and_then(|pem| chain(pem, diagnostics));
    let key = material.key.as_deref().and_then(|pem| key(pem, diagnostics));
    let verifier = verifier(section, material, &provider, diagnostics)?;
    // The steps below would report the same errors again.
    if !diagnostics.is_empty() {
        return None;
    }
    let builder = ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&versions);
    let builder = match builder {
        Ok(builder) => builder.with_client_cert_verifier(verifier),
        Err(error) => {
            return diagnostics
                .fail("tls_server_config", format!("these settings cannot be combined: {error}"));
        }
    };
    let chain = chain?;
    let validity = validity(&chain, diagnostics)?;
    let mut config = match builder.with_single_cert(chain, key?) {
        Ok(config) => config,
        Err(error) => {
            return diagnostics
                .fail("tls_server_config.key_file", format!("does not match the certificate: {error}"));
        }
    };
    config.ignore_client_order = section.prefer_server_cipher_suites;
    config.alpn_protocols = if http2 { vec![b"h2".to_vec()] } else { Vec::new() };
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Some(Tls { config: Arc::new(config), validity })
}

/// The time during which every certificate of the chain is valid.
fn validity(chain: &[CertificateDer<'_>], diagnostics: &mut Diagnostics) -> Option<Validity> {
    let mut whole = Validity { not_before: Duration::ZERO, not_after: Duration::MAX };
    for certificate in chain {
        let Ok((_, parsed)) = parse_x509_certificate(certificate) else {
            return diagnostics
                .fail("tls_server_config.cert_file", "has a certificate that cannot be parsed");
        };
        let seconds = |time: ASN1Time| Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or(0));
        let validity = parsed.validity();
        whole.not_before = whole.not_before.max(seconds(validity.not_before));
        whole.not_after = whole.not_after.min(seconds(validity.not_after));
    }
    Some(whole)
}

/// PEM without a byte order mark, which editors on Windows write.
fn without_bom(pem: &[u8]) -> &[u8] {
    pem.strip_prefix("\u{feff}".as_bytes()).unwrap_or(pem)
}

fn chain(pem: &[u8], diagnostics: &mut Diagnostics) -> Option<Vec<CertificateDer<'static>>> {
    match CertificateDer::pem_slice_iter(without_bom(pem)).collect::<Result<Vec<_>, _>>() {
        Ok(chain) if !chain.is_empty() => Some(chain),
        Ok(_) => diagnostics.fail("tls_server_config.cert_file", "has no certificate in PEM"),
        Err(_) => diagnostics.fail("tls_server_config.cert_file", "is not valid PEM"),
    }
}

fn key(pem: &[u8], diagnostics: &mut Diagnostics) -> Option<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(without_bom(pem)).ok();
    key.or_else(|| diagnostics.fail("tls_server_config.key_file", "has no private key in PEM"))
}

fn versions(section: &TlsSection, diagnostics: &mut Diagnostics) -> Vec<&'static SupportedProtocolVersion> {
    let mut number = |key: &str, name: Option<&str>, default: u8| match name {
        None => default,
        Some("TLS12") => 12,
        Some("TLS13") => 13,
        Some(old @ ("TLS10" | "TLS11")) => diagnostics
            .fail(key, format!("{old} is not supported: expected TLS12 or TLS13"))
            .unwrap_or(default),
        Some(_) => diagnostics.fail(key, "expected TLS12 or TLS13, found other text").unwrap_or(default),
    };
    let least = number("tls_server_config.min_version", section.min_version.as_deref(), 12);
    let most = number("tls_server_config.max_version", section.max_version.as_deref(), 13);
    if least > most {
        diagnostics.report("tls_server_config.max_version", "is lower than min_version");
    }
    [(12, &TLS12), (13, &TLS13)]
        .into_iter()
        .filter(|(number, _)| (least..=most).contains(number))
        .map(|(_, version)| version)
        .collect()
}

fn provider(section: &TlsSection, diagnostics: &mut Diagnostics) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if !section.cipher_suites.is_empty() {
        // As in Go, the list applies to TLS 1.2; the suites of 1.3 are always enabled.
        let named: Vec<_> =
            section.cipher_suites.iter().filter_map(|name| suite(name, diagnostics)).collect();
        let new = aws_lc_rs::ALL_CIPHER_SUITES.iter().filter(|suite| suite.tls13().is_some());
        let old = named.into_iter().filter(|suite| suite.tls13().is_none());
        provider.cipher_suites = new.copied().chain(old).collect();
    }
    if !section.curve_preferences.is_empty() {
        provider.kx_groups =
            section.curve_preferences.iter().filter_map(|name| curve(name, diagnostics)).collect();
    }
    provider
}

/// The suite of Go's name: rustls spells TLS 1.3's `TLS13_…`, and Go leaves the hash of some out.
fn suite(name: &str, diagnostics: &mut Diagnostics) -> Option<SupportedCipherSuite> {
    let key = "tls_server_config.cipher_suites";
    let spelled = |suite: &SupportedCipherSuite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_");
    let same = |suite: &&SupportedCipherSuite| {
        let spelled = spelled(suite);
        spelled == name || spelled.strip_suffix("_SHA256") == Some(name) && name.contains("CHACHA20")
    };
    let known = aws_lc_rs::ALL_CIPHER_SUITES.iter().find(same).copied();
    known.or_else(|| {
        if WEAK_SUITES.contains(&name) {
            diagnostics.fail(
                key,
                format!("{name} is not supported: expected suites of ECDHE with AES-GCM or ChaCha20"),
            )
        } else {
            diagnostics.fail(key, "expected names of suites as Go spells them, found other text")
        }
    })
}

fn curve(name: &str, diagnostics: &mut Diagnostics) -> Option<&'static dyn SupportedKxGroup> {
    match name {
        "CurveP256" => Some(aws_lc_rs::kx_group::SECP256R1),
        "CurveP384" => Some(aws_lc_rs::kx_group::SECP384R1),
        "X25519" => Some(aws_lc_rs::kx_group::X25519),
        "X25519MLKEM768" => Some(aws_lc_rs::kx_group::X25519MLKEM768),
        "CurveP521" => diagnostics.fail(
            "tls_server_config.curve_preferences",
            "CurveP521 is not supported: expected CurveP256, CurveP384, X25519 or X25519MLKEM768",
        ),
        _ => diagnostics.fail(
            "tls_server_config.curve_preferences",
            "expected CurveP256, CurveP384, X25519 or X25519MLKEM768, found other text",
        ),
    }
}

fn verifier(
    section: &TlsSection,
    material: &Material,
    provider: &CryptoProvider,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<dyn ClientCertVerifier>> {
    let auth_type = auth_type(section, diagnostics)?;
    let allowed_sans = section.client_allowed_sans.clone();
    if allowed_sans.is_some() && !auth_type.is_some_and(AuthType::requires) {
        return diagnostics.fail(
            "tls_server_config.client_allowed_sans",
            "needs the client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert",
        );
    }
    let Some(auth_type) = auth_type else {
        if material.client_ca.is_some() {
            return diagnostics.fail(
                "tls_server_config.client_auth_type",
                "missing: a client_ca_file needs a type that verifies client certificates",
            );
        }
        return Some(Arc::new(NoClientAuth));
    };
    let algorithms = provider.signature_verification_algorithms;
    let authorities = if auth_type.verifies() {
        let Some(pem) = material.client_ca.as_deref() else {
            return diagnostics.fail(
                "tls_server_config.client_ca_file",
                "missing: client_auth_type asks for certificates to be verified against it",
            );
        };
        Some(authorities(pem, provider, diagnostics)?)
    } else {
        None
    };
    Some(Arc::new(ClientCertPolicy { auth_type, authorities, allowed_sans, algorithms }))
}

fn authorities(pem: &[u8], provider: &CryptoProvider, diagnostics: &mut Diagnostics) -> Option<Authorities> {
    let key = "tls_server_config.client_ca_file";
    let Ok(listed) = CertificateDer::pem_slice_iter(without_bom(pem)).collect::<Result<Vec<_>, _>>() else {
        return diagnostics.fail(key, "is not valid PEM");
    };
    let mut roots = RootCertStore::empty();
    for certificate in &listed {
        if let Err(error) = roots.add(certificate.clone()) {
            return diagnostics.fail(key, format!("has a certificate that cannot be used: {error}"));
        }
    }
    if roots.is_empty() {
        return diagnostics.fail(key, "has no certificate in PEM");
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider.clone()));
    match builder.build() {
        Ok(verifier) => Some(Authorities { verifier, listed }),
        Err(error) => diagnostics.fail(key, format!("cannot be used: {error}")),
    }
}

/// Whether and how client certificates are requested; nothing if that is an error.
#[expect(clippy::option_option, reason = "requesting no certificates is not an error")]
fn auth_type(section: &TlsSection, diagnostics: &mut Diagnostics) -> Option<Option<AuthType>> {
    match section.client_auth_type.as_deref() {
        None | Some("NoClientCert") => Some(None),
        Some("RequestClientCert") => Some(Some(AuthType::Request)),
        Some("RequireAnyClientCert" | "RequireClientCert") => Some(Some(AuthType::RequireAny)),
        Some("VerifyClientCertIfGiven") => Some(Some(AuthType::VerifyIfGiven)),
        Some("RequireAndVerifyClientCert") => Some(Some(AuthType::RequireAndVerify)),
        Some(_) => diagnostics.fail(
            "tls_server_config.client_auth_type",
            "expected NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or \
             RequireAndVerifyClientCert, found other text",
        ),
    }
}
