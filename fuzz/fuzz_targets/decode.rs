//! Several frames through one decoder with a tiny fragment table, under the link type that the first octet chooses.
//! What must hold: the table's limits; every frame gives a packet, a counted reason or a fragment; Ethernet read by the
//! fast lane gives what the long way gives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::decode::{Decoder, Limits, LinkType};
use stakeout::model::{Counter, Counters, Packet, Timestamp};
use stakeout_fuzz::Input;

/// Every number that is decoded, Ethernet and raw IP more often.
const LINKS: [u32; 48] = [
    1, 0, 6, 7, 8, 9, 10, 11, 12, 50, 51, 100, 101, 104, 105, 106, 107, 108, 109, 113, 117, 119, 122, 123, 127, 129,
    138, 149, 163, 166, 192, 204, 205, 206, 219, 226, 228, 229, 239, 240, 241, 242, 258, 274, 276, 281, 285, 1,
];
/// Ethernet behind four octets that are passed over: the fast lane does not know it.
const ETHERNET_BEHIND_FOUR: u32 = 240;
const LIMITS: Limits = Limits { max_datagrams: 3, max_bytes: 2000, timeout_ns: 1_000_000_000 };

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let number = LINKS[usize::from(input.u8()) % LINKS.len()];
    let link = LinkType::from_linktype(number).unwrap();
    let _ = LinkType::name(u32::from(input.u8()));
    let (mut decoder, mut counters) = (Decoder::new(LIMITS), Counters::new());
    let (mut frames, mut packets, mut now) = (0, 0, 0);
    while !input.is_empty() && frames < 32 {
        let options = input.u8();
        let frame = input.framed();
        now += if options & 0x80 != 0 { 2_000_000_000 } else { 1_000 };
        let ts = Timestamp::from_nanos(now);
        let orig_len = frame.len() as u32 + u32::from(options & 0x7f);
        frames += 1;
        if let Some(packet) = decoder.decode(link, ts, frame, orig_len, &mut counters) {
            packets += 1;
            assert!(payload(&packet).len() <= 65_535);
        }
        assert!(decoder.fragment_bytes_held() <= LIMITS.max_bytes);
        assert!(decoder.datagrams_held() <= LIMITS.max_datagrams);
        if link == LinkType::Ethernet {
            the_long_way_agrees(ts, frame, orig_len);
        }
    }
    let reasons: u64 = counters
        .iter()
        .filter(|(c, _)| c.info().metric == "frames_skipped_total" && *c != Counter::SkipAggregated)
        .map(|(_, n)| n)
        .sum();
    assert!(packets + reasons <= frames, "{counters:?}");
    assert!(packets + reasons + counters.get(Counter::Fragments) >= frames, "{counters:?}");
    decoder.expire(Timestamp::from_nanos(u64::MAX), &mut counters);
    assert_eq!((decoder.fragments_held(), decoder.fragment_bytes_held()), (0, 0));
});

fn payload<'a>(packet: &Packet<'a>) -> &'a [u8] {
    match packet.transport {
        stakeout::model::Transport::Tcp(tcp) => tcp.payload,
        stakeout::model::Transport::Udp(udp) => udp.payload,
    }
}

fn the_long_way_agrees(ts: Timestamp, frame: &[u8], orig_len: u32) {
    let (mut fast, mut slow) = (Decoder::new(LIMITS), Decoder::new(LIMITS));
    let (mut fast_counters, mut slow_counters) = (Counters::new(), Counters::new());
    let fast = fast.decode(LinkType::Ethernet, ts, frame, orig_len, &mut fast_counters);
    let behind = [&[0; 4], frame].concat();
    let link = LinkType::from_linktype(ETHERNET_BEHIND_FOUR).unwrap();
    let slow = slow.decode(link, ts, &behind, orig_len + 4, &mut slow_counters);
    let told = |packet: &Packet<'_>, shims: usize| {
        let chain = packet.encap.as_slice().get(shims..).unwrap_or_default().to_vec();
        (packet.endpoints(), packet.ip_id, packet.truncated, format!("{:?}", packet.transport), chain)
    };
    let (fast, slow) = (fast.map(|p| told(&p, 0)), slow.map(|p| told(&p, 1)));
    // The four octets in front are a step and an entry of the chain more, so the depth is reached earlier.
    if slow_counters.get(Counter::SkipDepth) > 0 {
        return;
    }
    assert_eq!(fast.is_some(), slow.is_some(), "{fast_counters:?} {slow_counters:?}");
    if let (Some(fast), Some(slow)) = (fast, slow) {
        assert_eq!((fast.0, fast.1, fast.2, &fast.3), (slow.0, slow.1, slow.2, &slow.3));
        // A chain has a bounded length, and the shim in front takes one place of it.
        assert!(fast.4.starts_with(&slow.4));
    }
}
