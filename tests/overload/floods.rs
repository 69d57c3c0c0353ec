//! The floods: each gives the n-th frame of an attack, the same in every run.

use stakeout::extract::quic::seal::seal_initial;
use stakeout::extract::quic::{Version, put_varint};
use stakeout::extract::tls::build::{HelloSpec, client_hello, records};

use crate::frames::{self, From};

/// A flood.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flood {
    /// SYNs from forged sources.
    Syns,
    /// The first segment of a hello, from forged sources; the second never comes.
    HalfHellos,
    /// The same over DNS: the first octets of a long message over TCP.
    HalfDnsMessages,
    /// Segments in the middle of connections that nobody opened.
    StraySegments,
    /// Whole hellos from forged sources.
    WholeHellos,
    /// First fragments, each of a datagram of its own.
    Fragments,
    /// Queries for ever new names that no list knows.
    RandomNames,
    /// QUIC Initials with ever new connection IDs, from one address and port.
    QuicOneSource,
    /// QUIC Initials with ever new connection IDs from forged sources, each with half a hello.
    QuicHalfHellos,
    /// QUIC Initials from forged sources that no key opens.
    QuicGarbage,
}

/// Makes a flood's frames.
pub(crate) struct Source {
    flood: Flood,
    hello: Vec<u8>,
    initials: Vec<Vec<u8>>,
}

/// Initials that are made once: a flood repeats them from ever new addresses, and a worker that keeps nothing of a flow
/// that it has forgotten must read each anew.
const INITIALS: usize = 500;

impl Source {
    pub(crate) fn new(flood: Flood) -> Self {
        let spec = HelloSpec::browser("flood.invalid", 7);
        let cut = |whole: bool| {
            let hello = client_hello(&HelloSpec::browser_quic("flood.invalid", 7));
            let end = if whole { hello.len() } else { 900 };
            let mut frame = vec![6];
            put_varint(&mut frame, 0);
            put_varint(&mut frame, end as u64);
            frame.extend(&hello[..end]);
            frame
        };
        let initials = match flood {
            Flood::QuicOneSource | Flood::QuicHalfHellos => {
                let payload = cut(false);
                let seal = |n: usize| {
                    seal_initial(Version::V1, &(n as u64 + 1).to_be_bytes(), b"", b"", 0, 1, &payload, 1250, true)
                };
                (0..INITIALS).map(seal).collect()
            }
            _ => Vec::new(),
        };
        Source { flood, hello: records(&client_hello(&spec), 16_384), initials }
    }

    /// The frame with this number.
    pub(crate) fn frame(&self, n: u32) -> Vec<u8> {
        // Multiplied by an odd number: each number gives another address and port.
        let mixed = n.wrapping_mul(0x9e37_79b1);
        let forged = From {
            addr: [203, (mixed >> 24) as u8, (mixed >> 16) as u8, (mixed >> 8) as u8],
            port: 1024 + (n % 60_000) as u16,
        };
        let (syn, ack) = (0x02, 0x10);
        match self.flood {
            Flood::Syns => frames::tcp(forged, 443, syn, mixed, b""),
            Flood::HalfHellos => frames::tcp(forged, 443, ack, mixed, &self.hello[..1000]),
            Flood::HalfDnsMessages => {
                let message = frames::query(n as u16, "flood.invalid");
                frames::tcp(forged, 53, ack, mixed, &[&[0x02, 0x00], &message[..]].concat())
            }
            Flood::StraySegments => frames::tcp(forged, 443, ack, mixed, &[0x17; 1000]),
            Flood::WholeHellos => frames::tcp(forged, 443, ack, mixed, &self.hello),
            Flood::Fragments => frames::first_fragment(forged, 53, n as u16, &[0; 1200]),
            Flood::RandomNames => {
                frames::udp(forged, 53, n as u16, &frames::query(n as u16, &format!("x{mixed:08x}.flood.invalid")))
            }
            Flood::QuicOneSource => {
                let from = From { addr: [203, 0, 113, 7], port: 5555 };
                frames::udp(from, 443, n as u16, &self.initials[n as usize % INITIALS])
            }
            Flood::QuicHalfHellos => frames::udp(forged, 443, n as u16, &self.initials[n as usize % INITIALS]),
            Flood::QuicGarbage => {
                // A long header of version 1 with an eight-octet connection ID, and nothing that a key opens.
                let mut packet = vec![0xc0, 0, 0, 0, 1, 8];
                packet.extend(u64::from(mixed).to_be_bytes());
                packet.extend([0, 0, 0x44, 0xb0]);
                packet.resize(1250, 0xa5);
                frames::udp(forged, 443, n as u16, &packet)
            }
        }
    }
}
