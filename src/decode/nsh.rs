//! The network service header, which steers packets through a provider's service functions (RFC 8300).

use super::bytes::{Parsed, head, skip};
use super::walk::{Layer, Step, Walk};
use crate::model::{Counter, Encap};

/// Steps over the header and its metadata.
#[cold]
pub(super) fn header<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let ([first, second, _, next], _) = head::<4>(bytes)?;
    let (version, o_bit) = (first >> 6, first & 0x20 != 0);
    let length = usize::from(second & 0x3f) * 4;
    if version != 0 || length < 8 {
        return Err(Counter::SkipMalformed);
    }
    if o_bit {
        return Err(Counter::SkipNotIp);
    }
    walk.enter(Encap::Nsh)?;
    Ok(Step::Next(next_protocol(*next).ok_or(Counter::SkipNotIp)?, skip(bytes, length)?))
}

/// The "next protocol" registry that NSH and VXLAN-GPE share (RFC 8300 section 11.2.5, draft-ietf-nvo3-vxlan-gpe).
pub(super) fn next_protocol(number: u8) -> Option<Layer> {
    match number {
        1 => Some(Layer::Ipv4),
        2 => Some(Layer::Ipv6),
        3 => Some(Layer::Ethernet),
        4 => Some(Layer::Nsh),
        5 => Some(Layer::Mpls),
        _ => None,
    }
}
