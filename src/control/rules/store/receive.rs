//! A new file of a list: taken, held for people, refused, or nothing new.
//!
//! From a verified source a file that trips no guard is taken at once; single names of it that people should look at do
//! not count until they did. Everything else waits as a proposal, and the last good copy stays.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use jiff::Timestamp;

use super::error::StoreError;
use super::event::{Change, Content, Event, Proposed, Review, Taken, Trouble};
use super::hash::Hash;
use super::held::Held;
use super::journal::{Actor, rfc3339};
use super::origin::Origin;
use super::{ReadList, Store, place};
use crate::control::rules::guard::{Candidate, Look, NameGuard, Prints, Trip, measure, shown, stated};
use crate::control::rules::source::Source;
use crate::model::Action;

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It is in force.
    Taken {
        /// The new head.
        snapshot: u64,
        /// Rules that count.
        rules: u64,
        /// The proposal for the names that were held back.
        review: Option<u64>,
        /// The names that do not count, with the reasons.
        held: Held,
    },
    /// It waits for people.
    Held {
        /// The proposal.
        proposal: u64,
        /// Guards that it tripped; none if it only comes from where nobody vouches for it.
        guards: Vec<String>,
        /// The names that would not count, with the reasons.
        held: Held,
    },
    /// It cannot be a good file.
    Refused {
        /// Why.
        why: String,
    },
    /// It is what is in force.
    Unchanged {
        /// The head.
        snapshot: u64,
    },
}

/// What was found out about a file.
struct Examined {
    content: Content,
    held: Held,
    trips: Vec<Trip>,
}

impl Store {
    /// Takes in a file of a list. A file that was brought by hand, and one from anywhere else than the definition says,
    /// always waits for people; `order` is what it stands on, itself if none is given.
    ///
    /// # Errors
    /// The list is not known, or the store cannot be read or written. What is wrong with the file is an [`Outcome`].
    pub fn receive(
        &mut self,
        list: &str,
        file: &Path,
        origin: &Origin,
        order: Option<Hash>,
        actor: &Actor,
    ) -> Result<Outcome, StoreError> {
        let source = self.source(list)?;
        let mut reader = File::open(file).map_err(StoreError::io(file))?;
        let kept = self.objects.put(&mut reader, source.max_bytes.bytes());
        let (hash, octets) = match kept {
            Err(StoreError::Refused(_)) => {
                return Ok(Outcome::Refused { why: format!("it is larger than max_bytes, {}", source.max_bytes) });
            }
            other => other?,
        };
        self.note_look(list)?;
        if let Some(head) = self.state.head(list)
            && head.content.file == hash
            && Some(head.content.definition) == self.state.lists.get(list).and_then(|list| list.definition)
        {
            return Ok(Outcome::Unchanged { snapshot: head.id });
        }
        if let Some(waiting) = self.waiting_import(list, hash) {
            return self.again(waiting);
        }
        let Examined { content, held, trips } = match self.examine(&source, hash, octets)? {
            Ok(examined) => examined,
            Err(why) => {
                self.note_trouble(list, hash, origin, &why, actor)?;
                return Ok(Outcome::Refused { why });
            }
        };
        let taken = source.verified && origin.is_of(&source) && trips.is_empty() && order.is_none();
        if taken {
            self.take(list, content, held, origin, actor)
        } else {
            self.hold(list, content, held, &trips, (origin, order), actor)
        }
    }

    /// Reads the file and asks every guard; the inner error is why it is refused.
    fn examine(&self, source: &Source, hash: Hash, octets: u64) -> Result<Result<Examined, String>, StoreError> {
        let list = match self.read_list(&hash, source) {
            Ok(Ok(list)) => list,
            Ok(Err(problem)) => return Ok(Err(format!("it {problem}"))),
            Err(StoreError::Refused(why)) => return Ok(Err(why)),
            Err(error) => return Err(error),
        };
        let known = self.state.lists.get(&source.id).cloned().unwrap_or_default();
        let head = match self.state.head(&source.id) {
            Some(head) => self.read_content(&head.content)?,
            None => None,
        };
        let held = self.held_back(source, &list, head.as_ref(), &known.cleared)?;
        let (counts, action) = (list.parsed.facts().counts, source.action);
        // Ten million names are not copied for nothing.
        let rest = (!held.is_empty()).then(|| list.parsed.without(|wire, kind| held.holds(wire, kind, action)));
        let rest = rest.as_ref().unwrap_or(&list.parsed);
        let rules = rest.facts().counts.rules;
        let stated = match &source.stated_count {
            None => None,
            Some(how) => Some(stated(how, self.objects.open(&hash)?).map_err(|_| self.objects.damaged(&hash))?),
        };
        let candidate = Candidate {
            rules,
            entries: counts.rules + counts.duplicates + counts.joined + counts.removed + counts.rejected,
            stated,
            ends_whole: list.ends_whole,
            head_ends_whole: head.as_ref().is_some_and(|head| head.ends_whole),
            swing: head.as_ref().map(|head| Prints::of(&head.parsed).swing(&Prints::of(rest))),
            held: held.len() as u64,
            was_undone: known.undone.contains(&hash),
        };
        let trips = measure(source, &candidate);
        let definition = known.definition.unwrap_or(Hash::ZERO);
        let content = Content {
            definition,
            file: hash,
            octets,
            rules,
            rejected: counts.rejected,
            held: held.keep(&self.objects)?,
        };
        Ok(Ok(Examined { content, held, trips }))
    }

    /// The names of a new file that do not count. A name that is in force already is not held back again.
    fn held_back(
        &self,
        source: &Source,
        list: &ReadList,
        head: Option<&ReadList>,
        cleared: &[Hash],
    ) -> Result<Held, StoreError> {
        let (mut held, action) = (Held::default(), source.action);
        if action != Action::Block {
            return Ok(held);
        }
        let guard = NameGuard::load(&self.settings)?;
        let blocks = list.parsed.entries().filter(|(_, _, kind)| kind.action(action) == Action::Block);
        let mut looks: Vec<(&[u8], Look)> =
            blocks.map(|(wire, ..)| (wire, guard.look(wire))).filter(|(_, look)| *look != Look::Fine).collect();
        if looks.is_empty() {
            return Ok(held);
        }
        let waiting: HashSet<&[u8]> = looks.iter().map(|(wire, _)| *wire).collect();
        let in_force: HashSet<Vec<u8>> = head
            .iter()
            .flat_map(|head| head.parsed.entries())
            .filter(|(wire, _, kind)| waiting.contains(wire) && kind.action(action) == Action::Block)
            .map(|(wire, ..)| wire.to_vec())
            .collect();
        let mut passed = Held::default();
        for hash in cleared {
            Held::load(&self.objects, hash)?.iter().for_each(|(name, why)| {
                passed.note(name.to_owned(), Look::Held(why.why.clone()));
            });
        }
        looks.retain(|(wire, look)| {
            matches!(look, Look::Refused(_)) || !(in_force.contains(*wire) || passed.contains(&shown(wire)))
        });
        looks.into_iter().for_each(|(wire, look)| held.note(shown(wire), look));
        Ok(held)
    }

    fn take(
        &mut self,
        list: &str,
        content: Content,
        held: Held,
        origin: &Origin,
        actor: &Actor,
    ) -> Result<Outcome, StoreError> {
        let (rules, review) = (content.rules, self.review(list, &held, actor)?);
        let new = review.is_some();
        let origin = origin.to_string();
        let event = Event::Take(Taken { list: list.to_owned(), content, origin, review });
        let snapshot = self.append(actor, event)?;
        let review = if new { Some(snapshot) } else { None };
        Ok(Outcome::Taken { snapshot, rules, review, held })
    }

    /// The proposal for names that wait, unless one for the same names waits already.
    fn review(&self, list: &str, held: &Held, actor: &Actor) -> Result<Option<Review>, StoreError> {
        let waiting = held.waiting();
        let Some(names) = waiting.keep(&self.objects)? else { return Ok(None) };
        let open = self.state.waiting().filter_map(|proposal| match &proposal.change {
            Change::Review { list: of, names, .. } if of == list => Some((proposal, *names)),
            _ => None,
        });
        let open: Vec<_> = open.collect();
        if open.iter().any(|(_, known)| *known == names) {
            return Ok(None);
        }
        let supersedes =
            open.iter().find(|(proposal, _)| proposal.approvals.is_empty()).map(|(proposal, _)| proposal.id);
        let count = waiting.len() as u64;
        let change = Change::Review { list: list.to_owned(), names, count };
        let text = change.text(&self.state.store, actor, &waiting.text());
        let text = self.objects.put_octets(text.as_bytes())?;
        Ok(Some(Review { names, count, text, supersedes }))
    }

    fn hold(
        &mut self,
        list: &str,
        content: Content,
        held: Held,
        trips: &[Trip],
        (origin, order): (&Origin, Option<Hash>),
        actor: &Actor,
    ) -> Result<Outcome, StoreError> {
        let guards: Vec<String> = trips.iter().map(ToString::to_string).collect();
        let open = self
            .state
            .waiting()
            .find(|proposal| matches!(&proposal.change, Change::Import { list: of, .. } if of == list));
        let base = self.state.lists.get(list).and_then(|list| list.head);
        // One that was looked at against another head can never be put in force.
        let is_stale = |open: &super::Proposal| matches!(open.change, Change::Import { base: on, .. } if on != base);
        let supersedes = open.filter(|open| open.approvals.is_empty() || is_stale(open)).map(|open| open.id);
        if let (Some(open), None, false) = (open, supersedes, matches!(origin, Origin::Hand(_))) {
            // People are at it: what comes by itself waits until they are done.
            let proposal = open.id;
            return Ok(Outcome::Held { proposal, guards, held });
        }
        let order = Some(order.unwrap_or(content.file));
        let change =
            Change::Import { list: list.to_owned(), content, base, origin: origin.to_string(), guards: guards.clone() };
        let text = change.text(&self.state.store, actor, &held.text());
        let text = self.objects.put_octets(text.as_bytes())?;
        let proposal = self.append(actor, Event::Propose(Proposed { change, text, order, supersedes }))?;
        Ok(Outcome::Held { proposal, guards, held })
    }

    fn waiting_import(&self, list: &str, hash: Hash) -> Option<u64> {
        let base = self.state.lists.get(list)?.head;
        let same = |change: &Change| {
            matches!(change, Change::Import { list: of, content, base: on, .. }
                if of == list && content.file == hash && *on == base)
        };
        self.state.waiting().find(|proposal| same(&proposal.change)).map(|proposal| proposal.id)
    }

    fn again(&self, id: u64) -> Result<Outcome, StoreError> {
        let change = self.state.proposals.get(&id).map(|proposal| &proposal.change);
        let Some(Change::Import { content, guards, .. }) = change else {
            return Err(StoreError::refused(format!("there is no proposal {id}")));
        };
        let held = content.held.map(|held| Held::load(&self.objects, &held)).transpose()?.unwrap_or_default();
        Ok(Outcome::Held { proposal: id, guards: guards.clone(), held })
    }

    /// Notes why a file was not taken at all, once for each file.
    fn note_trouble(
        &mut self,
        list: &str,
        file: Hash,
        origin: &Origin,
        why: &str,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let known = self.state.lists.get(list).and_then(|list| list.trouble.as_ref());
        if known.is_some_and(|(_, trouble)| trouble.file == file && trouble.what == why) {
            return Ok(());
        }
        let (list, origin, what) = (list.to_owned(), origin.to_string(), why.to_owned());
        self.append(actor, Event::Trouble(Trouble { list, file, origin, what }))?;
        Ok(())
    }

    /// Notes beside the journal that somebody looked for a new file: that happens every hour, and changes nothing. For who
    /// asked and was told that there is nothing new; [`Store::receive`] notes it itself.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn note_look(&self, list: &str) -> Result<(), StoreError> {
        let dir = self.dir.join("looked");
        std::fs::create_dir_all(&dir).map_err(StoreError::io(&dir))?;
        place(&dir.join(list), &format!("{}\n", rfc3339(Timestamp::now())))
    }

    /// When somebody last looked for a new file of a list.
    pub fn looked(&self, list: &str) -> Option<Timestamp> {
        std::fs::read_to_string(self.dir.join("looked").join(list)).ok()?.trim().parse().ok()
    }
}
