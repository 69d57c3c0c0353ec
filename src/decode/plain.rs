//! The fast lane: Ethernet, VLAN tags, IP, and TCP or UDP, with nothing missing, cut, fragmented or tunnelled.
//!
//! That is what most of a mirror carries. This uses the same parsers as the walk but keeps everything in registers; for
//! any other frame it gives up, counts nothing, and the walk starts again from the first octet.

use super::bytes::head;
use super::ether::is_vlan_tag;
use super::ip::{self, IpPacket};
use super::transport;
use super::tunnel::udp::Tunnel;
use crate::model::{Encap, EncapChain, Packet, Timestamp, Transport};

/// VLAN tags stepped over here.
const MAX_TAGS: usize = 2;

/// The packet in an Ethernet frame, if it is as plain as that.
#[inline]
pub(super) fn packet(ts: Timestamp, frame: &[u8]) -> Option<Packet<'_>> {
    let (header, mut rest) = head::<14>(frame).ok()?;
    let mut ethertype = u16::from_be_bytes([header[12], header[13]]);
    let mut encap = EncapChain::new();
    for _ in 0..MAX_TAGS {
        if !is_vlan_tag(ethertype) {
            break;
        }
        let ([_, _, t0, t1], inner) = head::<4>(rest).ok()?;
        (ethertype, rest) = (u16::from_be_bytes([*t0, *t1]), inner);
        encap.push(if is_vlan_tag(ethertype) { Encap::Qinq } else { Encap::Vlan }).then_some(())?;
    }
    let ip = match ethertype {
        0x0800 => ip::parse_v4(rest, true),
        0x86dd => ip::parse_v6(rest, true),
        _ => return None,
    };
    let ip = ip.ok().filter(|ip| !ip.short && ip.fragment == 0)?;
    let transport = whole_transport(&ip)?;
    let header = ip.header;
    Some(Packet { ts, src: header.src, dst: header.dst, ip_id: header.id, truncated: false, encap, transport })
}

#[inline]
fn whole_transport<'a>(ip: &IpPacket<'a>) -> Option<Transport<'a>> {
    match ip.protocol {
        6 => transport::parse_tcp(ip.payload).ok().map(Transport::Tcp),
        17 => {
            let (datagram, short) = transport::parse_udp(ip.payload).ok()?;
            let tunnel = Tunnel::by_ports(datagram.src_port, datagram.dst_port);
            (!short && tunnel.is_none()).then_some(Transport::Udp(datagram))
        }
        _ => None,
    }
}
