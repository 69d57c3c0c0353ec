//! One HTTP client for one request: whom it trusts, how it connects, and what its errors mean.
//!
//! TLS is rustls with ring. The authorities are those of the system (`ca-certificates` on Debian, or what `SSL_CERT_FILE`
//! names), not ones built into the program: an operator who removes or adds an authority means this program too, and an
//! authority that must go is gone with the next system update. HTTP/1.1 only, a new connection for each request, no
//! redirection, no cookie, no proxy from the environment, and no retry that we do not count.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Url};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, InvalidDnsNameError};

use super::address;
use super::error::{FetchError, Phase};
use super::request::{Request, Trust};

/// The authorities of the system, read once.
#[derive(Debug, Default)]
pub(super) struct SystemRoots(OnceLock<Result<RootCertStore, String>>);

impl SystemRoots {
    fn get(&self) -> Result<RootCertStore, FetchError> {
        let read = || {
            let found = rustls_native_certs::load_native_certs();
            let mut store = RootCertStore::empty();
            // A certificate that cannot be read is one authority less, not a reason to trust none.
            let (added, _) = store.add_parsable_certificates(found.certs);
            match (added, found.errors.first()) {
                (0, Some(e)) => Err(e.to_string()),
                (0, None) => Err("none found".to_owned()),
                _ => Ok(store),
            }
        };
        let roots = self.0.get_or_init(read).clone();
        roots.map_err(|reason| FetchError::Trust { at: "the system's store".to_owned(), reason })
    }
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<(), FetchError> {
    let trust = |reason: String| FetchError::Trust { at: path.display().to_string(), reason };
    let mut added = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| trust(e.to_string()))? {
        let certificate = certificate.map_err(|e| trust(e.to_string()))?;
        store.add(certificate).map_err(|e| trust(e.to_string()))?;
        added += 1;
    }
    if added == 0 { Err(trust("no certificate in it (PEM)".to_owned())) } else { Ok(()) }
}

fn roots(trust: &Trust, system: &SystemRoots) -> Result<RootCertStore, FetchError> {
    let (mut store, file) = match trust {
        Trust::System => (system.get()?, None),
        // Without a system's store those in the file remain.
        Trust::SystemAnd(file) => (system.get().unwrap_or_else(|_| RootCertStore::empty()), Some(file)),
        Trust::Only(file) => (RootCertStore::empty(), Some(file)),
    };
    if let Some(file) = file {
        add_file(&mut store, file)?;
    }
    Ok(store)
}

/// The client for `request`.
pub(super) fn build(request: &Request, system: &SystemRoots) -> Result<Client, FetchError> {
    let internal = |reason: String| FetchError::BadSetting { setting: "TLS", reason };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| internal(e.to_string()))?
        .with_root_certificates(roots(&request.trust, system)?)
        .with_no_client_auth();
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .tls_info(true)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(request.connect_timeout)
        .pool_max_idle_per_host(0)
        .user_agent(&request.user_agent);
    if let Some(proxy) = &request.proxy {
        // The text may hold a password, so it is not repeated.
        let bad = |_| FetchError::BadSetting {
            setting: "proxy",
            reason: "not an address such as http://proxy.example:3128".to_owned(),
        };
        builder = builder.proxy(Proxy::all(proxy).map_err(bad)?);
    }
    builder.build().map_err(|e| FetchError::BadSetting { setting: "user_agent", reason: deepest(&e) })
}

/// What it means that `error` came instead of an answer from `url`.
pub(super) fn explain(error: &reqwest::Error, url: &Url, request: &Request) -> FetchError {
    let at = address::host_and_port(url);
    if error.is_dns() {
        return FetchError::Dns { host: url.host_str().unwrap_or("").to_owned(), reason: deepest(error) };
    }
    if chain(error).any(|e| e.is::<InvalidDnsNameError>()) {
        return FetchError::BadUrl { url: address::shown(url), reason: "its host is no name".to_owned() };
    }
    if let Some(refused) = chain(error).find_map(tls_error) {
        return FetchError::Tls { at, reason: refused.to_string(), broken_off: false };
    }
    if let Some(said) = chain(error).map(ToString::to_string).find(|text| text.starts_with("tunnel error")) {
        return FetchError::Proxy { at, reason: said.trim_start_matches("tunnel error: ").to_owned() };
    }
    if error.is_connect() && error.is_timeout() {
        let (phase, after) = (Phase::Connect, request.connect_timeout);
        return FetchError::TimedOut { url: address::shown(url), phase, after, bytes: 0 };
    }
    let io = chain(error).filter_map(|e| e.downcast_ref::<io::Error>()).last();
    if error.is_connect() {
        let broken_off = url.scheme() == "https" && io.is_some_and(|e| e.kind() == io::ErrorKind::UnexpectedEof);
        if broken_off {
            return FetchError::Tls { at, reason: "the server broke off the handshake".to_owned(), broken_off };
        }
        return FetchError::Connect { at, reason: deepest(error) };
    }
    let hyper = chain(error).find_map(|e| e.downcast_ref::<hyper::Error>());
    if hyper.is_some_and(hyper::Error::is_incomplete_message) || io.is_some() {
        return FetchError::Cut { url: address::shown(url), bytes: 0, announced: None };
    }
    FetchError::Protocol { url: address::shown(url), reason: deepest(error) }
}

/// What it means that `error` came instead of more of a body.
pub(super) fn explain_body(error: &reqwest::Error, url: &Url, bytes: u64, announced: Option<u64>) -> FetchError {
    let url = address::shown(url);
    let io = chain(error).filter_map(|e| e.downcast_ref::<io::Error>()).last().map(io::Error::kind);
    match io {
        // A chunk that is none, or a TLS record that is forged.
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            FetchError::Protocol { url, reason: deepest(error) }
        }
        _ => FetchError::Cut { url, bytes, announced },
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e| inside(*e))
}

/// What caused `error`. An `io::Error` passes over what it holds and names that thing's own cause.
fn inside<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>()
}

/// The innermost cause, which is the one that says something.
fn deepest(error: &reqwest::Error) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
