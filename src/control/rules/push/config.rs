//! The settings of the endpoint, and what can be wrong with them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Who may push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Clients {
    /// Who shows a certificate for client authentication that one of these authorities issued. All of them: an authority
    /// that issues to others than the ministry, such as a public one, needs [`PushSource::clients`] besides.
    Authority {
        /// PEM file with the certificates of the authorities.
        ca: PathBuf,
        /// PEM file with their lists of revoked certificates. If given, a certificate on which no list says anything is
        /// refused, and so is every certificate once its list has expired.
        crl: Option<PathBuf>,
    },
    /// Who shows one of these certificates: SHA-256 over its DER form. Who issued it, for what, and until when is not
    /// looked at: the certificate itself is what was agreed on.
    Fingerprints(Vec<[u8; 32]>),
}

/// A source that is pushed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushSource {
    /// Its id.
    pub id: String,
    /// Where it is posted, such as `/push/pl-hazard`. Begins with `/`; two sources never have the same.
    pub path: String,
    /// Which of the clients may push it: SHA-256 of certificates. Empty: each of them.
    pub clients: Vec<[u8; 32]>,
}

/// How long things may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PushTimes {
    /// For the TLS handshake. Default 10 s.
    pub handshake: Duration,
    /// For the head of the request. Default 10 s.
    pub head: Duration,
    /// Between two pieces of the body. Default 20 s.
    pub idle: Duration,
    /// For the whole body. Default 5 min.
    pub body: Duration,
    /// For the [`Receiver`](super::Receiver). Default 60 s.
    pub receive: Duration,
    /// For what is under way when the server ends. Default 5 s.
    pub grace: Duration,
}

impl Default for PushTimes {
    fn default() -> Self {
        let secs = Duration::from_secs;
        PushTimes {
            handshake: secs(10),
            head: secs(10),
            idle: secs(20),
            body: secs(300),
            receive: secs(60),
            grace: secs(5),
        }
    }
}

/// The settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// PEM file with the server's certificate and those between it and its authority.
    pub certificate: PathBuf,
    /// PEM file with its private key.
    pub key: PathBuf,
    /// Who may push.
    pub clients: Clients,
    /// What may be pushed.
    pub sources: Vec<PushSource>,
    /// A directory for what is coming in, on the file system of the store.
    pub incoming: PathBuf,
    /// The longest push, in octets. Default 64 MiB.
    pub max_bytes: u64,
    /// Connections at once, 1 to 1024; more are closed at once. Default 32.
    pub max_connections: u32,
    /// Of these from one address. Default 8.
    pub max_connections_per_address: u32,
    /// Pushes of a source in a row; each comes back after `refill`. Default 10.
    pub burst: u32,
    /// Default 1 minute.
    pub refill: Duration,
    /// Default: see [`PushTimes`].
    pub times: PushTimes,
}

impl PushConfig {
    /// With every setting that has a default at it.
    pub fn new(listen: SocketAddr, certificate: PathBuf, key: PathBuf, clients: Clients, incoming: PathBuf) -> Self {
        PushConfig {
            listen,
            certificate,
            key,
            clients,
            sources: Vec::new(),
            incoming,
            max_bytes: 64 << 20,
            max_connections: 32,
            max_connections_per_address: 8,
            burst: 10,
            refill: Duration::from_secs(60),
            times: PushTimes::default(),
        }
    }

    /// What can be told wrong without touching a file.
    pub(super) fn check(&self) -> Result<(), PushError> {
        let wrong = |reason: String| Err(PushError::Setting { reason });
        if self.sources.is_empty() {
            return wrong("no source is pushed: leave out the endpoint, or set push = true for a source".to_owned());
        }
        if matches!(&self.clients, Clients::Fingerprints(all) if all.is_empty()) {
            return wrong("no fingerprint of a client is given, so nobody could push".to_owned());
        }
        if !(1..=1024).contains(&self.max_connections) || self.max_connections_per_address == 0 || self.burst == 0 {
            return wrong("max_connections is 1 to 1024, the other limits at least 1".to_owned());
        }
        for (n, source) in self.sources.iter().enumerate() {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
            if !source.path.starts_with('/') || !source.path.chars().all(is_plain) {
                return wrong(format!("{}: the path {:?} is not of the form /push/name", source.id, source.path));
            }
            if let Some(other) = self.sources[..n].iter().find(|other| other.path == source.path) {
                return wrong(format!("{} and {} have the same path {}", other.id, source.id, source.path));
            }
        }
        Ok(())
    }
}

/// Why the endpoint does not start, or does not take new certificates.
#[derive(Debug, Error)]
pub enum PushError {
    /// A setting.
    #[error("{reason}")]
    Setting {
        /// What is wrong.
        reason: String,
    },
    /// A file with certificates, keys or revocations.
    #[error("{what} {}: {reason}; correct the file or its path", path.display())]
    File {
        /// What it should hold.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The address, or the machine.
    #[error("cannot listen on {listen}: {reason}; is another program there?")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        let clients = Clients::Fingerprints(vec![[7; 32]]);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = PushConfig::new(listen, "c".into(), "k".into(), clients, "d".into());
        assert!(config.check().is_err());
        let source = |id: &str, path: &str| PushSource { id: id.into(), path: path.into(), clients: Vec::new() };
        config.sources = vec![source("a", "/push/a")];
        assert!(config.check().is_ok());
        for path in ["push/a", "/push/ä", "/push?a", ""] {
            assert!(PushConfig { sources: vec![source("a", path)], ..config.clone() }.check().is_err(), "{path}");
        }
        assert!(PushConfig { sources: vec![source("a", "/x"), source("b", "/x")], ..config.clone() }.check().is_err());
        assert!(PushConfig { max_connections: 0, ..config.clone() }.check().is_err());
        assert!(PushConfig { clients: Clients::Fingerprints(Vec::new()), ..config }.check().is_err());
    }
}
