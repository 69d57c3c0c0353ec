//! Which hits go first when the recorder does not keep up: those of the rule that has most of them.
//!
//! A flood of queries for one listed name makes more hits than all others together. If the queue were filled in order of
//! arrival, it would be full of them, and findings of every other name would be lost too. So once half of the queue is
//! taken, a rule may add as many hits as there is an eighth of the room that is left (a dynamic threshold, as in switches
//! that share a buffer among ports): the flood soon reaches that, the others do not. What is shed is counted apart.

use std::hash::BuildHasher;

use crate::model::DomainName;

/// Rules are told apart by a hash. Two that fall together share a threshold, only under pressure and only in one worker.
const SLOTS: usize = 1024;
/// The part of the room left that one rule may take.
const PART: usize = 8;

/// Admits hits to a queue. See the module's description.
pub(super) struct Fair {
    /// Hits admitted by slot since the queue was last less than half full.
    taken: Vec<u32>,
    under_pressure: bool,
    shed: u64,
    hasher: foldhash::fast::RandomState,
}

impl Fair {
    pub(super) fn new() -> Self {
        Fair { taken: vec![0; SLOTS], under_pressure: false, shed: 0, hasher: foldhash::fast::RandomState::default() }
    }

    /// Whether a hit of the rule with this pattern may go into a queue where so many wait and so many fit.
    #[inline]
    pub(super) fn admits(&mut self, pattern: &DomainName, waiting: usize, capacity: usize) -> bool {
        if waiting < capacity / 2 {
            if self.under_pressure {
                self.under_pressure = false;
                self.taken.fill(0);
            }
            return true;
        }
        self.under_pressure = true;
        let taken = &mut self.taken[self.hasher.hash_one(pattern) as usize % SLOTS];
        let admitted = *taken as usize <= capacity.saturating_sub(waiting) / PART;
        if admitted {
            *taken = taken.saturating_add(1);
        } else {
            self.shed += 1;
        }
        admitted
    }

    /// Hits that were not admitted.
    pub(super) fn shed(&self) -> u64 {
        self.shed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(n: usize) -> DomainName {
        DomainName::from_text(format!("rule{n}.example").as_bytes()).expect("a name")
    }

    #[test]
    fn a_queue_that_is_less_than_half_full_takes_everything() {
        let mut fair = Fair::new();
        assert!((0..10_000).all(|_| fair.admits(&pattern(1), 499, 1_000)));
        assert_eq!(fair.shed(), 0);
    }

    #[test]
    fn a_flood_of_one_rule_leaves_room_for_the_others() {
        let (mut fair, mut waiting) = (Fair::new(), 0);
        for _ in 0..100_000 {
            waiting += usize::from(fair.admits(&pattern(0), waiting, 4_096));
        }
        // Half of the queue, and an eighth of what is left of it.
        assert!((2_048..2_310).contains(&waiting), "{waiting}");
        assert_eq!(fair.shed(), 100_000 - waiting as u64);
        // A handful of the others may share the flood's slot, or each other's.
        let others = (1..=300).filter(|n| {
            let admitted = fair.admits(&pattern(*n), waiting, 4_096);
            waiting += usize::from(admitted);
            admitted
        });
        assert!(others.count() >= 290);
    }

    #[test]
    fn when_the_recorder_catches_up_everything_is_as_before() {
        let mut fair = Fair::new();
        while fair.admits(&pattern(0), 900, 1_000) {}
        assert!(fair.admits(&pattern(0), 100, 1_000));
        assert!(fair.admits(&pattern(0), 900, 1_000), "its account was cleared");
    }
}
