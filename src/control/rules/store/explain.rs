//! Why a name is blocked, or is not: every rule that covers it, on whose order it stands, since when, who signed for it,
//! and which of them decides in which place.
//!
//! Files are read again for this, entry by entry: what a register says of a name beside the name itself is kept nowhere
//! else.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Store;
use super::entry::Entry;
use super::error::StoreError;
use super::event::{Change, Names};
use super::hash::Hash;
use super::held::Held;
use super::proposal::Proposal;
use super::records::Snapshot;
use crate::control::rules::guard::shown;
use crate::control::rules::source::Source;
use crate::matching::{Found, Kind, ParsedList};
use crate::model::{Action, DomainName, Jurisdiction};

/// How many snapshots are looked back through for the first that had a rule.
const LOOK_BACK: usize = 50;

/// A rule that covers the name.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// The definition of its list.
    pub source: Source,
    /// The listed name.
    pub pattern: String,
    /// How far it reaches.
    pub kind: Kind,
    /// What it says.
    pub says: Action,
    /// Line of the file.
    pub line: u32,
    /// The file.
    pub file: Hash,
    /// What else is known of the entry.
    pub entry: Entry,
    /// Whether it counts now, by its dates.
    pub counts: bool,
    /// The first snapshot since which it was in force without a break, and when that was.
    pub since: (u64, Timestamp),
    /// Whether it may have been in force before: older snapshots are not kept.
    pub at_least: bool,
    /// Channel, version and time of the first bundle with that snapshot or a later one.
    pub published: Option<(String, u64, Timestamp)>,
    /// Where its file came from.
    pub origin: String,
    /// Who signed for it.
    pub signed: Vec<String>,
}

/// What comes out for a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// A visit is a finding.
    Blocked,
    /// An exception beats every block.
    Allowed,
    /// A licence beats every block.
    Licensed,
    /// Counted and nothing more.
    Watched,
    /// No rule covers it.
    NotListed,
}

impl Standing {
    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Blocked => "blocked",
            Standing::Allowed => "allowed",
            Standing::Licensed => "licensed",
            Standing::Watched => "watched",
            Standing::NotListed => "not listed",
        }
    }
}

/// All that is known of a name.
#[derive(Clone, PartialEq, Debug)]
pub struct Explanation {
    /// Every rule that covers it, in whatever place, the most specific first.
    pub rules: Vec<Rule>,
    /// For each place: what comes out, and which rule decides.
    pub places: Vec<(Jurisdiction, Standing, Option<usize>)>,
    /// Lists that have the name and do not count it, with the reason.
    pub held: Vec<(String, String)>,
    /// Proposals that would change what is said of it.
    pub waiting: Vec<(u64, String)>,
}

impl Explanation {
    /// The rules that hold in a place.
    pub fn rules_in(&self, place: Jurisdiction) -> impl Iterator<Item = (usize, &Rule)> {
        self.rules.iter().enumerate().filter(move |(_, rule)| rule.source.holds_in(place))
    }
}

impl Store {
    /// Explains a name in the places given, or in all that any list names.
    ///
    /// # Errors
    /// An object is damaged.
    pub fn explain(
        &self,
        name: &DomainName,
        places: &[Jurisdiction],
        now: Timestamp,
    ) -> Result<Explanation, StoreError> {
        let uppers = uppers(name);
        let (mut rules, mut held, mut known_places) = (Vec::new(), Vec::new(), BTreeSet::new());
        for list in self.state.lists.keys() {
            let source = self.source(list)?;
            known_places.extend(source.jurisdictions.iter().copied());
            let Some(head) = self.state.head(list) else { continue };
            if let Some(names) = &head.content.held {
                let names = Held::load(&self.objects, names)?;
                let found = names.iter().filter(|(held, _)| uppers.contains(*held));
                held.extend(found.map(|(name, why)| (list.clone(), format!("{name} {}", why.why))));
            }
            let Some(parsed) = self.rules(&head.content)? else { continue };
            for (wire, line, kind) in matches(&parsed, name) {
                rules.push(self.rule(&source, head, &parsed, (wire, line, kind), now)?);
            }
        }
        // The longest name first, and of equal ones what lets a site be.
        rules.sort_by_key(|rule| (std::cmp::Reverse(rule.pattern.len()), !rule.says.lets_be(), rule.source.id.clone()));
        let places = if places.is_empty() { known_places.into_iter().collect() } else { places.to_vec() };
        let places = places.into_iter().map(|place| decide(place, &rules)).collect();
        let waiting = self.waiting_for(&uppers, name)?;
        Ok(Explanation { rules, places, held, waiting })
    }

    fn rule(
        &self,
        source: &Source,
        head: &Snapshot,
        parsed: &ParsedList,
        (wire, line, kind): (&[u8], u32, Kind),
        now: Timestamp,
    ) -> Result<Rule, StoreError> {
        let pattern = shown(wire);
        let says = kind.action(source.action);
        let is_xml = parsed.facts().format == Found::PolishRegister;
        let (entry, note) = self.entry(source, &head.content.file, line, &pattern, is_xml)?;
        let (first, at_least) = self.first_with(head, wire, kind)?;
        let published =
            self.state.published.iter().find(|publication| {
                publication.what.lists.get(&source.id).is_some_and(|snapshot| *snapshot >= first.id)
            });
        let proposal = note.as_ref().map(|note| note.proposal).or(head.proposal);
        let proposal = proposal.and_then(|id| self.state.proposals.get(&id));
        Ok(Rule {
            source: source.clone(),
            pattern,
            kind,
            says,
            line,
            file: head.content.file,
            entry,
            counts: note.is_none_or(|note| note.holds_at(now)),
            since: (first.id, first.time),
            at_least,
            published: published.map(|p| (p.what.channel.clone(), p.what.version, p.time)),
            origin: head.origin.clone(),
            signed: proposal.map(signers).unwrap_or_default(),
        })
    }

    /// The first snapshot since which the rule was in force without a break, and whether it may have been before.
    fn first_with<'a>(
        &'a self,
        head: &'a Snapshot,
        wire: &[u8],
        kind: Kind,
    ) -> Result<(&'a Snapshot, bool), StoreError> {
        let mut first = head;
        for _ in 0..LOOK_BACK {
            let Some(before) = first.before.and_then(|id| self.state.snapshots.get(&id)) else {
                return Ok((first, false));
            };
            if before.content.file != first.content.file || before.content.held != first.content.held {
                // Removed by `gc`, or read by a version that reads otherwise: then it is not known.
                if !self.objects.has(&before.content.file) {
                    return Ok((first, true));
                }
                let had = match self.rules(&before.content)? {
                    Some(list) => list.entries().any(|(other, _, of)| other == wire && of == kind),
                    None => false,
                };
                if !had {
                    return Ok((first, false));
                }
            }
            first = before;
        }
        Ok((first, true))
    }

    /// Proposals that would change what is said of the name.
    fn waiting_for(&self, uppers: &BTreeSet<String>, name: &DomainName) -> Result<Vec<(u64, String)>, StoreError> {
        let mut waiting = Vec::new();
        for proposal in self.state.waiting() {
            let what = match &proposal.change {
                Change::Names(Names { list, add, remove, .. }) => {
                    let found = |names: &[String]| names.iter().any(|name| uppers.contains(name));
                    match (found(add), found(remove)) {
                        (true, _) => format!("would add it to {list}"),
                        (_, true) => format!("would take it out of {list}"),
                        _ => continue,
                    }
                }
                Change::Review { list, names, .. } => {
                    if !Held::load(&self.objects, names)?.iter().any(|(name, _)| uppers.contains(name)) {
                        continue;
                    }
                    format!("would let it through into {list}")
                }
                Change::Import { list, content, .. } => match self.rules(content)? {
                    Some(parsed) if matches(&parsed, name).next().is_some() => format!("is a file of {list} with it"),
                    _ => continue,
                },
                _ => continue,
            };
            waiting.push((proposal.id, what));
        }
        Ok(waiting)
    }
}

fn signers(proposal: &Proposal) -> Vec<String> {
    proposal.approvals.iter().map(|approval| approval.person.clone()).collect()
}

/// The name and those above it.
fn uppers(name: &DomainName) -> BTreeSet<String> {
    let text = name.to_string();
    let cuts = std::iter::once(0).chain(text.match_indices('.').map(|(at, _)| at + 1));
    cuts.filter_map(|at| text.get(at..)).map(str::to_owned).collect()
}

/// The entries of a list that cover a name.
fn matches<'a>(list: &'a ParsedList, name: &'a DomainName) -> impl Iterator<Item = (&'a [u8], u32, Kind)> {
    let whole = name.as_wire();
    let mut starts = BTreeSet::new();
    let mut at = 0;
    while let Some(len) = whole.get(at) {
        starts.insert(whole.len() - at);
        at += 1 + usize::from(*len);
    }
    list.entries().filter(move |(wire, _, kind)| {
        starts.contains(&wire.len()) && whole.ends_with(wire) && kind.reaches(wire.len() == whole.len())
    })
}

/// What comes out in a place: what lets a site be beats every block, a block beats what is only watched, and of equals the
/// most specific decides.
fn decide(place: Jurisdiction, rules: &[Rule]) -> (Jurisdiction, Standing, Option<usize>) {
    let first = |says: &[Action]| {
        rules.iter().position(|rule| rule.counts && says.contains(&rule.says) && rule.source.holds_in(place))
    };
    let decides = first(&[Action::Allow, Action::Licensed])
        .or_else(|| first(&[Action::Block]))
        .or_else(|| first(&[Action::Watch]));
    let standing = match decides.and_then(|index| rules.get(index)).map(|rule| rule.says) {
        Some(Action::Block) => Standing::Blocked,
        Some(Action::Allow) => Standing::Allowed,
        Some(Action::Licensed) => Standing::Licensed,
        Some(Action::Watch) => Standing::Watched,
        None => Standing::NotListed,
    };
    (place, standing, decides)
}
