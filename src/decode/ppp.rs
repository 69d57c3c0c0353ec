//! PPP (RFC 1661, 1662) and PPPoE sessions (RFC 2516), as providers carry subscribers' lines.

use super::bytes::{Parsed, be16, cut, head, octet, skip};
use super::walk::{Layer, Step, Walk};
use crate::model::{Counter, Encap};

/// PPP from its address and control octets, which may be left out (RFC 1661 section 6.6), or from its protocol field,
/// which may be one octet (section 6.5).
pub(super) fn ppp(bytes: &[u8]) -> Parsed<Step<'_>> {
    let bytes = bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes);
    let (protocol, rest) = protocol_field(bytes)?;
    match protocol {
        0x0021 => Ok(Step::Next(Layer::Ipv4, rest)),
        0x0057 => Ok(Step::Next(Layer::Ipv6, rest)),
        0x0281 | 0x0283 => Ok(Step::Next(Layer::Mpls, rest)),
        0x003d => multilink(rest),
        0x0031 => bridged(rest),
        // Compressed datagrams (RFC 1962), as MPPE-encrypted ones are sent (RFC 3078), and the encryption protocol.
        0x00fd | 0x00fb | 0x0053 | 0x0055 => Err(Counter::SkipEncrypted),
        _ => Err(Counter::SkipNotIp),
    }
}

/// The protocol number, one octet if it is odd and two otherwise.
fn protocol_field(bytes: &[u8]) -> Parsed<(u16, &[u8])> {
    let first = octet(bytes, 0)?;
    if first & 1 != 0 { Ok((u16::from(first), skip(bytes, 1)?)) } else { Ok((be16(bytes, 0)?, skip(bytes, 2)?)) }
}

/// Whether `bytes` start with a PPP protocol number that is assigned and in use, address and control octets or not.
pub(super) fn looks_like_ppp(bytes: &[u8]) -> bool {
    let (framed, bytes) = bytes.strip_prefix(&[0xff, 0x03]).map_or((false, bytes), |rest| (true, rest));
    match protocol_field(bytes) {
        Ok((0x0021, rest)) => octet(rest, 0).is_ok_and(|b| b >> 4 == 4),
        Ok((0x0057, rest)) => octet(rest, 0).is_ok_and(|b| b >> 4 == 6),
        Ok((0x003d | 0x00fd | 0x0031 | 0x0281, _)) => framed,
        Ok((protocol, _)) => matches!(protocol, 0x8021 | 0x8057 | 0x80fd | 0x8281 | 0xc021 | 0xc023 | 0xc025 | 0xc223),
        Err(_) => false,
    }
}

/// Multilink (RFC 1990 section 3): a fragment that is both the first and the last is a whole packet; others are not put
/// together.
fn multilink(bytes: &[u8]) -> Parsed<Step<'_>> {
    let (header, rest) = head::<4>(bytes)?;
    if header[0] & 0xc0 == 0xc0 { Ok(Step::Next(Layer::Ppp, rest)) } else { Err(Counter::SkipNotIp) }
}

/// Bridged frames (RFC 3518 section 4.2).
fn bridged(bytes: &[u8]) -> Parsed<Step<'_>> {
    let ([flags, mac_type], rest) = head::<2>(bytes)?;
    let lan_id_present = flags & 0x40 != 0;
    match mac_type {
        1 => Ok(Step::Next(Layer::Ethernet, skip(rest, if lan_id_present { 4 } else { 0 })?)),
        _ => Err(Counter::SkipNotIp),
    }
}

/// A PPPoE session packet (RFC 2516 section 4), from the version and type octet.
pub(super) fn pppoe_session<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let ([version_type, code, s0, s1, l0, l1], rest) = head::<6>(bytes)?;
    if *version_type != 0x11 {
        return Err(Counter::SkipMalformed);
    }
    if *code != 0 {
        return Err(Counter::SkipNotIp);
    }
    walk.enter(Encap::Pppoe)?;
    walk.mix(u32::from(u16::from_be_bytes([*s0, *s1])));
    Ok(Step::Next(Layer::Ppp, cut(rest, usize::from(u16::from_be_bytes([*l0, *l1])))))
}
