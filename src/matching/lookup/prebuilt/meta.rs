//! The description in a prebuilt file: where its lists came from, and the numbers that its tables need.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::ruleset::ListMeta;
use super::super::table::{Member, Table};
use crate::matching::list::{Found, ListCounts, ListFacts};
use crate::model::{Action, DomainName};

/// The most lists in a file: far more than the daemon takes, few enough to keep.
const MAX_LISTS: usize = 4_096;

/// The description.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct Meta {
    /// The program that built it, for people.
    pub(super) program: String,
    /// When, in RFC 3339, for people.
    pub(super) built: String,
    pub(super) seeds: [u64; 2],
    /// What the hash gave for [`super::super::hash::SuffixHasher::sample`].
    pub(super) hash_sample: u64,
    pub(super) position_bits: u32,
    pub(super) min_depth: usize,
    pub(super) max_depth: usize,
    pub(super) rules: u64,
    pub(super) buckets: usize,
    pub(super) grouped_ends: bool,
    pub(super) lists: Vec<List>,
}

/// A list.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct List {
    name: String,
    action: String,
    format: String,
    bytes: u64,
    lines: u32,
    sha256: String,
    rules: u64,
    duplicates: u64,
    removed: u64,
    ignored: u64,
    rejected: u64,
}

impl Meta {
    pub(super) fn of(table: &Table) -> Meta {
        let (_, grouped_ends) = table.ends.to_octets();
        Meta {
            program: concat!("stakeout ", env!("CARGO_PKG_VERSION")).into(),
            built: jiff::Timestamp::now().strftime("%FT%TZ").to_string(),
            seeds: table.hasher.seeds(),
            hash_sample: table.hasher.sample(),
            position_bits: table.position_bits,
            min_depth: table.min_depth,
            max_depth: table.max_depth,
            rules: table.len,
            buckets: table.ends.buckets(),
            grouped_ends,
            lists: table.members.iter().map(List::of).collect(),
        }
    }

    /// The lists, if the numbers can be true.
    ///
    /// # Errors
    /// What cannot be true.
    pub(super) fn members(&self) -> Result<Box<[Member]>, &'static str> {
        if self.lists.len() > MAX_LISTS {
            return Err("it has too many lists");
        }
        if !(1..=32).contains(&self.position_bits) {
            return Err("its positions have no possible size");
        }
        if !(1..=DomainName::MAX).contains(&self.min_depth) || self.max_depth > DomainName::MAX {
            return Err("its names have no possible depth");
        }
        let (mut base, mut rules, mut members) = (0_u32, 0_u64, Vec::with_capacity(self.lists.len()));
        for (order, list) in self.lists.iter().enumerate() {
            let member = list.member(base, order as u32).ok_or("a list in its description cannot be true")?;
            let next = base.checked_add(list.lines).and_then(|base| base.checked_add(1));
            base = next.ok_or("its lists have too many lines")?;
            rules = rules.checked_add(list.rules).ok_or("its lists have too many rules")?;
            members.push(member);
        }
        if rules != self.rules {
            return Err("its lists have another number of rules than it has itself");
        }
        Ok(members.into())
    }
}

impl List {
    fn of(member: &Member) -> List {
        let ListFacts { format, bytes, lines, sha256, counts, rejections: _ } = &member.facts;
        let ListCounts { rules, duplicates, removed, ignored, rejected } = *counts;
        List {
            name: member.meta.name.to_string(),
            action: member.meta.action.name().into(),
            format: format.name().into(),
            bytes: *bytes,
            lines: *lines,
            sha256: sha256.iter().map(|octet| format!("{octet:02x}")).collect(),
            rules,
            duplicates,
            removed,
            ignored,
            rejected,
        }
    }

    fn member(&self, base: u32, order: u32) -> Option<Member> {
        let action = [Action::Block, Action::Allow].into_iter().find(|action| action.name() == self.action)?;
        let format = [Found::Plain, Found::Hosts, Found::Mixed, Found::PolishRegister]
            .into_iter()
            .find(|format| format.name() == self.format)?;
        // A name is shown to people, and labels a metric.
        if self.name.is_empty() || self.name.len() > 1_024 || self.name.contains(char::is_control) {
            return None;
        }
        let List { bytes, lines, rules, duplicates, removed, ignored, rejected, .. } = *self;
        let counts = ListCounts { rules, duplicates, removed, ignored, rejected };
        let sha256 = digest(self.sha256.as_bytes())?;
        let facts = ListFacts { format, bytes, lines, sha256, counts, rejections: Vec::new() };
        Some(Member { meta: ListMeta { name: Arc::from(self.name.as_str()), action }, facts, base, order })
    }
}

/// 64 hexadecimal digits.
fn digest(text: &[u8]) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_chunks::<2>();
    let mut digest = [0; 32];
    if !rest.is_empty() || pairs.len() != digest.len() {
        return None;
    }
    for (octet, [high, low]) in digest.iter_mut().zip(pairs) {
        let value = |digit: &u8| char::from(*digit).to_digit(16);
        *octet = (value(high)? << 4 | value(low)?) as u8;
    }
    Some(digest)
}
