//! Whatever comes in, the decoder neither panics nor invents: arbitrary octets, and valid frames that were changed.

use super::*;
use crate::decode::plain;
use crate::decode::walk::Layer;
use crate::model::Packet;
use proptest::prelude::*;

/// Every link type that is decoded.
fn links() -> Vec<LinkType> {
    (0..400).filter_map(LinkType::from_linktype).collect()
}

/// One valid frame for each family of headers.
fn seeds() -> Vec<(LinkType, Vec<u8>)> {
    let vxlan = cat(&[&[8, 0, 0, 0, 0, 0, 7, 0], &hello_frame()]);
    let gtp = cat(&[&[0x34, 255, 0, 71, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0], &hello()]);
    let wifi =
        cat(&[&[0x88, 3, 0, 0], &[1; 18], &[0, 0], &[1; 6], &[0x80, 0], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()]);
    let first = ip4_with(1, 0x2000, 17, &udp(1, 2, &[3; 40]));
    let erspan = cat(&[&[0x30, 0, 0x88, 0xbe, 0, 0, 0, 1, 0, 0, 0, 1, 0x10, 5, 0, 1, 0, 0, 0, 0], &hello_frame()]);
    let chain = cat(&[&[43, 0, 5, 2, 0, 0, 1, 0], &[44, 0, 1, 4, 0, 0, 0, 0], &[17, 0, 0, 1, 0, 0, 0, 1], &[0; 32]]);
    vec![
        (LinkType::Ethernet, hello_frame()),
        (LinkType::Ethernet, ethernet(0x88a8, &cat(&[&[0, 1, 0x81, 0, 0, 2, 0x86, 0xdd], &hello6()]))),
        (LinkType::Ethernet, ethernet(0x8847, &cat(&[&[0, 1, 1, 64, 0, 0, 0, 0], &hello_frame()]))),
        (LinkType::Ethernet, ethernet(0x8864, &cat(&[&[0x11, 0, 0, 1, 0, 200, 0, 0x21], &hello()]))),
        (LinkType::Ethernet, ethernet(0x8864, &cat(&[&[0x11, 0, 0, 1, 0, 73, 0, 0x57], &hello6(), &[0; 9]]))),
        (LinkType::Ethernet, ethernet(0x8847, &cat(&[&[0, 1, 0, 64, 0, 2, 1, 64], &hello()]))),
        (LinkType::Ethernet, ethernet(0x8847, &cat(&[&[0, 2, 1, 64], &hello6()]))),
        (LinkType::Ethernet, to_port(4789, &vxlan)),
        (LinkType::Ethernet, to_port(2152, &gtp)),
        (LinkType::Ethernet, to_port(6081, &cat(&[&[1, 0, 0x65, 0x58, 0, 0, 7, 0, 9, 9, 9, 9], &hello_frame()]))),
        (LinkType::Ethernet, to_port(3544, &cat(&[&[0, 1, 1, 1], &[0; 11], &hello6()]))),
        (LinkType::Ethernet, to_port(1701, &cat(&[&[0x42, 2, 0, 60, 0, 1, 0, 2, 0, 2, 7, 7, 0, 0x21], &hello()]))),
        (LinkType::Ethernet, to_port(5247, &cat(&[&[0, 0x10, 3, 0, 0, 0, 0, 0], &wifi]))),
        (LinkType::Ethernet, ethernet(0x0800, &ip4(47, &erspan))),
        (LinkType::Ethernet, ethernet(0x0800, &first)),
        (LinkType::Ethernet, ethernet(0x86dd, &ip6(0, &chain))),
        (LinkType::Radiotap, cat(&[&[0, 0, 25, 0, 3, 0, 0, 0x80], &[0; 17], &wifi])),
        (LinkType::Prism, cat(&[&[0x44, 0, 0, 0, 144, 0, 0, 0], &[0; 136], &wifi])),
        (LinkType::Nflog, cat(&[&[2, 0, 0, 0, 5, 0, 1, 0, 7, 0, 0, 0, 67, 0, 9, 0], &hello()])),
        (LinkType::FrameRelay, cat(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7], &hello_frame()])),
        (LinkType::LinuxSll, cat(&[&[0; 14], &[8, 0], &hello()])),
    ]
}

/// Whether every frame either gave a packet, was counted with a reason, or was a fragment.
fn accounted_for(bench: &Bench, frames: u64, packets: u64) -> bool {
    let reasons: u64 = bench
        .counters
        .iter()
        .filter(|(c, _)| c.info().metric == "frames_skipped_total" && *c != Counter::SkipAggregated)
        .map(|(_, n)| n)
        .sum();
    packets + reasons <= frames && packets + reasons + bench.count(Counter::Fragments) >= frames
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_octets_under_every_link_type(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..8)) {
        for link in links() {
            let mut bench = Bench::new(link);
            let packets = frames.iter().filter(|frame| bench.see(frame).is_some()).count();
            prop_assert!(accounted_for(&bench, frames.len() as u64, packets as u64), "{link:?}: {:?}", bench.counters);
        }
    }

    #[test]
    fn valid_frames_that_were_changed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
        copies in 1_usize..4,
    ) {
        for (link, frame) in seeds() {
            let mut bench = Bench::with_limits(link, Limits { max_datagrams: 2, max_bytes: 100, timeout_ns: 10 });
            let mut frame = frame;
            for (at, value) in &changes {
                let at = at.index(frame.len());
                frame[at] = *value;
            }
            let whole = frame.len();
            frame.truncate(if cut { keep.index(whole + 1) } else { whole });
            let mut packets = 0;
            for _ in 0..copies {
                packets += u64::from(bench.see_cut(&frame, whole).is_some());
                prop_assert!(bench.decoder.fragment_bytes_held() <= 100 && bench.decoder.datagrams_held() <= 2);
            }
            prop_assert!(accounted_for(&bench, copies as u64, packets), "{:?}", bench.counters);
        }
    }

    /// The fast lane may give up, but what it gives is what the walk gives.
    #[test]
    fn the_fast_lane_agrees_with_the_walk(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        for (link, mut frame) in seeds() {
            if link != LinkType::Ethernet {
                continue;
            }
            for (at, value) in &changes {
                let at = at.index(frame.len());
                frame[at] = *value;
            }
            let whole = frame.len();
            frame.truncate(if cut { keep.index(whole + 1) } else { whole });
            let now = Timestamp::from_nanos(1);
            let mut fast = Packet::NONE;
            if !plain::packet(now, Layer::Ethernet, &frame, &mut fast) {
                continue;
            }
            let mut decoder = Decoder::new(Limits::default());
            let mut counters = Counters::new();
            let slow = decoder.any(link, now, &frame, frame.len() as u32, &mut counters);
            prop_assert_eq!(Some(format!("{fast:?}")), slow.map(|packet| format!("{packet:?}")));
            prop_assert_eq!(slow.map(|p| p.endpoints()), Some(fast.endpoints()));
            prop_assert_eq!(counters, Counters::new());
        }
    }

    #[test]
    fn fragments_of_any_shape_never_break_the_bounds(
        parts in prop::collection::vec((0_u16..4, 0_u16..20, 1_usize..20, any::<bool>()), 1..100),
    ) {
        let limits = Limits { max_datagrams: 3, max_bytes: 600, timeout_ns: 1 };
        let mut bench = Bench::with_limits(LinkType::RawIp, limits);
        for (i, (id, offset, words, more)) in parts.iter().enumerate() {
            let fragment = offset | if *more { 0x2000 } else { 0 };
            if let Some(seen) = bench.see(&ip4_with(*id, fragment.max(1), 17, &vec![i as u8; words * 8])) {
                prop_assert!(seen.payload.len() < 65_536);
            }
            prop_assert!(bench.decoder.fragment_bytes_held() <= 600);
            prop_assert!(bench.decoder.datagrams_held() <= 3);
        }
        bench.decoder.expire(Timestamp::from_nanos(u64::MAX), &mut bench.counters);
        prop_assert_eq!((bench.decoder.fragments_held(), bench.decoder.fragment_bytes_held()), (0, 0));
    }
}

/// What most of a provider's frames are wrapped in, and the frames that only look like it.
#[test]
fn the_fast_lane_takes_what_providers_carry() {
    let labels = |below: &[u8]| ethernet(0x8847, &cat(&[&[0, 1, 0, 64, 0, 2, 1, 64], below]));
    let session = |head: [u8; 8], packet: &[u8]| ethernet(0x8864, &cat(&[&head, packet]));
    let fast = |frame: &[u8]| {
        let mut packet = Packet::NONE;
        plain::packet(Timestamp::from_nanos(1), Layer::Ethernet, frame, &mut packet)
    };
    assert!(fast(&ethernet(0x0800, &hello())));
    assert!(fast(&labels(&hello())) && fast(&labels(&hello6())));
    assert!(fast(&session([0x11, 0, 0, 1, 0, 200, 0, 0x21], &hello())));
    assert!(fast(&session([0x11, 0, 0, 1, 0, 200, 0, 0x57], &hello6())));
    // A pseudowire, discovery, a length of nothing, one that cuts the packet, and another protocol.
    assert!(!fast(&labels(&hello_frame())));
    assert!(!fast(&session([0x11, 9, 0, 1, 0, 200, 0, 0x21], &hello())));
    assert!(!fast(&session([0x11, 0, 0, 1, 0, 1, 0, 0x21], &hello())));
    assert!(!fast(&session([0x11, 0, 0, 1, 0, 20, 0, 0x21], &hello())));
    assert!(!fast(&session([0x11, 0, 0, 1, 0, 200, 0, 0x57], &hello())));
}

/// Every seed is what it claims to be, so that the changes start from something that is decoded.
#[test]
fn the_seeds_are_valid() {
    for (i, (link, frame)) in seeds().into_iter().enumerate() {
        let mut bench = Bench::new(link);
        let found = bench.see(&frame).is_some();
        assert!(found || bench.count(Counter::Fragments) == 1, "seed {i}: {:?}", bench.counters);
    }
}
