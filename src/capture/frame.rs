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

#[cfg(test)]
mod tests {
    use super::{Frame, Timestamp};

    #[test]
    fn debug_does_not_show_octets() {
        let frame =
            Frame { ts: Timestamp::default(), linktype: 1, interface: 0, orig_len: 60, data: &[251, 252, 253, 254] };
        let shown = format!("{frame:?}");
        assert!(shown.contains("captured: 4"));
        assert!(!shown.contains("251") && !shown.contains("fb"), "{shown}");
    }
}
