//! Link types: what a capture says its frames begin with, and the short headers that lead to a known layer.
//!
//! Numbers are those of <https://www.tcpdump.org/linktypes.html>. A few differ between the operating system's own number
//! (DLT) and the one in files (LINKTYPE); files with either exist, so both are taken.

use super::bytes::{Parsed, be16, cut, head, le16, le32, octet, skip};
use super::walk::{Layer, Step, Walk};
use super::{link_names, mpls, ppp, wifi};
use crate::model::{Counter, Encap};

/// A link type that is decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkType {
    /// Ethernet, from the destination address.
    Ethernet,
    /// An IP packet of either version.
    RawIp,
    /// An IPv4 packet.
    Ipv4,
    /// An IPv6 packet.
    Ipv6,
    /// BSD loopback: the address family in the byte order of the capturing machine (NULL) or the network's (LOOP).
    Loopback,
    /// PPP, with or without address and control octets, or Cisco HDLC, as the first octets say.
    Ppp,
    /// PPP or Cisco HDLC behind an octet that tells the direction.
    PppWithDirection,
    /// A PPPoE session packet without its Ethernet header.
    Pppoe,
    /// Cisco HDLC.
    CiscoHdlc,
    /// Cisco HDLC behind an octet that tells the direction.
    CiscoHdlcWithDirection,
    /// Frame relay (RFC 2427).
    FrameRelay,
    /// Frame relay behind an octet that tells the direction.
    FrameRelayWithDirection,
    /// An MPLS label stack.
    Mpls,
    /// Linux "cooked" capture.
    LinuxSll,
    /// Linux "cooked" capture, version 2.
    LinuxSll2,
    /// 802.11.
    Wifi,
    /// 802.11 behind a Prism header.
    Prism,
    /// 802.11 behind a radiotap header.
    Radiotap,
    /// 802.11 behind an AVS header.
    Avs,
    /// Another link type behind a per-packet information header.
    Ppi,
    /// Another link type behind Apple's packet tap header.
    Pktap,
    /// Linux netfilter's log.
    Nflog,
    /// FDDI.
    Fddi,
    /// IEEE 802.5 token ring.
    TokenRing,
    /// 802.2 (RFC 2684) on ATM.
    Llc,
    /// SunATM's header, then 802.2.
    SunAtm,
    /// IP over Fibre Channel (RFC 2625).
    IpOverFc,
    /// IP over InfiniBand (RFC 4391).
    Ipoib,
    /// IP over IEEE 1394, as Apple captures it.
    AppleFirewire,
    /// ARCNET as Linux captures it.
    ArcnetLinux,
    /// ARCNET as BSD captures it.
    ArcnetBsd,
    /// SLIP behind a direction octet and a compressed header.
    Slip,
    /// OpenBSD's packet filter log.
    Pflog,
    /// BSD's IPsec tap.
    Enc,
    /// Solaris IP observability.
    Ipnet,
    /// Ethernet behind this many octets of the capturing device.
    EthernetBehind(u8),
    /// Ethernet with this many octets of a switch chip's tag between the source address and the EtherType.
    SwitchTag(u8),
}

impl LinkType {
    /// The link type with this LINKTYPE or DLT number; `None` if it is not decoded.
    pub fn from_linktype(number: u32) -> Option<LinkType> {
        Some(match number {
            0 | 108 => LinkType::Loopback,
            1 => LinkType::Ethernet,
            6 => LinkType::TokenRing,
            7 => LinkType::ArcnetBsd,
            8 => LinkType::Slip,
            9 | 50 => LinkType::Ppp,
            10 => LinkType::Fddi,
            11 | 100 | 106 => LinkType::Llc,
            12 | 14 | 101 => LinkType::RawIp,
            51 => LinkType::Pppoe,
            104 => LinkType::CiscoHdlc,
            105 => LinkType::Wifi,
            107 => LinkType::FrameRelay,
            109 => LinkType::Enc,
            113 => LinkType::LinuxSll,
            117 => LinkType::Pflog,
            119 => LinkType::Prism,
            122 => LinkType::IpOverFc,
            123 => LinkType::SunAtm,
            127 => LinkType::Radiotap,
            129 => LinkType::ArcnetLinux,
            138 => LinkType::AppleFirewire,
            163 => LinkType::Avs,
            166 | 204 => LinkType::PppWithDirection,
            192 => LinkType::Ppi,
            205 => LinkType::CiscoHdlcWithDirection,
            206 => LinkType::FrameRelayWithDirection,
            219 => LinkType::Mpls,
            226 => LinkType::Ipnet,
            228 => LinkType::Ipv4,
            229 => LinkType::Ipv6,
            239 => LinkType::Nflog,
            240 | 282 => LinkType::EthernetBehind(4),
            241 => LinkType::EthernetBehind(12),
            242 => LinkType::Ipoib,
            // Apple used the number of USER2 before it had one of its own; the header is verified.
            149 | 258 => LinkType::Pktap,
            274 => LinkType::EthernetBehind(8),
            276 => LinkType::LinuxSll2,
            281 | 284 => LinkType::SwitchTag(4),
            285 => LinkType::SwitchTag(8),
            _ => return None,
        })
    }

    /// The name of any LINKTYPE number, decoded or not: `LINKTYPE_USB_LINUX (189)`, or `LINKTYPE 12345` if the registry
    /// has none.
    pub fn name(number: u32) -> String {
        match link_names::name(number) {
            Some(name) => format!("LINKTYPE_{name} ({number})"),
            None => format!("LINKTYPE {number}"),
        }
    }
}

/// Steps over the first header of a frame.
pub(super) fn parse<'a>(walk: &mut Walk<'_>, link: LinkType, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    match link {
        LinkType::Ethernet => super::ether::ethernet(bytes),
        LinkType::RawIp => super::ip::any(bytes),
        LinkType::Ipv4 => Ok(Step::Next(Layer::Ipv4, bytes)),
        LinkType::Ipv6 => Ok(Step::Next(Layer::Ipv6, bytes)),
        LinkType::Mpls => mpls::stack(walk, bytes),
        LinkType::Llc => Ok(Step::Next(Layer::Llc, bytes)),
        LinkType::Loopback => loopback(bytes),
        LinkType::Ppp => ppp_or_hdlc(walk, bytes),
        LinkType::PppWithDirection => ppp_or_hdlc(walk, skip(bytes, 1)?),
        LinkType::Pppoe => ppp::pppoe_session(walk, bytes),
        LinkType::CiscoHdlc => cisco_hdlc(walk, bytes),
        LinkType::CiscoHdlcWithDirection => cisco_hdlc(walk, skip(bytes, 1)?),
        LinkType::FrameRelay => frame_relay(walk, bytes),
        LinkType::FrameRelayWithDirection => frame_relay(walk, skip(bytes, 1)?),
        LinkType::LinuxSll => cooked(be16(bytes, 14)?, be16(bytes, 2)?, skip(bytes, 16)?),
        LinkType::LinuxSll2 => cooked(be16(bytes, 0)?, be16(bytes, 8)?, skip(bytes, 20)?),
        LinkType::Wifi => Ok(Step::Next(Layer::Wifi(wifi::Form::Plain), bytes)),
        LinkType::Radiotap => wifi::radiotap(walk, bytes),
        LinkType::Prism | LinkType::Avs => wifi::prism_or_avs(bytes),
        LinkType::Ppi => ppi(bytes),
        LinkType::Pktap => pktap(walk, bytes),
        LinkType::Nflog => nflog(walk, bytes),
        LinkType::Fddi => fddi(bytes),
        LinkType::TokenRing => token_ring(bytes),
        LinkType::SunAtm => sun_atm(bytes),
        LinkType::IpOverFc => Ok(Step::Next(Layer::Llc, skip(bytes, 16)?)),
        LinkType::Ipoib => Ok(Step::Next(Layer::EtherType(be16(bytes, 40)?), skip(bytes, 44)?)),
        LinkType::AppleFirewire => Ok(Step::Next(Layer::EtherType(be16(bytes, 16)?), skip(bytes, 18)?)),
        LinkType::ArcnetLinux => arcnet(skip(bytes, 4)?),
        LinkType::ArcnetBsd => arcnet(skip(bytes, 2)?),
        LinkType::Slip => Ok(Step::Next(Layer::Ip, skip(bytes, 16)?)),
        LinkType::Pflog => pflog(bytes),
        LinkType::Enc => Ok(Step::Next(Layer::Ip, skip(bytes, 12)?)),
        LinkType::Ipnet => Ok(Step::Next(Layer::Ip, skip(bytes, 24)?)),
        LinkType::EthernetBehind(n) => {
            walk.enter(Encap::LinkShim)?;
            Ok(Step::Next(Layer::Ethernet, skip(bytes, usize::from(n))?))
        }
        LinkType::SwitchTag(n) => {
            walk.enter(Encap::LinkShim)?;
            let at = 12 + usize::from(n);
            let rest = skip(bytes, at + 2)?;
            Ok(super::ether::type_or_length(be16(bytes, at)?, rest))
        }
    }
}

/// An address family of whichever system captured, in whichever byte order. IPv6 is 24 on NetBSD and OpenBSD, 28 on
/// FreeBSD, 30 on macOS, 10 on Linux, 23 on Windows. Some write an EtherType instead.
fn loopback(bytes: &[u8]) -> Parsed<Step<'_>> {
    let (family, rest) = head::<4>(bytes)?;
    let family = u32::from_be_bytes(*family);
    let family = if family > 0xffff { family.swap_bytes() } else { family };
    match family {
        2 => Ok(Step::Next(Layer::Ipv4, rest)),
        10 | 23 | 24 | 28 | 30 => Ok(Step::Next(Layer::Ipv6, rest)),
        0x0600..=0xffff => Ok(Step::Next(Layer::EtherType(family as u16), rest)),
        _ => Err(Counter::SkipNotIp),
    }
}

fn framed_ppp<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    walk.enter(Encap::Ppp)?;
    Ok(Step::Next(Layer::Ppp, bytes))
}

/// The address octet tells Cisco's framing (0x0f unicast, 0x8f broadcast) from PPP's.
fn ppp_or_hdlc<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    match (octet(bytes, 0)?, octet(bytes, 1)?) {
        (0x0f | 0x8f, 0x00) => cisco_hdlc(walk, bytes),
        _ => framed_ppp(walk, bytes),
    }
}

/// Cisco HDLC: address, control, EtherType.
fn cisco_hdlc<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    if bytes.starts_with(&[0xff, 0x03]) {
        return framed_ppp(walk, bytes);
    }
    let ([_, _, t0, t1], rest) = head::<4>(bytes)?;
    walk.enter(Encap::CiscoHdlc)?;
    Ok(Step::Next(Layer::EtherType(u16::from_be_bytes([*t0, *t1])), rest))
}

/// Frame relay: an address of two to four octets (Q.922), then RFC 2427's NLPID or Cisco's EtherType.
fn frame_relay<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let address_len = bytes.iter().take(4).position(|b| b & 1 != 0).ok_or(Counter::SkipMalformed)? + 1;
    if address_len < 2 {
        return Err(Counter::SkipMalformed);
    }
    walk.enter(Encap::LinkShim)?;
    let rest = skip(bytes, address_len)?;
    const UNNUMBERED_INFORMATION: u8 = 0x03;
    if octet(rest, 0)? != UNNUMBERED_INFORMATION {
        return Ok(Step::Next(Layer::EtherType(be16(rest, 0)?), skip(rest, 2)?));
    }
    let rest = skip(rest, 1)?;
    let rest = rest.strip_prefix(&[0]).unwrap_or(rest);
    super::ether::by_nlpid(octet(rest, 0)?, skip(rest, 1)?)
}

/// The protocol field of a Linux cooked header, whose meaning depends on the device's ARP hardware type.
fn cooked(protocol: u16, hardware: u16, rest: &[u8]) -> Parsed<Step<'_>> {
    const NETLINK: u16 = 824;
    const RADIOTAP: u16 = 803;
    const WIFI: u16 = 801;
    const FRAME_RELAY: u16 = 770;
    match (hardware, protocol) {
        (NETLINK | FRAME_RELAY, _) => Err(Counter::SkipNotIp),
        (RADIOTAP, _) => Ok(Step::Next(Layer::Link(LinkType::Radiotap), rest)),
        (WIFI, _) => Ok(Step::Next(Layer::Wifi(wifi::Form::Plain), rest)),
        // Linux's own numbers below 0x0600: 802.3 without 802.2, and 802.2.
        (_, 0x0001) => Err(Counter::SkipNotIp),
        (_, 0x0004) => Ok(Step::Next(Layer::Llc, rest)),
        (_, ethertype) => Ok(Step::Next(Layer::EtherType(ethertype), rest)),
    }
}

/// Per-packet information: version, flags, length, link type (all little-endian), then fields that are stepped over.
fn ppi(bytes: &[u8]) -> Parsed<Step<'_>> {
    let length = usize::from(le16(bytes, 2)?);
    let inner = le32(bytes, 4)?;
    if octet(bytes, 0)? != 0 || length < 8 {
        return Err(Counter::SkipMalformed);
    }
    behind(inner, skip(bytes, length)?)
}

/// Apple's packet tap: length, record type, link type of what follows, in the capturing machine's byte order, which is
/// little-endian everywhere by now.
fn pktap<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let (length, record, inner) = (le32(bytes, 0)?, le32(bytes, 4)?, le32(bytes, 8)?);
    if !(12..=4096).contains(&length) || record != 1 {
        return Err(Counter::SkipLinkType);
    }
    walk.enter(Encap::LinkShim)?;
    behind(inner, skip(bytes, length as usize)?)
}

/// The layer of a link type that was named inside another one's header; those that name another again are refused.
fn behind(number: u32, rest: &[u8]) -> Parsed<Step<'_>> {
    match LinkType::from_linktype(number) {
        None | Some(LinkType::Ppi | LinkType::Pktap) => Err(Counter::SkipLinkType),
        Some(link) => Ok(Step::Next(Layer::Link(link), rest)),
    }
}

/// Netfilter's log: a header and attributes in the byte order of the capturing machine, the packet being one of them.
fn nflog<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    const PAYLOAD: u16 = 9;
    const MAX_ATTRIBUTES: usize = 64;
    const HIGHEST_TYPE: u16 = 32;
    let (family, mut rest) = (octet(bytes, 0)?, skip(bytes, 4)?);
    let little_endian = le16(rest, 2)? <= HIGHEST_TYPE;
    for _ in 0..MAX_ATTRIBUTES {
        let read = if little_endian { le16 } else { be16 };
        let (length, kind) = (usize::from(read(rest, 0)?), read(rest, 2)?);
        if length < 4 {
            return Err(Counter::SkipMalformed);
        }
        if kind == PAYLOAD {
            walk.enter(Encap::LinkShim)?;
            let packet = skip(rest, 4)?;
            let packet = cut(packet, length - 4);
            return match family {
                2 => Ok(Step::Next(Layer::Ipv4, packet)),
                10 => Ok(Step::Next(Layer::Ipv6, packet)),
                _ => Err(Counter::SkipNotIp),
            };
        }
        rest = skip(rest, length.next_multiple_of(4))?;
    }
    Err(Counter::SkipMalformed)
}

/// FDDI: frame control, two addresses, 802.2 in asynchronous frames.
fn fddi(bytes: &[u8]) -> Parsed<Step<'_>> {
    match octet(bytes, 0)? & 0xf0 {
        0x50 | 0xd0 => Ok(Step::Next(Layer::Llc, skip(bytes, 13)?)),
        _ => Err(Counter::SkipNotIp),
    }
}

/// Token ring: access control, frame control, two addresses, a route if the source address says so, 802.2.
fn token_ring(bytes: &[u8]) -> Parsed<Step<'_>> {
    const LLC_FRAME: u8 = 0x40;
    if octet(bytes, 1)? & 0xc0 != LLC_FRAME {
        return Err(Counter::SkipNotIp);
    }
    let source_routed = octet(bytes, 8)? & 0x80 != 0;
    let route_len = if source_routed { usize::from(octet(bytes, 14)? & 0x1f) } else { 0 };
    Ok(Step::Next(Layer::Llc, skip(bytes, 14 + route_len)?))
}

/// SunATM: direction and traffic type, virtual path and channel.
fn sun_atm(bytes: &[u8]) -> Parsed<Step<'_>> {
    const LLC_MULTIPLEXED: u8 = 2;
    match octet(bytes, 0)? & 0x0f {
        LLC_MULTIPLEXED => Ok(Step::Next(Layer::Llc, skip(bytes, 4)?)),
        _ => Err(Counter::SkipNotIp),
    }
}

/// ARCNET from its protocol octet: RFC 1051 has no more header, RFC 1201 has a split flag and a sequence number, after
/// four filler octets if the frame has an awkward length. Split packets are not put together.
fn arcnet(bytes: &[u8]) -> Parsed<Step<'_>> {
    match octet(bytes, 0)? {
        240 => Ok(Step::Next(Layer::Ipv4, skip(bytes, 1)?)),
        kind @ (212 | 196) => {
            let at = if octet(bytes, 1)? == 0xff { 5 } else { 1 };
            let unsplit = octet(bytes, at)? == 0;
            let layer = if kind == 212 { Layer::Ipv4 } else { Layer::Ipv6 };
            if unsplit { Ok(Step::Next(layer, skip(bytes, at + 3)?)) } else { Err(Counter::SkipNotIp) }
        }
        _ => Err(Counter::SkipNotIp),
    }
}

/// OpenBSD's packet filter log: its own length, rounded up to four, then IP.
fn pflog(bytes: &[u8]) -> Parsed<Step<'_>> {
    let length = usize::from(octet(bytes, 0)?).next_multiple_of(4);
    if length < 28 {
        return Err(Counter::SkipMalformed);
    }
    Ok(Step::Next(Layer::Ip, skip(bytes, length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_files_and_of_systems_are_both_known() {
        for n in [12, 14, 101] {
            assert_eq!(LinkType::from_linktype(n), Some(LinkType::RawIp));
        }
        assert_eq!(LinkType::from_linktype(189), None);
    }

    #[test]
    fn any_number_has_a_name() {
        assert_eq!(LinkType::name(189), "LINKTYPE_USB_LINUX (189)");
        assert_eq!(LinkType::name(12345), "LINKTYPE 12345");
    }
}
