//! Fragments: order, overlaps, lies, bounds and time.

use super::*;
use Encap::*;

const LINK: LinkType = LinkType::RawIp;

/// A UDP datagram with this many octets of payload, of which each tells its place.
fn datagram(length: usize) -> Vec<u8> {
    udp(4321, 80, &(0..length).map(|i| (i * 7 + i / 256) as u8).collect::<Vec<_>>())
}

/// The fragment of `whole` at `from..to`, in IPv4.
fn part(id: u16, whole: &[u8], from: usize, to: usize) -> Vec<u8> {
    let more = if to < whole.len() { 0x2000 } else { 0 };
    ip4_with(id, (from / 8) as u16 | more, 17, &whole[from..to])
}

/// The same in IPv6.
fn part6(id: u32, whole: &[u8], from: usize, to: usize) -> Vec<u8> {
    let field = from as u16 | u16::from(to < whole.len());
    ip6(44, &cat(&[&[17, 0], &field.to_be_bytes(), &id.to_be_bytes(), &whole[from..to]]))
}

/// Cuts `whole` into pieces of `step` octets.
fn cuts(whole: &[u8], step: usize) -> Vec<(usize, usize)> {
    (0..whole.len()).step_by(step).map(|from| (from, (from + step).min(whole.len()))).collect()
}

#[test]
fn fragments_in_any_order_give_the_datagram_once() {
    let whole = datagram(3000);
    let cuts = cuts(&whole, 1480);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for v6 in [false, true] {
            let mut bench = Bench::new(LINK);
            let mut found = Vec::new();
            for i in order {
                let (from, to) = cuts[i];
                let frame = if v6 { part6(9, &whole, from, to) } else { part(9, &whole, from, to) };
                found.extend(bench.see(&frame));
            }
            assert_eq!(found.len(), 1, "{order:?}");
            assert_eq!(found[0].payload, whole[8..]);
            assert_eq!(found[0].chain, [if v6 { Ipv6Frag } else { Ipv4Frag }]);
            assert_eq!((bench.count(Counter::Fragments), bench.count(Counter::FragmentsReassembled)), (3, 1));
            assert_eq!(bench.count(Counter::FragmentsOverlap), 0);
            assert_eq!((bench.decoder.datagrams_held(), bench.decoder.fragment_bytes_held()), (0, 0));
        }
    }
}

#[test]
fn duplicates_are_counted_and_harmless() {
    let whole = datagram(1000);
    let mut bench = Bench::new(LINK);
    assert_eq!(bench.see(&part(1, &whole, 0, 504)), None);
    assert_eq!(bench.see(&part(1, &whole, 0, 504)), None);
    assert_eq!(bench.see(&part(1, &whole, 504, 1008)).unwrap().payload, whole[8..]);
    assert_eq!(bench.count(Counter::FragmentsOverlap), 1);
}

#[test]
fn where_fragments_overlap_the_first_octets_win() {
    let whole = datagram(2000);
    let evil = vec![0xee; whole.len()];
    // Whatever the overlap's shape: before, after, inside, around, across two gaps.
    let shapes: [&[(usize, usize)]; 4] = [
        &[(480, 960), (480, 960)],
        &[(480, 960), (240, 1200)],
        &[(480, 960), (1200, 1440), (400, 1600)],
        &[(0, 8), (0, 1600)],
    ];
    for shape in shapes {
        let mut bench = Bench::new(LINK);
        let first = &shape[..shape.len() - 1];
        for (from, to) in first {
            assert_eq!(bench.see(&part(1, &whole, *from, *to)), None);
        }
        let (from, to) = shape[shape.len() - 1];
        assert_eq!(bench.see(&part(1, &evil, from, to)), None);
        assert_eq!(bench.count(Counter::FragmentsOverlap), 1);
        // What nobody sent yet comes from the truth, which also covers everything else a second time.
        let mut found = bench.see(&part(1, &whole, 0, 1504));
        found = found.or(bench.see(&part(1, &whole, 1504, whole.len())));
        let payload = found.unwrap().payload;
        for (i, octet) in payload.iter().enumerate().map(|(i, o)| (i + 8, o)) {
            let held_first = first.iter().any(|(from, to)| (*from..*to).contains(&i));
            let from_evil = (from..to).contains(&i) && !held_first;
            assert_eq!(*octet, if from_evil { 0xee } else { whole[i] }, "octet {i} of {shape:?}");
        }
    }
}

#[test]
fn fragments_that_lie_are_refused() {
    let whole = datagram(1000);
    let mut bench = Bench::new(LINK);
    // No octets; a length that is not a multiple of eight; beyond the largest datagram.
    assert_eq!(bench.see(&ip4_with(1, 0x2000, 17, b"")), None);
    assert_eq!(bench.see(&ip4_with(1, 0x2000, 17, &[0; 9])), None);
    assert_eq!(bench.see(&ip4_with(1, 0x1fff, 17, &[0; 64])), None);
    assert_eq!(bench.count(Counter::FragmentsInvalid), 3);
    assert_eq!(bench.decoder.datagrams_held(), 0);
    // Two different ends, and octets beyond the end.
    assert_eq!(bench.see(&part(2, &whole, 504, 1008)), None);
    assert_eq!(bench.see(&part(2, &whole[..800], 504, 800)), None);
    assert_eq!(bench.see(&ip4_with(2, 0x2000 | 200, 17, &[0; 8])), None);
    assert_eq!(bench.count(Counter::FragmentsInvalid), 5);
    assert_eq!(bench.see(&part(2, &whole, 0, 504)).unwrap().payload, whole[8..]);
    // An end before what has already been seen.
    assert_eq!(bench.see(&part(3, &whole, 504, 800)), None);
    assert_eq!(bench.see(&part(3, &whole[..640], 320, 640)), None);
    assert_eq!(bench.count(Counter::FragmentsInvalid), 6);
}

#[test]
fn the_key_tells_datagrams_apart() {
    let (one, two) = (datagram(1000), datagram(1500));
    let mut bench = Bench::new(LINK);
    let mut other_protocol = part(1, &two, 0, 504);
    other_protocol[9] = 6;
    let mut other_source = part(1, &two, 0, 504);
    other_source[12] = 11;
    let mut other_destination = part(1, &two, 0, 504);
    other_destination[16] = 11;
    for frame in [part(2, &two, 0, 504), other_protocol, other_source, other_destination, part6(1, &two, 0, 504)] {
        assert_eq!(bench.see(&frame), None);
    }
    assert_eq!(bench.see(&part(1, &one, 504, 1008)), None);
    assert_eq!(bench.decoder.datagrams_held(), 6);
    assert_eq!(bench.see(&part(1, &one, 0, 504)).unwrap().payload, one[8..]);
}

#[test]
fn customers_with_the_same_private_addresses_are_kept_apart() {
    let (one, two) = (datagram(1000), vec![0xee; 1008]);
    let tagged = |vlan: u8, packet: &[u8]| ethernet(0x8100, &cat(&[&[0, vlan, 8, 0], packet]));
    let mut bench = Bench::new(LinkType::Ethernet);
    assert_eq!(bench.see(&tagged(1, &part(1, &one, 0, 504))), None);
    assert_eq!(bench.see(&tagged(2, &part(1, &two, 504, 1008))), None);
    let seen = bench.see(&tagged(1, &part(1, &one, 504, 1008))).unwrap();
    assert_eq!((seen.payload.as_slice(), seen.chain), (&one[8..], vec![Vlan, Ipv4Frag]));
}

#[test]
fn in_ipv6_the_first_fragments_next_header_counts() {
    let whole = datagram(1000);
    let mut later = part6(1, &whole, 504, 1008);
    later[40] = 6;
    let mut bench = Bench::new(LINK);
    assert_eq!(bench.see(&later), None);
    assert!(!bench.see(&part6(1, &whole, 0, 504)).unwrap().tcp);
}

#[test]
fn fragments_wait_only_so_long() {
    let whole = datagram(1000);
    let mut bench = Bench::new(LINK);
    let start = bench.now.as_nanos();
    assert_eq!(bench.see(&part(1, &whole, 0, 504)), None);
    bench.now = Timestamp::from_nanos(start + 30_000_000_000);
    assert_eq!(bench.see(&part(2, &whole, 0, 504)), None);
    assert_eq!(bench.decoder.datagrams_held(), 2);
    bench.now = Timestamp::from_nanos(start + 30_000_000_001);
    assert_eq!(bench.see(&part(1, &whole, 504, 1008)), None);
    assert_eq!(bench.count(Counter::FragmentsExpired), 1);
    bench.decoder.expire(Timestamp::from_nanos(start + 100_000_000_000), &mut bench.counters);
    assert_eq!((bench.count(Counter::FragmentsExpired), bench.decoder.datagrams_held()), (3, 0));
    // A clock that goes backwards expires nothing.
    assert_eq!(bench.see(&part(3, &whole, 0, 504)), None);
    bench.now = Timestamp::from_nanos(5);
    assert!(bench.see(&part(3, &whole, 504, 1008)).is_some());
}

#[test]
fn the_oldest_datagram_goes_when_the_table_is_full() {
    let whole = datagram(1000);
    let limits = Limits { max_datagrams: 3, ..Limits::default() };
    let mut bench = Bench::with_limits(LINK, limits);
    for id in 0..5 {
        assert_eq!(bench.see(&part(id, &whole, 0, 504)), None);
    }
    assert_eq!((bench.decoder.datagrams_held(), bench.count(Counter::FragmentsEvicted)), (3, 2));
    assert_eq!(bench.see(&part(4, &whole, 504, 1008)).unwrap().payload, whole[8..]);
    assert_eq!(bench.see(&part(0, &whole, 504, 1008)), None);
}

#[test]
fn held_octets_never_exceed_the_bound() {
    let whole = vec![7; 9000];
    let limits = Limits { max_bytes: 10_000, ..Limits::default() };
    let mut bench = Bench::with_limits(LINK, limits);
    for id in 0..500 {
        let (from, to) = cuts(&whole, 1480)[usize::from(id) % 5];
        assert_eq!(bench.see(&part(id % 50, &whole, from, to)), None);
        assert!(bench.decoder.fragment_bytes_held() <= 10_000);
    }
    assert!(bench.count(Counter::FragmentsEvicted) > 100);
    let held = bench.decoder.fragments_held() as u64;
    let lost = bench.count(Counter::FragmentsEvicted) + bench.count(Counter::FragmentsInvalid);
    assert_eq!(held + lost, bench.count(Counter::Fragments));
}

#[test]
fn a_datagram_in_too_many_pieces_is_refused() {
    let mut bench = Bench::new(LINK);
    for i in 0..300 {
        assert_eq!(bench.see(&ip4_with(1, 0x2000 | (i * 2), 17, &[0; 8])), None);
    }
    assert_eq!((bench.decoder.datagrams_held(), bench.count(Counter::FragmentsInvalid)), (1, 172));
}

#[test]
fn a_cut_first_fragment_is_read_as_far_as_it_goes() {
    let whole = datagram(1000);
    let frame = part(1, &whole, 0, 504);
    let mut bench = Bench::new(LINK);
    let seen = bench.see_cut(&frame[..100], frame.len()).unwrap();
    assert_eq!((seen.payload.as_slice(), seen.truncated), (&whole[8..80], true));
    let later = part(1, &whole, 504, 1008);
    assert_eq!(bench.see_cut(&later[..100], later.len()), None);
    assert_eq!((bench.count(Counter::SkipTruncated), bench.decoder.datagrams_held()), (1, 0));
}

#[test]
fn a_fragmented_tunnel_packet_is_decoded_further() {
    let vxlan = udp(50_000, 4789, &cat(&[&[8, 0, 0, 0, 0, 0, 7, 0], &hello_frame()]));
    let mut bench = Bench::new(LINK);
    assert_eq!(bench.see(&part(1, &vxlan, 0, 48)), None);
    let seen = bench.see(&part(1, &vxlan, 48, vxlan.len())).unwrap();
    assert_eq!((seen.payload.as_slice(), seen.chain), (HELLO, vec![Ipv4Frag, Vxlan]));
}

#[test]
fn fragments_inside_a_tunnel_and_inside_fragments() {
    let whole = datagram(1192);
    let inner: Vec<_> = cuts(&whole, 400).iter().map(|(from, to)| part6(1, &whole, *from, *to)).collect();
    let mut bench = Bench::new(LINK);
    let mut found = Vec::new();
    for (id, packet) in inner.iter().enumerate() {
        for (from, to) in cuts(packet, 160) {
            let more = if to < packet.len() { 0x2000 } else { 0 };
            found.extend(bench.see(&ip4_with(id as u16, (from / 8) as u16 | more, 41, &packet[from..to])));
        }
    }
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].payload, whole[8..]);
    assert_eq!(found[0].chain, [Ipv4Frag, SixInFour, Ipv6Frag]);
}

#[test]
fn an_extension_header_behind_the_fragment_header() {
    let body = cat(&[&[17, 0, 1, 4, 0, 0, 0, 0], &udp(4321, 80, HELLO)]);
    let one = ip6(44, &cat(&[&[60, 0, 0, 1, 0, 0, 0, 1], &body[..16]]));
    let two = ip6(44, &cat(&[&[60, 0, 0, 16, 0, 0, 0, 1], &body[16..]]));
    let mut bench = Bench::new(LINK);
    assert_eq!(bench.see(&one), None);
    let seen = bench.see(&two).unwrap();
    assert_eq!((seen.payload.as_slice(), seen.chain), (HELLO, vec![Ipv6Frag, Ipv6Ext]));
}

#[test]
fn buffers_are_used_again_without_mixing_datagrams() {
    let mut bench = Bench::new(LINK);
    for round in 0..50_usize {
        let whole = datagram(600 + round * 100);
        let mut found = None;
        for (from, to) in cuts(&whole, 576).into_iter().rev() {
            found = bench.see(&part(round as u16, &whole, from, to));
        }
        assert_eq!(found.unwrap().payload, whole[8..]);
    }
}
