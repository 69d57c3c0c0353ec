//! Why bytes gave no ClientHello.

/// Why a stream or a message is not a ClientHello that can be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum TlsError {
    /// A record that is not a TLS handshake record stands where the hello should go on.
    #[error("a record of another type or version stands before the ClientHello is complete")]
    NotHandshake,
    /// The first handshake message is another one.
    #[error("the handshake message is not a ClientHello")]
    NotClientHello,
    /// The message ends before the length that it states.
    #[error("the ClientHello is cut short")]
    Truncated,
    /// Lengths inside contradict each other before a name was found.
    #[error("the ClientHello's lengths contradict each other")]
    Malformed,
    /// Longer than [`MAX_HELLO`](super::MAX_HELLO).
    #[error("the ClientHello is longer than 64 KiB")]
    TooLong,
}
