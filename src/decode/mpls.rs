//! MPLS label stacks (RFC 3032) and what is below them: IP, or an Ethernet pseudowire (RFC 4448) with or without its
//! control word. The stack does not say which; the first octets must be judged (RFC 4928).

use super::bytes::{Parsed, head, octet};
use super::plausible;
use super::walk::{Layer, Step, Walk};
use crate::model::{Counter, Encap};

/// Labels in one stack before the frame is left as too deep.
const MAX_LABELS: usize = 16;

/// Steps over the whole stack, which takes one place in the chain.
#[cold]
pub(super) fn stack<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    walk.enter(Encap::Mpls)?;
    let mut rest = bytes;
    for _ in 0..MAX_LABELS {
        let (entry, below) = head::<4>(rest)?;
        rest = below;
        let bottom_of_stack = entry[2] & 1 != 0;
        if bottom_of_stack {
            return below_stack(rest, walk.cut());
        }
    }
    Err(Counter::SkipDepth)
}

/// Tells IP from a pseudowire. The control word starts with four zero bits, as do many MAC addresses, and is as long as a
/// VLAN tag: so a frame that leads to IP as it stands is taken first, then one behind a control word.
fn below_stack(bytes: &[u8], cut: bool) -> Parsed<Step<'_>> {
    match octet(bytes, 0)? >> 4 {
        4 if plausible::ipv4(bytes, cut) => return Ok(Step::Next(Layer::Ipv4, bytes)),
        6 if plausible::ipv6(bytes, cut) => return Ok(Step::Next(Layer::Ipv6, bytes)),
        0 if !plausible::ethernet_with_ip(bytes, cut) => {
            if let Some(inner) = bytes.get(4..).filter(|inner| plausible::ethernet(inner, cut)) {
                return Ok(Step::Next(Layer::Ethernet, inner));
            }
        }
        _ => {}
    }
    if plausible::ethernet(bytes, cut) {
        return Ok(Step::Next(Layer::Ethernet, bytes));
    }
    match octet(bytes, 0)? >> 4 {
        4 | 6 => Err(Counter::SkipMalformed),
        _ => Err(Counter::SkipNotIp),
    }
}
