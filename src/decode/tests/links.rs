//! Every link type, leading to the same packet.

use super::*;
use Encap::*;

fn link(number: u32) -> LinkType {
    LinkType::from_linktype(number).unwrap()
}

#[test]
fn raw_ip_by_any_number() {
    for number in [12, 14, 101] {
        leads_to_hello(link(number), &hello(), &[]);
        leads_to_hello(link(number), &hello6(), &[]);
    }
    leads_to_hello(link(228), &hello(), &[]);
    leads_to_hello(link(229), &hello6(), &[]);
    is_left(link(228), &hello6(), Counter::SkipMalformed);
    is_left(link(101), &[0x50; 40], Counter::SkipMalformed);
}

#[test]
fn loopback_in_either_byte_order_and_of_every_system() {
    for number in [0, 108] {
        leads_to_hello(link(number), &cat(&[&[0, 0, 0, 2], &hello()]), &[]);
        leads_to_hello(link(number), &cat(&[&[2, 0, 0, 0], &hello()]), &[]);
        for family in [24, 28, 30, 10] {
            leads_to_hello(link(number), &cat(&[&[0, 0, 0, family], &hello6()]), &[]);
            leads_to_hello(link(number), &cat(&[&[family, 0, 0, 0], &hello6()]), &[]);
        }
        is_left(link(number), &cat(&[&[7, 0, 0, 0], &hello()]), Counter::SkipNotIp);
    }
    leads_to_hello(link(0), &cat(&[&[0, 0, 8, 0], &hello()]), &[]);
}

#[test]
fn ppp_in_every_framing() {
    leads_to_hello(link(9), &cat(&[&[0xff, 3, 0, 0x21], &hello()]), &[Ppp]);
    leads_to_hello(link(9), &cat(&[&[0, 0x57], &hello6()]), &[Ppp]);
    leads_to_hello(link(9), &cat(&[&[0x21], &hello()]), &[Ppp]);
    leads_to_hello(link(9), &cat(&[&[0xff, 3, 2, 0x81, 0, 1, 1, 64], &hello()]), &[Ppp, Mpls]);
    leads_to_hello(link(50), &cat(&[&[0xff, 3, 0, 0x21], &hello()]), &[Ppp]);
    for number in [9, 50] {
        leads_to_hello(link(number), &cat(&[&[0x0f, 0, 8, 0], &hello()]), &[CiscoHdlc]);
    }
    leads_to_hello(link(166), &cat(&[&[1, 0xff, 3, 0, 0x21], &hello()]), &[Ppp]);
    leads_to_hello(link(204), &cat(&[&[0, 0xff, 3, 0, 0x57], &hello6()]), &[Ppp]);
    let session = cat(&[&[0x11, 0, 0, 1, 0, (hello().len() + 2) as u8, 0, 0x21], &hello()]);
    leads_to_hello(link(51), &session, &[Pppoe]);
    is_left(link(9), &[0xff, 3, 0xc0, 0x21, 1, 1], Counter::SkipNotIp);
    is_left(link(9), &[0xff, 3], Counter::SkipTruncated);
}

#[test]
fn cisco_hdlc() {
    leads_to_hello(link(104), &cat(&[&[0x0f, 0, 8, 0], &hello()]), &[CiscoHdlc]);
    leads_to_hello(link(104), &cat(&[&[0x8f, 0, 0x86, 0xdd], &hello6()]), &[CiscoHdlc]);
    leads_to_hello(link(104), &cat(&[&[0x0f, 0, 0x88, 0x47, 0, 1, 1, 64], &hello()]), &[CiscoHdlc, Mpls]);
    leads_to_hello(link(205), &cat(&[&[0, 0x0f, 0, 8, 0], &hello()]), &[CiscoHdlc]);
    is_left(link(104), &[0x8f, 0, 0x80, 0x35, 0, 0, 0, 2], Counter::SkipNotIp);
}

#[test]
fn frame_relay() {
    leads_to_hello(link(107), &cat(&[&[0x18, 0x41, 3, 0xcc], &hello()]), &[LinkShim]);
    leads_to_hello(link(107), &cat(&[&[0x18, 0x41, 3, 0x8e], &hello6()]), &[LinkShim]);
    leads_to_hello(link(107), &cat(&[&[0x18, 0x40, 0x01, 3, 0, 0x80, 0, 0, 0, 8, 0], &hello()]), &[LinkShim]);
    leads_to_hello(link(107), &cat(&[&[0x18, 0x41, 8, 0], &hello()]), &[LinkShim]);
    leads_to_hello(link(107), &cat(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7], &hello_frame()]), &[LinkShim]);
    leads_to_hello(link(206), &cat(&[&[1, 0x18, 0x41, 3, 0xcc], &hello()]), &[LinkShim]);
    is_left(link(107), &[0x18; 40], Counter::SkipMalformed);
    is_left(link(107), &[0x00, 0x01, 3, 8, 0], Counter::SkipNotIp);
}

#[test]
fn linux_cooked() {
    let sll = |hardware: u16, protocol: u16, rest: &[u8]| {
        cat(&[&[0, 0], &hardware.to_be_bytes(), &[0, 6, 2, 0, 0, 0, 0, 1, 0, 0], &protocol.to_be_bytes(), rest])
    };
    let tagged = cat(&[&[0, 5, 8, 0], &hello()]);
    leads_to_hello(link(113), &sll(1, 0x0800, &hello()), &[]);
    leads_to_hello(link(113), &sll(512, 0x86dd, &hello6()), &[]);
    leads_to_hello(link(113), &sll(1, 0x8100, &tagged), &[Vlan]);
    leads_to_hello(link(113), &sll(1, 4, &cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()])), &[]);
    is_left(link(113), &sll(824, 0x0800, &hello()), Counter::SkipNotIp);
    is_left(link(113), &sll(1, 0x0806, &[0; 28]), Counter::SkipNotIp);
    let sll2 = |protocol: u16, rest: &[u8]| {
        cat(&[&protocol.to_be_bytes(), &[0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0], rest])
    };
    leads_to_hello(link(276), &sll2(0x0800, &hello()), &[]);
    leads_to_hello(link(276), &sll2(0x86dd, &hello6()), &[]);
    leads_to_hello(link(276), &sll2(0x8100, &tagged), &[Vlan]);
    is_left(link(276), &sll2(0x0800, &hello())[..19], Counter::SkipTruncated);
}

#[test]
fn netfilter_log_in_either_byte_order() {
    let packet = hello();
    let length = (packet.len() + 4) as u16;
    let little = cat(&[&[2, 0, 0, 0], &[5, 0, 1, 0, 7, 0, 0, 0], &length.to_le_bytes(), &[9, 0], &packet]);
    let big = cat(&[&[2, 0, 0, 0], &[0, 5, 0, 1, 7, 0, 0, 0], &length.to_be_bytes(), &[0, 9], &packet]);
    leads_to_hello(link(239), &little, &[LinkShim]);
    leads_to_hello(link(239), &big, &[LinkShim]);
    is_left(link(239), &[2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], Counter::SkipMalformed);
    is_left(link(239), &cat(&[&[2, 0, 0, 0], &[4, 0, 1, 0].repeat(100)]), Counter::SkipMalformed);
}

#[test]
fn headers_that_name_another_link_type() {
    let ppi = |inner: u32, rest: &[u8]| cat(&[&[0, 0, 12, 0], &inner.to_le_bytes(), &[9; 4], rest]);
    leads_to_hello(link(192), &ppi(1, &hello_frame()), &[]);
    is_left(link(192), &ppi(192, &ppi(1, &hello_frame())), Counter::SkipLinkType);
    is_left(link(192), &ppi(189, &hello_frame()), Counter::SkipLinkType);
    let tap = |inner: u32, rest: &[u8]| {
        cat(&[&108_u32.to_le_bytes(), &1_u32.to_le_bytes(), &inner.to_le_bytes(), &[0; 96], rest])
    };
    for number in [258, 149] {
        leads_to_hello(link(number), &tap(1, &hello_frame()), &[LinkShim]);
        leads_to_hello(link(number), &tap(12, &hello6()), &[LinkShim]);
        is_left(link(number), &[0xff; 200], Counter::SkipLinkType);
    }
}

#[test]
fn older_networks() {
    let snap = cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()]);
    leads_to_hello(link(10), &cat(&[&[0x54], &[0; 12], &snap]), &[]);
    leads_to_hello(link(6), &cat(&[&[0x10, 0x40], &[2; 12], &snap]), &[]);
    leads_to_hello(link(6), &cat(&[&[0x10, 0x40], &[2; 6], &[0x82; 6], &[6, 0, 1, 2, 3, 4], &snap]), &[]);
    for number in [11, 100] {
        leads_to_hello(link(number), &snap, &[]);
        leads_to_hello(link(number), &cat(&[&[0xfe, 0xfe, 3, 0xcc], &hello()]), &[]);
        let bridged = cat(&[&[0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7, 0, 0], &hello_frame()]);
        leads_to_hello(link(number), &bridged, &[]);
    }
    leads_to_hello(link(123), &cat(&[&[2, 0, 0, 42], &snap]), &[]);
    is_left(link(123), &cat(&[&[6, 0, 0, 5], &snap]), Counter::SkipNotIp);
    leads_to_hello(link(122), &cat(&[&[0; 16], &snap]), &[]);
    leads_to_hello(link(242), &cat(&[&[0; 40], &[8, 0, 0, 0], &hello()]), &[]);
    leads_to_hello(link(138), &cat(&[&[0; 16], &[0x86, 0xdd], &hello6()]), &[]);
    leads_to_hello(link(129), &cat(&[&[1, 2, 0, 0, 212, 0, 0, 1], &hello()]), &[]);
    leads_to_hello(link(129), &cat(&[&[1, 2, 0, 0, 212, 0xff, 0xff, 0xff, 0xff, 0, 0, 1], &hello()]), &[]);
    leads_to_hello(link(7), &cat(&[&[1, 2, 240], &hello()]), &[]);
    is_left(link(7), &cat(&[&[1, 2, 212, 1, 0, 1], &hello()]), Counter::SkipNotIp);
    leads_to_hello(link(8), &cat(&[&[0; 16], &hello()]), &[]);
}

#[test]
fn firewall_and_ipsec_taps() {
    leads_to_hello(link(117), &cat(&[&[61, 2], &[0; 62], &hello()]), &[]);
    leads_to_hello(link(109), &cat(&[&[0; 12], &hello6()]), &[]);
    leads_to_hello(link(226), &cat(&[&[0; 24], &hello()]), &[]);
}

#[test]
fn capturing_devices_and_switch_chips() {
    leads_to_hello(link(240), &cat(&[&[7; 4], &hello_frame()]), &[LinkShim]);
    leads_to_hello(link(241), &cat(&[&[7; 12], &hello_frame()]), &[LinkShim]);
    leads_to_hello(link(274), &cat(&[&[0x55; 7], &[0xd5], &hello_frame()]), &[LinkShim]);
    leads_to_hello(link(282), &cat(&[&[1; 4], &hello_frame()]), &[LinkShim]);
    let frame = hello_frame();
    for (number, tag) in [(281, &[1; 4][..]), (284, &[1; 4]), (285, &[1; 8])] {
        leads_to_hello(link(number), &cat(&[&frame[..12], tag, &frame[12..]]), &[LinkShim]);
    }
    leads_to_hello(link(219), &cat(&[&[0, 1, 1, 64], &hello()]), &[Mpls]);
}
