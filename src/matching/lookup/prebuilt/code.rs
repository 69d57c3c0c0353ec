//! The code in a prebuilt file: lengths of code words, from which the words follow, and the endings.
//!
//! One octet for the length of each of [`SYMBOLS`] symbols; the number of endings in two octets; then for each ending
//! the length of its code word, its own length and its labels in wire form.

use super::super::code::{Code, MAX_BITS, Recipe, SYMBOLS, TAIL_LABELS};
use super::super::hash::SuffixHasher;
use crate::model::DomainName;

pub(super) fn to_octets(code: &Code) -> Vec<u8> {
    let Recipe { symbols, tails } = code.recipe();
    let mut octets = symbols.to_vec();
    octets.extend_from_slice(&(tails.len() as u16).to_le_bytes());
    for (wire, len) in tails {
        octets.extend_from_slice(&[*len, wire.len() as u8]);
        octets.extend_from_slice(wire);
    }
    octets
}

/// The code, or none if the octets are no code.
pub(super) fn from_octets(octets: &[u8], hasher: &SuffixHasher) -> Option<Code> {
    let (symbols, rest) = octets.split_first_chunk::<SYMBOLS>()?;
    let (count, mut rest) = rest.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_le_bytes(*count));
    let mut tails = Vec::new();
    for _ in 0..count {
        let ([len, size], after) = rest.split_first_chunk::<2>()?;
        let (wire, after) = after.split_at_checked(usize::from(*size))?;
        if *len > MAX_BITS || !is_tail(wire) {
            return None;
        }
        tails.push((wire.into(), *len));
        rest = after;
    }
    if !rest.is_empty() {
        return None;
    }
    Code::new(Recipe { symbols: *symbols, tails }, hasher).ok()
}

/// Whether these are whole labels, few enough for an ending.
fn is_tail(wire: &[u8]) -> bool {
    let (mut at, mut labels) = (0, 0);
    while let Some(len) = wire.get(at) {
        at += 1 + usize::from(*len);
        labels += 1;
    }
    at == wire.len() && labels <= TAIL_LABELS && wire.len() <= DomainName::MAX
}
