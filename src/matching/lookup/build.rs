//! Building a rule set in two passes over the lists, without a copy in between.
//!
//! The first pass adds up how many octets each bucket will hold, the second writes every rule to its place. So the
//! peak is the parsed lists, the finished set and one octet a rule, and nothing is ever resized. Before that, a sample
//! of the names tells how they are best written.

use std::ops::ControlFlow;

use super::code::{Code, NoCode, TAIL_LABELS};
use super::encoder::{Encoder, Tails};
use super::ends::Ends;
use super::filter::Filter;
use super::hash::{Suffix, SuffixHasher};
use super::learn::{SAMPLE, learn};
use super::ruleset::{ListMeta, RuleSet};
use super::table::{LONG, Member, SLACK, Table, bucket_of};
use crate::matching::list::{Kind, ParsedList};

/// Rules in a bucket, on average. More would save memory (a bucket costs two octets) and cost time on every hit.
pub(super) const RULES_PER_BUCKET: u64 = 4;

/// Why lists do not become a rule set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// The names take more than 4 GiB, or the lists have more than 4,294,967,295 lines.
    #[error("the lists together are too large for one rule set (4 GiB of names, or 4,294,967,295 lines)")]
    TooLarge,
    /// No code could be made for the names.
    #[error("the names cannot be coded, which is a mistake of this program: please report it")]
    NoCode,
}

/// Collects lists and builds a [`RuleSet`] from them.
#[derive(Debug, Default)]
pub struct RuleSetBuilder {
    lists: Vec<(ListMeta, ParsedList, u32)>,
    prebuilt: Vec<Table>,
    /// Lists so far, those in prebuilt sets too.
    count: u32,
    tiny: bool,
}

impl RuleSetBuilder {
    /// No list yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a list. The order counts where a name stands in several lists: the first one is named.
    pub fn add_list(&mut self, meta: ListMeta, list: ParsedList) -> &mut Self {
        self.lists.push((meta, list, self.count));
        self.count += 1;
        self
    }

    /// Adds the lists of a set that was built before; they come behind those that were added so far. A look-up asks
    /// each prebuilt set by itself, so one with all lists is faster than several.
    pub fn add_prebuilt(&mut self, set: RuleSet) -> &mut Self {
        for mut table in set.into_tables() {
            let lists = table.members.last().map_or(0, |last| last.order + 1);
            for member in &mut table.members {
                member.order += self.count;
            }
            self.count += lists;
            self.prebuilt.push(table);
        }
        self
    }

    /// One bucket and a filter of one word, so that every name collides with every other.
    #[cfg(test)]
    pub(super) fn collide_everything(&mut self) -> &mut Self {
        self.tiny = true;
        self
    }

    /// Builds the set.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`].
    pub fn build(mut self) -> Result<RuleSet, BuildError> {
        let mut tables = std::mem::take(&mut self.prebuilt);
        if !self.lists.is_empty() || tables.is_empty() {
            tables.push(self.table()?);
        }
        Ok(RuleSet::from_tables(tables))
    }

    fn table(self) -> Result<Table, BuildError> {
        let hasher = SuffixHasher::random();
        let (members, positions, len) = self.members()?;
        let position_bits = (u32::BITS - positions.leading_zeros()).max(1);
        let shape = self.shape();
        let buckets = if self.tiny { 1 } else { len.div_ceil(RULES_PER_BUCKET) };
        let buckets = usize::try_from(buckets.min(u64::from(u32::MAX))).map_err(|_| BuildError::TooLarge)?;
        let code = self.code(&hasher, len)?;

        let filter = self.filter(&hasher, &shape);
        let mut ends = vec![0_u32; buckets];
        for (wire, ..) in self.lists.iter().flat_map(|(_, list, _)| list.entries()) {
            let Some((hash, mut encoder)) = write(&hasher, &code, wire) else { continue };
            let size = encoder.end().octets(position_bits);
            // Lengths first, in the place where the ends will stand.
            if let Some(sum) = ends.get_mut(bucket_of(hash, buckets)) {
                *sum = u32::try_from(size + length_octets(size))
                    .ok()
                    .and_then(|more| sum.checked_add(more))
                    .ok_or(BuildError::TooLarge)?;
            }
        }
        // From lengths to starts. Writing a rule moves its bucket's start, so that at the end it is the bucket's end.
        let mut total = 0_u32;
        for slot in &mut ends {
            let size = std::mem::replace(slot, total);
            total = total.checked_add(size).ok_or(BuildError::TooLarge)?;
        }
        let mut rules = vec![0_u8; total as usize + SLACK].into_boxed_slice();
        for (_, list, order) in &self.lists {
            let bases = Bases::of(&members, *order);
            for (wire, line, kind) in list.entries() {
                let Some((hash, mut encoder)) = write(&hasher, &code, wire) else { continue };
                let Some(slot) = ends.get_mut(bucket_of(hash, buckets)) else { continue };
                let name = encoder.end();
                let size = name.octets(position_bits);
                let end = *slot as usize + length_octets(size) + size;
                if let Some(room) = rules.get_mut(*slot as usize..end) {
                    let (length, room) = room.split_at_mut(length_octets(size));
                    match length {
                        [low] => *low = size as u8,
                        [high, low] => (*high, *low) = (LONG | (size >> 8) as u8, size as u8),
                        _ => {}
                    }
                    name.store(bases.of_kind(kind) + line, position_bits, room);
                    *slot = end as u32;
                }
            }
        }
        Ok(Table {
            hasher,
            filter,
            code,
            ends: Ends::new(&ends),
            rules,
            position_bits,
            members,
            min_depth: shape.min_depth,
            max_depth: shape.max_depth,
            len,
            prebuilt: false,
        })
    }

    /// The lists by kinds of entries with the positions of their lines, the number of positions, and the number of all
    /// rules.
    fn members(&self) -> Result<(Box<[Member]>, u32, u64), BuildError> {
        let (mut base, mut len) = (0_u32, 0_u64);
        let mut members = Vec::with_capacity(self.lists.len());
        for (meta, list, order) in &self.lists {
            let facts = list.facts_without_rejections();
            len += facts.counts.rules;
            for (kind, rules) in facts.counts.kinds.iter() {
                // Lines count from 1, so a member takes one position more than its list has lines.
                let next = base.checked_add(facts.lines).and_then(|b| b.checked_add(1)).ok_or(BuildError::TooLarge)?;
                members.push(Member { meta: meta.clone(), facts: facts.clone(), kind, rules, base, order: *order });
                base = next;
            }
        }
        Ok((members.into_boxed_slice(), base, len))
    }

    /// A code learnt from a sample of the names, taken evenly.
    fn code(&self, hasher: &SuffixHasher, len: u64) -> Result<Code, BuildError> {
        let step = len.div_ceil(SAMPLE).max(1);
        let names = self.lists.iter().flat_map(|(_, list, _)| list.entries()).map(|(wire, ..)| wire);
        let sample: Vec<&[u8]> = names.step_by(usize::try_from(step).unwrap_or(usize::MAX)).collect();
        Code::new(learn(sample.iter().copied(), step), hasher).map_err(|NoCode| BuildError::NoCode)
    }

    /// The filter with every suffix of at least `min_depth` labels of every name.
    fn filter(&self, hasher: &SuffixHasher, shape: &Shape) -> Filter {
        let fill = |keys| {
            let (mut filter, mut added) = (Filter::for_keys(keys), 0_u64);
            for (wire, ..) in self.lists.iter().flat_map(|(_, list, _)| list.entries()) {
                hasher.suffixes(wire, |suffix| {
                    if suffix.depth >= shape.min_depth {
                        added += u64::from(filter.insert(suffix.hash));
                    }
                    ControlFlow::Continue(())
                });
            }
            (filter, added)
        };
        if self.tiny {
            return fill(0).0;
        }
        // Names that share their parents have fewer suffixes than labels. A filter that is large enough for all of them
        // tells how many differ, up to those few that it takes for known.
        let (filter, differ) = fill(shape.keys);
        if differ < shape.keys / 8 * 7 { fill(differ + differ / 32).0 } else { filter }
    }

    /// What sizes the filter and bounds the search.
    fn shape(&self) -> Shape {
        let (mut min_depth, mut max_depth, mut labels, mut names) = (usize::MAX, 0, 0_u64, 0_u64);
        for (wire, ..) in self.lists.iter().flat_map(|(_, list, _)| list.entries()) {
            let depth = label_count(wire);
            min_depth = min_depth.min(depth);
            max_depth = max_depth.max(depth);
            labels += depth as u64;
            names += 1;
        }
        if names == 0 {
            return Shape { min_depth: 1, max_depth: 0, keys: 0 };
        }
        // Every suffix from `min_depth` labels up to the whole name is a key.
        Shape { min_depth, max_depth, keys: labels - names * (min_depth as u64 - 1) }
    }
}

/// Where the positions of a list's entries start, by kind.
struct Bases([u32; 8]);

impl Bases {
    fn of(members: &[Member], order: u32) -> Bases {
        let mut bases = [0; 8];
        for member in members.iter().filter(|member| member.order == order) {
            if let Some(base) = bases.get_mut(member.kind as usize) {
                *base = member.base;
            }
        }
        Bases(bases)
    }

    fn of_kind(&self, kind: Kind) -> u32 {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }
}

/// What is known of the names before they are placed.
struct Shape {
    min_depth: usize,
    max_depth: usize,
    keys: u64,
}

/// Writes a whole name; none for the root.
fn write<'c>(hasher: &SuffixHasher, code: &'c Code, wire: &[u8]) -> Option<(u64, Encoder<'c>)> {
    let (mut tails, mut whole): (Tails, _) = ([Suffix::default(); TAIL_LABELS], None);
    hasher.suffixes(wire, |suffix| {
        if let Some(tail) = tails.get_mut(suffix.depth - 1) {
            *tail = suffix;
        }
        whole = Some(suffix);
        ControlFlow::Continue(())
    });
    let whole = whole?;
    Some((whole.hash, Encoder::begin(code, wire, &tails, whole)))
}

/// Octets of the length of a rule of so many octets.
fn length_octets(size: usize) -> usize {
    if size < usize::from(LONG) { 1 } else { 2 }
}

fn label_count(wire: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Some(&len) = wire.get(at) {
        at += 1 + usize::from(len);
        count += 1;
    }
    count
}
