//! The table of one set of lists: names in code, by bucket, behind a filter; and the search in it.
//!
//! All rules lie in one run of octets, grouped by bucket ([`super::ends`]); a bucket holds
//! [`super::build::RULES_PER_BUCKET`] rules on average, so a look into it touches one or two cache lines. A rule is
//! `length, name, position`: the length of what follows in octets, one octet below [`LONG`] and else two, then the
//! name in the set's code ([`super::code`]) in the first bits, and its position in the last ones, as many as the highest
//! position takes. Positions number the lines of all lists one after the other, so that list and line both follow from one
//! integer. A list whose entries are of several kinds has its lines once for each kind. At a million rules all this takes
//! some 15 octets a rule.

use std::ops::ControlFlow;

use super::code::{Code, TAIL_LABELS};
use super::encoder::{Encoder, Tails, Written};
use super::ends::Ends;
use super::filter::Filter;
use super::hash::{Suffix, SuffixHasher};
use super::ruleset::ListMeta;
use crate::matching::list::{Kind, ListFacts};

/// A first octet of a length from here on has the high bits of the length in its low four bits.
pub(super) const LONG: u8 = 0xf0;

/// Octets of zero behind the last rule, so that whole words can be read anywhere.
pub(super) const SLACK: usize = 8;

/// The entries of one kind of a list inside a table. Nearly every list is one of these; names that match nothing cost the
/// same however many there are.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) meta: ListMeta,
    /// What is known of the list beside the names; the rejections themselves are left out.
    pub(super) facts: ListFacts,
    /// The kind of these entries, and how many they are.
    pub(super) kind: Kind,
    pub(super) rules: u64,
    /// Position of its line 0: the lines of the members before it, added up.
    pub(super) base: u32,
    /// The list's place among all lists of the rule set; members of one list have the same.
    pub(super) order: u32,
}

/// Rules that were built together.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) hasher: SuffixHasher,
    pub(super) filter: Filter,
    pub(super) code: Code,
    pub(super) ends: Ends,
    /// The rules, and [`SLACK`].
    pub(super) rules: Box<[u8]>,
    pub(super) position_bits: u32,
    pub(super) members: Box<[Member]>,
    /// Labels of the shortest listed name: suffixes with fewer are not looked up.
    pub(super) min_depth: usize,
    /// Labels of the longest listed name: suffixes with more are not looked up.
    pub(super) max_depth: usize,
    pub(super) len: u64,
    /// Whether it was read from a prebuilt file.
    pub(super) prebuilt: bool,
}

/// A rule that covers a name.
pub(super) struct Found<'a> {
    /// Where the listed name starts in the name that was asked for.
    pub(super) start: usize,
    pub(super) member: &'a Member,
    pub(super) line: u32,
}

/// The bucket of a hash among `buckets`. Multiplied first, because the filter uses the plain bits.
#[inline]
pub(super) fn bucket_of(hash: u64, buckets: usize) -> usize {
    (((hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * buckets as u64) >> 32) as usize
}

/// The length of the rule at the start of `rules`, and what is behind the length.
#[inline]
pub(super) fn split_length(rules: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = rules.split_first()?;
    if first < LONG {
        return Some((usize::from(first), rest));
    }
    let (&second, rest) = rest.split_first()?;
    Some((usize::from(first & !LONG) << 8 | usize::from(second), rest))
}

/// The position of the rule at the start of `rule`, which has `len` octets; more must follow, so that a whole word can
/// be read.
#[inline]
pub(super) fn position_of(rule: &[u8], len: usize, bits: u32) -> Option<u32> {
    let at = (len * 8).checked_sub(bits as usize)?;
    let word = u64::from_le_bytes(*rule.get(at / 8..)?.first_chunk()?);
    Some(((word >> (at % 8)) & ((1 << bits) - 1)) as u32)
}

impl Table {
    /// Calls `found` with every rule that covers the name, shortest name first.
    #[inline]
    pub(super) fn visit<'a>(&'a self, wire: &[u8], found: impl FnMut(Found<'a>)) {
        let (mut tails, mut candidate): (Tails, _) = ([Suffix::default(); TAIL_LABELS], None);
        self.hasher.suffixes(wire, |suffix| {
            if let Some(tail) = tails.get_mut(suffix.depth - 1) {
                *tail = suffix;
            }
            if suffix.depth < self.min_depth {
                return ControlFlow::Continue(());
            }
            if self.may_hold(suffix) {
                candidate = Some(suffix);
            }
            ControlFlow::Break(())
        });
        // A function of its own, so that a name that is not listed does not pay for the room to write one.
        if let Some(candidate) = candidate {
            self.search(wire, tails, candidate, found);
        }
    }

    /// Whether the suffix may be a listed name or a suffix of one. The filter holds all of these, so that the first gap
    /// ends a search.
    #[inline]
    fn may_hold(&self, suffix: Suffix) -> bool {
        suffix.depth <= self.max_depth && self.filter.may_contain(suffix.hash)
    }

    /// Looks for the first candidate and for the longer suffixes, as far as the filter lets them pass.
    #[inline(never)]
    fn search<'a>(&'a self, wire: &[u8], mut tails: Tails, first: Suffix, mut found: impl FnMut(Found<'a>)) {
        let bucket = self.bucket(first.hash);
        let mut encoder = Encoder::begin(&self.code, wire, &tails, first);
        self.compare(encoder.end(), bucket, first.start, &mut found);
        if first.start == 0 {
            return;
        }
        self.hasher.suffixes(wire, |suffix| {
            if suffix.depth <= first.depth {
                return ControlFlow::Continue(());
            }
            if !self.may_hold(suffix) {
                return ControlFlow::Break(());
            }
            let bucket = self.bucket(suffix.hash);
            if let Some(tail) = tails.get_mut(suffix.depth - 1) {
                // A longer suffix may have a longer ending, so only behind those can writing go on.
                *tail = suffix;
                encoder = Encoder::begin(&self.code, wire, &tails, suffix);
            } else {
                encoder.label(wire, suffix.start);
            }
            self.compare(encoder.end(), bucket, suffix.start, &mut found);
            ControlFlow::Continue(())
        });
    }

    /// Where the bucket of a hash lies. Its first octet is read at once: waiting for the memory and writing the name then
    /// take place at the same time.
    #[inline]
    fn bucket(&self, hash: u64) -> (usize, usize) {
        let bucket = self.ends.bucket(bucket_of(hash, self.ends.buckets()));
        std::hint::black_box(self.rules.get(bucket.0).copied());
        bucket
    }

    /// Compares the rules of a bucket with a name, which starts at octet `start` of the name that was asked for.
    #[inline]
    fn compare<'a>(
        &'a self,
        name: Written<'_>,
        (mut at, end): (usize, usize),
        start: usize,
        found: &mut impl FnMut(Found<'a>),
    ) {
        while at < end
            && let Some((len, rule)) = self.rules.get(at..).and_then(split_length)
        {
            if name.begins(rule)
                && let Some(position) = position_of(rule, len, self.position_bits)
                && let Some((member, line)) = self.line(position)
                && member.kind.reaches(start == 0)
            {
                found(Found { start, member, line });
            }
            at = self.rules.len() - rule.len() + len;
        }
    }

    /// The list and the line of a position.
    pub(super) fn line(&self, position: u32) -> Option<(&Member, u32)> {
        let after = self.members.partition_point(|m| m.base <= position);
        let member = self.members.get(after.checked_sub(1)?)?;
        Some((member, position - member.base))
    }

    /// Octets of memory that it takes.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.filter.memory_bytes()
            + self.code.memory_bytes()
            + self.ends.memory_bytes()
            + self.rules.len()
            + size_of_val(&*self.members)
    }
}
