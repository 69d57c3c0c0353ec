//! The prefix code in which names stand in the table: about half the octets of the text.
//!
//! Letters that are frequent in the listed names get short code words, as by Huffman, and endings that many names
//! share (`com`, `blogspot.com`) are one symbol. A name is written from the right: its ending, then the octets of each
//! label before it, labels parted by [`SEPARATOR`], and [`END`]. So the code of a name begins like that of its parent,
//! which lets a walk over suffixes write each label once.
//!
//! Every octet has a code word, so every name can be written; no two names are written alike, since no code word
//! begins with another one and what is written can be read back in one way only. So names are compared by comparing
//! their codes, and nothing ever needs decoding.

use super::hash::SuffixHasher;

/// Symbols for octets are the octets; these follow.
pub(super) const SEPARATOR: usize = 256;
/// Ends a name, so that no name's code begins with another's.
pub(super) const END: usize = 257;
/// A label without octets.
pub(super) const EMPTY: usize = 258;
/// How many symbols there are beside the endings.
pub(super) const SYMBOLS: usize = 259;
/// The longest code word in bits.
pub(super) const MAX_BITS: u8 = 16;
/// The most endings, the one that stands for none included.
pub(super) const MAX_TAILS: usize = 4_096;
/// An ending has at most so many labels.
pub(super) const TAIL_LABELS: usize = 2;

/// A code word: its bits, the first one lowest, and how many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Word {
    pub(super) bits: u32,
    pub(super) len: u8,
}

/// What a code is made of, and all that a file has to hold of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Recipe {
    /// Lengths of the code words of octets and the symbols behind them.
    pub(super) symbols: [u8; SYMBOLS],
    /// Endings in wire form with the lengths of their code words; the first is empty and stands for no ending.
    pub(super) tails: Vec<(Box<[u8]>, u8)>,
}

/// Why a [`Recipe`] makes no code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoCode;

/// The code of one rule set.
#[derive(Debug)]
pub(super) struct Code {
    recipe: Recipe,
    symbols: Box<[Word; SYMBOLS]>,
    tails: Box<[Word]>,
    /// Numbers of endings, 0 where there is none, by the hash of the ending; twice as many places as endings.
    places: Box<[u16]>,
}

impl Code {
    /// Makes the code. `hasher` is the one that looks endings up.
    ///
    /// # Errors
    /// The lengths are those of no prefix code, or the endings are none.
    pub(super) fn new(recipe: Recipe, hasher: &SuffixHasher) -> Result<Code, NoCode> {
        let (none, listed) = recipe.tails.split_first().ok_or(NoCode)?;
        if !none.0.is_empty() || recipe.tails.len() > MAX_TAILS {
            return Err(NoCode);
        }
        let symbols = words(&recipe.symbols)?;
        // A word without bits would be no word; the only ending may have one, since then there is nothing to tell.
        if recipe.symbols.contains(&0) || (!listed.is_empty() && recipe.tails.iter().any(|(_, len)| *len == 0)) {
            return Err(NoCode);
        }
        let lengths: Vec<u8> = recipe.tails.iter().map(|(_, len)| *len).collect();
        let tails = words(&lengths)?;
        let mut places = vec![0_u16; (recipe.tails.len() * 2).next_power_of_two()].into_boxed_slice();
        for (number, (wire, _)) in recipe.tails.iter().enumerate().skip(1) {
            let whole = hasher.whole(wire).ok_or(NoCode)?;
            let mut at = whole.hash as usize;
            while places.get(at & (places.len() - 1)).is_some_and(|number| *number != 0) {
                at += 1;
            }
            let mask = places.len() - 1;
            if let Some(place) = places.get_mut(at & mask) {
                *place = number as u16;
            }
        }
        let symbols: [Word; SYMBOLS] = symbols.try_into().map_err(|_| NoCode)?;
        Ok(Code { recipe, symbols: Box::new(symbols), tails: tails.into(), places })
    }

    /// What it was made of.
    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The code word of an ending with this hash and wire form, if it is one.
    pub(super) fn tail(&self, hash: u64, wire: &[u8]) -> Option<Word> {
        let mask = self.places.len() - 1;
        let mut at = hash as usize;
        loop {
            let number = usize::from(*self.places.get(at & mask)?);
            if number == 0 {
                return None;
            }
            if self.recipe.tails.get(number).is_some_and(|(known, _)| **known == *wire) {
                return self.tails.get(number).copied();
            }
            at += 1;
        }
    }

    /// The code word that stands for no ending.
    pub(super) fn no_tail(&self) -> Word {
        self.tails.first().copied().unwrap_or_default()
    }

    /// The code word of a symbol.
    #[inline]
    pub(super) fn symbol(&self, symbol: usize) -> Word {
        self.symbols.get(symbol).copied().unwrap_or_default()
    }

    /// Octets that it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        let tails: usize = self.recipe.tails.iter().map(|(wire, _)| wire.len() + size_of::<(Box<[u8]>, u8)>()).sum();
        size_of_val(&*self.symbols) + size_of_val(&*self.tails) + size_of_val(&*self.places) + tails
    }
}

/// Canonical code words of these lengths (RFC 1951 section 3.2.2), turned round so that the first bit is the lowest.
fn words(lengths: &[u8]) -> Result<Vec<Word>, NoCode> {
    let mut counts = [0_u64; MAX_BITS as usize + 1];
    for len in lengths {
        *counts.get_mut(usize::from(*len)).ok_or(NoCode)? += 1;
    }
    let space: u64 = counts.iter().enumerate().map(|(len, count)| count << (usize::from(MAX_BITS) - len)).sum();
    if space > 1 << MAX_BITS {
        return Err(NoCode);
    }
    let (mut next, mut code) = ([0_u64; MAX_BITS as usize + 1], 0_u64);
    for (next, count) in next.iter_mut().zip(counts) {
        *next = code;
        code = (code + count) << 1;
    }
    let word = |len: &u8| {
        let next = next.get_mut(usize::from(*len)).ok_or(NoCode)?;
        let code = *next as u32;
        *next += 1;
        let bits = if *len == 0 { 0 } else { code.reverse_bits() >> (32 - u32::from(*len)) };
        Ok(Word { bits, len: *len })
    };
    lengths.iter().map(word).collect()
}
