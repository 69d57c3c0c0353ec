//! L2TP data messages: version 2 carries PPP over UDP (RFC 2661), version 3 carries Ethernet over IP or UDP (RFC 3931,
//! 4719). Control messages are not tunnels.

use super::udp::Inner;
use crate::decode::bytes::{Parsed, be16, be32, skip};
use crate::decode::walk::{Layer, Step, Walk};
use crate::decode::{plausible, ppp};
use crate::model::{Counter, Encap};

/// Version 3 over IP: a session identifier, which is zero in control messages, a cookie and a sublayer header of lengths
/// that only the two ends know.
#[cold]
pub(in crate::decode) fn over_ip<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let session = be32(bytes, 0)?;
    if session == 0 {
        return Err(Counter::SkipNotIp);
    }
    let inner = pseudowire(skip(bytes, 4)?, walk.cut()).ok_or(Counter::SkipNotIp)?;
    walk.enter(Encap::L2tp)?;
    walk.mix(session);
    Ok(Step::Next(Layer::Ethernet, inner))
}

/// The Ethernet frame behind a cookie of 0, 4 or 8 octets and a sublayer header of 0 or 4.
fn pseudowire(bytes: &[u8], cut: bool) -> Option<&[u8]> {
    [0, 4, 8, 12].iter().filter_map(|at| bytes.get(*at..)).find(|inner| plausible::ethernet_with_ip(inner, cut))
}

/// A data message over UDP, if these octets are one.
pub(super) fn over_udp(bytes: &[u8], cut: bool) -> Option<Inner<'_>> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    const RESERVED: u16 = 0x34f0;
    let flags = be16(bytes, 0).ok()?;
    if flags & CONTROL != 0 {
        return None;
    }
    if flags == 0x0003 {
        let session = be32(bytes, 4).ok()?;
        let bytes = pseudowire(bytes.get(8..)?, cut)?;
        return Some(Inner { encap: Some(Encap::L2tp), layer: Layer::Ethernet, bytes, id: session });
    }
    if flags & 0x000f != 2 || flags & RESERVED != 0 {
        return None;
    }
    let mut at = 2;
    if flags & LENGTH != 0 {
        let length = usize::from(be16(bytes, at).ok()?);
        if length > bytes.len() && !cut {
            return None;
        }
        at += 2;
    }
    let id = be32(bytes, at).ok()?;
    at += 4;
    if flags & SEQUENCE != 0 {
        at += 4;
    }
    if flags & OFFSET != 0 {
        at += 2 + usize::from(be16(bytes, at).ok()?);
    }
    let bytes = bytes.get(at..).filter(|inner| ppp::looks_like_ppp(inner))?;
    Some(Inner { encap: Some(Encap::L2tp), layer: Layer::Ppp, bytes, id })
}
