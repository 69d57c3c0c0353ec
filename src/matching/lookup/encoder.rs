//! Writing a name in the code of a rule set, label by label from the right, and comparing it with what is stored.

use super::code::{Code, EMPTY, END, MAX_BITS, SEPARATOR, TAIL_LABELS, Word};
use super::hash::Suffix;
use crate::model::DomainName;

/// Words of 64 bits for the longest name there is: its ending, its octets and what ends it, and the spill of one.
const WORDS: usize = (DomainName::MAX + 2) * MAX_BITS as usize / 64 + 2;

/// A name that is being written.
pub(super) struct Encoder<'c> {
    code: &'c Code,
    /// What is written; behind `at` it may hold an end that was written there before.
    words: [u64; WORDS],
    /// The word that is being filled, its number, and how many bits of it are.
    open: u64,
    at: usize,
    fill: u32,
    /// Where in the name the last label that was written starts.
    start: usize,
    /// Whether a label was written behind the ending.
    parted: bool,
}

/// The last labels of a name, alone and together, as a walk from the right met them: for finding the ending.
pub(super) type Tails = [Suffix; TAIL_LABELS];

/// A name written to its end.
#[derive(Clone, Copy)]
pub(super) struct Written<'e> {
    words: &'e [u64],
    /// How many bits of them count.
    pub(super) bits: usize,
}

impl<'c> Encoder<'c> {
    /// Begins with the longest known ending of a suffix of `depth` labels, and writes the labels before it.
    pub(super) fn begin(code: &'c Code, wire: &[u8], tails: &Tails, suffix: Suffix) -> Self {
        let known = tails.iter().take(suffix.depth).rev().find_map(|tail| {
            let word = code.tail(tail.hash, wire.get(tail.start..)?)?;
            Some((word, tail.start))
        });
        let (word, start) = known.unwrap_or((code.no_tail(), wire.len()));
        let mut encoder = Encoder { code, words: [0; WORDS], open: 0, at: 0, fill: 0, start, parted: false };
        encoder.put(word);
        // Labels can only be followed from the left, so a first pass notes where they start, one bit an octet.
        let (mut starts, mut at) = ([0_u64; DomainName::MAX / 64 + 1], suffix.start);
        while at < start
            && let (Some(word), Some(len)) = (starts.get_mut(at / 64), wire.get(at))
        {
            *word |= 1 << (at % 64);
            at += 1 + usize::from(*len);
        }
        for (index, mut word) in starts.into_iter().enumerate().rev() {
            while word != 0 {
                let top = 63 - word.leading_zeros() as usize;
                word ^= 1 << top;
                encoder.label(wire, index * 64 + top);
            }
        }
        encoder
    }

    /// Writes the label that starts at `start`, next to the left of those before.
    pub(super) fn label(&mut self, wire: &[u8], start: usize) {
        if self.parted {
            self.put(self.code.symbol(SEPARATOR));
        }
        let label = wire.get(start + 1..self.start).unwrap_or_default();
        if label.is_empty() {
            self.put(self.code.symbol(EMPTY));
        }
        for octet in label {
            self.put(self.code.symbol(usize::from(*octet)));
        }
        self.start = start;
        self.parted = true;
    }

    /// What is written so far, with an end; writing can go on as if there were none.
    pub(super) fn end(&mut self) -> Written<'_> {
        let (open, at, fill) = (self.open, self.at, self.fill);
        self.put(self.code.symbol(END));
        if let Some(word) = self.words.get_mut(self.at) {
            *word = self.open;
        }
        let bits = self.at * 64 + self.fill as usize;
        (self.open, self.at, self.fill) = (open, at, fill);
        Written { words: &self.words, bits }
    }

    #[inline]
    fn put(&mut self, word: Word) {
        let bits = u64::from(word.bits);
        self.open |= bits << self.fill;
        self.fill += u32::from(word.len);
        if self.fill >= 64 {
            if let Some(full) = self.words.get_mut(self.at) {
                *full = self.open;
            }
            self.at += 1;
            self.fill -= 64;
            // What did not fit; nothing if the word was filled to its last bit.
            self.open = bits >> (u32::from(word.len) - self.fill);
        }
    }
}

impl Written<'_> {
    /// Whether `stored` begins with it. Octets behind it may be anything, but there must be enough to read whole words.
    #[inline]
    pub(super) fn begins(&self, stored: &[u8]) -> bool {
        let (chunks, _) = stored.as_chunks::<8>();
        let mut left = self.bits;
        for (word, chunk) in self.words.iter().zip(chunks) {
            let differ = word ^ u64::from_le_bytes(*chunk);
            if left <= 64 {
                return differ << (64 - left) == 0;
            }
            if differ != 0 {
                return false;
            }
            left -= 64;
        }
        false
    }

    /// Writes it to the first bits of `to`, and `position` to the last so many, which has [`Written::octets`] octets.
    pub(super) fn store(&self, position: u32, position_bits: u32, to: &mut [u8]) {
        let (whole, shift) = (self.bits / 64, self.bits % 64);
        // What lies above the name's bits in its last word is not its own.
        let last = self.words.get(whole).copied().unwrap_or_default() & ((1 << shift) - 1);
        let words = self.words.iter().take(whole).chain(std::iter::once(&last));
        to.iter_mut().zip(words.flat_map(|word| word.to_le_bytes())).for_each(|(to, from)| *to = from);
        let at = to.len() * 8 - position_bits as usize;
        let position = (u64::from(position) << (at % 8)).to_le_bytes();
        to.iter_mut().skip(at / 8).zip(position).for_each(|(to, from)| *to |= from);
    }

    /// Octets that it takes together with a position of so many bits.
    pub(super) fn octets(&self, position_bits: u32) -> usize {
        (self.bits + position_bits as usize).div_ceil(8)
    }
}
