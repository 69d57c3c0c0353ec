//! The server name of a QUIC connection: from the Initial packets of its client to the ClientHello inside.
//!
//! - [`probe`] says whether a datagram holds an Initial packet of a version that is read, on whatever port.
//! - [`Connection`] opens Initials (RFC 9001, RFC 9369), puts the CRYPTO stream together and hands the ClientHello to
//!   [`tls::walk_hello`](super::tls::walk_hello). One [`QuicScratch`] serves all connections of a worker.
//! - [`seal`] makes such packets.
//!
//! Every packet's tag is checked, so that nothing is read that the client did not send. Limits: a hello of
//! [`MAX_HELLO`](super::tls::MAX_HELLO) octets, whose memory is bounded by the highest offset that was seen; work is
//! linear in the octets fed. Read are versions 1 and 2, drafts 27 to 34, and mvfst's numbers for draft 27. Not read:
//! Google's own QUIC, which is another protocol.

mod assembly;
mod connection;
mod error;
mod frames;
mod header;
mod keys;
mod protection;
pub mod seal;
mod state;
#[cfg(test)]
mod tests;
mod version;

pub use connection::{Connection, Hello, Progress, QuicScratch};
pub use error::QuicError;
pub use header::{ConnectionId, connection_ids, is_unread_version, probe, put_varint};
pub use keys::{InitialKeys, Side};
pub use version::Version;
