//! What a line of the journal does to the state once it counts: signatures, changes that are in force, publications, and
//! the way back.

use super::event::{Approved, Change, Content, Published};
use super::journal::{Actor, Line};
use super::proposal::{Approval, Status};
use super::records::{Publication, Snapshot};
use super::state::{MAX_LISTS, State};
use crate::control::rules::people;

impl State {
    pub(super) fn approve(&mut self, line: &Line, approved: &Approved) -> Result<(), String> {
        let Approved { proposal: id, person, key, signature, completes, result } = approved;
        self.check_approval(*id, person, key)?;
        let approval = Approval {
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

    pub(super) fn put_in_force(
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

    pub(super) fn publish(&mut self, line: &Line, published: &Published) -> Result<(), String> {
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

    pub(super) fn roll_back(&mut self, channel: &str, version: u64) -> Result<(), String> {
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
