//! GRE (RFC 2784, with key and sequence number of RFC 2890 and the routes of RFC 1701), PPTP's version of it (RFC 2637),
//! and ERSPAN, which mirrors Ethernet frames over it (draft-foschiano-erspan).

use crate::decode::bytes::{Parsed, be16, be32, cut, head, octet, skip};
use crate::decode::walk::{Layer, Step, Walk};
use crate::decode::{plausible, wifi};
use crate::model::{Counter, Encap};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

/// Source routes in one header (RFC 1701) before it is refused.
const MAX_ROUTES: usize = 16;

/// A GRE header of either version.
#[cold]
pub(in crate::decode) fn header<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let ([f0, f1, p0, p1], rest) = head::<4>(bytes)?;
    let (flags, protocol) = (u16::from_be_bytes([*f0, *f1]), u16::from_be_bytes([*p0, *p1]));
    walk.enter(Encap::Gre)?;
    match flags & VERSION {
        0 => version_0(walk, flags, protocol, rest),
        1 => version_1(walk, flags, protocol, rest),
        _ => Err(Counter::SkipMalformed),
    }
}

fn version_0<'a>(walk: &mut Walk<'_>, flags: u16, protocol: u16, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let mut rest = bytes;
    if flags & (CHECKSUM | ROUTING) != 0 {
        rest = skip(rest, 4)?;
    }
    if flags & KEY != 0 {
        walk.mix(be32(rest, 0)?);
        rest = skip(rest, 4)?;
    }
    if flags & SEQUENCE != 0 {
        rest = skip(rest, 4)?;
    }
    if flags & ROUTING != 0 {
        rest = skip_routes(rest)?;
    }
    match protocol {
        0x88be => erspan(walk, flags & SEQUENCE != 0, rest),
        0x22eb => erspan_iii(walk, rest),
        0x880b => {
            walk.enter(Encap::Ppp)?;
            Ok(Step::Next(Layer::Ppp, rest))
        }
        0x883e => Ok(web_cache(rest, walk.cut())),
        // Aruba's access points: an 802.11 frame, the number telling its queue.
        0x8200..=0x8370 | 0x9000 if protocol & 0x000f == 0 => Ok(Step::Next(Layer::Wifi(wifi::Form::Plain), rest)),
        other => Ok(Step::Next(Layer::EtherType(other), rest)),
    }
}

/// Source route entries: address family, offset, length, route; a null entry ends them (RFC 1701).
fn skip_routes(mut bytes: &[u8]) -> Parsed<&[u8]> {
    for _ in 0..MAX_ROUTES {
        let (family, length) = (be16(bytes, 0)?, usize::from(octet(bytes, 3)?));
        bytes = skip(bytes, 4 + length)?;
        if family == 0 && length == 0 {
            return Ok(bytes);
        }
    }
    Err(Counter::SkipDepth)
}

/// ERSPAN type I has no header of its own and no sequence number; type II has eight octets that begin with version 1.
fn erspan<'a>(walk: &mut Walk<'_>, sequenced: bool, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let version = octet(bytes, 0)? >> 4;
    if sequenced && version == 2 {
        return erspan_iii(walk, bytes);
    }
    walk.enter(Encap::Erspan)?;
    let type_ii = sequenced && (version == 1 || !plausible::ethernet(bytes, walk.cut()));
    Ok(Step::Next(Layer::Ethernet, if type_ii { skip(bytes, 8)? } else { bytes }))
}

/// ERSPAN type III: twelve octets, eight more if the last bit says so; Ethernet or IP inside.
fn erspan_iii<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let (h, rest) = head::<12>(bytes)?;
    if h[0] >> 4 != 2 {
        return Err(Counter::SkipMalformed);
    }
    walk.enter(Encap::Erspan)?;
    let flags = u16::from_be_bytes([h[10], h[11]]);
    let (frame_type, platform_header) = (flags >> 10 & 0x1f, flags & 1 != 0);
    let rest = skip(rest, if platform_header { 8 } else { 0 })?;
    match frame_type {
        2 => Ok(Step::Next(Layer::Ip, rest)),
        _ => Ok(Step::Next(Layer::Ethernet, rest)),
    }
}

/// Traffic redirected to a web cache (WCCP): IP, behind four octets in version 2.
fn web_cache(bytes: &[u8], cut: bool) -> Step<'_> {
    match bytes.get(4..) {
        Some(inner) if !plausible::ip(bytes, cut) => Step::Next(Layer::Ip, inner),
        _ => Step::Next(Layer::Ip, bytes),
    }
}

/// PPTP (RFC 2637 section 4.1): payload length and call identifier stand where the key is; a header without a sequence
/// number only acknowledges. MikroTik's Ethernet over IP has the same form.
fn version_1<'a>(walk: &mut Walk<'_>, flags: u16, protocol: u16, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let ([l0, l1, c0, c1], mut rest) = head::<4>(bytes)?;
    walk.mix(u32::from(u16::from_be_bytes([*c0, *c1])));
    match protocol {
        0x880b if flags & KEY != 0 => {}
        0x6400 => return Ok(Step::Next(Layer::Ethernet, rest)),
        _ => return Err(Counter::SkipMalformed),
    }
    if flags & SEQUENCE == 0 {
        return Err(Counter::SkipNotIp);
    }
    rest = skip(rest, if flags & ACKNOWLEDGEMENT != 0 { 8 } else { 4 })?;
    walk.enter(Encap::Ppp)?;
    Ok(Step::Next(Layer::Ppp, cut(rest, usize::from(u16::from_be_bytes([*l0, *l1])))))
}
