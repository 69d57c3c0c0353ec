//! The description in a prebuilt file: where its lists came from, and the numbers that its tables need.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::ruleset::ListMeta;
use super::super::table::{Member, Table};
use crate::matching::list::{Found, Kind, KindCounts, ListCounts, ListFacts};
use crate::model::{Action, DomainName, ListOrigin, Provenance};

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
    /// Entries of each kind that occurs, in the order in which they have their positions.
    kinds: Vec<(String, u64)>,
    duplicates: u64,
    joined: u64,
    removed: u64,
    ignored: u64,
    rejected: u64,
    /// On whose order; none for a list of which that was not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance>,
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
            lists: table
                .members
                .chunk_by(|a, b| a.order == b.order)
                .filter_map(|list| list.first())
                .map(List::of)
                .collect(),
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
            let (meta, facts) = list.described().ok_or("a list in its description cannot be true")?;
            for (kind, count) in facts.counts.kinds.iter() {
                let (meta, facts) = (meta.clone(), facts.clone());
                members.push(Member { meta, facts, kind, rules: count, base, order: order as u32, places: 0 });
                let next = base.checked_add(list.lines).and_then(|base| base.checked_add(1));
                base = next.ok_or("its lists have too many lines")?;
            }
            rules = rules.checked_add(list.rules).ok_or("its lists have too many rules")?;
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
        let ListCounts { rules, kinds, duplicates, joined, removed, ignored, rejected } = *counts;
        List {
            name: member.meta.name().to_string(),
            action: member.meta.action.name().into(),
            format: format.name().into(),
            bytes: *bytes,
            lines: *lines,
            sha256: sha256.iter().map(|octet| format!("{octet:02x}")).collect(),
            rules,
            kinds: kinds.iter().map(|(kind, count)| (kind.name().into(), count)).collect(),
            duplicates,
            joined,
            removed,
            ignored,
            rejected,
            provenance: member.meta.origin.provenance.as_deref().cloned(),
        }
    }

    fn described(&self) -> Option<(ListMeta, ListFacts)> {
        let action = Action::ALL.into_iter().find(|action| action.name() == self.action)?;
        let format = Found::ALL.into_iter().find(|format| format.name() == self.format)?;
        // A name is shown to people, and labels a metric.
        if self.name.is_empty() || self.name.len() > 1_024 || self.name.contains(char::is_control) {
            return None;
        }
        let mut kinds = KindCounts::default();
        for (name, count) in &self.kinds {
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
            // A kind twice could not be told from one.
            if *count == 0 || kinds.of(kind) != 0 {
                return None;
            }
            kinds.add(kind, *count);
        }
        let List { bytes, lines, rules, duplicates, joined, removed, ignored, rejected, .. } = *self;
        // Positions follow the order of the kinds, so a file may not have another one.
        let in_order = kinds.iter().map(|(kind, _)| kind.name()).eq(self.kinds.iter().map(|(name, _)| name.as_str()));
        if !in_order || kinds.total() != rules {
            return None;
        }
        let counts = ListCounts { rules, kinds, duplicates, joined, removed, ignored, rejected };
        let sha256 = digest(self.sha256.as_bytes())?;
        let facts = ListFacts { format, bytes, lines, sha256, counts, rejections: Vec::new() };
        let origin = Arc::new(ListOrigin {
            name: Arc::from(self.name.as_str()),
            provenance: self.provenance.clone().map(Arc::new),
        });
        Some((ListMeta { origin, action }, facts))
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
