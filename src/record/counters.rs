//! What the record layer counts: findings by list and protocol, and every hit that made none, with its reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Proto;

/// Why a hit made no finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Suppressed {
    /// The provider's own resolver asked, on behalf of a subscriber whose own question is counted.
    Resolver,
    /// The one who asked is outside the provider's networks.
    Outside,
    /// The name is the reverse form of an address (`in-addr.arpa`, `ip6.arpa`).
    ReverseName,
    /// The rule allows the name.
    Allowed,
}

impl Suppressed {
    /// Every reason.
    pub const ALL: [Suppressed; 4] =
        [Suppressed::Resolver, Suppressed::Outside, Suppressed::ReverseName, Suppressed::Allowed];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Suppressed::Resolver => "resolver",
            Suppressed::Outside => "outside",
            Suppressed::ReverseName => "reverse-name",
            Suppressed::Allowed => "allowed",
        }
    }
}

/// The record layer's counts since the start.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct RecordCounters {
    /// Hits taken, whatever became of them.
    pub hits: u64,
    /// Hits that made no finding, in the order of [`Suppressed::ALL`].
    pub suppressed: [u64; Suppressed::ALL.len()],
    /// Findings opened, by the list of their rule and protocol.
    pub findings: BTreeMap<(Arc<str>, Proto), u64>,
    /// Events told: opened, updated, closed.
    pub events: [u64; 3],
    /// Findings closed: at the end of their window, at shutdown, early for want of room.
    pub closed: [u64; 3],
    /// Findings whose name spelt a subscriber's address and was replaced by the rule's.
    pub names_withheld: u64,
    /// Hits gathered under the listed name itself, because very many names below it have findings open.
    pub names_summarised: u64,
    /// Hits that should have had a pseudonym but got none because the operating system gave no random bytes.
    pub pseudonyms_missing: u64,
    /// Findings open now.
    pub open: u64,
}

impl RecordCounters {
    /// Lists that are counted by name; what further lists find is counted under `other`. An operator has a handful,
    /// but reloads under ever new names must not grow the table for ever.
    const MAX_LISTS: usize = 256;

    /// Hits that made no finding for `reason`.
    pub fn suppressed(&self, reason: Suppressed) -> u64 {
        self.suppressed[reason as usize]
    }

    pub(super) fn suppress(&mut self, reason: Suppressed) {
        self.suppressed[reason as usize] += 1;
    }

    pub(super) fn opened(&mut self, list: &Arc<str>, proto: Proto) {
        let key = (Arc::clone(list), proto);
        let full = self.findings.len() >= Self::MAX_LISTS * Proto::ALL.len();
        let key = if full && !self.findings.contains_key(&key) { (Arc::from("other"), proto) } else { key };
        *self.findings.entry(key).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_stand_in_the_order_of_their_counts() {
        for (n, reason) in Suppressed::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, n);
        }
    }

    #[test]
    fn the_table_of_lists_is_bounded_and_counts_all() {
        let mut counters = RecordCounters::default();
        for n in 0..5_000 {
            counters.opened(&Arc::from(format!("list-{n}")), Proto::Dns);
        }
        assert!(counters.findings.len() <= RecordCounters::MAX_LISTS * 4 + 4);
        assert_eq!(counters.findings.values().sum::<u64>(), 5_000);
    }
}
