//! One captured frame, borrowed from the buffer of its source.

use crate::model::Timestamp;
use std::fmt;

/// A frame as the capture holds it.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// When it was captured. A pcapng Simple Packet Block has no time and gets that of the packet before it.
    pub ts: Timestamp,
    /// What `data` begins with: a LINKTYPE number (<https://www.tcpdump.org/linktypes.html>) as the file says it; on a
    /// live interface libpcap's DLT number, translated to the LINKTYPE where they differ.
    pub linktype: u32,
    /// Index of the interface in its pcapng section, from 0; always 0 elsewhere.
    pub interface: u32,
    /// Octets that the frame had on the wire. May be more than `data` holds (snap length); in a bad file even fewer.
    pub orig_len: u32,
    /// The octets that were captured.
    pub data: &'a [u8],
}

/// Without the octets: they hold addresses, which must never reach a log.
impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("ts", &self.ts)
            .field("linktype", &self.linktype)
            .field("interface", &self.interface)
            .field("orig_len", &self.orig_len)
            .field("captured", &self.data.len())
            .finish()
    }
}
