//! Ethernet, IP, TCP and UDP as such, and the tags between them.

use super::*;
use Encap::*;
use LinkType::Ethernet;

#[test]
fn plain_tcp_over_ipv4() {
    let seen = see(Ethernet, &hello_frame()).unwrap();
    assert_eq!(
        seen,
        Seen {
            tcp: true,
            ports: (4321, 80),
            addrs: (Addr::v4(V4_SRC), Addr::v4(V4_DST)),
            payload: HELLO.to_vec(),
            chain: vec![],
            truncated: false,
            ip_id: 0x1234,
        }
    );
}

#[test]
fn the_fields_of_a_tcp_segment() {
    let frame = hello_frame();
    let mut decoder = Decoder::new(Limits::default());
    let packet =
        decoder.decode(Ethernet, Timestamp::from_nanos(7), &frame, frame.len() as u32, &mut Counters::new()).unwrap();
    let Transport::Tcp(segment) = packet.transport else { panic!("not TCP") };
    assert_eq!((segment.seq, segment.ack, segment.flags.0), (0x0102_0304, 0x0a0b_0c0d, 0x18));
    assert_eq!(packet.ts, Timestamp::from_nanos(7));
}

#[test]
fn plain_udp_over_ipv6() {
    let seen = see(Ethernet, &ethernet(0x86dd, &hello6())).unwrap();
    assert!(!seen.tcp);
    assert_eq!(seen.addrs, (Addr::v6(V6_SRC), Addr::v6(V6_DST)));
    assert_eq!((seen.payload.as_slice(), seen.ip_id), (HELLO, 0));
}

#[test]
fn link_padding_is_not_payload() {
    let frame = ethernet(0x0800, &cat(&[&ip4(6, &tcp(4321, 80, b"")), &[0; 6]]));
    assert_eq!(see(Ethernet, &frame).unwrap().payload, b"");
    let frame = ethernet(0x86dd, &cat(&[&hello6(), &[0xee; 9]]));
    assert_eq!(see(Ethernet, &frame).unwrap().payload, HELLO);
}

#[test]
fn ip_and_tcp_options_are_stepped_over() {
    let mut segment = tcp(4321, 80, &cat(&[&[1; 12], HELLO]));
    segment[12] = 0x80;
    let mut packet = ip4(6, &cat(&[&[0; 8], &segment]));
    packet[0] = 0x47;
    leads_to_hello(Ethernet, &ethernet(0x0800, &packet), &[]);
}

#[test]
fn lengths_of_zero_mean_to_the_end() {
    let mut packet = hello();
    packet[2..4].fill(0);
    leads_to_hello(Ethernet, &ethernet(0x0800, &packet), &[]);
    let mut packet = hello6();
    packet[4..6].fill(0);
    packet[44..46].fill(0);
    leads_to_hello(Ethernet, &ethernet(0x86dd, &packet), &[]);
}

#[test]
fn a_cut_packet_is_given_as_far_as_it_goes() {
    let frame = hello_frame();
    let mut bench = Bench::new(Ethernet);
    let seen = bench.see_cut(&frame[..frame.len() - 10], frame.len()).unwrap();
    assert!(seen.truncated);
    assert_eq!(seen.payload, HELLO[..HELLO.len() - 10]);
    assert_eq!(bench.count(Counter::SnapCut), 1);
    // Cut inside the TCP header there is nothing to give.
    assert_eq!(bench.see_cut(&frame[..14 + 20 + 12], frame.len()), None);
    assert_eq!((bench.count(Counter::SkipTruncated), bench.count(Counter::SkipMalformed)), (1, 0));
}

#[test]
fn a_udp_length_beyond_the_packet_is_taken_as_cut() {
    let mut datagram = udp(4321, 80, HELLO);
    datagram[4..6].copy_from_slice(&900_u16.to_be_bytes());
    let seen = see(Ethernet, &ethernet(0x0800, &ip4(17, &datagram))).unwrap();
    assert_eq!((seen.payload.as_slice(), seen.truncated), (HELLO, true));
}

#[test]
fn a_udp_length_short_of_the_packet_cuts_it() {
    let frame = ethernet(0x0800, &ip4(17, &cat(&[&udp(4321, 80, HELLO), b"trailer"])));
    leads_to_hello(Ethernet, &frame, &[]);
}

#[test]
fn malformed_headers_are_counted_as_such() {
    let broken = |change: fn(&mut Vec<u8>)| {
        let mut packet = hello();
        change(&mut packet);
        ethernet(0x0800, &packet)
    };
    is_left(Ethernet, &broken(|p| p[0] = 0x44), Counter::SkipMalformed);
    is_left(Ethernet, &broken(|p| p[0] = 0x65), Counter::SkipMalformed);
    is_left(Ethernet, &broken(|p| p[3] = 19), Counter::SkipMalformed);
    is_left(Ethernet, &broken(|p| p[32] = 0x40), Counter::SkipMalformed);
    is_left(Ethernet, &broken(|p| p[32] = 0xf0), Counter::SkipMalformed);
    is_left(Ethernet, &ethernet(0x86dd, &hello()), Counter::SkipMalformed);
    let mut datagram = udp(4321, 80, HELLO);
    datagram[5] = 7;
    datagram[4] = 0;
    is_left(Ethernet, &ethernet(0x0800, &ip4(17, &datagram)), Counter::SkipMalformed);
}

#[test]
fn what_is_not_examined_has_its_own_reason() {
    is_left(Ethernet, &[0; 13], Counter::SkipTruncated);
    is_left(Ethernet, &ethernet(0x0806, &[0; 28]), Counter::SkipNotIp);
    is_left(Ethernet, &ethernet(0x0800, &ip4(132, &[0; 20])), Counter::SkipTransport);
    is_left(Ethernet, &ethernet(0x0800, &ip4(50, &[0; 20])), Counter::SkipEncrypted);
    // The quoted packet would be a perfectly good one.
    is_left(Ethernet, &ethernet(0x0800, &ip4(1, &cat(&[&[3, 3, 0, 0, 0, 0, 0, 0], &hello()]))), Counter::SkipIcmp);
    is_left(Ethernet, &ethernet(0x86dd, &ip6(58, &cat(&[&[1, 4, 0, 0, 0, 0, 0, 0], &hello6()]))), Counter::SkipIcmp);
    // IPv6's extension headers mean nothing in IPv4.
    is_left(
        Ethernet,
        &ethernet(0x0800, &ip4(60, &cat(&[&[6, 0, 1, 4, 0, 0, 0, 0], &tcp(1, 2, b"")]))),
        Counter::SkipTransport,
    );
}

fn tag(vlan: u16, next: u16, payload: &[u8]) -> Vec<u8> {
    cat(&[&vlan.to_be_bytes(), &next.to_be_bytes(), payload])
}

#[test]
fn vlan_tags_of_every_kind() {
    for ethertype in [0x8100, 0x88a8, 0x9100, 0x9200] {
        leads_to_hello(Ethernet, &ethernet(ethertype, &tag(5, 0x0800, &hello())), &[Vlan]);
        leads_to_hello(Ethernet, &ethernet(ethertype, &tag(5, 0x8100, &tag(6, 0x86dd, &hello6()))), &[Qinq, Vlan]);
    }
    let three = tag(1, 0x9100, &tag(2, 0x8100, &tag(3, 0x0800, &hello())));
    leads_to_hello(Ethernet, &ethernet(0x88a8, &three), &[Qinq, Qinq, Vlan]);
}

#[test]
fn tags_without_end_are_too_deep() {
    let mut frame = hello();
    let mut next = 0x0800;
    for _ in 0..40 {
        frame = tag(1, next, &frame);
        next = 0x8100;
    }
    is_left(Ethernet, &ethernet(0x8100, &frame), Counter::SkipDepth);
}

#[test]
fn inter_switch_link_has_a_length_and_no_type() {
    for first in [1, 3] {
        let frame = hello_frame();
        let length = (frame.len() + 12) as u16;
        let header =
            cat(&[&[first, 0, 0x0c, 0, 0, 0, 2, 0, 0, 0, 0, 1], &length.to_be_bytes(), &[0xaa, 0xaa, 3], &[0; 9]]);
        leads_to_hello(Ethernet, &cat(&[&header, &frame]), &[]);
        // The same address with an EtherType, by the fast lane and by the walk.
        let mut plain = frame;
        plain[..5].copy_from_slice(&[first, 0, 0x0c, 0, 0]);
        leads_to_hello(Ethernet, &plain, &[]);
        leads_to_hello(LinkType::from_linktype(240).unwrap(), &cat(&[&[0; 4], &plain]), &[LinkShim]);
    }
}

#[test]
fn ieee_802_3_with_llc() {
    let snap = cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0], &hello()]);
    leads_to_hello(Ethernet, &cat(&[&ethernet(snap.len() as u16, &snap), &[0; 9]]), &[]);
    leads_to_hello(Ethernet, &ethernet(0x8100, &tag(5, snap.len() as u16, &snap)), &[Vlan]);
    let bare = cat(&[&[6, 6, 3], &hello()]);
    leads_to_hello(Ethernet, &ethernet(bare.len() as u16, &bare), &[]);
    is_left(Ethernet, &ethernet(38, &cat(&[&[0x42, 0x42, 3], &[0; 35]])), Counter::SkipNotIp);
}

fn label(bottom: bool) -> [u8; 4] {
    [0x00, 0x01, if bottom { 0x01 } else { 0x00 }, 64]
}

#[test]
fn mpls_stacks_over_ip() {
    leads_to_hello(Ethernet, &ethernet(0x8847, &cat(&[&label(true), &hello()])), &[Mpls]);
    let three = cat(&[&label(false), &label(false), &label(true), &hello6()]);
    leads_to_hello(Ethernet, &ethernet(0x8848, &three), &[Mpls]);
    leads_to_hello(Ethernet, &ethernet(0x8100, &tag(9, 0x8847, &three)), &[Vlan, Mpls]);
    is_left(Ethernet, &ethernet(0x8847, &label(false).repeat(40)), Counter::SkipDepth);
}

#[test]
fn mpls_pseudowires_with_and_without_control_word() {
    let inner = ethernet(0x8100, &tag(7, 0x0800, &hello()));
    leads_to_hello(Ethernet, &ethernet(0x8847, &cat(&[&label(true), &[0; 4], &inner])), &[Mpls, Vlan]);
    leads_to_hello(Ethernet, &ethernet(0x8847, &cat(&[&label(true), &[0, 0, 0x12, 0x34], &inner])), &[Mpls, Vlan]);
    leads_to_hello(Ethernet, &ethernet(0x8847, &cat(&[&label(true), &inner])), &[Mpls, Vlan]);
    // Addresses that begin like a control word, IPv4, IPv6 and the control word's escape.
    let addresses: [[u8; 6]; 5] = [
        [0x00, 0x1b, 0x21, 0x12, 0x34, 0x56],
        [0x44, 0x38, 0x39, 0x12, 0x34, 0x56],
        [0x4c, 0x5e, 0x0c, 0x12, 0x34, 0x56],
        [0x64, 0xd1, 0x54, 0x12, 0x34, 0x56],
        [0x10, 0x00, 0x00, 0x00, 0x00, 0x08],
    ];
    for address in addresses {
        let mut inner = inner.clone();
        inner[..6].copy_from_slice(&address);
        leads_to_hello(Ethernet, &ethernet(0x8847, &cat(&[&label(true), &inner])), &[Mpls, Vlan]);
    }
    let snap = cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0], &hello()]);
    let inner = ethernet(snap.len() as u16, &snap);
    leads_to_hello(Ethernet, &ethernet(0x8847, &cat(&[&label(true), &[0; 4], &inner])), &[Mpls]);
}

fn pppoe(ppp: &[u8]) -> Vec<u8> {
    cat(&[&[0x11, 0, 0, 1], &(ppp.len() as u16).to_be_bytes(), ppp])
}

#[test]
fn pppoe_sessions() {
    leads_to_hello(Ethernet, &ethernet(0x8864, &pppoe(&cat(&[&[0, 0x21], &hello()]))), &[Pppoe]);
    leads_to_hello(Ethernet, &ethernet(0x8864, &pppoe(&cat(&[&[0x57], &hello6()]))), &[Pppoe]);
    leads_to_hello(Ethernet, &ethernet(0x8864, &pppoe(&cat(&[&[0xff, 3, 0, 0x21], &hello()]))), &[Pppoe]);
    let qinq = tag(1, 0x8100, &tag(2, 0x8864, &pppoe(&cat(&[&[0, 0x57], &hello6()]))));
    leads_to_hello(Ethernet, &ethernet(0x88a8, &qinq), &[Qinq, Vlan, Pppoe]);
    is_left(Ethernet, &ethernet(0x8864, &pppoe(&[0xc0, 0x21, 1, 1, 0, 4])), Counter::SkipNotIp);
    is_left(Ethernet, &ethernet(0x8863, &[0x11, 9, 0, 0, 0, 0]), Counter::SkipNotIp);
}

#[test]
fn ppp_multilink_bridging_and_encryption() {
    let whole = cat(&[&[0, 0x3d, 0xc0, 0, 0, 1, 0, 0x21], &hello()]);
    leads_to_hello(Ethernet, &ethernet(0x8864, &pppoe(&whole)), &[Pppoe]);
    let bridged = cat(&[&[0, 0x31, 0, 1], &hello_frame()]);
    leads_to_hello(Ethernet, &ethernet(0x8864, &pppoe(&bridged)), &[Pppoe]);
    is_left(Ethernet, &ethernet(0x8864, &pppoe(&[0, 0xfd, 0x90, 0, 1, 2, 3])), Counter::SkipEncrypted);
}

#[test]
fn backbone_bridges_and_vendor_tags() {
    leads_to_hello(Ethernet, &ethernet(0x88e7, &cat(&[&[0, 0, 0, 7], &hello_frame()])), &[Pbb]);
    let pbb_tagged = tag(3, 0x88e7, &cat(&[&[0, 0, 0, 7], &ethernet(0x8100, &tag(4, 0x0800, &hello()))]));
    leads_to_hello(Ethernet, &ethernet(0x88a8, &pbb_tagged), &[Vlan, Pbb, Vlan]);
    leads_to_hello(Ethernet, &ethernet(0x893f, &cat(&[&[0; 6], &[0x08, 0], &hello()])), &[LinkShim]);
    leads_to_hello(Ethernet, &ethernet(0x8926, &cat(&[&[0; 4], &[0x08, 0], &hello()])), &[LinkShim]);
    leads_to_hello(Ethernet, &ethernet(0x8909, &cat(&[&[1, 1, 0, 1, 0, 9], &[0x08, 0], &hello()])), &[LinkShim]);
    leads_to_hello(Ethernet, &ethernet(0x8903, &cat(&[&[0x40, 0x20], &hello_frame()])), &[LinkShim]);
    leads_to_hello(
        Ethernet,
        &ethernet(0x22f3, &cat(&[&[0x00, 0x40, 0, 1, 0, 2, 0, 0, 0, 0], &hello_frame()])),
        &[LinkShim],
    );
    leads_to_hello(Ethernet, &cat(&[&[1, 0, 0xc, 0, 0, 0], &[0; 20], &hello_frame()]), &[]);
}

#[test]
fn macsec_is_read_only_where_it_does_not_encrypt() {
    let clear = cat(&[&[0x20, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 1], &[0x08, 0], &hello(), &[0xcc; 16]]);
    leads_to_hello(Ethernet, &ethernet(0x88e5, &clear), &[LinkShim]);
    is_left(Ethernet, &ethernet(0x88e5, &[0x2c; 60]), Counter::SkipEncrypted);
}

#[test]
fn network_service_headers() {
    let nsh = |next| [0, 0x46, 1, next, 0, 0, 1, 255];
    let md1 = cat(&[&nsh(1), &[0; 16], &hello()]);
    leads_to_hello(Ethernet, &ethernet(0x894f, &md1), &[Nsh]);
    let mut short = nsh(3);
    short[1] = 0x42;
    leads_to_hello(Ethernet, &ethernet(0x894f, &cat(&[&short, &hello_frame()])), &[Nsh]);
    short[1] = 0x41;
    is_left(Ethernet, &ethernet(0x894f, &cat(&[&short, &hello_frame()])), Counter::SkipMalformed);
}

#[test]
fn ipv6_extension_headers_count_once_a_packet() {
    let chain = cat(&[
        &[43, 0, 5, 2, 0, 0, 1, 0],
        &[60, 2, 4, 0, 0, 0, 0, 0],
        &[0; 16],
        &[135, 0, 1, 4, 0, 0, 0, 0],
        &[17, 0, 0, 0, 0, 0, 0, 0],
        &udp(4321, 80, HELLO),
    ]);
    leads_to_hello(Ethernet, &ethernet(0x86dd, &ip6(0, &chain)), &[Ipv6Ext]);
    is_left(Ethernet, &ethernet(0x86dd, &ip6(0, &[0, 0, 1, 4, 0, 0, 0, 0].repeat(20))), Counter::SkipDepth);
    is_left(Ethernet, &ethernet(0x86dd, &ip6(0, &[6, 9, 1, 4, 0, 0, 0, 0])), Counter::SkipTruncated);
    is_left(Ethernet, &ethernet(0x86dd, &ip6(59, &[])), Counter::SkipTransport);
}

#[test]
fn authentication_headers() {
    let ah = |next| cat(&[&[next, 4, 0, 0], &[0; 20]]);
    leads_to_hello(Ethernet, &ethernet(0x0800, &ip4(51, &cat(&[&ah(6), &tcp(4321, 80, HELLO)]))), &[Ah]);
    leads_to_hello(Ethernet, &ethernet(0x86dd, &ip6(51, &cat(&[&ah(17), &udp(4321, 80, HELLO)]))), &[Ah]);
    leads_to_hello(Ethernet, &ethernet(0x0800, &ip4(51, &cat(&[&ah(4), &hello()]))), &[Ah, IpInIp]);
}

#[test]
fn an_atomic_fragment_waits_for_nobody() {
    let atomic = cat(&[&[17, 0, 0, 0, 0, 0, 0, 9], &udp(4321, 80, HELLO)]);
    leads_to_hello(Ethernet, &ethernet(0x86dd, &ip6(44, &atomic)), &[Ipv6Frag]);
}
