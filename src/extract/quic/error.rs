//! Why a datagram gave nothing.

use crate::extract::tls::TlsError;

/// Why a datagram is not what [`Connection`](super::Connection) reads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum QuicError {
    /// It does not begin with a long header.
    #[error("the datagram does not begin with a long header")]
    NotLongHeader,
    /// The version is none of [`Version`](super::Version).
    #[error("the QUIC version is not one that is read")]
    Version,
    /// Lengths in the header do not fit the datagram.
    #[error("the QUIC header's lengths do not fit the datagram")]
    Malformed,
    /// It has Initial packets, but no client Initial keys open them.
    #[error("no client Initial keys open the packet")]
    NotDecrypted,
    /// The handshake message inside is not a ClientHello that can be read.
    #[error("in the CRYPTO stream: {0}")]
    Hello(#[from] TlsError),
}
