//! The filter in front of the table: a Bloom filter whose every key lives in one 64-bit word.
//!
//! It says "certainly not" or "perhaps", with one read of memory, in [`BITS_PER_KEY`] bits a key. At a million rules
//! that is 1.5 MB, which stays in the cache, while the table does not. About one absent key in sixty gets a "perhaps"
//! and costs a look into the table.

/// Bits spent on a key.
const BITS_PER_KEY: u64 = 12;

/// A register-blocked Bloom filter over 64-bit hashes.
#[derive(Debug)]
pub(super) struct Filter {
    words: Box<[u64]>,
}

impl Filter {
    /// An empty filter for about `keys` keys; more only make it less sharp.
    pub(super) fn for_keys(keys: u64) -> Self {
        let words = (keys.saturating_mul(BITS_PER_KEY) / 64 + 1).min(u64::from(u32::MAX));
        Filter { words: vec![0; words as usize].into_boxed_slice() }
    }

    /// The word of a key, by its high half, and the four bits in it, by its low half.
    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        let word = ((hash >> 32) * self.words.len() as u64) >> 32;
        let bits = 1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63) | 1 << (hash >> 18 & 63);
        (word as usize, bits)
    }

    /// Adds a key; false if it seemed to be there already.
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        let (word, bits) = self.place(hash);
        let Some(word) = self.words.get_mut(word) else { return false };
        let is_new = *word & bits != bits;
        *word |= bits;
        is_new
    }

    /// From octets as [`Filter::to_octets`] gives them; none if they are no filter.
    pub(super) fn from_octets(octets: &[u8]) -> Option<Self> {
        let (words, rest) = octets.as_chunks::<8>();
        let is_filter = rest.is_empty() && !words.is_empty() && u32::try_from(words.len()).is_ok();
        is_filter.then(|| Filter { words: words.iter().map(|word| u64::from_le_bytes(*word)).collect() })
    }

    /// The octets to keep in a file, little endian.
    pub(super) fn to_octets(&self) -> impl Iterator<Item = u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes())
    }

    /// False if the key was never added.
    #[inline]
    pub(super) fn may_contain(&self, hash: u64) -> bool {
        let (word, bits) = self.place(hash);
        self.words.get(word).is_some_and(|word| word & bits == bits)
    }

    /// Octets that it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of_val(&*self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64, for keys that look like hashes.
    fn key(mut z: u64) -> u64 {
        z = z.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    #[test]
    fn no_key_is_forgotten_and_few_are_invented() {
        assert!(Filter::from_octets(&[]).is_none() && Filter::from_octets(&[0; 12]).is_none());
        let mut filter = Filter::for_keys(20_000);
        (0..20_000).for_each(|i| _ = filter.insert(key(i)));
        assert!(!filter.insert(key(7)));
        let octets: Vec<_> = filter.to_octets().collect();
        let filter = Filter::from_octets(&octets).unwrap();
        assert!((0..20_000).all(|i| filter.may_contain(key(i))));
        let invented = (20_000..120_000).filter(|i| filter.may_contain(key(*i))).count();
        assert!((200..4_000).contains(&invented), "{invented} of 100,000");
    }

    #[test]
    fn an_empty_filter_holds_nothing() {
        assert!(!Filter::for_keys(0).may_contain(u64::MAX));
    }
}
