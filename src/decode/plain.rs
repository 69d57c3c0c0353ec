//! The fast lane: Ethernet, VLAN tags, PPPoE or MPLS, IP, and TCP or UDP, with nothing missing, cut or fragmented; and
//! tunnels over UDP that carry the same.
//!
//! That is what most of a mirror carries. This uses the same parsers as the walk but keeps everything in registers; for
//! any other frame it gives up, counts nothing, and the walk starts again from the first octet.

use super::bytes::{Parsed, cut, head};
use super::ether::is_vlan_tag;
use super::ip::{self, IpPacket};
use super::plausible;
use super::transport;
use super::tunnel::udp::{self, Tunnel};
use super::walk::Layer;
use crate::model::{Counter, Encap, EncapChain, Packet, Timestamp, Transport};

/// VLAN tags stepped over in one row.
const MAX_TAGS: usize = 2;
/// MPLS labels stepped over.
const MAX_LABELS: usize = 4;
/// IP headers stepped over: one, and one inside each of two tunnels.
const MAX_IP_HEADERS: usize = 3;

/// Puts the packet in `frame`, which begins with Ethernet or IP as `layer` says, into `out`, if it is as plain as that;
/// else `out` is unchanged. Into a place of the caller's, since to copy what was just written means to wait for it.
#[inline]
pub(super) fn packet<'a>(ts: Timestamp, layer: Layer, frame: &'a [u8], out: &mut Packet<'a>) -> bool {
    find(ts, layer, frame, out).is_some()
}

#[inline(always)]
fn find<'a>(ts: Timestamp, mut layer: Layer, frame: &'a [u8], out: &mut Packet<'a>) -> Option<()> {
    let mut bytes = frame;
    let mut encap = EncapChain::new();
    for _ in 0..MAX_IP_HEADERS {
        let ip = match layer {
            Layer::Ethernet => ethernet(bytes, &mut encap),
            Layer::Ip | Layer::Ipv4 | Layer::Ipv6 => whole_ip(layer, bytes),
            _ => return None,
        };
        let ip = ip.ok()?;
        let transport = match ip.protocol {
            6 => Transport::Tcp(transport::parse_tcp(ip.payload).ok()?),
            17 => {
                let (datagram, short) = transport::parse_udp(ip.payload).ok()?;
                if short {
                    return None;
                }
                let tunnel = Tunnel::by_ports(datagram.src_port, datagram.dst_port);
                if let Some(inner) = tunnel.and_then(|tunnel| udp::open(tunnel, &datagram, false)) {
                    inner.encap.filter(|inner| encap.push(*inner))?;
                    (layer, bytes) = (inner.layer, inner.bytes);
                    continue;
                }
                Transport::Udp(datagram)
            }
            _ => return None,
        };
        let header = ip.header;
        *out = Packet { ts, src: header.src, dst: header.dst, ip_id: header.id, truncated: false, encap, transport };
        return Some(());
    }
    None
}

/// The IP packet behind an Ethernet header, VLAN tags, and a PPPoE session or MPLS labels.
#[inline]
fn ethernet<'a>(bytes: &'a [u8], encap: &mut EncapChain) -> Parsed<IpPacket<'a>> {
    let (header, mut rest) = head::<14>(bytes)?;
    let mut ethertype = u16::from_be_bytes([header[12], header[13]]);
    for _ in 0..MAX_TAGS {
        if !is_vlan_tag(ethertype) {
            break;
        }
        let ([_, _, t0, t1], inner) = head::<4>(rest)?;
        (ethertype, rest) = (u16::from_be_bytes([*t0, *t1]), inner);
        if !encap.push(if is_vlan_tag(ethertype) { Encap::Qinq } else { Encap::Vlan }) {
            return Err(Counter::SkipDepth);
        }
    }
    match ethertype {
        0x0800 => whole_ip(Layer::Ipv4, rest),
        0x86dd => whole_ip(Layer::Ipv6, rest),
        0x8864 => pppoe(rest, encap),
        0x8847 => mpls(rest, encap),
        _ => Err(Counter::SkipNotIp),
    }
}

/// The IP packet in a PPPoE session, with the protocol field in the form that RFC 2516 section 4 shows.
#[inline]
fn pppoe<'a>(bytes: &'a [u8], encap: &mut EncapChain) -> Parsed<IpPacket<'a>> {
    let ([version_type, code, _, _, l0, l1, p0, p1], rest) = head::<8>(bytes)?;
    let layer = match [*version_type, *code, *p0, *p1] {
        [0x11, 0, 0, 0x21] => Layer::Ipv4,
        [0x11, 0, 0, 0x57] => Layer::Ipv6,
        _ => return Err(Counter::SkipNotIp),
    };
    let length = usize::from(u16::from_be_bytes([*l0, *l1])).checked_sub(2).ok_or(Counter::SkipMalformed)?;
    if !encap.push(Encap::Pppoe) {
        return Err(Counter::SkipDepth);
    }
    whole_ip(layer, cut(rest, length))
}

/// The IP packet below a short label stack. Whether it is one is for the same judge as in the walk.
#[inline]
fn mpls<'a>(bytes: &'a [u8], encap: &mut EncapChain) -> Parsed<IpPacket<'a>> {
    let mut rest = bytes;
    for _ in 0..MAX_LABELS {
        let (entry, below) = head::<4>(rest)?;
        rest = below;
        let bottom_of_stack = entry[2] & 1 != 0;
        if bottom_of_stack {
            if !plausible::ip(rest, false) {
                return Err(Counter::SkipNotIp);
            }
            if !encap.push(Encap::Mpls) {
                return Err(Counter::SkipDepth);
            }
            return whole_ip(Layer::Ip, rest);
        }
    }
    Err(Counter::SkipDepth)
}

/// An IP packet, if it is all there and no fragment. One without a length passes for cut: whether it is, the walk knows.
#[inline]
fn whole_ip(layer: Layer, bytes: &[u8]) -> Parsed<IpPacket<'_>> {
    let v6 = layer == Layer::Ipv6 || (layer == Layer::Ip && bytes.first().is_some_and(|first| first >> 4 == 6));
    let packet = if v6 { ip::parse_v6(bytes, true) } else { ip::parse_v4(bytes, true) }?;
    if packet.short || packet.fragment != 0 { Err(Counter::SkipTruncated) } else { Ok(packet) }
}
