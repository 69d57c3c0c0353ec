//! A domain name as it was on the wire: labels with their lengths, lower case, at most 254 octets.
//!
//! DNS labels may hold any byte, dots included, while SNI and Host are plain text; one form serves all three, so that
//! matching compares labels and never text. The escaped text can be four times as long as the name, which is why it
//! is made only when somebody asks for it.

use std::fmt;

/// A lower-case domain name: `len, label, len, label …` without the root label, inline, never allocated.
///
/// Holds at most [`DomainName::MAX`] octets of labels and their length octets (RFC 1035 section 3.1 allows 255 with
/// the root's zero). A label from text may be longer than the 63 octets of DNS, and may be empty (`a..b`): such a
/// name matches no rule but can be shown as it was.
#[derive(Clone, Copy)]
pub struct DomainName {
    len: u8,
    octets: [u8; DomainName::MAX],
}

/// Why bytes are not a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// More than [`DomainName::MAX`] octets with the length octets.
    #[error("name is longer than 254 octets")]
    TooLong,
    /// No label at all.
    #[error("name is empty")]
    Empty,
}

impl DomainName {
    /// The most octets that a name can hold, length octets included and the root's zero not.
    pub const MAX: usize = 254;

    /// The empty name (the DNS root).
    #[inline]
    pub const fn root() -> Self {
        DomainName { len: 0, octets: [0; Self::MAX] }
    }

    /// Appends one label, lower-casing ASCII letters.
    ///
    /// # Errors
    /// [`NameError::TooLong`] if it does not fit; the name is then unchanged.
    #[inline]
    pub fn push_label(&mut self, label: &[u8]) -> Result<(), NameError> {
        let start = usize::from(self.len) + 1;
        let end = start + label.len();
        if end > Self::MAX {
            return Err(NameError::TooLong);
        }
        // `end` fits, so the label is at most 253 octets and its length fits the length octet.
        self.octets[start - 1] = label.len() as u8;
        for (to, from) in self.octets[start..end].iter_mut().zip(label) {
            *to = from.to_ascii_lowercase();
        }
        self.len = end as u8;
        Ok(())
    }

    /// Makes this the root again, so that one name can be read into many times without writing all its octets.
    #[inline]
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends the run of plain DNS labels (RFC 1035 section 3.1: a length of 1 to 63, then so many octets) at the
    /// start of `wire`, lower-casing ASCII letters. The run ends before the first octet that is no such length (the
    /// root's zero, a pointer, a reserved type) and before a label that `wire` does not hold whole. Gives the number
    /// of octets taken.
    ///
    /// # Errors
    /// [`NameError::TooLong`] if the run does not fit; the name is then unchanged.
    #[inline]
    pub fn push_wire_labels(&mut self, wire: &[u8]) -> Result<usize, NameError> {
        let start = usize::from(self.len);
        let room = Self::MAX - start;
        let mut run = 0;
        while let Some(&label @ 1..=63) = wire.get(run) {
            let next = run + 1 + usize::from(label);
            if next > wire.len() {
                break;
            }
            if next > room {
                return Err(NameError::TooLong);
            }
            run = next;
        }
        // Length octets are below `A`, so the run is lower-cased as a whole. `run` is at most `room` and `wire.len()`.
        lower_case_into(&mut self.octets[start..start + run], &wire[..run]);
        self.len = (start + run) as u8;
        Ok(run)
    }

    /// A name from text as it stands in SNI, Host or a rule file: labels split at dots, one trailing dot dropped,
    /// no escapes understood, no IDNA conversion.
    ///
    /// # Errors
    /// [`NameError::Empty`] for no text or a lone dot, [`NameError::TooLong`] beyond [`DomainName::MAX`].
    pub fn from_text(text: &[u8]) -> Result<Self, NameError> {
        let mut name = DomainName::root();
        name.set_text(text)?;
        Ok(name)
    }

    /// Makes this the name that [`DomainName::from_text`] reads, without writing all its octets.
    ///
    /// # Errors
    /// As for `from_text`; the name is then unchanged.
    #[inline]
    pub fn set_text(&mut self, text: &[u8]) -> Result<(), NameError> {
        let text = text.strip_suffix(b".").unwrap_or(text);
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let len = text.len() + 1;
        if len > Self::MAX {
            return Err(NameError::TooLong);
        }
        // The text stands one octet further on, so that each dot's place is that of its next label's length.
        lower_case_into(&mut self.octets[1..len], text);
        let mut label = 0;
        let mut end_label = |octets: &mut [u8; Self::MAX], end: usize| {
            octets[label] = (end - label - 1) as u8;
            label = end;
        };
        let (words, rest) = text.as_chunks::<8>();
        for (number, word) in words.iter().enumerate() {
            let mut dots = dots_in_word(*word);
            while dots != 0 {
                end_label(&mut self.octets, number * 8 + dots.trailing_zeros() as usize / 8 + 1);
                dots &= dots - 1;
            }
        }
        for (at, octet) in rest.iter().enumerate() {
            if *octet == b'.' {
                end_label(&mut self.octets, words.len() * 8 + at + 1);
            }
        }
        end_label(&mut self.octets, len);
        self.len = len as u8;
        Ok(())
    }

    /// The octets: length, label, length, label …, lower case, without the root's zero.
    #[inline]
    pub fn as_wire(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }

    /// Whether this is the root, which has no labels.
    #[inline]
    pub fn is_root(&self) -> bool {
        self.len == 0
    }

    /// The labels, leftmost first.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.as_wire();
        std::iter::from_fn(move || {
            let (&len, after) = rest.split_first()?;
            let (label, tail) = after.split_at_checked(usize::from(len))?;
            rest = tail;
            Some(label)
        })
    }

    /// Whether `suffix` is this name or one of its parents, at label boundaries. Everything is under the root.
    pub fn is_within(&self, suffix: &DomainName) -> bool {
        let (own, parent) = (self.as_wire(), suffix.as_wire());
        let Some(cut) = own.len().checked_sub(parent.len()) else { return false };
        if own[cut..] != *parent {
            return false;
        }
        let mut at = 0;
        while at < cut {
            at += 1 + usize::from(own[at]);
        }
        at == cut
    }
}

/// Copies `from` into `to`, which is as long, lower-casing ASCII letters eight octets at a time: names of twenty octets
/// are too short for the vector loop that the compiler makes of the plain form, whose tail goes octet by octet.
#[inline]
fn lower_case_into(to: &mut [u8], from: &[u8]) {
    let (Some(last_to), Some(last_from)) = (to.len().checked_sub(8), from.len().checked_sub(8)) else {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from.to_ascii_lowercase();
        }
        return;
    };
    let (to_words, _) = to.as_chunks_mut::<8>();
    let (from_words, _) = from.as_chunks::<8>();
    for (to, from) in to_words.iter_mut().zip(from_words) {
        *to = lower_case_word(*from);
    }
    // The rest of less than eight octets, as the last eight: some are written twice, alike.
    if let (Some(to), Some(from)) = (to[last_to..].first_chunk_mut::<8>(), from[last_from..].first_chunk::<8>()) {
        *to = lower_case_word(*from);
    }
}

/// Lower-cases the ASCII letters among eight octets at once.
#[inline]
fn lower_case_word(octets: [u8; 8]) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_ne_bytes(octets);
    // Without the top bits no sum carries into its neighbour; each sum's top bit then tells "at least" and "above".
    let low = word & (0x7f * EACH);
    let from_a = low + (0x80 - b'A' as u64) * EACH;
    let above_z = low + (0x7f - b'Z' as u64) * EACH;
    let upper = (from_a ^ above_z) & !word & (0x80 * EACH);
    (word | upper >> 2).to_ne_bytes()
}

/// The top bit of each of eight octets that is a dot; the first octet's is the lowest.
#[inline]
fn dots_in_word(octets: [u8; 8]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let differs = u64::from_le_bytes(octets) ^ (b'.' as u64 * EACH);
    // Without the top bits no sum carries into its neighbour.
    !(((differs & (0x7f * EACH)) + 0x7f * EACH) | differs) & (0x80 * EACH)
}

impl PartialEq for DomainName {
    fn eq(&self, other: &Self) -> bool {
        self.as_wire() == other.as_wire()
    }
}

impl Eq for DomainName {}

impl std::hash::Hash for DomainName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_wire().hash(state);
    }
}

impl PartialOrd for DomainName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DomainName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_wire().cmp(other.as_wire())
    }
}

/// Presentation form (RFC 1035 section 5.1): bytes outside printable ASCII, and a literal dot or backslash inside a
/// label, as `\DDD`; no trailing dot. The root is `.`.
impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        if self.is_root() {
            return f.write_char('.');
        }
        for (i, label) in self.labels().enumerate() {
            if i > 0 {
                f.write_char('.')?;
            }
            for &b in label {
                match b {
                    b'.' | b'\\' | 0..=0x1f | 0x7f..=0xff => write!(f, "\\{b:03}")?,
                    _ => f.write_char(char::from(b))?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainName({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        DomainName::from_text(text.as_bytes()).unwrap()
    }

    #[test]
    fn suffixes_end_at_label_boundaries() {
        assert!(name("www.higan.org").is_within(&name("higan.org")));
        assert!(name("higan.org").is_within(&name("HIGAN.org.")));
        assert!(!name("michigan.org").is_within(&name("higan.org")));
        assert!(!name("org").is_within(&name("higan.org")));
        assert!(name("org").is_within(&DomainName::root()));
    }

    #[test]
    fn a_length_octet_that_looks_like_text_is_no_boundary() {
        // Label of 3 octets holding "\x01a": the wire bytes end like the name "a" but the boundary is elsewhere.
        let mut tricky = DomainName::root();
        tricky.push_label(b"x\x01a").unwrap();
        assert!(!tricky.is_within(&name("a")));
    }

    #[test]
    fn odd_bytes_are_escaped_in_decimal() {
        let mut n = DomainName::root();
        n.push_label(b"a.b\\c\x00\xff d").unwrap();
        n.push_label(b"Example").unwrap();
        assert_eq!(n.to_string(), "a\\046b\\092c\\000\\255 d.example");
        assert_eq!(DomainName::root().to_string(), ".");
    }

    #[test]
    fn wire_runs_stop_before_what_is_no_plain_label() {
        let mut n = DomainName::root();
        assert_eq!(n.push_wire_labels(b"\x03WwW\x07eXample\xc0\x0c"), Ok(12));
        assert_eq!(n.push_wire_labels(b"\x03com\x00\x03not"), Ok(4));
        assert_eq!(n.push_wire_labels(b"\x05shor"), Ok(0));
        assert_eq!(n.push_wire_labels(b""), Ok(0));
        assert_eq!(n.push_wire_labels(&[64; 65]), Ok(0));
        assert_eq!(n, name("www.example.com"));
        let long = [b"\x3f".as_slice(), &[b'A'; 63]].concat().repeat(5);
        let before = n;
        assert_eq!(n.push_wire_labels(&long), Err(NameError::TooLong));
        assert_eq!(n, before);
        n.clear();
        assert_eq!(n.push_wire_labels(&long[..192]), Ok(192));
        assert!(n.labels().all(|l| l == [b'a'; 63]));
    }

    #[test]
    fn words_are_lower_cased_like_octets() {
        for b in 0..=255u8 {
            for at in 0..8 {
                let mut octets = *b"Az@[`{\xc1\x00";
                octets[at] = b;
                assert_eq!(lower_case_word(octets), octets.map(|b| b.to_ascii_lowercase()));
            }
        }
        let from: Vec<u8> = (0..64).map(|i| b'A' + i).collect();
        for len in 0..64 {
            let mut to = vec![0; len];
            lower_case_into(&mut to, &from[..len]);
            assert_eq!(to, from[..len].to_ascii_lowercase());
        }
    }

    #[test]
    fn lengths_are_bounded() {
        assert_eq!(DomainName::from_text(&[b'a'; 254]), Err(NameError::TooLong));
        assert_eq!(DomainName::from_text(&[b'a'; 253]).unwrap().as_wire().len(), 254);
        assert_eq!(DomainName::from_text(b"."), Err(NameError::Empty));
        let mut full = DomainName::from_text(&[b'a'; 253]).unwrap();
        assert_eq!(full.push_label(b""), Err(NameError::TooLong));
        assert_eq!(name("a..b").to_string(), "a..b");
    }

    proptest::proptest! {
        #[test]
        fn text_is_split_at_dots(text in proptest::collection::vec(
            proptest::prop_oneof![3 => proptest::prelude::any::<u8>(), 1 => proptest::prelude::Just(b'.')], 1..253)
        ) {
            let bare = text.strip_suffix(b".").unwrap_or(&text);
            let mut by_labels = DomainName::root();
            for label in bare.split(|b| *b == b'.') {
                by_labels.push_label(label).unwrap();
            }
            let mut name = DomainName::from_text(b"something.longer.that.was.there.before").unwrap();
            match name.set_text(&text) {
                Ok(()) => proptest::prop_assert_eq!(name, by_labels),
                Err(error) => proptest::prop_assert!(bare.is_empty(), "{}", error),
            }
        }
    }
}
