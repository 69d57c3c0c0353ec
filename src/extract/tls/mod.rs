//! The server name of a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3).
//!
//! - [`probe`] says whether the first octets of a stream begin a ClientHello, on whatever port.
//! - [`whole_hello`] reads a hello that lies complete in one record of a contiguous slice, which is the common case,
//!   without copying. [`HelloReader`] takes the rest: a hello over any number of records, cut anywhere.
//! - [`walk_hello`] reads the handshake message itself and serves QUIC too, which carries it without records.
//!   [`walk_partial`] makes the best of one that never became complete.
//!
//! The reader is lenient where leniency only helps to find the name: lengths that a server would refuse (an odd
//! number of cipher suite octets, say) are skipped as stated, repeated extensions are allowed and the first counts.
//! A hello sent again after a HelloRetryRequest has the same name and is not read. The SSLv2-compatible hello
//! (RFC 5246 appendix E.2) cannot carry a name and is refused by [`probe`].
//!
//! Limits: [`MAX_HELLO`] octets a hello; work is linear in the octets fed, memory at most twice what was received.

pub mod build;
mod error;
mod hello;
mod probe;
mod record;
#[cfg(test)]
mod tests;

pub use error::TlsError;
pub use hello::{ClientHello, NoName, Sni, is_ip_literal, walk_hello, walk_partial};
pub use probe::{Probe, probe};
pub use record::{HelloReader, Progress, RECORD_HEADER, first_record_is_short, whole_hello};

/// The longest handshake message that is read, header included. Real ones have 200 to 4,000 octets.
pub const MAX_HELLO: usize = 64 * 1024;

/// Handshake type of a ClientHello (RFC 8446 section 4).
const CLIENT_HELLO: u8 = 1;
/// Octets before a handshake message's body: its type and its length in 24 bits.
pub(crate) const HANDSHAKE_HEADER: usize = 4;

/// The whole length of the handshake message with this header, if it is a ClientHello of a length that is read.
#[inline]
pub(crate) fn message_len(header: [u8; HANDSHAKE_HEADER]) -> Result<usize, TlsError> {
    let [kind, high, mid, low] = header;
    if kind != CLIENT_HELLO {
        return Err(TlsError::NotClientHello);
    }
    let len = HANDSHAKE_HEADER + u32::from_be_bytes([0, high, mid, low]) as usize;
    if len > MAX_HELLO { Err(TlsError::TooLong) } else { Ok(len) }
}
