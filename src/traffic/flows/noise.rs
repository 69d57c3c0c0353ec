//! Everything else on the link: data that nobody can name, and packets that look like something and are not.
//!
//! Some of it holds names that must not be reported: mDNS names devices in homes, and ICMP errors quote the packets of
//! others.

use crate::model::{Addr, Endpoint};
use crate::traffic::dns::{Message, kind};
use crate::traffic::frame::flag;
use crate::traffic::plan::{Plan, server_addr};
use crate::traffic::script::{Act, Bulk, Data, Pause, Role};
use crate::traffic::wrap::checksum;

/// One of them.
pub(in super::super) fn any(plan: &mut Plan<'_>) {
    match plan.rng.weighted(&[(24, 0), (10, 1), (12, 2), (12, 3), (10, 4), (5, 5), (4, 6), (4, 7), (4, 8)]) {
        0 => {
            let frames = plan.bulk_frames();
            datagrams(plan, frames);
        }
        1 => stream(plan),
        2 => echo(plan),
        3 => clock(plan),
        4 => arp(plan),
        5 => unreachable(plan),
        6 => multicast(plan),
        7 => other_protocol(plan),
        _ => lookalike(plan),
    }
}

/// A call, a game or a tunnel over UDP.
pub(in super::super) fn datagrams(plan: &mut Plan<'_>, frames: u32) {
    let subscriber = plan.subscriber();
    let (port, head): (u16, &[u8]) = plan.rng.pick(&[
        (51_820, &[4, 0, 0, 0][..]),
        (3_478, &[0x90, 0x6f]),
        (27_015, &[0xff, 0xff, 0xff, 0xff]),
        (9_993, &[0x31, 0x5a, 0x20, 0x77]),
    ]);
    let leg = plan.leg(subscriber, server_addr("peer.example", subscriber.v6), port);
    let head = plan.script.keep(head);
    plan.script.step(leg, true, Role::Bulk, Pause::Turn, Act::Bulk { kind: Bulk::Udp { head }, frames });
}

/// A TCP connection without TLS or HTTP: the server speaks first, or the client says something else.
fn stream(plan: &mut Plan<'_>) {
    let subscriber = plan.subscriber();
    let (port, up, banner): (u16, bool, &[u8]) = plan.rng.pick(&[
        (22, false, &b"SSH-2.0-Invented_9.9\r\n"[..]),
        (25, false, b"220 mx.invented.invalid ESMTP\r\n"),
        (6_881, true, b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\x05"),
        (5_222, true, b"<?xml version='1.0'?><stream:stream to='chat.invalid'>"),
        (443, true, b"\x00\x0e8\xa3\xcb\x82\x5f\x01"),
    ]);
    let leg = plan.leg(subscriber, server_addr("peer.example", subscriber.v6), port);
    plan.tcp_open(leg);
    let banner = plan.script.keep(banner);
    plan.tcp_data(leg, up, Role::Control, Pause::Turn, banner);
    let frames = plan.bulk_frames();
    plan.script.step(leg, false, Role::Bulk, Pause::Turn, Act::Bulk { kind: Bulk::Tcp, frames });
    plan.tcp_close(leg);
}

/// Ping, there and back.
fn echo(plan: &mut Plan<'_>) {
    let subscriber = plan.subscriber();
    let leg = plan.leg(subscriber, server_addr("peer.example", subscriber.v6), 0);
    let types: [u8; 2] = if subscriber.v6 { [128, 129] } else { [8, 0] };
    let (id, body) = (plan.rng.octets::<2>(), plan.rng.octets::<48>());
    for (sequence, icmp_type) in [(1, types[0]), (1, types[1]), (2, types[0]), (2, types[1])] {
        let mut message = vec![icmp_type, 0, 0, 0, id[0], id[1], 0, sequence];
        message.extend_from_slice(&body);
        icmp(plan, leg, icmp_type == types[0], message);
    }
}

/// A server's or router's complaint that quotes a DNS question of the subscriber.
fn unreachable(plan: &mut Plan<'_>) {
    let subscriber = plan.subscriber();
    let resolver = plan.resolver(subscriber.v6);
    let leg = plan.leg(subscriber, resolver, 53);
    let mut question = Vec::new();
    Message::query(&mut question, 0x5151).question("quoted-by-icmp.invalid", kind::A);
    let mut quoted = Vec::new();
    let mut path = plan.path(leg).clone();
    path.begin_ip_only(&mut quoted, true, 17, 8 + question.len());
    path.udp_segment(&mut quoted, true, [&question, &[]]);
    let mut message = if subscriber.v6 { vec![1, 4, 0, 0, 0, 0, 0, 0] } else { vec![3, 3, 0, 0, 0, 0, 0, 0] };
    message.extend_from_slice(&quoted);
    icmp(plan, leg, false, message);
}

fn icmp(plan: &mut Plan<'_>, leg: u8, up: bool, mut message: Vec<u8>) {
    let v6 = plan.path(leg).is_v6();
    let sum = if v6 { plan.path(leg).icmpv6_sum(&message) } else { checksum(0, &message) };
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let octets = plan.script.keep(&message);
    let act = Act::Ip { protocol: if v6 { 58 } else { 1 }, octets };
    plan.script.step(leg, up, Role::Control, Pause::Turn, act);
}

/// NTP (RFC 5905), there and back.
fn clock(plan: &mut Plan<'_>) {
    let subscriber = plan.subscriber();
    let leg = plan.leg(subscriber, server_addr("time.example", subscriber.v6), 123);
    for (up, first) in [(true, 0x23), (false, 0x24)] {
        let mut packet = vec![first, if up { 0 } else { 2 }, 6, 0xec];
        plan.rng.fill(&mut packet, 44);
        let octets = plan.script.keep(&packet);
        plan.script.step(leg, up, Role::Control, Pause::Turn, Act::Udp(Data::Octets(octets)));
    }
}

/// ARP (RFC 826): who has the gateway?
fn arp(plan: &mut Plan<'_>) {
    let subscriber = plan.subscriber().over_v4();
    let leg = plan.leg(subscriber, Addr::v4([100, 64, 0, 1]), 0);
    let path = plan.path(leg);
    let mut packet = vec![0, 1, 8, 0, 6, 4, 0, 1];
    packet.extend_from_slice(&path.station);
    packet.extend_from_slice(&path.client.addr.octets()[12..]);
    packet.extend_from_slice(&[0; 6]);
    packet.extend_from_slice(&path.server.addr.octets()[12..]);
    let octets = plan.script.keep(&packet);
    plan.script.step(leg, true, Role::Control, Pause::Turn, Act::Ethernet { ethertype: 0x0806, octets });
}

/// A device at home calls its name out; the access network should have kept it (RFC 6762).
fn multicast(plan: &mut Plan<'_>) {
    let subscriber = plan.subscriber().over_v4();
    let leg = plan.leg(subscriber, Addr::v4([224, 0, 0, 251]), 5_353);
    let client = plan.path(leg).client.addr;
    plan.script.legs[usize::from(leg)].client = Endpoint::new(client, 5_353);
    let mut message = Vec::new();
    Message::query(&mut message, 0).question("somebodys-laptop.local", kind::A);
    message[2] = 0;
    let octets = plan.script.keep(&message);
    plan.script.step(leg, true, Role::Control, Pause::Turn, Act::Udp(Data::Octets(octets)));
}

/// IPsec (RFC 4303) and SCTP (RFC 9260).
fn other_protocol(plan: &mut Plan<'_>) {
    let subscriber = plan.subscriber();
    let leg = plan.leg(subscriber, server_addr("peer.example", subscriber.v6), 0);
    for up in [true, false, true] {
        let mut packet = Vec::new();
        plan.rng.fill(&mut packet, 8);
        packet.extend_from_slice(&[0, 0, 0, 1]);
        let len = plan.rng.between(40, 900);
        plan.rng.fill(&mut packet, len);
        let octets = plan.script.keep(&packet);
        plan.script.step(leg, up, Role::Bulk, Pause::Turn, Act::Ip { protocol: 50, octets });
    }
}

/// What starts like a protocol that is read, and is not: a long header with noise behind it, a record that is no
/// hello, a connection that ends where its hello should be.
fn lookalike(plan: &mut Plan<'_>) {
    let subscriber = plan.subscriber();
    let leg = plan.leg(subscriber, server_addr("peer.example", subscriber.v6), 443);
    match plan.rng.below(3) {
        0 => {
            let mut packet = vec![0xc3, 0, 0, 0, 1, 8];
            plan.rng.fill(&mut packet, 8);
            packet.extend_from_slice(&[0, 0, 0x44, 0x9e]);
            plan.rng.fill(&mut packet, 1_182);
            let octets = plan.script.keep(&packet);
            plan.script.step(leg, true, Role::Name, Pause::Turn, Act::Udp(Data::Octets(octets)));
        }
        1 => {
            plan.tcp_open(leg);
            let head = plan.script.keep(&[0x16, 3, 1, 2, 0, 9, 0, 1, 0xfc]);
            plan.tcp_random(leg, true, Role::Name, head, 508);
            plan.tcp_close(leg);
        }
        _ => {
            plan.tcp_open(leg);
            let act = Act::Tcp { flags: flag::RST, back: 0, advance: 0, data: Data::Empty };
            plan.script.step(leg, true, Role::Control, Pause::Turn, act);
        }
    }
}
