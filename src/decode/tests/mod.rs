//! Hand-made frames, header by header, and what the decoder must make of them.

mod fragments;
mod hostile;
mod links;
mod tags;
mod tunnels;
mod wifi;

use super::{Decoder, Limits, LinkType};
use crate::model::{Addr, Counter, Counters, Encap, Timestamp, Transport};

pub(super) const V4_SRC: [u8; 4] = [192, 0, 2, 1];
pub(super) const V4_DST: [u8; 4] = [198, 51, 100, 2];
pub(super) const V6_SRC: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub(super) const V6_DST: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
/// A payload that no header looks like.
pub(super) const HELLO: &[u8] = b"hello, is anyone there?";

/// What came out of the decoder, in owned form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) tcp: bool,
    pub(super) ports: (u16, u16),
    pub(super) addrs: (Addr, Addr),
    pub(super) payload: Vec<u8>,
    pub(super) chain: Vec<Encap>,
    pub(super) truncated: bool,
    pub(super) ip_id: u16,
}

/// Decodes one frame after another with one decoder and one set of counters.
pub(super) struct Bench {
    pub(super) decoder: Decoder,
    pub(super) counters: Counters,
    pub(super) now: Timestamp,
    pub(super) link: LinkType,
}

impl Bench {
    pub(super) fn new(link: LinkType) -> Bench {
        Bench::with_limits(link, Limits::default())
    }

    pub(super) fn with_limits(link: LinkType, limits: Limits) -> Bench {
        Bench {
            decoder: Decoder::new(limits),
            counters: Counters::new(),
            now: Timestamp::from_parts(1_700_000_000, 0),
            link,
        }
    }

    pub(super) fn see(&mut self, frame: &[u8]) -> Option<Seen> {
        self.see_cut(frame, frame.len())
    }

    /// Decodes a frame that was `wire_len` octets long on the wire.
    pub(super) fn see_cut(&mut self, frame: &[u8], wire_len: usize) -> Option<Seen> {
        let packet = self.decoder.decode(self.link, self.now, frame, wire_len as u32, &mut self.counters)?;
        let (tcp, ports, payload) = match packet.transport {
            Transport::Tcp(t) => (true, (t.src_port, t.dst_port), t.payload.to_vec()),
            Transport::Udp(u) => (false, (u.src_port, u.dst_port), u.payload.to_vec()),
        };
        Some(Seen {
            tcp,
            ports,
            addrs: (packet.src, packet.dst),
            payload,
            chain: packet.encap.as_slice().to_vec(),
            truncated: packet.truncated,
            ip_id: packet.ip_id,
        })
    }

    pub(super) fn count(&self, counter: Counter) -> u64 {
        self.counters.get(counter)
    }
}

/// Decodes one frame.
pub(super) fn see(link: LinkType, frame: &[u8]) -> Option<Seen> {
    Bench::new(link).see(frame)
}

/// Asserts that the frame leads to [`hello`] or [`hello6`] through this chain.
#[track_caller]
pub(super) fn leads_to_hello(link: LinkType, frame: &[u8], chain: &[Encap]) {
    let mut bench = Bench::new(link);
    let seen = bench.see(frame);
    let Some(seen) = seen else { panic!("nothing found: {:?}", bench.counters) };
    assert_eq!((seen.ports, seen.payload.as_slice()), ((4321, 80), HELLO));
    assert_eq!(seen.chain, chain);
    assert!(!seen.truncated);
}

/// Asserts that the frame is left for this reason and no other.
#[track_caller]
pub(super) fn is_left(link: LinkType, frame: &[u8], reason: Counter) {
    let mut bench = Bench::new(link);
    assert_eq!(bench.see(frame), None);
    let counted: Vec<_> = bench.counters.iter().filter(|(c, n)| *n > 0 && *c != Counter::SnapCut).collect();
    assert_eq!(counted, [(reason, 1)]);
}

pub(super) fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(super) fn tcp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let mut h = [0; 20];
    h[0..2].copy_from_slice(&src.to_be_bytes());
    h[2..4].copy_from_slice(&dst.to_be_bytes());
    h[4..8].copy_from_slice(&0x0102_0304_u32.to_be_bytes());
    h[8..12].copy_from_slice(&0x0a0b_0c0d_u32.to_be_bytes());
    h[12] = 0x50;
    h[13] = 0x18;
    cat(&[&h, payload])
}

pub(super) fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() + 8) as u16;
    cat(&[&src.to_be_bytes(), &dst.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload])
}

/// An IPv4 packet; `fragment` is the field with the flags and the offset.
pub(super) fn ip4_with(id: u16, fragment: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut h = [0; 20];
    h[0] = 0x45;
    h[2..4].copy_from_slice(&((payload.len() + 20) as u16).to_be_bytes());
    h[4..6].copy_from_slice(&id.to_be_bytes());
    h[6..8].copy_from_slice(&fragment.to_be_bytes());
    h[8] = 64;
    h[9] = protocol;
    h[12..16].copy_from_slice(&V4_SRC);
    h[16..20].copy_from_slice(&V4_DST);
    cat(&[&h, payload])
}

pub(super) fn ip4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ip4_with(0x1234, 0x4000, protocol, payload)
}

pub(super) fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    cat(&[&[0x60, 0, 0, 0], &length, &[next, 64], &V6_SRC, &V6_DST, payload])
}

/// IPv4, TCP, 4321 → 80, [`HELLO`].
pub(super) fn hello() -> Vec<u8> {
    ip4(6, &tcp(4321, 80, HELLO))
}

/// IPv6, UDP, 4321 → 80, [`HELLO`].
pub(super) fn hello6() -> Vec<u8> {
    ip6(17, &udp(4321, 80, HELLO))
}

pub(super) fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&[0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2], &ethertype.to_be_bytes(), payload])
}

/// A whole Ethernet frame around [`hello`].
pub(super) fn hello_frame() -> Vec<u8> {
    ethernet(0x0800, &hello())
}

/// `payload` in UDP to this port, in IPv4, in Ethernet.
pub(super) fn to_port(port: u16, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ip4(17, &udp(50_000, port, payload)))
}
