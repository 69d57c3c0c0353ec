//! Tunnels over IP and over UDP, and what must not be taken for one.

use super::*;
use Encap::*;
use LinkType::Ethernet;

#[test]
fn ip_in_ip_of_every_kind() {
    leads_to_hello(Ethernet, &ethernet(0x0800, &ip4(4, &hello())), &[IpInIp]);
    leads_to_hello(Ethernet, &ethernet(0x0800, &ip4(41, &hello6())), &[SixInFour]);
    leads_to_hello(Ethernet, &ethernet(0x86dd, &ip6(4, &hello())), &[FourInSix]);
    leads_to_hello(Ethernet, &ethernet(0x86dd, &ip6(41, &hello6())), &[SixInSix]);
    let deep = ip4(41, &ip6(4, &ip4(4, &ip4(41, &hello6()))));
    leads_to_hello(Ethernet, &ethernet(0x0800, &deep), &[SixInFour, FourInSix, IpInIp, SixInFour]);
    is_left(Ethernet, &ethernet(0x0800, &ip4(41, &hello())), Counter::SkipMalformed);
    is_left(Ethernet, &ethernet(0x0800, &ip4(4, &hello6())), Counter::SkipMalformed);
}

#[test]
fn the_deepest_chain_is_read_and_the_next_one_left() {
    let nest = |n| (0..n).fold(hello(), |inner, _| ip4(4, &inner));
    leads_to_hello(Ethernet, &ethernet(0x0800, &nest(15)), &[IpInIp; 15]);
    is_left(Ethernet, &ethernet(0x0800, &nest(16)), Counter::SkipDepth);
}

fn gre(header: &[u8], inner: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ip4(47, &cat(&[header, inner])))
}

#[test]
fn gre_with_every_option() {
    leads_to_hello(Ethernet, &gre(&[0, 0, 8, 0], &hello()), &[Gre]);
    leads_to_hello(Ethernet, &gre(&[0, 0, 0x86, 0xdd], &hello6()), &[Gre]);
    leads_to_hello(Ethernet, &gre(&[0x20, 0, 8, 0, 1, 2, 3, 4], &hello()), &[Gre]);
    leads_to_hello(Ethernet, &gre(&[0xb0, 0, 8, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 9], &hello()), &[Gre]);
    let routed = [0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 4, 4, 10, 0, 0, 1, 0, 0, 0, 0];
    leads_to_hello(Ethernet, &gre(&routed, &hello()), &[Gre]);
    leads_to_hello(Ethernet, &gre(&[0, 0, 0x65, 0x58], &hello_frame()), &[Gre]);
    let tagged = ethernet(0x8100, &cat(&[&[0, 7, 8, 0], &hello()]));
    leads_to_hello(Ethernet, &gre(&[0, 0, 0x65, 0x58], &tagged), &[Gre, Vlan]);
    leads_to_hello(Ethernet, &gre(&[0, 0, 0x88, 0x47, 0, 1, 1, 64], &hello()), &[Gre, Mpls]);
    leads_to_hello(Ethernet, &gre(&[0, 0, 0x88, 0x0b, 0xff, 3, 0, 0x21], &hello()), &[Gre, Ppp]);
    leads_to_hello(Ethernet, &gre(&[0, 0, 0x88, 0x3e], &hello()), &[Gre]);
    leads_to_hello(Ethernet, &gre(&[0, 0, 0x88, 0x3e, 0, 0, 1, 2], &hello()), &[Gre]);
    leads_to_hello(Ethernet, &ethernet(0x86dd, &ip6(47, &cat(&[&[0, 0, 8, 0], &hello()]))), &[Gre]);
    is_left(Ethernet, &gre(&[0, 0, 0, 0], &[]), Counter::SkipNotIp);
    is_left(Ethernet, &gre(&[0, 2, 8, 0], &hello()), Counter::SkipMalformed);
    is_left(Ethernet, &gre(&[0x40, 0, 8, 0, 0, 0, 0, 0], &[8, 0, 0, 0].repeat(30)), Counter::SkipDepth);
}

#[test]
fn vendors_gre() {
    let wifi = cat(&[&[0x88, 1, 0, 0], &[1; 18], &[0, 0, 0, 0], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()]);
    for number in [0x8200_u16, 0x8240, 0x8370, 0x9000] {
        let header = cat(&[&[0, 0], &number.to_be_bytes()]);
        leads_to_hello(Ethernet, &gre(&header, &wifi), &[Gre, Wifi]);
    }
    leads_to_hello(Ethernet, &gre(&[0x20, 1, 0x64, 0, 0, 77, 9, 0], &hello_frame()), &[Gre]);
}

#[test]
fn pptp() {
    let length = ((hello().len() + 2) as u16).to_be_bytes();
    let header = |flags: [u8; 2]| cat(&[&flags, &[0x88, 0x0b], &length, &[0, 1]]);
    leads_to_hello(Ethernet, &gre(&cat(&[&header([0x30, 1]), &[0; 4], &[0, 0x21]]), &hello()), &[Gre, Ppp]);
    leads_to_hello(Ethernet, &gre(&cat(&[&header([0x30, 0x81]), &[0; 8], &[0, 0x21]]), &hello()), &[Gre, Ppp]);
    is_left(Ethernet, &gre(&header([0x20, 0x81]), &[0; 4]), Counter::SkipNotIp);
    is_left(Ethernet, &gre(&cat(&[&header([0x30, 1]), &[0; 4], &[0, 0xfd]]), &[9; 40]), Counter::SkipEncrypted);
}

#[test]
fn erspan_of_every_type() {
    leads_to_hello(Ethernet, &gre(&[0, 0, 0x88, 0xbe], &hello_frame()), &[Gre, Erspan]);
    let two = cat(&[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10, 5, 0, 1, 0, 0, 0, 0]]);
    leads_to_hello(Ethernet, &gre(&two, &hello_frame()), &[Gre, Erspan]);
    let three = |last: u8| cat(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[0x20, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, last]]);
    leads_to_hello(Ethernet, &gre(&three(0), &hello_frame()), &[Gre, Erspan]);
    leads_to_hello(Ethernet, &gre(&three(1), &cat(&[&[7; 8], &hello_frame()])), &[Gre, Erspan]);
    let mut ip_inside = three(0);
    ip_inside[18] = 2 << 2;
    leads_to_hello(Ethernet, &gre(&ip_inside, &hello()), &[Gre, Erspan]);
    let tagged = ethernet(0x8100, &cat(&[&[0, 7, 8, 0], &hello()]));
    leads_to_hello(Ethernet, &gre(&two, &tagged), &[Gre, Erspan, Vlan]);
}

#[test]
fn layer_2_over_ip() {
    leads_to_hello(Ethernet, &ethernet(0x0800, &ip4(97, &cat(&[&[0x30, 0], &hello_frame()]))), &[LinkShim]);
    leads_to_hello(Ethernet, &ethernet(0x86dd, &ip6(143, &hello_frame())), &[LinkShim]);
    leads_to_hello(Ethernet, &ethernet(0x0800, &ip4(137, &cat(&[&[0, 1, 1, 64], &hello()]))), &[Mpls]);
    for cookie_and_sublayer in [0, 4, 8, 12] {
        let inner = cat(&[&[0, 0, 0, 9], &vec![0x5a; cookie_and_sublayer], &hello_frame()]);
        leads_to_hello(Ethernet, &ethernet(0x0800, &ip4(115, &inner)), &[L2tp]);
    }
    is_left(Ethernet, &ethernet(0x0800, &ip4(115, &cat(&[&[0; 4], &hello_frame()]))), Counter::SkipNotIp);
}

const VXLAN: [u8; 8] = [0x08, 0, 0, 0, 0, 0, 7, 0];

#[test]
fn vxlan() {
    leads_to_hello(Ethernet, &to_port(4789, &cat(&[&VXLAN, &hello_frame()])), &[Vxlan]);
    leads_to_hello(Ethernet, &to_port(8472, &cat(&[&VXLAN, &ethernet(0x86dd, &hello6())])), &[Vxlan]);
    let group_policy = [0x88, 0, 0, 5, 0, 0, 7, 0];
    leads_to_hello(Ethernet, &to_port(4789, &cat(&[&group_policy, &hello_frame()])), &[Vxlan]);
    for (next, inner) in [(1, hello()), (2, hello6()), (3, hello_frame())] {
        let generic = [0x0c, 0, 0, next, 0, 0, 7, 0];
        leads_to_hello(Ethernet, &to_port(4790, &cat(&[&generic, &inner])), &[Vxlan]);
    }
    let chained = cat(&[&[0x0c, 0, 0, 4, 0, 0, 7, 0], &[0, 0x42, 2, 1, 0, 0, 1, 255], &hello()]);
    leads_to_hello(Ethernet, &to_port(4790, &chained), &[Vxlan, Nsh]);
    is_left(Ethernet, &to_port(4789, &cat(&[&VXLAN, &ethernet(0x0806, &[0; 28])])), Counter::SkipNotIp);
}

/// What is missing of the frame lies behind the outer packet, so an inner length that does not fit is a lie.
#[test]
fn a_tunnel_is_not_made_plausible_by_a_frame_that_was_cut_behind_it() {
    let mut inside = hello_frame();
    inside[14 + 2..14 + 4].copy_from_slice(&[0, 220]);
    for (port, header) in [(6081, [0, 0, 0x65, 0x58, 0, 0, 7, 0]), (4789, [8, 0, 0, 0, 0, 0, 7, 0])] {
        let frame = to_port(port, &cat(&[&header, &inside]));
        let mut bench = Bench::new(Ethernet);
        let whole = bench.see(&frame);
        assert_eq!(whole.as_ref().map(|seen| (seen.ports.1, seen.truncated)), Some((port, false)));
        assert_eq!(bench.see_cut(&frame, frame.len() + 4), whole);
        // The same behind a header that the fast lane does not know.
        bench.link = LinkType::from_linktype(240).unwrap();
        let behind = bench.see_cut(&cat(&[&[0; 4], &frame]), frame.len() + 8);
        assert_eq!(behind.map(|seen| (seen.ports.1, seen.truncated)), Some((port, false)));
    }
}

#[test]
fn geneve() {
    let header = |words: u8, protocol: u16| cat(&[&[words, 0], &protocol.to_be_bytes(), &[0, 0, 7, 0]]);
    leads_to_hello(Ethernet, &to_port(6081, &cat(&[&header(0, 0x6558), &hello_frame()])), &[Geneve]);
    leads_to_hello(Ethernet, &to_port(6081, &cat(&[&header(3, 0x0800), &[9; 12], &hello()])), &[Geneve]);
    leads_to_hello(Ethernet, &to_port(6081, &cat(&[&header(1, 0x86dd), &[9; 4], &hello6()])), &[Geneve]);
}

#[test]
fn gtp_u() {
    let gtp = |flags: u8, kind: u8, rest: &[u8]| {
        cat(&[&[flags, kind], &(rest.len() as u16).to_be_bytes(), &[0, 0, 0, 5], rest])
    };
    leads_to_hello(Ethernet, &to_port(2152, &gtp(0x30, 255, &hello())), &[GtpU]);
    leads_to_hello(Ethernet, &to_port(2152, &gtp(0x32, 255, &cat(&[&[0, 1, 0, 0], &hello6()]))), &[GtpU]);
    // Without the extension flag the type of the next header means nothing.
    leads_to_hello(Ethernet, &to_port(2152, &gtp(0x32, 255, &cat(&[&[0, 1, 0, 0x85], &hello()]))), &[GtpU]);
    let two = cat(&[&[0, 0, 0, 0x85], &[1, 0, 9, 0x40], &[2, 0, 0, 0, 0, 0, 0, 0], &hello()]);
    leads_to_hello(Ethernet, &to_port(2152, &gtp(0x34, 255, &two)), &[GtpU]);
    leads_to_hello(Ethernet, &to_port(2152, &gtp(0x30, 255, &hello_frame())), &[GtpU]);
    let outer6 = ip6(17, &udp(9999, 2152, &gtp(0x30, 255, &hello())));
    leads_to_hello(Ethernet, &ethernet(0x86dd, &outer6), &[GtpU]);
    let zero_extension = cat(&[&[0, 0, 0, 0x85], &[0, 0, 0, 0], &hello()]);
    let endless = cat(&[&[0, 0, 0, 0x85], &[1, 0, 0, 0x85].repeat(30), &hello()]);
    for not_data in [
        gtp(0x32, 1, &[0, 1, 0, 0]),
        gtp(0x34, 255, &zero_extension),
        gtp(0x34, 255, &endless),
        gtp(0x20, 255, &hello()),
        gtp(0x50, 255, &hello()),
    ] {
        let seen = see(Ethernet, &to_port(2152, &not_data)).unwrap();
        assert_eq!((seen.ports, seen.payload, seen.chain), ((50_000, 2152), not_data, vec![]));
    }
}

#[test]
fn teredo() {
    leads_to_hello(Ethernet, &to_port(3544, &hello6()), &[Teredo]);
    let origin = [0, 0, 0x12, 0x34, 1, 2, 3, 4];
    let authentication = cat(&[&[0, 1, 2, 3], &[9; 5], &[8; 8], &[0]]);
    leads_to_hello(Ethernet, &to_port(3544, &cat(&[&origin, &hello6()])), &[Teredo]);
    leads_to_hello(Ethernet, &to_port(3544, &cat(&[&authentication, &hello6()])), &[Teredo]);
    leads_to_hello(Ethernet, &to_port(3544, &cat(&[&authentication, &origin, &hello6()])), &[Teredo]);
    let back = ethernet(0x0800, &ip4(17, &udp(3544, 61_000, &hello6())));
    leads_to_hello(Ethernet, &back, &[Teredo]);
}

#[test]
fn l2tp_over_udp() {
    let ppp = cat(&[&[0xff, 3, 0, 0x21], &hello()]);
    leads_to_hello(Ethernet, &to_port(1701, &cat(&[&[0, 2, 0, 1, 0, 2], &ppp])), &[L2tp, Ppp]);
    let length = ((ppp.len() + 16) as u16).to_be_bytes();
    let everything = cat(&[&[0x4a, 2], &length, &[0, 1, 0, 2], &[0, 0, 0, 0], &[0, 2, 7, 7], &ppp]);
    leads_to_hello(Ethernet, &to_port(1701, &everything), &[L2tp, Ppp]);
    leads_to_hello(Ethernet, &to_port(1701, &cat(&[&[0, 2, 0, 1, 0, 2, 0, 0x57], &hello6()])), &[L2tp, Ppp]);
    leads_to_hello(Ethernet, &to_port(1701, &cat(&[&[0, 3, 0, 0, 0, 0, 0, 9], &hello_frame()])), &[L2tp]);
    let control = cat(&[&[0xc8, 2, 0, 20], &[0; 16]]);
    assert_eq!(see(Ethernet, &to_port(1701, &control)).unwrap().chain, []);
}

#[test]
fn capwap() {
    let header = |flags: [u8; 2]| cat(&[&[0, 0x10, flags[0], flags[1]], &[0; 4]]);
    leads_to_hello(Ethernet, &to_port(5247, &cat(&[&header([0, 0]), &hello_frame()])), &[Capwap]);
    let wifi = cat(&[&[0x08, 1, 0, 0], &[1; 18], &[0, 0], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()]);
    leads_to_hello(Ethernet, &to_port(5247, &cat(&[&header([3, 0]), &wifi])), &[Capwap, Wifi]);
    let mut swapped = wifi.clone();
    swapped.swap(0, 1);
    (swapped[22], swapped[23]) = (0x76, 0x30);
    leads_to_hello(Ethernet, &to_port(5247, &cat(&[&header([3, 0]), &swapped])), &[Capwap, Wifi]);
    for left in [cat(&[&[1, 0, 0, 0], &wifi]), cat(&[&header([3, 0x80]), &wifi]), cat(&[&header([3, 0x08]), &wifi])] {
        assert_eq!(see(Ethernet, &to_port(5247, &left)).unwrap().chain, []);
    }
}

#[test]
fn mpls_over_udp() {
    leads_to_hello(Ethernet, &to_port(6635, &cat(&[&[0, 1, 1, 64], &hello()])), &[Mpls]);
    assert_eq!(see(Ethernet, &to_port(6635, b"something else altogether")).unwrap().chain, []);
}

/// A DNS question, as it may leave from any source port.
const QUESTION: &[u8] = b"\x08\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";

#[test]
fn a_client_that_drew_a_tunnels_port_is_not_lost() {
    for port in [1701, 2152, 3544, 4789, 4790, 5247, 6081, 6635, 8472] {
        for (id0, id1) in [(0x08, 0), (0, 2), (0, 0), (0x30, 0xff), (0x60, 0), (0, 3), (0x0c, 0)] {
            let mut question = QUESTION.to_vec();
            (question[0], question[1]) = (id0, id1);
            for (src, dst) in [(port, 53), (53, port), (port, 443), (port, 9999)] {
                let seen = see(Ethernet, &ethernet(0x0800, &ip4(17, &udp(src, dst, &question)))).unwrap();
                assert_eq!((seen.ports, seen.payload.as_slice()), ((src, dst), question.as_slice()));
            }
        }
    }
}

#[test]
fn towards_dns_only_a_whole_inner_packet_makes_a_tunnel() {
    let arp = cat(&[&VXLAN, &ethernet(0x0806, &[0; 28])]);
    let seen = see(Ethernet, &ethernet(0x0800, &ip4(17, &udp(4789, 53, &arp)))).unwrap();
    assert_eq!(seen.payload, arp);
    let whole = cat(&[&VXLAN, &hello_frame()]);
    leads_to_hello(Ethernet, &ethernet(0x0800, &ip4(17, &udp(443, 4789, &whole))), &[Vxlan]);
}

#[test]
fn a_cut_inner_packet_is_still_inside_its_tunnel() {
    let frame = to_port(4789, &cat(&[&VXLAN, &hello_frame()]));
    let seen = Bench::new(Ethernet).see_cut(&frame[..frame.len() - 5], frame.len()).unwrap();
    assert_eq!((seen.chain, seen.truncated), (vec![Vxlan], true));
    assert_eq!(seen.payload, HELLO[..HELLO.len() - 5]);
}

#[test]
fn a_long_provider_chain() {
    let customer =
        ethernet(0x8100, &cat(&[&[0, 9, 0x88, 0x64, 0x11, 0, 0, 1, 0, (hello().len() + 2) as u8, 0, 0x21], &hello()]));
    let gtp = cat(&[&[0x30, 255], &(ip4(4, &hello()).len() as u16).to_be_bytes(), &[0, 0, 0, 1], &ip4(4, &hello())]);
    let wire = cat(&[&[0, 5, 0x88, 0x47, 0, 1, 0, 64, 0, 1, 1, 64], &[0; 4], &customer]);
    leads_to_hello(Ethernet, &ethernet(0x88a8, &wire), &[Vlan, Mpls, Vlan, Pppoe]);
    leads_to_hello(Ethernet, &to_port(2152, &gtp), &[GtpU, IpInIp]);
}
