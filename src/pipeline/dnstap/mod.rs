//! dnstap as a source beside packets: resolvers connect, and tell of every query that they get and every answer that
//! they give, also of those that were encrypted on the wire.
//!
//! One thread of its own ([`DnstapWorker`]) serves all sockets and connections: it is the twin of a capture's worker,
//! with its own view of the rules and its own counters, and hands hits to the same recorder. What a message is worth is
//! decided in [`DnstapReader`], which does no I/O.

mod connection;
mod reader;
mod socket;
mod worker;

pub use reader::{DnstapReader, DnstapReading};
pub use socket::{TcpSocketConfig, UnixSocketConfig, group_id};
pub use worker::{DnstapConfig, DnstapError, DnstapWorker, INTERFACE};
