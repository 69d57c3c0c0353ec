//! The door: TLS 1.2 and 1.3, and which certificates of clients open it.
//!
//! Sessions are never resumed: a certificate that is taken back must not get in by an older handshake.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::config::{Clients, PushConfig, PushError};
use super::refusal::Cause;

/// SHA-256 of a certificate.
pub(super) fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(certificate).into()
}

/// The set-up that `config` asks for, from its files.
pub(super) fn server_config(config: &PushConfig) -> Result<Arc<ServerConfig>, PushError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates("the certificate", &config.certificate)?;
    let file = |what, path: &Path, reason: String| PushError::File { what, path: path.to_owned(), reason };
    let key = PrivateKeyDer::from_pem_file(&config.key);
    let key = key.map_err(|e| file("the private key", &config.key, e.to_string()))?;
    let verifier = verifier(&config.clients, &provider)?;
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| PushError::Setting { reason: e.to_string() })?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|e| file("the certificate", &config.certificate, format!("{e} (with the key beside it)")))?;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, PushError> {
    let file = |reason: String| PushError::File { what, path: path.to_owned(), reason };
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = read.map_err(|e| file(e.to_string()))?;
    if all.is_empty() { Err(file("no certificate in it (PEM)".to_owned())) } else { Ok(all) }
}

fn verifier(clients: &Clients, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, PushError> {
    let (ca, crl) = match clients {
        Clients::Fingerprints(allowed) => {
            let algorithms = provider.signature_verification_algorithms;
            return Ok(Arc::new(Known { allowed: allowed.clone(), algorithms }));
        }
        Clients::Authority { ca, crl } => (ca, crl),
    };
    let file = |what, path: &Path, reason: String| PushError::File { what, path: path.to_owned(), reason };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("the authority of the clients", ca)? {
        roots.add(certificate).map_err(|e| file("the authority of the clients", ca, e.to_string()))?;
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if let Some(path) = crl {
        let read = CertificateRevocationListDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let lists = read.map_err(|e| file("the revocations", path, e.to_string()))?;
        if lists.is_empty() {
            return Err(file("the revocations", path, "no list in it (PEM)".to_owned()));
        }
        builder = builder.with_crls(lists).enforce_revocation_expiration();
    }
    builder.build().map_err(|e| file("the authority of the clients", ca, e.to_string()))
}

/// Why a handshake failed.
pub(super) fn cause(error: &std::io::Error) -> Cause {
    match error.get_ref().and_then(|e| e.downcast_ref::<Error>()) {
        Some(Error::NoCertificatesPresented) => Cause::NoCertificate,
        Some(Error::InvalidCertificate(_)) => Cause::Certificate,
        _ => Cause::Handshake,
    }
}

/// Lets in who shows a certificate that is written down, and proves to have its key.
struct Known {
    allowed: Vec<[u8; 32]>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("allowed", &self.allowed.len()).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Known {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.allowed.contains(&fingerprint(end_entity)) {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
