//! Building a rule set in two passes over the lists, without a copy in between.
//!
//! The first pass adds up how many octets each bucket will hold, the second writes every rule to its place. So the
//! peak is the parsed lists and the finished set, and nothing is ever resized.

use std::ops::ControlFlow;

use super::filter::Filter;
use super::hash::SuffixHasher;
use super::ruleset::{ListMeta, Member, RuleSet, bucket_of};
use crate::matching::list::ParsedList;

/// Rules in a bucket, on average. More would save memory (a bucket costs four octets) and cost time on every hit.
pub(super) const RULES_PER_BUCKET: u64 = 3;

/// Octets of a rule beside the name in wire form: its length and its position.
const OVERHEAD: usize = 1 + size_of::<u32>();

/// Why lists do not become a rule set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// The names take more than 4 GiB, or the lists have more than 4,294,967,295 lines.
    #[error("the lists together are too large for one rule set (4 GiB of names, or 4,294,967,295 lines)")]
    TooLarge,
}

/// Collects lists and builds a [`RuleSet`] from them.
#[derive(Debug, Default)]
pub struct RuleSetBuilder {
    lists: Vec<(ListMeta, ParsedList)>,
    tiny: bool,
}

impl RuleSetBuilder {
    /// No list yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a list. The order counts where a name stands in several lists: the first one is named.
    pub fn add_list(&mut self, meta: ListMeta, list: ParsedList) -> &mut Self {
        self.lists.push((meta, list));
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
    pub fn build(self) -> Result<RuleSet, BuildError> {
        let hasher = SuffixHasher::random();
        let (members, len) = self.members()?;
        let shape = self.shape();
        let (keys, buckets) =
            if self.tiny { (0, 1) } else { (shape.keys.min(len.saturating_mul(2)), len.div_ceil(RULES_PER_BUCKET)) };
        let buckets = usize::try_from(buckets.min(u64::from(u32::MAX))).map_err(|_| BuildError::TooLarge)?;

        let mut filter = Filter::for_keys(keys);
        let mut ends = vec![0_u32; buckets].into_boxed_slice();
        for (wire, _) in self.lists.iter().flat_map(|(_, list)| list.entries()) {
            let mut whole = None;
            hasher.suffixes(wire, |suffix| {
                if suffix.depth >= shape.min_depth {
                    filter.insert(suffix.hash);
                }
                whole = Some(suffix.hash);
                ControlFlow::Continue(())
            });
            // Lengths first, in the place where the ends will stand.
            if let Some(size) = whole.and_then(|hash| ends.get_mut(bucket_of(hash, buckets))) {
                *size = u32::try_from(wire.len() + OVERHEAD)
                    .ok()
                    .and_then(|more| size.checked_add(more))
                    .ok_or(BuildError::TooLarge)?;
            }
        }
        // From lengths to starts. Writing a rule moves its bucket's start, so that at the end it is the bucket's end.
        let mut total = 0_u32;
        for slot in &mut ends {
            let size = std::mem::replace(slot, total);
            total = total.checked_add(size).ok_or(BuildError::TooLarge)?;
        }
        let mut table = vec![0_u8; total as usize].into_boxed_slice();
        for (member, (_, list)) in members.iter().zip(&self.lists) {
            for (wire, line) in list.entries() {
                let Some(whole) = hasher.whole(wire) else { continue };
                let Some(slot) = ends.get_mut(bucket_of(whole.hash, buckets)) else { continue };
                let end = *slot as usize + wire.len() + OVERHEAD;
                if let Some([len, rest @ ..]) = table.get_mut(*slot as usize..end)
                    && let Some((name, position)) = rest.split_at_mut_checked(wire.len())
                {
                    *len = wire.len() as u8;
                    name.copy_from_slice(wire);
                    position.copy_from_slice(&(member.base + line).to_le_bytes());
                    *slot = end as u32;
                }
            }
        }
        Ok(RuleSet { hasher, filter, bucket_ends: ends, table, members, min_depth: shape.min_depth, len })
    }

    /// The lists with the positions of their lines, and the number of all rules.
    fn members(&self) -> Result<(Box<[Member]>, u64), BuildError> {
        let (mut base, mut len) = (0_u32, 0_u64);
        let mut members = Vec::with_capacity(self.lists.len());
        for (meta, list) in &self.lists {
            let rules = list.facts().counts.rules;
            members.push(Member { meta: meta.clone(), base, rules });
            // Lines count from 1, so a list takes one position more than it has lines.
            base = base.checked_add(list.facts().lines).and_then(|b| b.checked_add(1)).ok_or(BuildError::TooLarge)?;
            len += rules;
        }
        Ok((members.into_boxed_slice(), len))
    }

    /// What sizes the filter.
    fn shape(&self) -> Shape {
        let (mut min_depth, mut labels, mut names) = (usize::MAX, 0_u64, 0_u64);
        for (wire, _) in self.lists.iter().flat_map(|(_, list)| list.entries()) {
            let depth = label_count(wire);
            min_depth = min_depth.min(depth);
            labels += depth as u64;
            names += 1;
        }
        if names == 0 {
            return Shape { min_depth: 1, keys: 0 };
        }
        // Every suffix from `min_depth` labels up to the whole name is a key.
        Shape { min_depth, keys: labels - names * (min_depth as u64 - 1) }
    }
}

/// What is known of the names before they are placed.
struct Shape {
    min_depth: usize,
    keys: u64,
}

fn label_count(wire: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Some(&len) = wire.get(at) {
        at += 1 + usize::from(len);
        count += 1;
    }
    count
}
