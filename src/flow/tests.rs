//! Tests of the tracker: every way in which a stream or a connection begins, goes on and ends.
//!
//! `tests/properties` shows that shuffled streams are read; here stand the single states, the limits, and that every
//! buffer comes back.

mod limits;
mod quic;
mod tcp;

use super::{Gauges, Limits, Reading, Tracker};
use crate::model::{
    Addr, Counter, Counters, EncapChain, Observation, Packet, TcpFlags, TcpSegment, Timestamp, Transport, UdpDatagram,
};

const SYN: u8 = TcpFlags::SYN;
const ACK: u8 = TcpFlags::ACK;
const FIN: u8 = TcpFlags::FIN;
const RST: u8 = TcpFlags::RST;

/// The client's first octet has the sequence number 1, the server's 1001.
const SERVER_DATA: u32 = 1001;

/// A tracker, a clock, and one client port at a time.
struct Bench {
    tracker: Tracker,
    counters: Counters,
    names: Vec<String>,
    now_ms: u64,
    client_port: u16,
    server_port: u16,
    ip_id: u16,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(&Limits::default(), Reading::default())
    }

    fn with(limits: &Limits, reading: Reading) -> Bench {
        Bench {
            tracker: Tracker::new(limits, reading),
            counters: Counters::new(),
            names: Vec::new(),
            now_ms: 1_000_000,
            client_port: 40_000,
            server_port: 443,
            ip_id: 0,
        }
    }

    fn send(&mut self, up: bool, truncated: bool, transport: impl FnOnce(u16, u16) -> Transport<'static>) {
        let (client, server) = (Addr::v4([192, 0, 2, 9]), Addr::v4([198, 51, 100, 1]));
        let (src, dst) = if up { (client, server) } else { (server, client) };
        let ports = (self.client_port, self.server_port);
        let (from, to) = if up { ports } else { (ports.1, ports.0) };
        self.now_ms += 1;
        self.ip_id += 1;
        let packet = Packet {
            ts: Timestamp::from_nanos(self.now_ms * 1_000_000),
            src,
            dst,
            ip_id: self.ip_id,
            truncated,
            encap: EncapChain::new(),
            transport: transport(from, to),
        };
        let names = &mut self.names;
        let mut sink = |o: &Observation<'_>| names.push(format!("{} {} {}", o.proto.name(), o.kind.name(), o.name));
        self.tracker.packet(&packet, &mut self.counters, &mut sink);
    }

    fn segment(&mut self, up: bool, flags: u8, seq: u32, ack: u32, payload: &[u8], truncated: bool) {
        let payload = leak(payload);
        self.send(up, truncated, |src_port, dst_port| {
            Transport::Tcp(TcpSegment { src_port, dst_port, seq, ack, flags: TcpFlags(flags), payload })
        });
    }

    /// The client's segment whose first octet is the stream's `at`-th.
    fn up(&mut self, at: usize, payload: &[u8]) {
        self.segment(true, ACK, 1 + at as u32, SERVER_DATA, payload, false);
    }

    /// The server's segment, likewise.
    fn down(&mut self, at: usize, payload: &[u8]) {
        self.segment(false, ACK, SERVER_DATA + at as u32, 1, payload, false);
    }

    fn syn(&mut self) {
        self.segment(true, SYN, 0, 0, b"", false);
    }

    fn syn_ack(&mut self) {
        self.segment(false, SYN | ACK, SERVER_DATA - 1, 1, b"", false);
    }

    fn datagram(&mut self, up: bool, payload: &[u8]) {
        let payload = leak(payload);
        self.send(up, false, |src_port, dst_port| Transport::Udp(UdpDatagram { src_port, dst_port, payload }));
    }

    fn wait(&mut self, ms: u64) {
        self.now_ms += ms;
        let names = &mut self.names;
        let mut sink = |o: &Observation<'_>| names.push(format!("{} {} {}", o.proto.name(), o.kind.name(), o.name));
        for _ in 0..20 {
            self.tracker.idle(Timestamp::from_nanos(self.now_ms * 1_000_000), &mut self.counters, &mut sink);
        }
    }

    fn count(&self, counter: Counter) -> u64 {
        self.counters.get(counter)
    }

    fn gauges(&self) -> Gauges {
        self.tracker.gauges()
    }

    /// Ends the capture; gives the names found until then, and those found because of it.
    fn finish(mut self) -> (Vec<String>, Vec<String>) {
        let before = std::mem::take(&mut self.names);
        let names = &mut self.names;
        let mut sink = |o: &Observation<'_>| names.push(format!("{} {} {}", o.proto.name(), o.kind.name(), o.name));
        self.tracker.finish(&mut self.counters, &mut sink);
        let gauges = self.tracker.gauges();
        assert_eq!((gauges.streams, gauges.stream_octets, gauges.quic_connections), (0, 0, 0), "buffers leak");
        (before, self.names)
    }

    /// Names found before the end, of which the end must add none.
    fn names(self) -> Vec<String> {
        let (before, after) = self.finish();
        assert_eq!(after, Vec::<String>::new(), "found at the end only");
        before
    }
}

/// The packets of a test live as long as the test run: so payloads need no owner.
fn leak(payload: &[u8]) -> &'static [u8] {
    Box::leak(payload.to_vec().into_boxed_slice())
}
