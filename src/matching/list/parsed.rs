//! A list in memory: its names packed end to end, and what was counted while reading it.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::format::Found;
use super::kind::{Kind, KindCounts};
use super::later::Later;
use super::rejection::{Reason, Rejection, printable};
use crate::model::DomainName;

/// What reading a list added up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ListCounts {
    /// Distinct entries: the rules.
    pub rules: u64,
    /// The same by kind.
    pub kinds: KindCounts,
    /// Entries that stood in the list before, or that an earlier one covers.
    pub duplicates: u64,
    /// Entries that widened an earlier one of the same name, as the wildcard of an RPZ zone widens its apex.
    pub joined: u64,
    /// Entries that the list itself marks as no longer in force, or takes back.
    pub removed: u64,
    /// What a syntax has beside rules: the names of a hosts file for the machine itself, a zone's SOA and NS, `server:`.
    pub ignored: u64,
    /// Lines, or names of a line, that did not become a rule.
    pub rejected: u64,
}

/// What is known of a list beside its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFacts {
    /// The format that the file turned out to have.
    pub format: Found,
    /// Length of the file in octets.
    pub bytes: u64,
    /// Lines of the file.
    pub lines: u32,
    /// SHA-256 of the file's octets.
    pub sha256: [u8; 32],
    /// What reading it added up to.
    pub counts: ListCounts,
    /// The first [`ListFacts::MAX_REJECTIONS`] rejections; `counts.rejected` counts all.
    pub rejections: Vec<Rejection>,
}

impl ListFacts {
    /// Rejections that are kept.
    pub const MAX_REJECTIONS: usize = 10_000;
}

/// A list that was read: every entry once, in the order of the file but for those that wait for its end. A name stands in it at most three times: blocked,
/// let through, and watched.
#[derive(Clone, Debug)]
pub struct ParsedList {
    names: Names,
    facts: ListFacts,
}

impl ParsedList {
    /// What is known of it beside the names.
    pub fn facts(&self) -> &ListFacts {
        &self.facts
    }

    /// What is known of it, the rejections left out.
    pub(in crate::matching) fn facts_without_rejections(&self) -> ListFacts {
        let ListFacts { format, bytes, lines, sha256, counts, rejections: _ } = self.facts;
        ListFacts { format, bytes, lines, sha256, counts, rejections: Vec::new() }
    }

    /// The facts with the rejections, of which the list itself keeps none.
    pub(super) fn take_facts(&mut self) -> ListFacts {
        let rejections = std::mem::take(&mut self.facts.rejections);
        ListFacts { rejections, ..self.facts.clone() }
    }

    /// The names in wire form, with their lines and what the entries say.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], u32, Kind)> {
        self.names.iter()
    }
}

/// Names packed as `length, wire form, kind and lines since the name before (LEB128)`: about two octets a name beside its
/// text. The kind is in the low three bits, so an entry of the usual list, less than 16 lines behind the one before, takes
/// no more than one of the lines alone would.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    packed: Vec<u8>,
    last_line: u32,
}

impl Names {
    fn push(&mut self, wire: &[u8], kind: Kind, line: u32) {
        // A name's wire form is at most 254 octets.
        self.packed.push(wire.len() as u8);
        self.packed.extend_from_slice(wire);
        let mut delta = u64::from(line.wrapping_sub(self.last_line)) << 3 | u64::from(kind as u8);
        while delta >= 0x80 {
            self.packed.push(delta as u8 | 0x80);
            delta >>= 7;
        }
        self.packed.push(delta as u8);
        self.last_line = line;
    }

    /// The name whose length octet is at `at`.
    fn at(&self, at: u32) -> &[u8] {
        split_name(self.packed.get(at as usize..).unwrap_or_default()).map_or(&[], |(wire, _)| wire)
    }

    /// The kind of the entry whose length octet is at `at`.
    fn kind_at(&self, at: u32) -> Kind {
        let after = split_name(self.packed.get(at as usize..).unwrap_or_default()).map_or(&[][..], |(_, after)| after);
        Kind::of_bits(after.first().copied().unwrap_or_default())
    }

    /// Changes the kind of the entry whose length octet is at `at`.
    fn set_kind(&mut self, at: u32, kind: Kind) {
        let at = at as usize;
        let len = self.packed.get(at).copied().unwrap_or_default();
        if let Some(octet) = self.packed.get_mut(at + 1 + usize::from(len)) {
            *octet = *octet & !7 | kind as u8;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], u32, Kind)> {
        let (mut rest, mut line) = (self.packed.as_slice(), 0_u32);
        std::iter::from_fn(move || {
            let (wire, mut after) = split_name(rest)?;
            let (mut delta, mut shift) = (0_u64, 0_u32);
            while let Some((&byte, tail)) = after.split_first() {
                after = tail;
                delta |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            line = line.wrapping_add((delta >> 3) as u32);
            rest = after;
            Some((wire, line, Kind::of_bits(delta as u8)))
        })
    }
}

fn split_name(packed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, after) = packed.split_first()?;
    after.split_at_checked(usize::from(len))
}

/// Collects what a parser finds in a file.
pub(super) struct ListBuilder {
    names: Names,
    /// Where each distinct entry starts in `names`.
    seen: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    counts: ListCounts,
    rejections: Vec<Rejection>,
    later: Later,
    full: bool,
}

impl ListBuilder {
    /// For a file that may hold about `names` names.
    pub(super) fn with_capacity(names: usize) -> Self {
        ListBuilder {
            names: Names::default(),
            seen: HashTable::with_capacity(names),
            hasher: foldhash::fast::RandomState::default(),
            counts: ListCounts::default(),
            rejections: Vec::new(),
            later: Later::default(),
            full: false,
        }
    }

    /// Adds an entry. Lines must not go down.
    pub(super) fn accept(&mut self, name: &DomainName, kind: Kind, line: u32) {
        let Ok(at) = u32::try_from(self.names.packed.len()) else {
            self.full = true;
            return;
        };
        let (wire, names, hasher) = (name.as_wire(), &mut self.names, &self.hasher);
        let hash = hasher.hash_one(wire);
        let same = |known: &u32| names.at(*known) == wire && names.kind_at(*known).joined(kind).is_some();
        if let Some(known) = self.seen.find(hash, same).copied() {
            let before = names.kind_at(known);
            let joined = before.joined(kind).unwrap_or(before);
            if joined == before {
                self.counts.duplicates += 1;
                return;
            }
            names.set_kind(known, joined);
            self.counts.kinds.take_one(before);
            self.counts.kinds.add(joined, 1);
            self.counts.joined += 1;
            return;
        }
        self.seen.insert_unique(hash, at, |known| hasher.hash_one(names.at(*known)));
        names.push(wire, kind, line);
        self.counts.rules += 1;
        self.counts.kinds.add(kind, 1);
    }

    /// Notes a line, or a name of it, that is no rule.
    pub(super) fn reject(&mut self, line: u32, text: &[u8], reason: Reason, suggestion: Option<String>) {
        self.counts.rejected += 1;
        if self.rejections.len() < ListFacts::MAX_REJECTIONS {
            self.rejections.push(Rejection { line, text: printable(text), reason, suggestion });
        }
    }

    /// Notes an entry for the machine itself.
    pub(super) fn ignore(&mut self) {
        self.counts.ignored += 1;
    }

    /// Takes back an entry of this name and kind, wherever in the list it stands. False if there are too many.
    pub(super) fn revoke(&mut self, name: &DomainName, kind: Kind) -> bool {
        self.later.revoke(name, kind)
    }

    /// Lets a name and what is under it through if the list blocks a parent and nothing in it, wherever they stand.
    /// False if there are too many.
    pub(super) fn pass(&mut self, name: &DomainName, line: u32) -> bool {
        self.later.pass(name, line)
    }

    /// Notes an entry that is no longer in force.
    pub(super) fn remove(&mut self) {
        self.counts.removed += 1;
    }

    /// Whether names were lost because the list is larger than 4 GiB.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Does what waits for the end of the list.
    fn settle(&mut self) {
        let later = std::mem::take(&mut self.later);
        if later.revokes() {
            let entries = std::mem::take(&mut self.names);
            for (wire, line, kind) in entries.iter() {
                if later.is_revoked(wire, kind) {
                    self.counts.rules -= 1;
                    self.counts.kinds.take_one(kind);
                    self.counts.removed += 1;
                } else {
                    self.names.push(wire, kind, line);
                }
            }
        }
        for (wire, line) in later.passed(&self.names) {
            self.names.push(&wire, Kind::Allow, line);
            self.counts.rules += 1;
            self.counts.kinds.add(Kind::Allow, 1);
        }
    }

    pub(super) fn finish(mut self, format: Found, lines: u32, (bytes, sha256): (u64, [u8; 32])) -> ParsedList {
        self.settle();
        let ListBuilder { names, counts, rejections, .. } = self;
        ParsedList { names, facts: ListFacts { format, bytes, lines, sha256, counts, rejections } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_once_with_their_first_line() {
        let mut builder = ListBuilder::with_capacity(0);
        let lines = [1, 2, 130, 131, 1 << 20, u32::MAX];
        for line in lines {
            let name = DomainName::from_text(format!("n{line}.example").as_bytes()).unwrap();
            builder.accept(&name, Kind::Covers, line);
        }
        builder.accept(&DomainName::from_text(b"N2.example.").unwrap(), Kind::Covers, u32::MAX);
        let list = builder.finish(Found::Plain, u32::MAX, (0, [0; 32]));
        assert_eq!(list.entries().map(|(_, line, _)| line).collect::<Vec<_>>(), lines);
        assert_eq!(list.entries().nth(1).unwrap().0, b"\x02n2\x07example");
        assert_eq!((list.facts().counts.rules, list.facts().counts.duplicates), (6, 1));
    }

    #[test]
    fn kinds_of_one_name_are_joined_where_they_say_the_same() {
        let mut builder = ListBuilder::with_capacity(0);
        let (name, other) =
            (DomainName::from_text(b"a.example").unwrap(), DomainName::from_text(b"b.example").unwrap());
        for (name, kind, line) in [
            (&name, Kind::Exact, 100),
            (&other, Kind::AllowBelow, 20_000),
            (&name, Kind::Watch, 20_001),
            (&name, Kind::Allow, 20_002),
            (&name, Kind::Below, 20_003),
            (&name, Kind::Exact, 20_004),
            (&other, Kind::AllowBelow, u32::MAX),
        ] {
            builder.accept(name, kind, line);
        }
        let list = builder.finish(Found::Plain, u32::MAX, (0, [0; 32]));
        let entries: Vec<_> = list.entries().map(|(wire, line, kind)| (wire.to_vec(), line, kind)).collect();
        let (name, other) = (name.as_wire().to_vec(), other.as_wire().to_vec());
        assert_eq!(
            entries,
            [
                (name.clone(), 100, Kind::Covers),
                (other, 20_000, Kind::AllowBelow),
                (name.clone(), 20_001, Kind::Watch),
                (name, 20_002, Kind::Allow),
            ]
        );
        let counts = list.facts().counts;
        assert_eq!((counts.rules, counts.joined, counts.duplicates, counts.kinds.total()), (4, 1, 2, 4));
        assert_eq!((counts.kinds.of(Kind::Covers), counts.kinds.of(Kind::Exact)), (1, 0));
    }

    #[test]
    fn a_kind_takes_no_room_of_its_own() {
        let mut names = Names::default();
        for line in (15..=1_500).step_by(15) {
            names.push(b"\x01a\x07example", Kind::Allow, line);
        }
        assert_eq!(names.packed.len(), 100 * (10 + 2));
    }

    #[test]
    fn rejections_are_all_counted_but_not_all_kept() {
        let mut builder = ListBuilder::with_capacity(0);
        for line in 0..12_000 {
            builder.reject(line, b"com", Reason::PublicSuffix, None);
        }
        let list = builder.finish(Found::Plain, 12_000, (0, [0; 32]));
        assert_eq!((list.facts().counts.rejected, list.facts().rejections.len()), (12_000, ListFacts::MAX_REJECTIONS));
    }
}
