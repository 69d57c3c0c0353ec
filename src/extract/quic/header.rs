//! Long headers and variable-length integers (RFC 9000 sections 16 and 17.2).

/// A connection ID: at most 20 octets (RFC 9000 section 17.2), inline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConnectionId {
    len: u8,
    bytes: [u8; ConnectionId::MAX],
}

impl ConnectionId {
    /// The most octets that a connection ID has in the versions that are read.
    pub const MAX: usize = 20;

    /// The connection ID of these octets, unless there are too many.
    #[inline]
    pub fn new(id: &[u8]) -> Option<ConnectionId> {
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(ConnectionId { len: id.len() as u8, bytes })
    }

    /// The first 20 of these octets.
    pub(super) fn truncated(id: &[u8]) -> ConnectionId {
        let mut bytes = [0; Self::MAX];
        let len = id.len().min(Self::MAX);
        bytes[..len].copy_from_slice(&id[..len]);
        ConnectionId { len: len as u8, bytes }
    }

    /// Its octets.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// A connection ID tells one subscriber's connection from another's, so it is not for logs.
impl std::fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConnectionId({} octets)", self.len)
    }
}

/// Appends a variable-length integer in its shortest form; values beyond 2^62-1 are cut.
pub fn put_varint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x3f => out.push(value as u8),
        0x40..=0x3fff => out.extend_from_slice(&(0x4000 | value as u16).to_be_bytes()),
        0x4000..=0x3fff_ffff => out.extend_from_slice(&(0x8000_0000 | value as u32).to_be_bytes()),
        _ => out.extend_from_slice(&(0xc000_0000_0000_0000 | value).to_be_bytes()),
    }
}
