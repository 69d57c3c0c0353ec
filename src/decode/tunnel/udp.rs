//! Tunnels over UDP: VXLAN, Geneve, GTP-U, Teredo, CAPWAP, L2TP, MPLS.
//!
//! A port number only suggests a tunnel: a DNS client may have drawn the same one. So a datagram is taken for a tunnel
//! only if its header is right and what it carries looks like a packet whose lengths fit; if not, it is the plain
//! datagram that it also is. Where the other port is DNS's or HTTP/3's, an inner IP packet is asked for.

use super::l2tp;
use crate::decode::bytes::{Parsed, be16, be32, cut as cut_to, octet};
use crate::decode::walk::{Layer, Step, Walk};
use crate::decode::{nsh, plausible, wifi};
use crate::model::{Encap, UdpDatagram};

/// A tunnel that a port suggests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::decode) enum Tunnel {
    /// RFC 7348; 8472 is Linux's older default.
    Vxlan,
    /// draft-ietf-nvo3-vxlan-gpe.
    VxlanGpe,
    /// RFC 8926.
    Geneve,
    /// 3GPP TS 29.281.
    GtpU,
    /// RFC 4380.
    Teredo,
    /// RFC 5415, data channel.
    Capwap,
    /// RFC 2661, 3931.
    L2tp,
    /// RFC 7510.
    Mpls,
}

/// What a tunnel's datagram carries.
#[derive(Clone, Copy, Debug)]
pub(in crate::decode) struct Inner<'a> {
    /// What to record; `None` if the inner header's parser records itself.
    pub(in crate::decode) encap: Option<Encap>,
    /// What the inner octets are.
    pub(in crate::decode) layer: Layer,
    /// The inner octets.
    pub(in crate::decode) bytes: &'a [u8],
    /// The network, tunnel or session number.
    pub(in crate::decode) id: u32,
}

impl Tunnel {
    /// The tunnel that one of the ports suggests.
    #[inline]
    pub(in crate::decode) fn by_ports(src: u16, dst: u16) -> Option<Tunnel> {
        Self::by_port(dst).or_else(|| Self::by_port(src))
    }

    #[inline]
    fn by_port(port: u16) -> Option<Tunnel> {
        match port {
            1701 => Some(Tunnel::L2tp),
            2152 => Some(Tunnel::GtpU),
            3544 => Some(Tunnel::Teredo),
            4789 | 8472 => Some(Tunnel::Vxlan),
            4790 => Some(Tunnel::VxlanGpe),
            5247 => Some(Tunnel::Capwap),
            6081 => Some(Tunnel::Geneve),
            6635 => Some(Tunnel::Mpls),
            _ => None,
        }
    }
}

/// What the datagram carries, if it is this tunnel's. `cut`: the capture may hold less than lengths promise.
pub(in crate::decode) fn open<'a>(tunnel: Tunnel, datagram: &UdpDatagram<'a>, cut: bool) -> Option<Inner<'a>> {
    let bytes = datagram.payload;
    let inner = match tunnel {
        Tunnel::Vxlan | Tunnel::VxlanGpe => vxlan(bytes),
        Tunnel::Geneve => geneve(bytes),
        Tunnel::GtpU => gtp_u(bytes, cut),
        Tunnel::Teredo => teredo(bytes),
        Tunnel::Capwap => capwap(bytes),
        Tunnel::L2tp => l2tp::over_udp(bytes, cut),
        Tunnel::Mpls => Some(Inner { encap: None, layer: Layer::Mpls, bytes, id: 0 }),
    }?;
    let names_may_be_here = [datagram.src_port, datagram.dst_port].iter().any(|port| matches!(port, 53 | 443));
    let convincing = if names_may_be_here {
        match inner.layer {
            Layer::Ethernet => plausible::ethernet_with_ip(inner.bytes, false),
            Layer::Ip | Layer::Ipv4 | Layer::Ipv6 => plausible::layer(inner.layer, inner.bytes, false),
            _ => false,
        }
    } else {
        plausible::layer(inner.layer, inner.bytes, cut)
    };
    convincing.then_some(inner)
}

/// Enters the tunnel.
pub(in crate::decode) fn step_in<'a>(walk: &mut Walk<'_>, inner: Inner<'a>) -> Parsed<Step<'a>> {
    if let Some(encap) = inner.encap {
        walk.enter(encap)?;
    }
    if inner.layer == Layer::Ppp {
        walk.enter(Encap::Ppp)?;
    }
    walk.mix(inner.id);
    Ok(Step::Next(inner.layer, inner.bytes))
}

/// VXLAN (RFC 7348 section 5), with the group policy extension, and the generic protocol extension, whose flag says that
/// something other than Ethernet is inside.
fn vxlan(bytes: &[u8]) -> Option<Inner<'_>> {
    const NETWORK_PRESENT: u8 = 0x08;
    const NEXT_PROTOCOL: u8 = 0x04;
    const VERSION: u8 = 0x30;
    const CONTROL: u8 = 0x01;
    let flags = octet(bytes, 0).ok()?;
    if flags & NETWORK_PRESENT == 0 || flags & (VERSION | CONTROL) != 0 {
        return None;
    }
    let layer = if flags & NEXT_PROTOCOL != 0 { nsh::next_protocol(octet(bytes, 3).ok()?)? } else { Layer::Ethernet };
    Some(Inner { encap: Some(Encap::Vxlan), layer, bytes: bytes.get(8..)?, id: be32(bytes, 4).ok()? >> 8 })
}

/// Geneve (RFC 8926 section 3.4): options of a length that the header tells, then what an EtherType says.
fn geneve(bytes: &[u8]) -> Option<Inner<'_>> {
    const CONTROL: u8 = 0x80;
    let first = octet(bytes, 0).ok()?;
    if first >> 6 != 0 || octet(bytes, 1).ok()? & CONTROL != 0 {
        return None;
    }
    let layer = match be16(bytes, 2).ok()? {
        0x6558 => Layer::Ethernet,
        0x0800 => Layer::Ipv4,
        0x86dd => Layer::Ipv6,
        0x8847 | 0x8848 => Layer::Mpls,
        0x894f => Layer::Nsh,
        _ => return None,
    };
    let options_len = usize::from(first & 0x3f) * 4;
    let id = be32(bytes, 4).ok()? >> 8;
    Some(Inner { encap: Some(Encap::Geneve), layer, bytes: bytes.get(8 + options_len..)?, id })
}

/// GTP-U, message type G-PDU (3GPP TS 29.281 sections 5.1 and 5.2): optional fields if any of three flags is set, then
/// extension headers that each tell their length in units of four octets and the type of the next.
fn gtp_u(bytes: &[u8], cut: bool) -> Option<Inner<'_>> {
    const VERSION_1_NOT_PRIME: u8 = 0x30;
    const EXTENSION: u8 = 0x04;
    const ANY_OPTION: u8 = 0x07;
    const G_PDU: u8 = 255;
    const MAX_EXTENSIONS: usize = 8;
    let flags = octet(bytes, 0).ok()?;
    if flags & 0xf0 != VERSION_1_NOT_PRIME || octet(bytes, 1).ok()? != G_PDU {
        return None;
    }
    let length = usize::from(be16(bytes, 2).ok()?);
    let id = be32(bytes, 4).ok()?;
    let rest = bytes.get(8..)?;
    if length > rest.len() && !cut {
        return None;
    }
    let mut rest = cut_to(rest, length);
    if flags & ANY_OPTION != 0 {
        let mut next = if flags & EXTENSION != 0 { octet(rest, 3).ok()? } else { 0 };
        rest = rest.get(4..)?;
        for _ in 0..MAX_EXTENSIONS {
            if next == 0 {
                break;
            }
            let extension_len = usize::from(octet(rest, 0).ok()?) * 4;
            next = octet(rest, extension_len.checked_sub(1)?).ok()?;
            rest = rest.get(extension_len..)?;
        }
        if next != 0 {
            return None;
        }
    }
    // Sessions of type Ethernet (3GPP TS 23.501 section 5.6.10.2) look the same from outside.
    let layer = if plausible::ip(rest, cut) { Layer::Ip } else { Layer::Ethernet };
    Some(Inner { encap: Some(Encap::GtpU), layer, bytes: rest, id })
}

/// Teredo (RFC 4380 section 5.1.1): an authentication and an origin indication may stand before the IPv6 packet.
fn teredo(bytes: &[u8]) -> Option<Inner<'_>> {
    let mut rest = bytes;
    if rest.starts_with(&[0, 1]) {
        let (identifier, value) = (usize::from(octet(rest, 2).ok()?), usize::from(octet(rest, 3).ok()?));
        const NONCE_AND_CONFIRMATION: usize = 9;
        rest = rest.get(4 + identifier + value + NONCE_AND_CONFIRMATION..)?;
    }
    if rest.starts_with(&[0, 0]) {
        rest = rest.get(8..)?;
    }
    Some(Inner { encap: Some(Encap::Teredo), layer: Layer::Ipv6, bytes: rest, id: 0 })
}

/// CAPWAP data (RFC 5415 section 4.3): Ethernet, or an 802.11 frame. Messages in DTLS, fragments and keep-alives are left.
fn capwap(bytes: &[u8]) -> Option<Inner<'_>> {
    const WIFI_BINDING: u32 = 1;
    let header = be32(bytes, 0).ok()?;
    let (preamble, header_len) = (header >> 24, (header >> 19 & 0x1f) as usize * 4);
    let (binding, native) = (header >> 9 & 0x1f, header >> 8 & 1 != 0);
    let (fragment, keep_alive) = (header >> 7 & 1 != 0, header >> 3 & 1 != 0);
    if preamble != 0 || header_len < 8 || fragment || keep_alive {
        return None;
    }
    let bytes = bytes.get(header_len..)?;
    let layer = match (native, binding) {
        (false, _) => Layer::Ethernet,
        (true, WIFI_BINDING) => Layer::Wifi(wifi::data_form(bytes)?),
        _ => return None,
    };
    Some(Inner { encap: Some(Encap::Capwap), layer, bytes, id: 0 })
}
