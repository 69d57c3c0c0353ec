//! The names that were seen: those that either rule set lists with their counts, all others as one number.
//!
//! Memory is bounded by the number of names that are kept, since anybody can ask for any number of names below a listed
//! one. What comes beyond the bound is still compared and counted by change; only its names are not told.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::matching::Kind;
use crate::model::{Addr, Detail, DomainName, Observation, ObservationSink};
use crate::record::{Networks, name_tells_address};

use super::{Change, Pair};

/// What was seen, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct SeenTotals {
    /// How often any name was seen: DNS queries, TLS and QUIC hellos, HTTP requests; or queries in a log.
    pub visits: u64,
    /// Of these, to names that neither set lists, and to reverse names of addresses.
    pub unlisted: u64,
    /// DNS answers for an unlisted name that lead by CNAME to a listed one.
    pub answers: u64,
    /// Of visits and answers, those to listed names that were not kept because there were too many of them.
    pub not_kept: u64,
}

/// How often one listed name was seen.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Count {
    pub(super) visits: u64,
    pub(super) answers: u64,
    /// The name spells an address, perhaps of a subscriber: it must not be told.
    pub(super) withheld: bool,
}

/// Rules of one list that cover a name that was seen.
type Hit = HashSet<(Kind, Box<[u8]>)>;

/// Takes names, and counts them for a [`super::Report`].
#[derive(Debug)]
pub struct Seen<'p> {
    pub(super) pair: &'p Pair,
    max_names: usize,
    networks: Networks,
    pub(super) totals: SeenTotals,
    pub(super) names: HashMap<DomainName, Count>,
    /// By place and change, for names that were not kept.
    pub(super) beyond: HashMap<(usize, Change), (u64, u64)>,
    /// By list of the new set.
    pub(super) hit: HashMap<Arc<str>, Hit>,
}

impl<'p> Seen<'p> {
    /// The most listed names that are kept unless told otherwise; some 30 MB.
    pub const MAX_NAMES: usize = 100_000;

    /// Nothing seen yet.
    pub fn new(pair: &'p Pair, max_names: usize) -> Self {
        Seen {
            pair,
            max_names,
            networks: Networks::unknown(),
            totals: SeenTotals::default(),
            names: HashMap::new(),
            beyond: HashMap::new(),
            hit: HashMap::new(),
        }
    }

    /// What was seen so far.
    pub fn totals(&self) -> SeenTotals {
        self.totals
    }

    /// A name was visited `times`. The client is who asked, if that is known: a name that spells its address is
    /// withheld.
    pub fn visit(&mut self, name: &DomainName, client: Option<Addr>, times: u64) {
        self.totals.visits = self.totals.visits.saturating_add(times);
        if !self.concerns(name) {
            self.totals.unlisted = self.totals.unlisted.saturating_add(times);
            return;
        }
        self.listed(name, client, (times, 0));
    }

    /// An answer led by CNAME from `name` to `targets`. It counts for the first of them that is listed, unless the name
    /// itself is, since then its visit counted.
    fn answer(&mut self, name: &DomainName, targets: &[DomainName], client: Addr) {
        let Some(target) = targets.iter().find(|target| self.concerns(target)) else { return };
        if self.concerns(name) {
            return;
        }
        self.totals.answers += 1;
        self.listed(target, Some(client), (0, 1));
    }

    /// Whether a name can be told. Reverse names of addresses never make a finding, whatever the lists say. (A label that
    /// only looks like the end of one is no name of a site either.)
    fn concerns(&self, name: &DomainName) -> bool {
        let reverse: [&[u8]; 2] = [b"\x07in-addr\x04arpa", b"\x03ip6\x04arpa"];
        !reverse.iter().any(|zone| name.as_wire().ends_with(zone)) && self.pair.lists(name)
    }

    fn listed(&mut self, name: &DomainName, client: Option<Addr>, (visits, answers): (u64, u64)) {
        // Some address must be asked about; the unspecified one is nobody's.
        let withheld = name_tells_address(name, &client.unwrap_or(Addr::v4([0; 4])), &self.networks);
        let full = self.names.len() >= self.max_names;
        match self.names.entry(*name) {
            Entry::Occupied(mut kept) => kept.get_mut().add(visits, answers, withheld),
            Entry::Vacant(free) if !full => {
                free.insert(Count { visits, answers, withheld });
                self.note_rules(name);
            }
            Entry::Vacant(_) => {
                self.totals.not_kept = self.totals.not_kept.saturating_add(visits).saturating_add(answers);
                self.note_rules(name);
                for (index, place) in self.pair.places().iter().enumerate() {
                    let Some(change) = self.pair.change(*place, name) else { continue };
                    let sum = self.beyond.entry((index, change)).or_default();
                    *sum = (sum.0.saturating_add(visits), sum.1.saturating_add(answers));
                }
            }
        }
    }

    /// Notes the rules of the new set that cover a name. They are at most as many as there are rules.
    fn note_rules(&mut self, name: &DomainName) {
        let places = self.pair.places();
        for rule in self.pair.new_rules().lookup_all(name) {
            if places.iter().any(|place| rule.holds_in(*place)) {
                let hit = self.hit.entry(Arc::clone(rule.list())).or_default();
                hit.insert((rule.kind(), rule.pattern().as_wire().into()));
            }
        }
    }

    /// Whether a rule of a list of the new set covers a name that was seen.
    pub fn is_hit(&self, list: &str, kind: Kind, pattern: &[u8]) -> bool {
        self.hit.get(list).is_some_and(|hit| hit.contains(&(kind, Box::from(pattern))))
    }
}

impl Count {
    pub(super) fn add(&mut self, visits: u64, answers: u64, withheld: bool) {
        self.visits = self.visits.saturating_add(visits);
        self.answers = self.answers.saturating_add(answers);
        self.withheld |= withheld;
    }
}

impl ObservationSink for Seen<'_> {
    const HELLO_DETAILS: bool = false;

    fn observe(&mut self, o: &Observation<'_>) {
        if o.kind.is_visit() {
            self.visit(o.name, Some(o.client.addr), 1);
        } else if let Detail::Dns { cname: targets @ [_, ..], .. } = o.detail {
            self.answer(o.name, targets, o.client.addr);
        }
    }
}
