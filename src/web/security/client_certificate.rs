//! The verification of client certificates.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

/// Go's `tls.ClientAuthType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthType {
    Request,
    RequireAny,
    VerifyIfGiven,
    RequireAndVerify,
}

impl AuthType {
    pub(super) fn verifies(self) -> bool {
        matches!(self, Self::VerifyIfGiven | Self::RequireAndVerify)
    }

    pub(super) fn requires(self) -> bool {
        matches!(self, Self::RequireAny | Self::RequireAndVerify)
    }
}

/// The certificates of `client_ca_file`.
#[derive(Debug)]
pub(super) struct Authorities {
    /// Verifies certificates that an authority issued.
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    /// The certificates themselves.
    pub(super) listed: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// Accepts what an authority issued and, as Go does, a certificate that is itself listed: `openssl req -x509`
    /// creates self-signed certificates as authorities, which rustls accepts from no client.
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let verified = self.verifier.verify_client_cert(end_entity, intermediates, now);
        match verified {
            Err(_) if self.listed.contains(end_entity) => check_listed(end_entity, now),
            other => other.map(drop),
        }
    }
}

/// Checks what applies to a trusted certificate too: its validity and its permitted uses.
fn check_listed(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let rejected = |reason| Err(Error::InvalidCertificate(reason));
    let Ok((_, parsed)) = parse_x509_certificate(certificate) else {
        return rejected(CertificateError::BadEncoding);
    };
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < parsed.validity().not_before.timestamp() {
        return rejected(CertificateError::NotValidYet);
    }
    if now > parsed.validity().not_after.timestamp() {
        return rejected(CertificateError::Expired);
    }
    match parsed.extended_key_usage() {
        Ok(Some(usage)) if !(usage.value.client_auth || usage.value.any) => {
            rejected(CertificateError::InvalidPurpose)
        }
        Ok(_) => Ok(()),
        Err(_) => rejected(CertificateError::BadEncoding),
    }
}

/// Verifies client certificates by the auth type and the list of permitted names.
#[derive(Debug)]
pub(super) struct ClientCertPolicy {
    pub(super) auth_type: AuthType,
    /// Verifies certificates, if the type asks for that.
    pub(super) authorities: Option<Authorities>,
    /// Exact names, one of which the certificate must have; without a list, any certificate is accepted.
    pub(super) allowed_sans: Option<Vec<String>>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for ClientCertPolicy {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authorities.as_ref().map_or(&[], |authorities| authorities.verifier.root_hint_subjects())
    }

    fn client_auth_mandatory(&self) -> bool {
        self.auth_type.requires()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(authorities) = &self.authorities {
            authorities.verify(end_entity, intermediates, now)?;
        }
        if self.allowed_sans.as_ref().is_none_or(|allowed| has_name(end_entity, allowed)) {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn has_name(certificate: &CertificateDer<'_>, allowed: &[String]) -> bool {
    let Ok((_, parsed)) = parse_x509_certificate(certificate) else { return false };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return false };
    names.value.general_names.iter().any(|name| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            allowed.iter().any(|allowed| allowed == name)
        }
        GeneralName::IPAddress(bytes) => address(bytes).is_some_and(|address| allowed.contains(&address)),
        _ => false,
    })
}

fn address(bytes: &[u8]) -> Option<String> {
    let address: IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok()?.into(),
        16 => <[u8; 16]>::try_from(bytes).ok()?.into(),
        _ => return None,
    };
    Some(address.to_string())
}
