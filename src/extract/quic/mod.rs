//! quic

mod header;
mod keys;
mod protection;
pub mod seal;
mod version;

pub use header::{ConnectionId, put_varint};
pub use keys::{InitialKeys, Side};
pub use version::Version;
