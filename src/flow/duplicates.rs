//! Recognises frames that the mirror delivered twice: a port mirrored at ingress and egress, or two mirrored ports.
//!
//! A copy has the same addresses, ports, IP identification and payload and comes within milliseconds, while MAC
//! addresses, VLAN tags and TTL may differ. A retransmission by the client comes later, or with a new IP
//! identification. Only packets that are about to be examined for a name are checked, so bulk data pays nothing.

use super::key::{FlowKey, HashSeed};
use crate::model::{Packet, Timestamp, Transport};

/// A power of two; with [`WAYS`] places of 16 octets each, 128 KiB.
const SETS: usize = 2048;
const WAYS: usize = 4;

/// The places that a packet may be remembered in: one cache line.
#[derive(Clone, Default)]
#[repr(align(64))]
struct Set([(u64, Timestamp); WAYS]);

/// Remembers the last few thousand examined packets.
///
/// A packet takes the place of the one in its set that was seen longest ago. With one place a set, as many as one copy
/// in ten would be taken for new at 500,000 names a second.
pub(crate) struct Duplicates {
    seed: HashSeed,
    seen: Vec<Set>,
}

impl Duplicates {
    /// How long after the first a copy may come, in nanoseconds. Stub resolvers repeat a question after hundreds of
    /// milliseconds at the earliest; mirrors and the buffers behind them deliver copies within a few.
    pub(crate) const WINDOW_NS: u64 = 10_000_000;

    pub(crate) fn new() -> Self {
        Duplicates { seed: HashSeed::random(), seen: vec![Set::default(); SETS] }
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
        let places = &mut self.seen[identity as usize % SETS].0;
        let mut oldest = 0;
        for (way, (known, at)) in places.iter().enumerate() {
            if *known == identity {
                let copy = packet.ts.nanos_since(*at) <= Self::WINDOW_NS;
                places[way].1 = packet.ts;
                return copy;
            }
            if *at < places[oldest].1 {
                oldest = way;
            }
        }
        places[oldest] = (identity, packet.ts);
        false
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

    #[test]
    fn the_packets_between_do_not_displace_it() {
        let mut missed = 0;
        let mut d = Duplicates::new();
        for round in 0..100 {
            let question = format!("question {round}");
            assert!(!d.is_copy(&packet(round, 7, question.as_bytes())));
            for other in 0..400 {
                d.is_copy(&packet(round, other, b"other"));
            }
            missed += usize::from(!d.is_copy(&packet(round, 7, question.as_bytes())));
        }
        // With a random seed a set may be full once in many thousand times.
        assert!(missed <= 2, "{missed}");
    }
}
