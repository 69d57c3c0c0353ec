//! The two rule sets that are compared, with verdicts for the same places.

use crate::matching::{Place, RuleSet, TooManyPlaces};
use crate::model::{DomainName, Jurisdiction};

use super::Change;

/// The rules in force and those to come.
#[derive(Debug)]
pub struct Pair {
    old: RuleSet,
    new: RuleSet,
}

impl Pair {
    /// For the places of `served`, or for all that either set names if none are given.
    ///
    /// # Errors
    /// [`TooManyPlaces`].
    pub fn new(old: RuleSet, new: RuleSet, served: &[Jurisdiction]) -> Result<Pair, TooManyPlaces> {
        let named = old.places().iter().chain(new.places()).filter_map(|place| place.jurisdiction);
        let places: Vec<Jurisdiction> = if served.is_empty() { named.collect() } else { served.to_vec() };
        Ok(Pair { old: old.serving(&places)?, new: new.serving(&places)? })
    }

    /// The rules in force.
    pub fn old(&self) -> &RuleSet {
        &self.old
    }

    /// The rules to come.
    pub fn new_rules(&self) -> &RuleSet {
        &self.new
    }

    /// The places, which are the same in both.
    pub fn places(&self) -> &[Place] {
        self.new.places()
    }

    /// Whether either set has a rule for the name in any of the places.
    pub fn lists(&self, name: &DomainName) -> bool {
        [&self.new, &self.old].into_iter().any(|set| set.concerned([name]).next().is_some())
    }

    /// How the verdict for the name changes in a place.
    pub fn change(&self, place: Place, name: &DomainName) -> Option<Change> {
        Change::between(self.old.lookup_in(place, name), self.new.lookup_in(place, name))
    }

    /// The longest listed name in either set whose rule covers the name.
    pub(super) fn closest(&self, name: &DomainName) -> Option<DomainName> {
        let last = |set: &RuleSet| set.lookup_all(name).last().map(|rule| rule.pattern());
        let by_length = |name: &DomainName| name.as_wire().len();
        [last(&self.old), last(&self.new)].into_iter().flatten().max_by_key(by_length)
    }
}
