//! The rule set itself: the table of listed names, and the lookup in it.
//!
//! # The table
//! All rules lie in one run of octets, grouped by bucket: `bucket_ends` tells where each bucket's rules stop, and a
//! bucket holds [`super::build::RULES_PER_BUCKET`] rules on average, so a look into it touches one or two cache lines.
//! A rule is `length, name in wire form, position` with the position in four octets, little endian. Positions number
//! the lines of all lists one after the other, so that list and line both follow from one integer. About 28 octets a
//! rule at the usual name length, all in.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::filter::Filter;
use super::hash::SuffixHasher;
use crate::model::{Action, DomainName, MatchedRule};

/// A list as the rule set knows it.
#[derive(Clone, Debug)]
pub struct ListMeta {
    /// The operator's name for it, or the file's name.
    pub name: Arc<str>,
    /// What all its rules say.
    pub action: Action,
}

/// A list inside a set.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) meta: ListMeta,
    /// Position of its line 0: the lines of the lists before it, added up.
    pub(super) base: u32,
    pub(super) rules: u64,
}

/// What the rules say about a name.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'a> {
    /// No rule covers the name.
    NoMatch,
    /// The most specific block that covers the name; no allow does.
    Block(RuleRef<'a>),
    /// The most specific allow that covers the name, whatever the blocks say.
    Allow(RuleRef<'a>),
}

/// A rule inside a [`RuleSet`].
#[derive(Clone, Copy)]
pub struct RuleRef<'a> {
    wire: &'a [u8],
    member: &'a Member,
    line: u32,
}

/// Listed names, built once by [`super::RuleSetBuilder`] and never changed: any number of threads look names up in
/// it without a lock.
#[derive(Debug)]
pub struct RuleSet {
    pub(super) hasher: SuffixHasher,
    pub(super) filter: Filter,
    /// Where each bucket ends in `table`; it starts where the one before it ends.
    pub(super) bucket_ends: Box<[u32]>,
    pub(super) table: Box<[u8]>,
    pub(super) members: Box<[Member]>,
    /// Labels of the shortest listed name: suffixes with fewer are not looked up.
    pub(super) min_depth: usize,
    pub(super) len: u64,
}

/// The bucket of a hash among `buckets`. Multiplied first, because the filter uses the plain bits.
#[inline]
pub(super) fn bucket_of(hash: u64, buckets: usize) -> usize {
    (((hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) * buckets as u64) >> 32) as usize
}

impl RuleSet {
    /// A set without rules: nothing matches.
    pub fn empty() -> Self {
        RuleSet {
            hasher: SuffixHasher::random(),
            filter: Filter::for_keys(0),
            bucket_ends: Box::default(),
            table: Box::default(),
            members: Box::default(),
            min_depth: 1,
            len: 0,
        }
    }

    /// What the rules say about `name`. Allocates nothing and takes no lock; the cost is bounded by the depth of the
    /// deepest rule, not by the name.
    #[inline]
    pub fn lookup(&self, name: &DomainName) -> Verdict<'_> {
        let (mut block, mut allow): (Option<RuleRef<'_>>, Option<RuleRef<'_>>) = (None, None);
        self.visit(name.as_wire(), |rule| {
            let best = match rule.action() {
                Action::Block => &mut block,
                Action::Allow => &mut allow,
            };
            // Longer names come later; of equal ones the first list's is kept.
            if best.is_none_or(|b| b.wire.len() < rule.wire.len()) {
                *best = Some(rule);
            }
        });
        match (allow, block) {
            (Some(rule), _) => Verdict::Allow(rule),
            (None, Some(rule)) => Verdict::Block(rule),
            (None, None) => Verdict::NoMatch,
        }
    }

    /// Every rule that covers `name`, shortest name first, equal names in the order of the lists. For explanations:
    /// it allocates.
    pub fn lookup_all(&self, name: &DomainName) -> Vec<RuleRef<'_>> {
        let mut rules = Vec::new();
        self.visit(name.as_wire(), |rule| rules.push(rule));
        rules
    }

    /// Calls `found` with every rule that covers the name.
    #[inline]
    fn visit<'a>(&'a self, wire: &[u8], mut found: impl FnMut(RuleRef<'a>)) {
        self.hasher.suffixes(wire, |suffix| {
            if suffix.depth < self.min_depth {
                return ControlFlow::Continue(());
            }
            // The filter holds every listed name and every suffix of one, so a gap ends the search.
            if !self.filter.may_contain(suffix.hash) {
                return ControlFlow::Break(());
            }
            if let Some(suffix_wire) = wire.get(suffix.start..) {
                self.scan_bucket(suffix.hash, suffix_wire, &mut found);
            }
            ControlFlow::Continue(())
        });
    }

    /// Compares the rules of one bucket with a suffix.
    #[inline]
    fn scan_bucket<'a>(&'a self, hash: u64, suffix: &[u8], found: &mut impl FnMut(RuleRef<'a>)) {
        for (wire, position) in self.bucket(bucket_of(hash, self.bucket_ends.len())) {
            if wire == suffix
                && let Some(rule) = self.rule(wire, position)
            {
                found(rule);
            }
        }
    }

    /// The rules of a bucket, as names in wire form and positions, in the order of the lists.
    #[inline]
    fn bucket(&self, index: usize) -> impl Iterator<Item = (&[u8], u32)> {
        let ends = &self.bucket_ends;
        let start = index.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
        let end = ends.get(index).map_or(start, |end| *end as usize);
        let mut rest = self.table.get(start..end).unwrap_or_default();
        std::iter::from_fn(move || {
            let (&len, after) = rest.split_first()?;
            let (wire, after) = after.split_at_checked(usize::from(len))?;
            let (position, after) = after.split_first_chunk::<4>()?;
            rest = after;
            Some((wire, u32::from_le_bytes(*position)))
        })
    }

    #[inline]
    fn rule<'a>(&'a self, wire: &'a [u8], position: u32) -> Option<RuleRef<'a>> {
        let after = self.members.partition_point(|m| m.base <= position);
        let member = self.members.get(after.checked_sub(1)?)?;
        Some(RuleRef { wire, member, line: position - member.base })
    }

    /// How many rules it holds. A name that stands in two lists is two rules.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it holds no rule.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Octets of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.filter.memory_bytes()
            + size_of_val(&*self.bucket_ends)
            + self.table.len()
            + size_of_val(&*self.members)
    }

    /// The lists it was built from, in order, with the number of rules of each.
    pub fn lists(&self) -> impl Iterator<Item = (&ListMeta, u64)> {
        self.members.iter().map(|m| (&m.meta, m.rules))
    }
}

impl<'a> Verdict<'a> {
    /// The rule that decided, if one did.
    pub fn rule(self) -> Option<RuleRef<'a>> {
        match self {
            Verdict::NoMatch => None,
            Verdict::Block(rule) | Verdict::Allow(rule) => Some(rule),
        }
    }
}

impl<'a> RuleRef<'a> {
    /// The listed name.
    pub fn pattern(&self) -> DomainName {
        let mut name = DomainName::root();
        let mut rest = self.wire;
        while let Some((&len, after)) = rest.split_first() {
            let Some((label, tail)) = after.split_at_checked(usize::from(len)) else { break };
            // It came from a `DomainName`, so it fits into one.
            if name.push_label(label).is_err() {
                break;
            }
            rest = tail;
        }
        name
    }

    /// What the rule says.
    pub fn action(&self) -> Action {
        self.member.meta.action
    }

    /// The list it stands in.
    pub fn list(&self) -> &'a Arc<str> {
        &self.member.meta.name
    }

    /// The line of the list's file, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// A copy that outlives the rule set.
    pub fn to_matched(&self) -> MatchedRule {
        MatchedRule { pattern: self.pattern(), action: self.action(), list: Arc::clone(self.list()), line: self.line() }
    }
}

impl std::fmt::Debug for RuleRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({}:{})", self.action().name(), self.pattern(), self.list(), self.line())
    }
}
