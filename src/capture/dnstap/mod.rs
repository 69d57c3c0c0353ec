//! dnstap: what a resolver tells of the messages that it receives and sends (<https://dnstap.info>).
//!
//! Two layers, both without I/O and without allocation. [`FrameStream`] takes a connection's octets apart into frames
//! and leads the handshake (Frame Streams, as the fstrm library defines it); [`parse`] reads the protocol buffer in a
//! data frame, of which it lends the DNS message, the addresses and the times. Neither knows what is inside a DNS
//! message.

mod frames;
mod message;
mod protobuf;

pub use frames::{ACCEPT, FINISH, FrameStream, MAX_CONTROL, Step, StreamError};
pub use message::{Message, MessageError, MessageType, Side, SocketProtocol, parse};

/// The content type of dnstap in Frame Streams.
pub const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";
