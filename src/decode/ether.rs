//! Ethernet II, IEEE 802.3 with 802.2, VLAN tags, and the other tags that stand between a MAC header and its payload.

use super::bytes::{Parsed, be16, cut, head, octet, skip};
use super::walk::{Layer, Step, Walk};
use super::{mpls, nsh, ppp};
use crate::model::{Counter, Encap};

/// Type fields below this are lengths (IEEE 802.3 section 3.2.6).
const FIRST_ETHERTYPE: u16 = 0x0600;

/// Whether an EtherType announces a VLAN tag: 802.1Q, 802.1ad, and what was used for outer tags before it.
#[inline]
pub(super) const fn is_vlan_tag(ethertype: u16) -> bool {
    matches!(ethertype, 0x8100 | 0x88a8 | 0x9100 | 0x9200)
}

/// An Ethernet header.
#[inline]
pub(super) fn ethernet(bytes: &[u8]) -> Parsed<Step<'_>> {
    let (header, rest) = head::<14>(bytes)?;
    let field = u16::from_be_bytes([header[12], header[13]]);
    // It has a length there, at most 1,530, so a frame to such an address with an EtherType is what that says.
    if field < FIRST_ETHERTYPE && (header[..5] == ISL_DESTINATION || header[..5] == ISL_DESTINATION_OLD) {
        return inter_switch_link(bytes);
    }
    Ok(type_or_length(field, rest))
}

/// What follows a MAC header whose last field is this type or length.
#[inline]
pub(super) fn type_or_length(field: u16, rest: &[u8]) -> Step<'_> {
    if field >= FIRST_ETHERTYPE {
        Step::Next(Layer::EtherType(field), rest)
    } else {
        Step::Next(Layer::Llc, cut(rest, usize::from(field)))
    }
}

/// Where Cisco's inter-switch link frames go to.
const ISL_DESTINATION: [u8; 5] = [0x01, 0x00, 0x0c, 0x00, 0x00];
/// The same, as some devices send it.
const ISL_DESTINATION_OLD: [u8; 5] = [0x03, 0x00, 0x0c, 0x00, 0x00];

/// Cisco's inter-switch link: 26 octets, then the whole Ethernet frame.
#[cold]
fn inter_switch_link(bytes: &[u8]) -> Parsed<Step<'_>> {
    Ok(Step::Next(Layer::Ethernet, skip(bytes, 26)?))
}

/// What an EtherType announces.
#[inline]
pub(super) fn by_type<'a>(walk: &mut Walk<'_>, ethertype: u16, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    match ethertype {
        0x0800 => Ok(Step::Next(Layer::Ipv4, bytes)),
        0x86dd => Ok(Step::Next(Layer::Ipv6, bytes)),
        tag if is_vlan_tag(tag) => vlan(walk, bytes),
        other => by_rare_type(walk, other, bytes),
    }
}

/// A VLAN tag (IEEE 802.1Q section 9.6).
#[inline]
fn vlan<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let ([c0, c1, t0, t1], rest) = head::<4>(bytes)?;
    let next = u16::from_be_bytes([*t0, *t1]);
    walk.enter(if is_vlan_tag(next) { Encap::Qinq } else { Encap::Vlan })?;
    walk.mix(u32::from(u16::from_be_bytes([*c0, *c1]) & 0x0fff));
    Ok(type_or_length(next, rest))
}

#[cold]
fn by_rare_type<'a>(walk: &mut Walk<'_>, ethertype: u16, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    match ethertype {
        0x8847 | 0x8848 => mpls::stack(walk, bytes),
        0x8864 => ppp::pppoe_session(walk, bytes),
        0x880b => {
            walk.enter(Encap::Ppp)?;
            Ok(Step::Next(Layer::Ppp, bytes))
        }
        // Transparent Ethernet bridging, as GRE and Geneve name it.
        0x6558 => Ok(Step::Next(Layer::Ethernet, bytes)),
        0x894f => nsh::header(walk, bytes),
        // 802.1ah: flags and service number, then the customer's whole frame (IEEE 802.1Q section 9.7).
        0x88e7 => {
            walk.enter(Encap::Pbb)?;
            let (tag, rest) = head::<4>(bytes)?;
            walk.mix(u32::from_be_bytes(*tag) & 0x00ff_ffff);
            Ok(Step::Next(Layer::Ethernet, rest))
        }
        // 802.1BR E-tag, VN-tag, Cisco's security group tag: each ends with the next EtherType.
        0x893f => shim(walk, bytes, 6),
        0x8926 => shim(walk, bytes, 4),
        0x8909 => shim(walk, bytes, 6),
        // Cisco FabricPath: a tag of two octets, then the whole inner frame.
        0x8903 => {
            walk.enter(Encap::LinkShim)?;
            Ok(Step::Next(Layer::Ethernet, skip(bytes, 2)?))
        }
        0x22f3 => trill(walk, bytes),
        0x88e5 => macsec(walk, bytes),
        _ => Err(Counter::SkipNotIp),
    }
}

/// A tag of `length` octets before the next EtherType.
fn shim<'a>(walk: &mut Walk<'_>, bytes: &'a [u8], length: usize) -> Parsed<Step<'a>> {
    walk.enter(Encap::LinkShim)?;
    Ok(type_or_length(be16(bytes, length)?, skip(bytes, length + 2)?))
}

/// TRILL (RFC 6325 section 3): six octets and options, then the whole inner frame.
fn trill<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    walk.enter(Encap::LinkShim)?;
    let flags = be16(bytes, 0)?;
    let options = usize::from(flags >> 6 & 0x1f) * 4;
    Ok(Step::Next(Layer::Ethernet, skip(bytes, 6 + options)?))
}

/// MACsec (IEEE 802.1AE section 9): readable only where it protects integrity alone. The integrity check value at the
/// end is cut off by the length in the IP header.
fn macsec<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
    const CHANNEL_PRESENT: u8 = 0x20;
    let tci = octet(bytes, 0)?;
    if tci & ENCRYPTED_OR_CHANGED != 0 {
        return Err(Counter::SkipEncrypted);
    }
    shim(walk, bytes, if tci & CHANNEL_PRESENT != 0 { 14 } else { 6 })
}

/// 802.2 logical link control, of which only unnumbered information is read.
#[cold]
pub(super) fn llc(bytes: &[u8]) -> Parsed<Step<'_>> {
    let ([destination, source, control], rest) = head::<3>(bytes)?;
    match (destination, source & 0xfe, control) {
        (0xaa | 0xab, 0xaa, 0x03) => snap(rest),
        (0x06, 0x06, 0x03) => Ok(Step::Next(Layer::Ipv4, rest)),
        // ISO network layer, as routed PDUs on ATM are sent (RFC 2684 section 5.1).
        (0xfe, 0xfe, 0x03) => by_nlpid(octet(rest, 0)?, skip(rest, 1)?),
        _ => Err(Counter::SkipNotIp),
    }
}

/// SNAP: whose number follows, and the number.
fn snap(bytes: &[u8]) -> Parsed<Step<'_>> {
    let ([o0, o1, o2, p0, p1], rest) = head::<5>(bytes)?;
    let number = u16::from_be_bytes([*p0, *p1]);
    match ([*o0, *o1, *o2], number) {
        // RFC 1042 and its bridge-tunnel variant (IEEE 802.1H).
        ([0, 0, 0] | [0, 0, 0xf8], FIRST_ETHERTYPE..) => Ok(Step::Next(Layer::EtherType(number), rest)),
        // Bridged Ethernet (RFC 2427 section 4.2): on ATM with two octets of padding (RFC 2684 section 5.2).
        ([0, 0x80, 0xc2], 1 | 7) => {
            let padded = rest.starts_with(&[0, 0]) && be16(rest, 14).is_ok_and(is_ip_or_vlan);
            Ok(Step::Next(Layer::Ethernet, skip(rest, if padded { 2 } else { 0 })?))
        }
        _ => Err(Counter::SkipNotIp),
    }
}

fn is_ip_or_vlan(ethertype: u16) -> bool {
    ethertype == 0x0800 || ethertype == 0x86dd || is_vlan_tag(ethertype)
}

/// What a network layer protocol identifier (ISO/IEC TR 9577) announces on frame relay and ATM.
pub(super) fn by_nlpid(nlpid: u8, rest: &[u8]) -> Parsed<Step<'_>> {
    match nlpid {
        0xcc => Ok(Step::Next(Layer::Ipv4, rest)),
        0x8e => Ok(Step::Next(Layer::Ipv6, rest)),
        0xcf => Ok(Step::Next(Layer::Ppp, rest)),
        0x80 => snap(rest),
        _ => Err(Counter::SkipNotIp),
    }
}
