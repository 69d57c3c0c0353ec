//! The state of the store: nothing but what the journal's lines add up to.
//!
//! [`State::apply`] takes one line after the other and refuses what cannot be: a signature by nobody who is enrolled, a
//! change that only one person signed, a head that is no snapshot. So every beginning of a good journal is a good state.

use std::collections::BTreeMap;

use super::event::{Change, Event};
use super::hash::Hash;
use super::journal::{Actor, Line};
use super::proposal::{Proposal, Status};
use super::records::{List, Person, Publication, Snapshot};
use crate::control::rules::people;

/// The most proposals that wait at one time.
pub(super) const MAX_OPEN: usize = 1_000;
/// The most lists.
pub(super) const MAX_LISTS: usize = 256;

/// All of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct State {
    /// Identifier of the store; empty before its first line.
    pub store: String,
    /// Everybody who was ever enrolled.
    pub people: Vec<Person>,
    /// The lists by name.
    pub lists: BTreeMap<String, List>,
    /// Every snapshot.
    pub snapshots: BTreeMap<u64, Snapshot>,
    /// Every proposal.
    pub proposals: BTreeMap<u64, Proposal>,
    /// Every publication, the newest last.
    pub published: Vec<Publication>,
    /// Number of the last line.
    pub seq: u64,
}

impl State {
    /// Takes a line.
    ///
    /// # Errors
    /// It cannot follow on what was before. The state must then be thrown away.
    pub fn apply(&mut self, line: &Line) -> Result<(), String> {
        if self.store.is_empty() != matches!(line.event, Event::Init(_)) {
            return Err("a journal begins with `init`, and has it once".into());
        }
        self.seq = line.seq;
        match &line.event {
            Event::Init(init) => {
                if init.store.len() != 32 || !init.store.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err("the store has no identifier".into());
                }
                self.store.clone_from(&init.store);
                for person in &init.people {
                    self.enrol(&person.name, &person.key, line.seq, None)?;
                }
                if self.people.len() < people::FEWEST {
                    return Err(format!("a store has at least {} people", people::FEWEST));
                }
            }
            Event::Propose(proposed) => {
                self.check_change(&proposed.change)?;
                let (text, order) = (proposed.text, proposed.order);
                self.propose(line, proposed.change.clone(), text, order, proposed.supersedes)?;
                if let Change::Import { list, guards, .. } = &proposed.change
                    && !guards.is_empty()
                {
                    self.list(list)?.tripped += 1;
                }
            }
            Event::Approve(approved) => self.approve(line, approved)?,
            Event::Reject(rejected) => self.open(rejected.proposal)?.status = Status::Rejected,
            Event::Take(taken) => {
                let before = self.head(&taken.list).and_then(|head| head.content.held);
                self.put_in_force(line, &taken.list, &taken.content, &taken.origin, None)?;
                if taken.content.held.is_some() && taken.content.held != before {
                    self.list(&taken.list)?.tripped += 1;
                }
                if let Some(review) = &taken.review {
                    let (names, count) = (review.names, review.count);
                    let change = Change::Review { list: taken.list.clone(), names, count };
                    self.propose(line, change, review.text, None, review.supersedes)?;
                }
            }
            Event::Trouble(trouble) => {
                let list = self.list(&trouble.list)?;
                list.tripped += 1;
                list.trouble = Some((line.time, trouble.clone()));
            }
            Event::Publish(published) => self.publish(line, published)?,
            Event::Rollback(rolled) => self.roll_back(&rolled.channel, rolled.version)?,
            Event::Gc(_) | Event::Migrate(_) => {}
        }
        Ok(())
    }

    /// People whose signatures count now.
    pub fn enrolled(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.until.is_none())
    }

    /// Proposals that wait.
    pub fn waiting(&self) -> impl Iterator<Item = &Proposal> {
        self.proposals.values().filter(|proposal| proposal.status == Status::Open)
    }

    /// The snapshot of a list that is in force.
    pub fn head(&self, list: &str) -> Option<&Snapshot> {
        self.snapshots.get(&self.lists.get(list)?.head?)
    }

    /// The highest version published in a channel.
    pub fn highest(&self, channel: &str) -> u64 {
        let versions = self.published.iter().filter(|p| p.what.channel == channel).map(|p| p.what.version);
        versions.max().unwrap_or(0)
    }

    pub(super) fn list(&mut self, name: &str) -> Result<&mut List, String> {
        self.lists.get_mut(name).ok_or_else(|| format!("there is no list {name:?}"))
    }

    pub(super) fn open(&mut self, id: u64) -> Result<&mut Proposal, String> {
        match self.proposals.get_mut(&id) {
            Some(proposal) if proposal.status == Status::Open => Ok(proposal),
            _ => Err(format!("no proposal {id} waits")),
        }
    }

    pub(super) fn enrol(&mut self, name: &str, key: &str, since: u64, proposal: Option<u64>) -> Result<(), String> {
        self.check_enrolment(name, key)?;
        self.people.push(Person { name: name.into(), key: key.into(), since, until: None, proposal });
        Ok(())
    }

    /// Whether somebody may be enrolled.
    ///
    /// # Errors
    /// Why not.
    pub fn check_enrolment(&self, name: &str, key: &str) -> Result<(), String> {
        if !crate::control::rules::source::is_list_name(name) {
            return Err(format!("{name:?} is no name for a person: 1 to 64 of a-z 0-9 . _ -"));
        }
        people::check_key(key)?;
        if self.enrolled().any(|person| person.name == name) {
            return Err(format!("{name} is enrolled already: revoke the old key first"));
        }
        if let Some(other) = self.people.iter().find(|person| person.key == key) {
            return Err(format!("the key is known already, as {}'s: each person has a key of their own", other.name));
        }
        if self.people.len() >= people::MOST {
            return Err(format!("there are {} people, and that is the most", people::MOST));
        }
        Ok(())
    }

    /// Whether somebody may be revoked.
    ///
    /// # Errors
    /// Why not.
    pub fn check_revocation(&self, name: &str) -> Result<(), String> {
        if !self.enrolled().any(|person| person.name == name) {
            return Err(format!("nobody named {name} is enrolled"));
        }
        if self.enrolled().count() <= people::FEWEST {
            return Err(format!("a store has at least {} people: enrol another one first", people::FEWEST));
        }
        Ok(())
    }

    fn check_change(&self, change: &Change) -> Result<(), String> {
        match change {
            Change::Source { .. } => Ok(()),
            Change::Enrol(person) => self.check_enrolment(&person.name, &person.key),
            Change::Revoke { name } => self.check_revocation(name),
            Change::Import { list, .. } | Change::Review { list, .. } => self.check_list(list),
            Change::Names(names) => self.check_list(&names.list),
        }
    }

    fn check_list(&self, name: &str) -> Result<(), String> {
        match self.lists.get(name) {
            Some(list) if list.definition.is_some() => Ok(()),
            _ => Err(format!("there is no list {name:?}")),
        }
    }

    fn propose(
        &mut self,
        line: &Line,
        change: Change,
        text: Hash,
        order: Option<Hash>,
        supersedes: Option<u64>,
    ) -> Result<(), String> {
        if let Some(old) = supersedes {
            let old = self.open(old)?;
            if old.change.list() != change.list() || old.change.kind() != change.kind() {
                return Err("a proposal steps only in the place of one of its kind and list".into());
            }
            old.status = Status::Superseded(line.seq);
        }
        if self.waiting().count() >= MAX_OPEN {
            return Err(format!("{MAX_OPEN} proposals wait, and that is the most: approve or reject some"));
        }
        let actor = Actor { who: line.who.clone(), why: line.why.clone() };
        let (id, time, status) = (line.seq, line.time, Status::Open);
        let proposal = Proposal { id, time, actor, change, text, order, status, approvals: Vec::new() };
        self.proposals.insert(id, proposal);
        Ok(())
    }
}
