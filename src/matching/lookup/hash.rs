//! Hashes of a name's label-aligned suffixes, all in one pass from the right.
//!
//! Names come from the network, so whoever sends them must not be able to choose ones that collide: every rule set
//! has its own random seeds.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::ControlFlow;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

/// One suffix of a name on the way from the right.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Suffix {
    /// How many labels it has, from 1.
    pub(super) depth: usize,
    /// Where it starts in the name's wire form: at the length octet of its first label.
    pub(super) start: usize,
    /// Its hash.
    pub(super) hash: u64,
}

/// A seeded hash function for suffixes.
#[derive(Clone, Debug)]
pub(super) struct SuffixHasher {
    seeds: [u64; 2],
    shared: SharedSeed,
}

impl SuffixHasher {
    /// With seeds from the operating system, as the standard library draws them.
    pub(super) fn random() -> Self {
        let source = RandomState::new();
        SuffixHasher::with_seeds([source.hash_one(0_u8), source.hash_one(1_u8)])
    }

    /// With the seeds of a set that was built before.
    pub(super) fn with_seeds(seeds: [u64; 2]) -> Self {
        SuffixHasher { seeds, shared: SharedSeed::from_u64(seeds[1]) }
    }

    /// Its seeds.
    pub(super) fn seeds(&self) -> [u64; 2] {
        self.seeds
    }

    /// What the hash gives for a fixed name with labels of many lengths. It tells whether another version of the hash, or
    /// one on another kind of machine, would agree with this one.
    pub(super) fn sample(&self) -> u64 {
        let mut wire = Vec::new();
        for len in [20, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 63] {
            wire.push(len);
            wire.extend((0..len).map(|i| b'a' + i % 26));
        }
        let mut sample = 0_u64;
        self.suffixes(&wire, |suffix| {
            sample = sample.rotate_left(7) ^ suffix.hash;
            ControlFlow::Continue(())
        });
        sample
    }

    /// Visits the suffixes of a name in wire form ([`crate::model::DomainName::as_wire`]), shortest first, until
    /// `visit` breaks. Each costs one pass over its leftmost label.
    #[inline]
    pub(super) fn suffixes(&self, wire: &[u8], mut visit: impl FnMut(Suffix) -> ControlFlow<()>) {
        let mut walk =
            Walk { wire, end: wire.len(), depth: 0, hasher: FoldHasher::with_seed(self.seeds[0], &self.shared) };
        // The length octets can only be followed from the left, so a first pass notes where labels start, one bit an
        // octet. Nearly every name fits into one word of bits, which then never leaves a register.
        if wire.len() <= 64 {
            let (mut starts, mut at) = (0_u64, 0);
            while let Some(&len) = wire.get(at) {
                starts |= 1 << at;
                at += 1 + usize::from(len);
            }
            let _ = walk.leftward(starts, 0, &mut visit);
            return;
        }
        // The longest name has 254 octets.
        let (mut starts, mut at) = ([0_u64; 4], 0);
        while let Some(&len) = wire.get(at) {
            if let Some(word) = starts.get_mut(at / 64) {
                *word |= 1 << (at % 64);
            }
            at += 1 + usize::from(len);
        }
        for (index, word) in starts.into_iter().enumerate().rev() {
            if walk.leftward(word, index * 64, &mut visit).is_break() {
                return;
            }
        }
    }

    /// The hash and the number of labels of a whole name; none for the root.
    pub(super) fn whole(&self, wire: &[u8]) -> Option<Suffix> {
        let mut last = None;
        self.suffixes(wire, |suffix| {
            last = Some(suffix);
            ControlFlow::Continue(())
        });
        last
    }
}

/// A name being hashed from the right.
struct Walk<'a> {
    wire: &'a [u8],
    /// Where the labels that are hashed already start.
    end: usize,
    depth: usize,
    hasher: FoldHasher<'a>,
}

impl Walk<'_> {
    /// Takes the labels whose starts are the set bits, counted from octet `base`.
    #[inline]
    fn leftward(
        &mut self,
        mut starts: u64,
        base: usize,
        visit: &mut impl FnMut(Suffix) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        while starts != 0 {
            let top = 63 - starts.leading_zeros() as usize;
            starts ^= 1 << top;
            let start = base + top;
            let Some(label) = self.wire.get(start..self.end) else { return ControlFlow::Break(()) };
            // With its length octet, so that no two ways to cut the same octets into labels hash alike.
            self.hasher.write(label);
            self.depth += 1;
            self.end = start;
            visit(Suffix { depth: self.depth, start, hash: self.hasher.finish() })?;
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DomainName;

    fn all(hasher: &SuffixHasher, wire: &[u8]) -> Vec<(usize, usize, u64)> {
        let mut seen = Vec::new();
        hasher.suffixes(wire, |s| {
            seen.push((s.depth, s.start, s.hash));
            ControlFlow::Continue(())
        });
        seen
    }

    #[test]
    fn a_suffix_hashes_like_the_name_that_it_is() {
        let hasher = SuffixHasher::random();
        let long = DomainName::from_text(format!("{}.{}.a.example.com", "x".repeat(63), "y".repeat(63)).as_bytes());
        let seen = all(&hasher, long.unwrap().as_wire());
        assert_eq!(
            seen.iter().map(|s| (s.0, s.1)).collect::<Vec<_>>(),
            [(1, 138), (2, 130), (3, 128), (4, 64), (5, 0)]
        );
        let parent = DomainName::from_text(b"a.example.com").unwrap();
        assert_eq!(hasher.whole(parent.as_wire()).unwrap().hash, seen[2].2);
    }

    #[test]
    fn label_cuts_change_the_hash() {
        let hasher = SuffixHasher::random();
        let hash = |text: &str| hasher.whole(DomainName::from_text(text.as_bytes()).unwrap().as_wire()).unwrap().hash;
        assert_ne!(hash("ab.c"), hash("a.bc"));
        assert_ne!(hash("higan.org"), hash("michigan.org"));
        assert_eq!(hash("HIGAN.org."), hash("higan.org"));
    }

    #[test]
    fn a_name_of_empty_labels_is_walked_to_its_end() {
        let hasher = SuffixHasher::random();
        let dots = DomainName::from_text(&[b'.'; 253]).unwrap();
        assert_eq!(all(&hasher, dots.as_wire()).len(), 253);
        assert!(hasher.whole(DomainName::root().as_wire()).is_none());
    }

    #[test]
    fn two_sets_hash_differently() {
        let name = DomainName::from_text(b"example.com").unwrap();
        let hash = || SuffixHasher::random().whole(name.as_wire()).unwrap().hash;
        assert_ne!(hash(), hash());
    }
}
