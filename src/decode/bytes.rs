//! Checked access to a header's octets. Every read says "truncated" instead of panicking, so that a parser is a
//! straight line of reads with `?` between them; the fixed-size `head` leaves the compiler one length check a header.

use crate::model::Counter;

/// What a header parser returns: its value, or the reason for which the frame is left.
pub(super) type Parsed<T> = Result<T, Counter>;

/// The first `N` octets as an array, and the rest.
#[inline]
pub(super) fn head<const N: usize>(bytes: &[u8]) -> Parsed<(&[u8; N], &[u8])> {
    bytes.split_first_chunk::<N>().ok_or(Counter::SkipTruncated)
}

/// What follows the first `n` octets.
#[inline]
pub(super) fn skip(bytes: &[u8], n: usize) -> Parsed<&[u8]> {
    bytes.get(n..).ok_or(Counter::SkipTruncated)
}

/// At most the first `n` octets.
#[inline]
pub(super) fn cut(bytes: &[u8], n: usize) -> &[u8] {
    bytes.get(..n).unwrap_or(bytes)
}

/// The octet at `at`.
#[inline]
pub(super) fn octet(bytes: &[u8], at: usize) -> Parsed<u8> {
    bytes.get(at).copied().ok_or(Counter::SkipTruncated)
}

/// The `N` octets from `at`.
#[inline]
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Parsed<[u8; N]> {
    bytes.get(at..).and_then(|b| b.first_chunk::<N>()).copied().ok_or(Counter::SkipTruncated)
}

/// The 16-bit number in network order at `at`.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> Parsed<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// The 32-bit number in network order at `at`.
#[inline]
pub(super) fn be32(bytes: &[u8], at: usize) -> Parsed<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// The 16-bit little-endian number at `at`.
#[inline]
pub(super) fn le16(bytes: &[u8], at: usize) -> Parsed<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

/// The 32-bit little-endian number at `at`.
#[inline]
pub(super) fn le32(bytes: &[u8], at: usize) -> Parsed<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}
