//! A known ClientHello over TCP, its segments cut, repeated, overlapping and ordered as the fuzzer likes. What must
//! hold: the name is told with the segment that brings the last missing octet, never before, and once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::flow::{Limits, Reading, Tracker};
use stakeout::model::{
    Addr, Counters, EncapChain, Observation, Packet, Proto, TcpFlags, TcpSegment, Timestamp, Transport,
};
use stakeout_fuzz::{Coverage, Input, samples};

/// An assembly keeps 48 parts that do not touch; so many segments never leave more.
const MAX_SEGMENTS: u16 = 48;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let options = input.u8();
    let stream: &[u8] = if options & 1 != 0 { &samples::TLS_RECORDS } else { &samples::TLS_STREAM };
    let isn = u32::from(input.u16()) << 16;
    let limits = Limits { flows: 4, streams: 4, stream_octets: 1 << 20, quic_connections: 1, ..Limits::default() };
    let (mut tracker, mut counters) = (Tracker::new(&limits, Reading::default()), Counters::new());
    let mut names = Vec::new();
    let mut sink = |o: &Observation<'_>| {
        assert_eq!(o.proto, Proto::Tls);
        names.push(o.name.to_string());
    };
    let segment = |number: u16, seq: u32, flags: u8, payload| Packet {
        ts: Timestamp::from_nanos(1_000_000_000_000 + u64::from(number) * 1_000_000),
        src: Addr::v4([192, 0, 2, 1]),
        dst: Addr::v4([198, 51, 100, 1]),
        ip_id: number,
        truncated: false,
        encap: EncapChain::new(),
        transport: Transport::Tcp(TcpSegment {
            src_port: 40_000,
            dst_port: 443,
            seq,
            ack: 1,
            flags: TcpFlags(flags),
            payload,
        }),
    };
    tracker.packet(&segment(0, isn, TcpFlags::SYN, &[]), &mut counters, &mut sink);
    let mut sent = Coverage::new(stream.len());
    for number in 1..=MAX_SEGMENTS {
        if input.is_empty() || sent.is_complete() {
            break;
        }
        let from = usize::from(input.u16()) % stream.len();
        let to = (from + usize::from(input.u16() % 1500)).min(stream.len());
        sent.add(from, to - from);
        let seq = isn.wrapping_add(1 + from as u32);
        tracker.packet(&segment(number, seq, TcpFlags::ACK, &stream[from..to]), &mut counters, &mut sink);
        assert!(tracker.gauges().streams <= 1);
    }
    let held = tracker.gauges().streams;
    tracker.finish(&mut counters, &mut sink);
    if sent.is_complete() {
        assert_eq!((held, names), (0, vec![samples::NAME.to_owned()]), "{counters:?}");
    } else {
        // An incomplete hello may have told its name at the end.
        assert!(names.is_empty() || names == [samples::NAME], "{names:?}");
    }
});
