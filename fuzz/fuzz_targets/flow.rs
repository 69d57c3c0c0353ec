//! A sequence of TCP segments and UDP datagrams of a few flows, described by the fuzzer, through a tracker with tiny
//! limits. Payloads are the fuzzer's, or pieces of real messages. What must hold: every table stays within its limits,
//! what is counted was told, and nothing is held at the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::flow::{Limits, Reading, Tracker};
use stakeout::model::{
    Addr, Counter, Counters, EncapChain, Observation, Packet, TcpFlags, TcpSegment, Timestamp, Transport, UdpDatagram,
};
use stakeout_fuzz::{Input, samples};

const LIMITS: Limits = Limits {
    flows: 4,
    flow_idle_ns: 60_000_000_000,
    streams: 3,
    stream_octets: 4096,
    stream_timeout_ns: 10_000_000_000,
    quic_connections: 2,
};
const SERVER_PORTS: [u16; 4] = [443, 80, 53, 8443];
const NAMES: [Counter; 4] = [Counter::NamesDns, Counter::NamesTls, Counter::NamesQuic, Counter::NamesHttp];

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (mut tracker, mut counters) = (Tracker::new(&LIMITS, Reading::default()), Counters::new());
    let (mut told, mut now) = (0, 1_000_000_000_000);
    let mut sink = |o: &Observation<'_>| {
        told += 1;
        assert!(!o.name.is_root());
    };
    let mut packets = 0;
    while !input.is_empty() && packets < 200 {
        packets += 1;
        let (choice, how) = (input.u8(), input.u8());
        now += if choice & 0x80 != 0 { 11_000_000_000 } else { 20_000_000 };
        let ts = Timestamp::from_nanos(now);
        if how == 0xff {
            tracker.idle(ts, &mut counters, &mut sink);
            continue;
        }
        let flow = choice & 7;
        let transport = transport(flow, choice, how, &mut input);
        let (client, server) = (Addr::v4([192, 0, 2, flow]), Addr::v4([198, 51, 100, 1]));
        let (src, dst) = if choice & 8 != 0 { (server, client) } else { (client, server) };
        let truncated = how & 0x80 != 0;
        let encap = EncapChain::new();
        let packet = Packet { ts, src, dst, ip_id: packets, truncated, encap, transport };
        tracker.packet(&packet, &mut counters, &mut sink);

        let held = tracker.gauges();
        assert!(held.flows <= held.flow_capacity && held.flow_capacity <= LIMITS.flows);
        assert!(held.streams <= LIMITS.streams && held.quic_connections <= LIMITS.quic_connections);
        assert!(held.stream_octets <= LIMITS.stream_octets && held.quic_octets <= LIMITS.stream_octets, "{held:?}");
    }
    tracker.finish(&mut counters, &mut sink);
    let held = tracker.gauges();
    assert_eq!((held.streams, held.stream_octets, held.quic_connections, held.quic_octets), (0, 0, 0, 0));
    assert_eq!(NAMES.iter().map(|c| counters.get(*c)).sum::<u64>(), told);
});

fn transport<'a>(flow: u8, choice: u8, how: u8, input: &mut Input<'a>) -> Transport<'a> {
    let (client, server) = (40_000 + u16::from(flow), SERVER_PORTS[usize::from(flow) % 4]);
    let (src_port, dst_port) = if choice & 8 != 0 { (server, client) } else { (client, server) };
    // UDP: a first flight, a question, or the fuzzer's octets.
    if choice & 16 != 0 {
        let payload = match how & 7 {
            0 => &samples::QUIC_DATAGRAMS[0][..],
            1 => &samples::QUIC_DATAGRAMS[1],
            2 => samples::DNS_QUERY,
            3 => samples::DNS_ANSWER,
            _ => input.framed(),
        };
        return Transport::Udp(UdpDatagram { src_port, dst_port, payload });
    }
    // TCP: sequence numbers start just before they wrap.
    let offset = input.u16();
    let payload = match how & 7 {
        0 => piece(&samples::TLS_STREAM, offset, input),
        1 => piece(&samples::TLS_RECORDS, offset, input),
        2 => piece(samples::HTTP_STREAM, offset, input),
        3 => piece(&samples::DNS_STREAM, offset, input),
        4 => &[],
        _ => input.framed(),
    };
    let flags = TcpFlags(if how & 8 != 0 { input.u8() } else { TcpFlags::ACK });
    let first = u32::MAX - 100 - u32::from(flow);
    let seq = first.wrapping_add(u32::from(offset)).wrapping_add(u32::from(!flags.has(TcpFlags::SYN)));
    Transport::Tcp(TcpSegment { src_port, dst_port, seq, ack: first.wrapping_add(1), flags, payload })
}

/// The part of a stream that belongs at `offset`, of the fuzzer's length.
fn piece<'a>(stream: &'a [u8], offset: u16, input: &mut Input<'_>) -> &'a [u8] {
    let rest = stream.get(usize::from(offset)..).unwrap_or_default();
    &rest[..usize::from(input.u16()).min(rest.len())]
}
