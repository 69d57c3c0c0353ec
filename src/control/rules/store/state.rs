//! The state of the store: nothing but what the journal's lines add up to.
//!
//! [`State::apply`] takes one line after the other and refuses what cannot be: a signature by nobody who is enrolled, a
//! change that only one person signed, a head that is no snapshot. So every beginning of a good journal is a good state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::event::{Change, Content, Event, Published, Trouble};
use super::hash::Hash;
use super::journal::{Actor, Line};
use super::proposal::{Proposal, Status};
use crate::control::rules::people;

/// The most proposals that wait at one time.
pub(super) const MAX_OPEN: usize = 1_000;
/// The most lists.
pub(super) const MAX_LISTS: usize = 256;

/// A person whose signature counts, or counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Public key of minisign, 56 characters of Base64.
    pub key: String,
    /// Line of the journal since which it counts.
    pub since: u64,
    /// Line of the journal since which it counts no more.
    pub until: Option<u64>,
    /// The proposal by which they came; none for the first people.
    pub proposal: Option<u64>,
}

/// What a list held at some time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Its number: the line of the journal that put it in force.
    pub id: u64,
    /// The list.
    pub list: String,
    /// When it was put in force.
    pub time: Timestamp,
    /// What it is.
    pub content: Content,
    /// Where its file came from.
    pub origin: String,
    /// The proposal by which it came; none if it came from a verified source.
    pub proposal: Option<u64>,
    /// The head before it.
    pub before: Option<u64>,
}

/// A list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct List {
    /// The definition in force, an object.
    pub definition: Option<Hash>,
    /// Every definition that people signed for, with the proposal.
    pub definitions: BTreeMap<Hash, u64>,
    /// The snapshot in force.
    pub head: Option<u64>,
    /// Every snapshot that was the head, the newest last; an earlier one may come again.
    pub heads: Vec<u64>,
    /// Names that people let through after they were held back, objects.
    pub cleared: Vec<Hash>,
    /// Files that were rolled back from.
    pub undone: BTreeSet<Hash>,
    /// Files that were not taken, or tripped a guard, so far.
    pub tripped: u64,
    /// The last of them that was not taken at all, if nothing was taken since.
    pub trouble: Option<(Timestamp, Trouble)>,
}

/// A bundle that was published.
#[derive(Clone, PartialEq, Debug)]
pub struct Publication {
    /// When.
    pub time: Timestamp,
    /// By whom, and why.
    pub actor: Actor,
    /// What.
    pub what: Published,
}

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

    fn list(&mut self, name: &str) -> Result<&mut List, String> {
        self.lists.get_mut(name).ok_or_else(|| format!("there is no list {name:?}"))
    }

    fn open(&mut self, id: u64) -> Result<&mut Proposal, String> {
        match self.proposals.get_mut(&id) {
            Some(proposal) if proposal.status == Status::Open => Ok(proposal),
            _ => Err(format!("no proposal {id} waits")),
        }
    }

    fn enrol(&mut self, name: &str, key: &str, since: u64, proposal: Option<u64>) -> Result<(), String> {
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

    fn approve(&mut self, line: &Line, approved: &super::event::Approved) -> Result<(), String> {
        let super::event::Approved { proposal: id, person, key, signature, completes, result } = approved;
        self.check_approval(*id, person, key)?;
        let approval = super::proposal::Approval {
            seq: line.seq,
            time: line.time,
            person: person.clone(),
            key: key.clone(),
            signature: *signature,
        };
        let proposal = self.open(*id)?;
        proposal.approvals.push(approval);
        if !completes {
            return if result.is_none() { Ok(()) } else { Err("nothing is in force yet that it could give".into()) };
        }
        if proposal.approvals.len() < people::FEWEST {
            return Err(format!("one person signed, and {} are needed", people::FEWEST));
        }
        proposal.status = Status::Taken(line.seq);
        let (change, id) = (proposal.change.clone(), *id);
        self.take_effect(line, &change, id, result.as_ref())
    }

    /// Whether a person's signature can count for a proposal.
    ///
    /// # Errors
    /// Why not.
    pub fn check_approval(&self, id: u64, person: &str, key: &str) -> Result<(), String> {
        let Some(proposal) = self.proposals.get(&id) else { return Err(format!("there is no proposal {id}")) };
        match proposal.status {
            Status::Open => {}
            Status::Taken(_) => return Err(format!("proposal {id} is in force already")),
            Status::Rejected => return Err(format!("proposal {id} was rejected")),
            Status::Superseded(by) => return Err(format!("proposal {by} stepped in the place of proposal {id}")),
        }
        if !self.enrolled().any(|known| known.name == person && known.key == key) {
            return Err(format!("{person} is not enrolled with this key"));
        }
        if proposal.approvals.iter().any(|approval| approval.key == key) {
            return Err(format!("this key signed for proposal {id} already: another person must"));
        }
        if proposal.approvals.iter().any(|approval| approval.person == person) {
            return Err(format!("{person} signed for proposal {id} already: another person must"));
        }
        Ok(())
    }

    fn take_effect(&mut self, line: &Line, change: &Change, id: u64, result: Option<&Content>) -> Result<(), String> {
        let wants_result = matches!(change, Change::Import { .. } | Change::Names(_));
        if wants_result != result.is_some() && !matches!(change, Change::Review { .. }) {
            return Err("what the list holds then is told for a list's names, and only for them".into());
        }
        match change {
            Change::Source { list, definition, before } => {
                if self.lists.get(list).and_then(|list| list.definition) != *before {
                    return Err(format!("the definition of {list} changed since this one was proposed"));
                }
                if self.lists.len() >= MAX_LISTS && !self.lists.contains_key(list) {
                    return Err(format!("there are {MAX_LISTS} lists, and that is the most"));
                }
                let list = self.lists.entry(list.clone()).or_default();
                list.definition = Some(*definition);
                list.definitions.insert(*definition, id);
            }
            Change::Import { list, content, base, origin, .. } => {
                let result = result.unwrap_or(content);
                if self.list(list)?.head != *base {
                    return Err(format!("the list {list} changed since this file was looked at"));
                }
                if result.file != content.file {
                    return Err("the file that was taken is not the one that was signed for".into());
                }
                self.put_in_force(line, list, result, origin, Some(id))?;
            }
            Change::Review { list, names, .. } => {
                self.list(list)?.cleared.push(*names);
                if let Some(result) = result {
                    let head =
                        self.head(list).ok_or("there is nothing in force that the names could be let through of")?;
                    if head.content.file != result.file {
                        return Err("letting names through changes no file".into());
                    }
                    let (origin, proposal) = (head.origin.clone(), head.proposal);
                    // The file came as the head did; the proposal only let some of its names through.
                    self.put_in_force(line, list, result, &origin, proposal)?;
                }
            }
            Change::Names(names) => {
                let Some(result) = result else { return Err("it does not say what the list holds then".into()) };
                self.put_in_force(line, &names.list, result, "typed in by people", Some(id))?;
            }
            Change::Enrol(person) => self.enrol(&person.name, &person.key, line.seq, Some(id))?,
            Change::Revoke { name } => {
                self.check_revocation(name)?;
                for person in self.people.iter_mut().filter(|person| person.name == *name && person.until.is_none()) {
                    person.until = Some(line.seq);
                }
                // What waits is signed by those who are enrolled when it comes into force.
                for proposal in self.proposals.values_mut().filter(|proposal| proposal.status == Status::Open) {
                    proposal.approvals.retain(|approval| approval.person != *name);
                }
            }
        }
        Ok(())
    }

    fn put_in_force(
        &mut self,
        line: &Line,
        name: &str,
        content: &Content,
        origin: &str,
        proposal: Option<u64>,
    ) -> Result<(), String> {
        let list = self.list(name)?;
        if list.definition != Some(content.definition) {
            return Err(format!("the file was read by a definition of {name} that is not in force"));
        }
        let before = list.head.replace(line.seq);
        list.heads.push(line.seq);
        list.trouble = None;
        let (list, time, content) = (name.to_owned(), line.time, content.clone());
        let origin = origin.to_owned();
        self.snapshots.insert(line.seq, Snapshot { id: line.seq, list, time, content, origin, proposal, before });
        Ok(())
    }

    fn publish(&mut self, line: &Line, published: &Published) -> Result<(), String> {
        if published.version <= self.highest(&published.channel) {
            return Err(format!("version {} is not above the last one", published.version));
        }
        for (list, snapshot) in &published.lists {
            if self.snapshots.get(snapshot).is_none_or(|snapshot| snapshot.list != *list) {
                return Err(format!("snapshot {snapshot} is none of the list {list}"));
            }
        }
        let actor = Actor { who: line.who.clone(), why: line.why.clone() };
        self.published.push(Publication { time: line.time, actor, what: published.clone() });
        Ok(())
    }

    fn roll_back(&mut self, channel: &str, version: u64) -> Result<(), String> {
        let found = self.published.iter().find(|p| p.what.channel == channel && p.what.version == version);
        let then =
            found.ok_or_else(|| format!("version {version} of {channel} was never published"))?.what.lists.clone();
        let last = self.published.iter().rev().find(|p| p.what.channel == channel).map(|p| p.what.lists.clone());
        let last = last.unwrap_or_default();
        for (name, list) in &mut self.lists {
            let snapshot = then.get(name).copied();
            // What the channel has never had is none of its business: it may be another place's.
            if list.head == snapshot || (snapshot.is_none() && !last.contains_key(name)) {
                continue;
            }
            if let Some(left) = list.head.and_then(|head| self.snapshots.get(&head)) {
                list.undone.insert(left.content.file);
            }
            list.head = snapshot;
            if let Some(known) = snapshot.and_then(|id| self.snapshots.get(&id)) {
                list.definition = Some(known.content.definition);
                list.undone.remove(&known.content.file);
                list.heads.push(known.id);
            }
        }
        Ok(())
    }
}
