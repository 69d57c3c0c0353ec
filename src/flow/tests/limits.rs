//! The tracker's limits hold whatever is sent.

use crate::extract::quic::seal::seal_initial;
use crate::extract::quic::{Version, put_varint};
use crate::extract::tls::build::{HelloSpec, client_hello, records};
use crate::flow::{Limits, Reading, Tracker};
use crate::model::{
    Addr, Counter, Counters, EncapChain, Observation, Packet, TcpFlags, TcpSegment, Timestamp, Transport, UdpDatagram,
};

const LIMITS: Limits = Limits {
    flows: 64,
    flow_idle_ns: 60_000_000_000,
    streams: 64,
    stream_octets: 100_000,
    stream_timeout_ns: 10_000_000_000,
    quic_connections: 64,
};

/// A packet of client number `client`, a millisecond after that of the client before.
fn packet<'a>(client: u8, round: u16, transport: Transport<'a>) -> Packet<'a> {
    Packet {
        ts: Timestamp::from_nanos(1_000_000_000 * (1 + u64::from(round)) + 1_000_000 * u64::from(client)),
        src: Addr::v4([192, 0, 2, client]),
        dst: Addr::v4([198, 51, 100, 1]),
        ip_id: round,
        truncated: false,
        encap: EncapChain::new(),
        transport,
    }
}

fn tcp(seq: u32, payload: &[u8]) -> Transport<'_> {
    let flags = TcpFlags(TcpFlags::ACK);
    Transport::Tcp(TcpSegment { src_port: 40_000, dst_port: 443, seq, ack: 1, flags, payload })
}

/// A hello that is long, complete but for its end, in records of that size.
fn long_hello(record_size: usize) -> Vec<u8> {
    let extra = vec![(0x1234, vec![0; 60_000])];
    let spec = HelloSpec { sni: Some(b"www.example.com".to_vec()), extra, ..HelloSpec::default() };
    let mut stream = records(&client_hello(&spec), record_size);
    stream.truncate(stream.len() - 10);
    stream
}

/// Streams grow after they were let in: the octets are bounded all the same, in one record or over many.
#[test]
fn streams_that_grow_stay_within_the_octets_they_may_hold() {
    for record_size in [16_384, 1_000] {
        let hello = long_hello(record_size);
        let (mut tracker, mut counters) = (Tracker::new(&LIMITS, Reading::default()), Counters::new());
        let mut names = 0;
        let mut sink = |_: &Observation<'_>| names += 1;
        for (round, piece) in hello.chunks(1400).enumerate() {
            for client in 0..20 {
                let transport = tcp((round * 1400) as u32, piece);
                tracker.packet(&packet(client, round as u16, transport), &mut counters, &mut sink);
                assert!(tracker.gauges().stream_octets <= LIMITS.stream_octets, "{:?}", tracker.gauges());
            }
        }
        assert!(counters.get(Counter::StreamBuffersEvicted) > 0);
        tracker.finish(&mut counters, &mut sink);
        assert_eq!((tracker.gauges().streams, tracker.gauges().stream_octets), (0, 0));
        assert_eq!(names, 20, "an evicted stream tells the name that it has");
    }
}

/// A SYN-ACK that does not fit the stream that is being read in its direction ends it; its buffer is given back.
#[test]
fn a_syn_ack_out_of_place_leaves_no_buffer_behind() {
    let (mut tracker, mut counters) = (Tracker::new(&LIMITS, Reading::default()), Counters::new());
    let mut names = 0;
    let mut sink = |_: &Observation<'_>| names += 1;
    let hello = long_hello(16_384);
    let flags = TcpFlags(TcpFlags::SYN | TcpFlags::ACK);
    let syn_ack = TcpSegment { src_port: 40_000, dst_port: 443, seq: 9_000_000, ack: 1, flags, payload: &[] };
    tracker.packet(&packet(1, 0, tcp(77, &hello[..1400])), &mut counters, &mut sink);
    assert_eq!(tracker.gauges().streams, 1);
    tracker.packet(&packet(1, 1, Transport::Tcp(syn_ack)), &mut counters, &mut sink);
    assert_eq!((tracker.gauges().streams, tracker.gauges().stream_octets), (0, 0));
    assert_eq!(names, 1, "what was there of the hello had the name");
}

/// A SYN that comes after segments of its stream asks for the octets between.
#[test]
fn a_late_syn_stays_within_the_octets_too() {
    let (mut tracker, mut counters) = (Tracker::new(&LIMITS, Reading::default()), Counters::new());
    let mut sink = |_: &Observation<'_>| {};
    let flags = TcpFlags(TcpFlags::SYN);
    let syn = TcpSegment { src_port: 40_000, dst_port: 443, seq: 0, ack: 0, flags, payload: &[] };
    for client in 0..4 {
        let segment = tcp(60_000, b"neither a hello nor a request");
        tracker.packet(&packet(client, 0, segment), &mut counters, &mut sink);
    }
    assert_eq!(tracker.gauges().streams, 4);
    for client in 0..4 {
        tracker.packet(&packet(client, 1, Transport::Tcp(syn)), &mut counters, &mut sink);
        assert!(tracker.gauges().stream_octets <= LIMITS.stream_octets, "{:?}", tracker.gauges());
    }
    assert!(tracker.gauges().streams > 0);
}

/// One small CRYPTO frame at a high offset claims memory for all octets before it.
#[test]
fn connections_stay_within_the_octets_they_may_hold() {
    let (mut tracker, mut counters) = (Tracker::new(&LIMITS, Reading::default()), Counters::new());
    let mut sink = |_: &Observation<'_>| {};
    for client in 0..40 {
        for (round, offset) in [10_u64, 60_000].into_iter().enumerate() {
            let mut frame = vec![6];
            put_varint(&mut frame, offset);
            frame.extend_from_slice(&[1, 0]);
            let id = [client; 8];
            let datagram = seal_initial(Version::V1, &id, b"", b"", round as u32, 4, &frame, 1200, true);
            let udp = UdpDatagram { src_port: 40_000, dst_port: 443, payload: &datagram };
            tracker.packet(&packet(client, round as u16, Transport::Udp(udp)), &mut counters, &mut sink);
            assert!(tracker.gauges().quic_octets <= LIMITS.stream_octets, "{:?}", tracker.gauges());
        }
    }
    assert!(tracker.gauges().quic_connections > 0 && counters.get(Counter::StreamBuffersEvicted) > 0);
    tracker.finish(&mut counters, &mut sink);
    assert_eq!((tracker.gauges().quic_connections, tracker.gauges().quic_octets), (0, 0));
}
