//! The start of a CRYPTO stream, put together from pieces that come in any order (RFC 9000 section 2.2, 19.6).
//!
//! One bit for each octet says whether it is there: whatever the number, order and overlap of the pieces, the work is
//! linear in their octets, and memory is 9/8 of the highest offset seen, which is bounded.

use crate::extract::tls::{HANDSHAKE_HEADER, MAX_HELLO, TlsError, message_len};

/// A handshake message that is being put together.
#[derive(Default)]
pub(super) struct Assembly {
    /// The octets up to the highest offset seen; those that are missing are zero.
    octets: Vec<u8>,
    /// One bit for each octet that is there.
    present: Vec<u64>,
    /// How many are there.
    filled: usize,
    /// The message's length, once its header is there; 0 before.
    wanted: usize,
}

/// Buffers that grew beyond this are given back rather than kept for the next message.
const KEEP_CAPACITY: usize = 8 * 1024;

impl Assembly {
    /// Takes a piece; the first octet seen at a place counts. What lies behind the message's end is passed over.
    ///
    /// # Errors
    /// The message is not a ClientHello, or too long.
    pub(super) fn insert(&mut self, offset: u64, data: &[u8]) -> Result<(), TlsError> {
        let limit = if self.wanted > 0 { self.wanted } else { MAX_HELLO };
        let Some(start) = usize::try_from(offset).ok().filter(|start| *start < limit) else { return Ok(()) };
        let data = &data[..data.len().min(limit - start)];
        let end = start + data.len();
        if self.octets.len() < end {
            self.octets.resize(end, 0);
            self.present.resize(end.div_ceil(64), 0);
        }
        if self.mark_if_new(start, end) {
            self.octets[start..end].copy_from_slice(data);
        } else {
            self.fill_gaps(start, data);
        }
        if self.wanted == 0 && self.present.first().is_some_and(|bits| bits & 0xf == 0xf) {
            self.learn_length()?;
        }
        Ok(())
    }

    /// The message, once it is complete.
    pub(super) fn message(&self) -> Option<&[u8]> {
        (self.wanted > 0 && self.filled == self.wanted).then(|| &self.octets[..])
    }

    /// The octets from the start to the first that is missing.
    pub(super) fn prefix(&self) -> &[u8] {
        let full = self.present.iter().take_while(|bits| **bits == u64::MAX).count();
        let more = self.present.get(full).map_or(0, |bits| bits.trailing_ones() as usize);
        &self.octets[..(full * 64 + more).min(self.octets.len())]
    }

    /// Whether nothing was taken yet and no memory is held.
    pub(super) fn is_unused(&self) -> bool {
        self.octets.capacity() == 0
    }

    /// Octets of memory held.
    pub(super) fn buffered(&self) -> usize {
        self.octets.capacity() + self.present.capacity() * 8
    }

    /// The same memory for another message, unless there is none or unusually much.
    pub(super) fn recycled(mut self) -> Option<Assembly> {
        if self.is_unused() || self.octets.capacity() > KEEP_CAPACITY {
            return None;
        }
        self.octets.clear();
        self.present.clear();
        Some(Assembly { filled: 0, wanted: 0, ..self })
    }

    /// The words of `present` that cover `start..end`, each with the bits that lie within.
    fn words(start: usize, end: usize) -> impl Iterator<Item = (usize, u64)> {
        (start / 64..end.div_ceil(64)).map(move |word| {
            let from = start.saturating_sub(word * 64);
            let to = (end - word * 64).min(64);
            (word, (u64::MAX << from) & (u64::MAX >> (64 - to)))
        })
    }

    /// Marks the range if no octet of it is there.
    fn mark_if_new(&mut self, start: usize, end: usize) -> bool {
        if start == end || Self::words(start, end).any(|(word, mask)| self.present[word] & mask != 0) {
            return false;
        }
        for (word, mask) in Self::words(start, end) {
            self.present[word] |= mask;
        }
        self.filled += end - start;
        true
    }

    /// Copies those octets that are missing.
    fn fill_gaps(&mut self, start: usize, data: &[u8]) {
        for (at, octet) in (start..).zip(data) {
            let (word, bit) = (at / 64, 1 << (at % 64));
            if self.present[word] & bit == 0 {
                self.present[word] |= bit;
                self.octets[at] = *octet;
                self.filled += 1;
            }
        }
    }

    /// Takes the length from the message's header, which is there, and drops what lies behind its end.
    fn learn_length(&mut self) -> Result<(), TlsError> {
        let Some(header) = self.octets.first_chunk::<HANDSHAKE_HEADER>() else { return Ok(()) };
        self.wanted = message_len(*header)?;
        if self.octets.len() > self.wanted {
            self.octets.truncate(self.wanted);
            self.present.truncate(self.wanted.div_ceil(64));
            if let Some((word, mask)) = Self::words(0, self.wanted).last() {
                self.present[word] &= mask;
            }
            self.filled = self.present.iter().map(|bits| bits.count_ones() as usize).sum();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of `len` octets with its header.
    fn message(len: usize) -> Vec<u8> {
        let mut out: Vec<u8> = (0..len).map(|i| (i * 7 % 251) as u8).collect();
        out[..4].copy_from_slice(&[1, 0, ((len - 4) >> 8) as u8, (len - 4) as u8]);
        out
    }

    #[test]
    fn single_octets_backwards_are_put_together() {
        let whole = message(1000);
        let mut assembly = Assembly::default();
        for at in (0..1000).rev() {
            assert_eq!(assembly.message(), None);
            assembly.insert(at as u64, &whole[at..=at]).unwrap();
        }
        assert_eq!(assembly.message(), Some(&whole[..]));
        assert_eq!(assembly.prefix(), whole);
    }

    #[test]
    fn the_first_octets_seen_count() {
        let whole = message(200);
        let mut assembly = Assembly::default();
        assembly.insert(60, &whole[60..70]).unwrap();
        assembly.insert(0, &[&whole[..60], &[0xee; 20][..], &whole[80..130]].concat()).unwrap();
        assert_eq!(assembly.prefix().len(), 130);
        assembly.insert(70, &whole[70..]).unwrap();
        let mut expected = whole;
        expected[70..80].fill(0xee);
        assert_eq!(assembly.message(), Some(&expected[..]));
    }

    #[test]
    fn what_lies_behind_the_end_is_dropped_whenever_it_comes() {
        let whole = message(100);
        let mut assembly = Assembly::default();
        assembly.insert(90, &[whole[90..].to_vec(), vec![9; 500]].concat()).unwrap();
        assembly.insert(MAX_HELLO as u64 - 1, &[9; 5]).unwrap();
        assembly.insert(1 << 61, &[9; 5]).unwrap();
        assembly.insert(0, &whole[..50]).unwrap();
        assembly.insert(100, &[9; 5]).unwrap();
        assert_eq!(assembly.message(), None);
        assembly.insert(50, &[&whole[50..95], &[8; 60][..]].concat()).unwrap();
        assert_eq!(assembly.message(), Some(&whole[..]));
    }

    #[test]
    fn other_messages_are_refused() {
        assert_eq!(Assembly::default().insert(0, b"\x02\x00\x00\x10"), Err(TlsError::NotClientHello));
        assert_eq!(Assembly::default().insert(0, b"\x01\x02\x00\x10"), Err(TlsError::TooLong));
        let mut assembly = Assembly::default();
        assembly.insert(2, b"\x00\x10").unwrap();
        assert_eq!(assembly.insert(0, b"\x0b\x00"), Err(TlsError::NotClientHello));
    }
}
