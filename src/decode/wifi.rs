//! 802.11 data frames, and the headers that monitoring drivers put in front of them.
//!
//! Only unprotected frames can be read. Of an aggregate (A-MSDU) the first subframe is read and the others are counted:
//! a frame gives at most one packet. Fragments of 802.11 itself are not put together.

use super::bytes::{Parsed, be16, be32, cut, head, le16, le32, octet, skip};
use super::walk::{Layer, Step, Walk};
use crate::model::{Counter, Encap};

/// A radiotap header (<https://www.radiotap.org>), whose flags tell whether the 802.11 header is padded.
pub(super) fn radiotap<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let length = usize::from(le16(bytes, 2)?);
    if octet(bytes, 0)? != 0 || length < 8 {
        return Err(Counter::SkipMalformed);
    }
    let inner = skip(bytes, length)?;
    const DATA_PADDED: u8 = 0x20;
    let padded = radiotap_flags(cut(bytes, length)).is_some_and(|flags| flags & DATA_PADDED != 0);
    frame(walk, inner, if padded { Form::Padded } else { Form::Plain })
}

/// The flags field, if present: it follows the bitmaps and the eight-octet timer.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    const TIMER: u32 = 1;
    const FLAGS: u32 = 1 << 1;
    const ANOTHER_BITMAP: u32 = 1 << 31;
    const MAX_BITMAPS: usize = 16;
    let present = le32(header, 4).ok()?;
    let mut at = 8;
    let mut bitmap = present;
    for _ in 0..MAX_BITMAPS {
        if bitmap & ANOTHER_BITMAP == 0 {
            break;
        }
        bitmap = le32(header, at).ok()?;
        at += 4;
    }
    if present & FLAGS == 0 {
        return None;
    }
    if present & TIMER != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    header.get(at).copied()
}

/// A Prism header (144 octets, in the capturing machine's byte order) or an AVS header, which share a link type number
/// in some drivers. Both tell their length in the second word.
pub(super) fn prism_or_avs(bytes: &[u8]) -> Parsed<Step<'_>> {
    const AVS_MAGIC: u32 = 0x8021_1000;
    let length = if be32(bytes, 0)? & 0xffff_f000 == AVS_MAGIC {
        be32(bytes, 4)?
    } else {
        let length = le32(bytes, 4)?;
        if length > 0xffff { length.swap_bytes() } else { length }
    };
    if !(8..=0xffff).contains(&length) {
        return Err(Counter::SkipMalformed);
    }
    Ok(Step::Next(Layer::Wifi(Form::Plain), skip(bytes, length as usize)?))
}

/// How a driver or access point has changed a frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// As it was on the air.
    Plain,
    /// Filled up to a multiple of four octets.
    Padded,
    /// Its 16-bit fields are in the wrong byte order, as some access points send them through CAPWAP.
    Swapped,
}

/// An 802.11 frame (IEEE 802.11 section 9.2.3).
pub(super) fn frame<'a>(walk: &mut Walk<'_>, bytes: &'a [u8], form: Form) -> Parsed<Step<'a>> {
    const TO_AND_FROM_DS: u8 = 0x03;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    let control = [octet(bytes, 0)?, octet(bytes, 1)?];
    let swapped = form == Form::Swapped;
    let [kind, flags] = if swapped { [control[1], control[0]] } else { control };
    if !is_data(kind) {
        return Err(Counter::SkipNotIp);
    }
    let (quality_of_service, without_data) = (kind & 0x80 != 0, kind & 0x40 != 0);
    if without_data {
        return Err(Counter::SkipNotIp);
    }
    walk.enter(Encap::Wifi)?;
    if flags & PROTECTED != 0 {
        return Err(Counter::SkipEncrypted);
    }
    let mut at = 24;
    if flags & TO_AND_FROM_DS == TO_AND_FROM_DS {
        at += 6;
    }
    let mut aggregate = false;
    if quality_of_service {
        aggregate = octet(bytes, at)? & 0x80 != 0;
        at += 2;
        if flags & ORDER != 0 {
            at += 4;
        }
    }
    // Some drivers pad without a radiotap header that could say so.
    let body = skip(bytes, at)?;
    let body = if form == Form::Padded
        || (!at.is_multiple_of(4) && !starts_with_snap(body) && bytes.get(at + 2..).is_some_and(starts_with_snap))
    {
        skip(bytes, at.next_multiple_of(4))?
    } else {
        body
    };
    let fragment_number = octet(bytes, if swapped { 23 } else { 22 })? & 0x0f;
    if fragment_number != 0 && !starts_with_snap(body) {
        return Err(Counter::SkipTruncated);
    }
    if aggregate && !starts_with_snap(body) { first_subframe(walk, body) } else { Ok(Step::Next(Layer::Llc, body)) }
}

/// Version 0, type "data".
fn is_data(kind: u8) -> bool {
    kind & 0x0f == 0x08
}

/// The form in which `bytes` are a data frame, if they look like one.
pub(super) fn data_form(bytes: &[u8]) -> Option<Form> {
    match bytes.first_chunk::<24>()? {
        [kind, ..] if is_data(*kind) => Some(Form::Plain),
        [_, kind, ..] if is_data(*kind) => Some(Form::Swapped),
        _ => None,
    }
}

fn starts_with_snap(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xaa, 0xaa, 0x03])
}

/// The first subframe of an A-MSDU (IEEE 802.11 section 9.3.2.2): two addresses and a length.
fn first_subframe<'a>(walk: &mut Walk<'_>, body: &'a [u8]) -> Parsed<Step<'a>> {
    let (_, rest) = head::<14>(body)?;
    let length = usize::from(be16(body, 12)?);
    const SHORTEST_SUBFRAME: usize = 14;
    let another =
        rest.get(length.saturating_add(14).next_multiple_of(4) - 14..).is_some_and(|r| r.len() > SHORTEST_SUBFRAME);
    if another {
        walk.counters.bump(Counter::SkipAggregated);
    }
    Ok(Step::Next(Layer::Llc, cut(rest, length)))
}
