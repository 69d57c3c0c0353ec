//! The report: what changes for the names that were seen, biggest effect first, in totals, names and warnings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use serde::Serialize;

use super::seen::Count;
use super::{Change, Seen, SeenTotals};
use crate::matching::{Place, RuleRef};
use crate::model::{DomainName, Jurisdiction};

/// What a report holds.
#[derive(Clone, Copy, Debug)]
pub struct ReportOptions {
    /// The most names that are told.
    pub top: usize,
    /// A rule that newly blocks more than this share of all visits, in percent, is warned of.
    pub warn_share: f64,
}

/// What a change of rules would hit.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// What was seen.
    pub seen: SeenTotals,
    /// For each place.
    pub places: Vec<PlaceReport>,
    /// Rules that would newly block much, most visits first.
    pub warnings: Vec<Share>,
    /// The names for which something changes, most visited first; at most [`ReportOptions::top`].
    pub names: Vec<Row>,
    /// Names for which something changes that did not fit.
    pub names_left_out: u64,
    /// For each list of the new set, how many of its rules would hit anything.
    pub lists: Vec<ListUse>,
}

/// What changes in one place.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PlaceReport {
    /// Which. None where the lists name none.
    #[serde(serialize_with = "code")]
    pub jurisdiction: Option<Jurisdiction>,
    /// By change, gravest first; changes that nothing is hit by are left out.
    pub changes: Vec<ChangeTotal>,
}

/// All names for which the same changes in a place.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct ChangeTotal {
    /// What.
    pub change: Change,
    /// How many names; those that were not kept are not among them.
    pub names: u64,
    /// Visits, to names that were not kept too.
    pub visits: u64,
    /// Answers that led by CNAME to these names.
    pub answers: u64,
}

/// A rule that newly blocks a large share of all visits.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Share {
    /// Where.
    #[serde(serialize_with = "code")]
    pub jurisdiction: Option<Jurisdiction>,
    /// The rule.
    pub rule: RuleText,
    /// Visits to names that it newly blocks.
    pub visits: u64,
    /// Of all visits, in percent.
    pub share: f64,
    /// How many names.
    pub names: u64,
}

/// One name for which something changes in one place.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// Where.
    #[serde(serialize_with = "code")]
    pub jurisdiction: Option<Jurisdiction>,
    /// What.
    pub change: Change,
    /// The name, or `*.` and the listed name that covers it if the name spells an address.
    pub name: String,
    /// How often it was visited.
    pub visits: u64,
    /// Of all visits, in percent.
    pub share: f64,
    /// Answers that led to it by CNAME.
    pub answers: u64,
    /// What decided before.
    pub before: Option<RuleText>,
    /// What decides after.
    pub after: Option<RuleText>,
}

/// A rule, in words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct RuleText {
    /// `block`, `allow`, `licensed` or `watch`.
    pub action: &'static str,
    /// The listed name.
    pub pattern: String,
    /// The list.
    pub list: String,
    /// The list's line, from 1.
    pub line: u32,
    /// On whose order, if that is known.
    pub order: Option<String>,
}

/// How much of a list would be used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListUse {
    /// The list.
    pub list: String,
    /// Its rules.
    pub rules: u64,
    /// Rules that cover a name that was seen.
    pub hit: u64,
    /// Rules that would hit nothing.
    pub hit_nothing: u64,
}

/// A name as it is told, and one to ask the rules about.
struct Told {
    shown: String,
    asked: DomainName,
    count: Count,
}

/// What orders rows: weight, gravest change, place, name. The greatest is told first.
type Key = (u64, Reverse<Change>, Reverse<usize>, Reverse<String>);

impl Report {
    /// The most warnings that are told.
    const MAX_WARNINGS: usize = 100;

    /// Compares the verdicts for all names that were seen.
    pub fn new(seen: &Seen<'_>, options: &ReportOptions) -> Report {
        let told = told(seen);
        let mut report = Report {
            seen: seen.totals,
            places: Vec::new(),
            warnings: Vec::new(),
            names: Vec::new(),
            names_left_out: 0,
            lists: list_use(seen),
        };
        let mut top: BinaryHeap<Reverse<(Key, usize)>> = BinaryHeap::new();
        for (index, place) in seen.pair.places().iter().enumerate() {
            let mut totals: BTreeMap<Change, ChangeTotal> = BTreeMap::new();
            let mut blocking: HashMap<RuleKey, Share> = HashMap::new();
            for (at, name) in told.iter().enumerate() {
                let Some(change) = seen.pair.change(*place, &name.asked) else { continue };
                let Count { visits, answers, .. } = name.count;
                totals.entry(change).or_insert(ChangeTotal::none(change)).add(1, visits, answers);
                if change == Change::NewlyBlocked {
                    note_blocking(seen, *place, name, &mut blocking);
                }
                let weight = visits.saturating_add(answers);
                top.push(Reverse(((weight, Reverse(change), Reverse(index), Reverse(name.shown.clone())), at)));
                if top.len() > options.top {
                    top.pop();
                    report.names_left_out += 1;
                }
            }
            for ((_, change), (visits, answers)) in seen.beyond.iter().filter(|((of, _), _)| *of == index) {
                totals.entry(*change).or_insert(ChangeTotal::none(*change)).add(0, *visits, *answers);
            }
            report
                .warnings
                .extend(blocking.into_values().filter(|share| share.visits > 0 && share.share > options.warn_share));
            report
                .places
                .push(PlaceReport { jurisdiction: place.jurisdiction, changes: totals.into_values().collect() });
        }
        report.warnings.sort_by(|a, b| (b.visits, a.jurisdiction, &a.rule).cmp(&(a.visits, b.jurisdiction, &b.rule)));
        report.warnings.truncate(Self::MAX_WARNINGS);
        // Ascending order of what was turned around is the greatest first.
        report.names =
            top.into_sorted_vec().into_iter().filter_map(|Reverse((key, at))| row(seen, &told, &key, at)).collect();
        report
    }

    /// Whether any verdict changes for a name that was seen.
    pub fn has_effect(&self) -> bool {
        self.places.iter().any(|place| !place.changes.is_empty())
    }
}

impl ChangeTotal {
    const fn none(change: Change) -> ChangeTotal {
        ChangeTotal { change, names: 0, visits: 0, answers: 0 }
    }

    fn add(&mut self, names: u64, visits: u64, answers: u64) {
        self.names += names;
        self.visits = self.visits.saturating_add(visits);
        self.answers = self.answers.saturating_add(answers);
    }
}

impl RuleText {
    /// Of a rule.
    pub fn of(rule: &RuleRef<'_>) -> RuleText {
        RuleText {
            action: rule.action().name(),
            pattern: rule.pattern().to_string(),
            list: rule.list().to_string(),
            line: rule.line(),
            order: rule.origin().provenance.as_ref().map(ToString::to_string),
        }
    }
}

/// The part of all visits that some are, in percent.
fn share(visits: u64, of: u64) -> f64 {
    visits as f64 * 100.0 / of.max(1) as f64
}

/// The names as they may be told. Those that spell an address are gathered under the listed name that covers them; since
/// it is the longest that does, what the rules say of one of them they say of all.
fn told(seen: &Seen<'_>) -> Vec<Told> {
    let mut told = Vec::with_capacity(seen.names.len());
    let mut withheld: HashMap<DomainName, usize> = HashMap::new();
    for (name, count) in &seen.names {
        let pattern = if count.withheld { seen.pair.closest(name) } else { None };
        // A name that stands in a list itself is public.
        let Some(pattern) = pattern.filter(|pattern| pattern != name) else {
            told.push(Told { shown: name.to_string(), asked: *name, count: *count });
            continue;
        };
        let at = *withheld.entry(pattern).or_insert(told.len());
        match told.get_mut(at) {
            Some(known) => known.count.add(count.visits, count.answers, true),
            None => told.push(Told { shown: format!("*.{pattern}"), asked: *name, count: *count }),
        }
    }
    told
}

/// List, line and pattern: what tells one rule from another.
type RuleKey = (String, u32, DomainName);

fn note_blocking(seen: &Seen<'_>, place: Place, name: &Told, blocking: &mut HashMap<RuleKey, Share>) {
    let Some(rule) = seen.pair.new_rules().lookup_in(place, &name.asked).rule() else { return };
    let sum = blocking.entry((rule.list().to_string(), rule.line(), rule.pattern())).or_insert_with(|| Share {
        jurisdiction: place.jurisdiction,
        rule: RuleText::of(&rule),
        visits: 0,
        share: 0.0,
        names: 0,
    });
    sum.names += 1;
    sum.visits = sum.visits.saturating_add(name.count.visits);
    sum.share = share(sum.visits, seen.totals.visits);
}

fn row(seen: &Seen<'_>, told: &[Told], key: &Key, at: usize) -> Option<Row> {
    let (_, Reverse(change), Reverse(index), Reverse(shown)) = key;
    let (name, place) = (told.get(at)?, *seen.pair.places().get(*index)?);
    let text = |rule: RuleRef<'_>| RuleText::of(&rule);
    Some(Row {
        jurisdiction: place.jurisdiction,
        change: *change,
        name: shown.clone(),
        visits: name.count.visits,
        share: share(name.count.visits, seen.totals.visits),
        answers: name.count.answers,
        before: seen.pair.old().lookup_in(place, &name.asked).rule().map(text),
        after: seen.pair.new_rules().lookup_in(place, &name.asked).rule().map(text),
    })
}

fn list_use(seen: &Seen<'_>) -> Vec<ListUse> {
    let mut lists: Vec<ListUse> = Vec::new();
    for (meta, facts) in seen.pair.new_rules().lists() {
        let rules = facts.counts.rules;
        // Two lists may have the same name; then they are told as one.
        match lists.iter_mut().find(|known| *known.list == **meta.name()) {
            Some(known) => known.rules += rules,
            None => lists.push(ListUse { list: meta.name().to_string(), rules, hit: 0, hit_nothing: 0 }),
        }
    }
    for list in &mut lists {
        list.hit = seen.hit.get(&*list.list).map_or(0, |hit| hit.len() as u64).min(list.rules);
        list.hit_nothing = list.rules - list.hit;
    }
    lists
}

pub(super) fn code<S: serde::Serializer>(place: &Option<Jurisdiction>, serializer: S) -> Result<S::Ok, S::Error> {
    match place {
        Some(place) => serializer.collect_str(place),
        None => serializer.serialize_none(),
    }
}
