//! Recognises frames that the mirror delivered twice: a port mirrored at ingress and egress, or two mirrored ports.
//!
//! A copy has the same addresses, ports, IP identification and payload and comes within milliseconds, while MAC
//! addresses, VLAN tags and TTL may differ. A retransmission by the client comes later, or with a new IP
//! identification. Only packets that are about to be examined for a name are checked, so bulk data pays nothing.

use super::key::{FlowKey, HashSeed};
use crate::model::{Packet, Timestamp, Transport};

const SLOTS: usize = 4096;

/// Remembers the last few thousand examined packets, one to a slot.
pub(crate) struct Duplicates {
    seed: HashSeed,
    seen: Vec<(u64, Timestamp)>,
}

impl Duplicates {
    /// How long after the first a copy may come, in nanoseconds. Stub resolvers repeat a question after hundreds of
    /// milliseconds at the earliest; mirrors and the buffers behind them deliver copies within a few.
    pub(crate) const WINDOW_NS: u64 = 10_000_000;

    pub(crate) fn new() -> Self {
        Duplicates { seed: HashSeed::random(), seen: vec![(0, Timestamp::default()); SLOTS] }
    }

    /// Whether the same packet was examined within the window. Remembers it.
    #[inline]
    pub(crate) fn is_copy(&mut self, packet: &Packet<'_>) -> bool {
        let (src, dst) = packet.endpoints();
        let (key, direction) = FlowKey::new(src, dst);
        let (payload, extra) = match packet.transport {
            Transport::Tcp(t) => (t.payload, u64::from(t.seq) << 8 | u64::from(t.flags.0)),
            Transport::Udp(u) => (u.payload, 1 << 63),
        };
        let identity = self.seed.hash(&key, direction as u8)
            ^ self.seed.hash_bytes(payload).rotate_left(17)
            ^ (extra ^ u64::from(packet.ip_id) << 44).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = &mut self.seen[identity as usize % SLOTS];
        let copy = slot.0 == identity && packet.ts.nanos_since(slot.1) <= Self::WINDOW_NS;
        *slot = (identity, packet.ts);
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addr, EncapChain, UdpDatagram};

    fn packet(ms: u64, ip_id: u16, payload: &[u8]) -> Packet<'_> {
        Packet {
            ts: Timestamp::from_nanos(1_000_000_000 + ms * 1_000_000),
            src: Addr::v4([10, 0, 0, 1]),
            dst: Addr::v4([10, 0, 0, 2]),
            ip_id,
            truncated: false,
            encap: EncapChain::new(),
            transport: Transport::Udp(UdpDatagram { src_port: 4000, dst_port: 53, payload }),
        }
    }

    #[test]
    fn a_copy_is_known_and_a_retry_is_not() {
        let mut d = Duplicates::new();
        assert!(!d.is_copy(&packet(0, 7, b"question")));
        assert!(d.is_copy(&packet(1, 7, b"question")));
        assert!(!d.is_copy(&packet(2, 8, b"question")), "another IP identification is another packet");
        assert!(!d.is_copy(&packet(3, 7, b"Question")));
        assert!(!d.is_copy(&packet(500, 7, b"question")), "half a second later it is asked again");
    }
}
