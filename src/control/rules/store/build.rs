//! What is in force now: the lists with the rules that count at this moment, ready to become a rule set.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use jiff::Timestamp;

use super::Store;
use super::error::StoreError;
use super::records::Snapshot;
use super::typed::Note;
use crate::control::rules::guard::{Look, NameGuard, shown};
use crate::control::rules::source::{Place, Source};
use crate::matching::{ListMeta, ParsedList, RuleSet, RuleSetBuilder};
use crate::model::{Action, Jurisdiction, ListOrigin};

/// A list as it is in force.
#[derive(Debug)]
pub struct Effective {
    /// Its definition.
    pub source: Source,
    /// The snapshot in force.
    pub snapshot: u64,
    /// The rules that count.
    pub rules: ParsedList,
    /// Entries that do not count yet, or no more, by their dates.
    pub out_of_time: u64,
    /// Protected names that are left out.
    pub protected: Vec<String>,
}

/// A list that is not in a build, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// The list.
    pub list: String,
    /// Why.
    pub why: String,
}

impl Store {
    /// Every list as it is in force at `now`, after all signatures were verified; for one jurisdiction if one is given.
    ///
    /// # Errors
    /// A signature does not hold; or a list has no authority, jurisdiction, legal basis or reference, and is not one of
    /// `except`.
    pub fn effective(
        &self,
        now: Timestamp,
        jurisdiction: Option<Jurisdiction>,
        except: &[String],
    ) -> Result<(Vec<Effective>, Vec<LeftOut>), StoreError> {
        self.verify()?;
        let guard = NameGuard::load(&self.settings)?;
        let (mut lists, mut left_out) = (Vec::new(), Vec::new());
        for name in self.state.lists.keys() {
            let mut leave = |why: &str| left_out.push(LeftOut { list: name.clone(), why: why.to_owned() });
            let Some(head) = self.state.head(name) else {
                leave("nothing was taken yet");
                continue;
            };
            let source = self.source(name)?;
            if except.contains(name) {
                leave("it was asked for to be left out");
            } else if !jurisdiction.is_none_or(|place| source.holds_in(place)) {
                leave("it does not hold there");
            } else if !source.missing().is_empty() {
                return Err(StoreError::refused(format!(
                    "the list {name} has no {}: propose a complete definition (`stakeout rules source add`), or say --except {name}",
                    source.missing().join(", no ")
                )));
            } else if let Some(list) = self.list_in_force(source, head, now, &guard)? {
                lists.push(list);
            } else {
                leave("it has no rule that counts now");
            }
        }
        Ok((lists, left_out))
    }

    fn list_in_force(
        &self,
        source: Source,
        head: &Snapshot,
        now: Timestamp,
        guard: &NameGuard,
    ) -> Result<Option<Effective>, StoreError> {
        let Some(rules) = self.rules(&head.content)? else { return Ok(None) };
        let action = source.action;
        let out = self.out_of_time(&source, head, now)?;
        let (mut protected, mut out_of_time) = (HashSet::new(), HashSet::new());
        for (wire, line, kind) in rules.entries() {
            if kind.action(action) == Action::Block && matches!(guard.look(wire), Look::Refused(_)) {
                protected.insert(wire.to_vec());
            } else if out.contains(&line) {
                out_of_time.insert(wire.to_vec());
            }
        }
        let rules = if protected.is_empty() && out_of_time.is_empty() {
            rules
        } else {
            rules.without(|wire, _| protected.contains(wire) || out_of_time.contains(wire))
        };
        if rules.facts().counts.rules == 0 {
            return Ok(None);
        }
        let mut protected: Vec<String> = protected.iter().map(|wire| shown(wire)).collect();
        protected.sort_unstable();
        Ok(Some(Effective { source, snapshot: head.id, rules, out_of_time: out_of_time.len() as u64, protected }))
    }

    /// The lines of a typed list whose entries do not hold at `now`.
    fn out_of_time(&self, source: &Source, head: &Snapshot, now: Timestamp) -> Result<HashSet<u32>, StoreError> {
        let mut out = HashSet::new();
        self.each_note(source, head, |line, note| {
            if !note.holds_at(now) {
                out.insert(line);
            }
        })?;
        Ok(out)
    }

    /// Calls `visit` with each line of a typed list that has a note.
    pub(super) fn each_note(
        &self,
        source: &Source,
        head: &Snapshot,
        mut visit: impl FnMut(u32, &Note),
    ) -> Result<(), StoreError> {
        if source.place != Place::Typed {
            return Ok(());
        }
        let lines = BufReader::new(self.objects.open(&head.content.file)?).lines();
        for (number, line) in (1_u32..).zip(lines) {
            let line = line.map_err(|_| self.objects.damaged(&head.content.file))?;
            if let Some(note) = Note::of_line(&line) {
                visit(number, &note);
            }
        }
        Ok(())
    }

    /// The next time after `now` at which an entry begins or ends to hold.
    ///
    /// # Errors
    /// An object is damaged.
    pub fn next_date(&self, list: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let Some(head) = self.state.head(list) else { return Ok(None) };
        let source = self.definition(&head.content.definition)?;
        let mut next: Option<Timestamp> = None;
        self.each_note(&source, head, |_, note| {
            for date in note.dates().filter(|date| *date > now) {
                next = Some(next.map_or(date, |known| known.min(date)));
            }
        })?;
        Ok(next)
    }
}

/// The rule set of some lists.
///
/// # Errors
/// They are too large together.
pub fn rule_set(lists: Vec<Effective>) -> Result<RuleSet, StoreError> {
    let mut builder = RuleSetBuilder::new();
    for Effective { source, rules, .. } in lists {
        let provenance = source.provenance().map(Arc::new);
        let origin = Arc::new(ListOrigin { name: Arc::from(source.id.as_str()), provenance });
        builder.add_list(ListMeta { origin, action: source.action }, rules);
    }
    builder.build().map_err(|error| StoreError::refused(error.to_string()))
}
