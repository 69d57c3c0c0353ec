//! Making proposals: definitions, typed names, people; and turning them down.

use jiff::Timestamp;

use super::error::StoreError;
use super::event::{Change, Event, Names, PersonKey, Proposed, Rejected};
use super::hash::Hash;
use super::journal::{Actor, rfc3339};
use super::proposal::Status;
use super::{Store, typed};
use crate::control::rules::guard::{Look, NameGuard};
use crate::control::rules::source::{Place, Source};
use crate::matching::to_name;
use crate::model::{Action, deceives};

/// The largest order, in octets.
pub(super) const MAX_ORDER: u64 = 64 << 20;

/// Names that people want in a list or out of it, as they typed them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ChangeOfNames {
    /// The list.
    pub list: String,
    /// Names to list.
    pub add: Vec<String>,
    /// Names to take out.
    pub remove: Vec<String>,
    /// Order or case number.
    pub reference: String,
    /// From when on the new names hold.
    pub valid_from: Option<Timestamp>,
    /// Until when the new names hold.
    pub expires: Option<Timestamp>,
    /// For people.
    pub note: String,
}

impl Store {
    /// Proposes a definition: a new list, or another definition of one.
    ///
    /// # Errors
    /// It is the one in force; or the store cannot be written.
    pub fn propose_source(&mut self, source: &Source, actor: &Actor) -> Result<u64, StoreError> {
        let text = source.canonical();
        let definition = Hash::of(text.as_bytes());
        let before = self.state.lists.get(&source.id).and_then(|list| list.definition);
        if before == Some(definition) {
            return Err(StoreError::refused(format!("{} is defined like that already", source.id)));
        }
        if let Some(typed) = before.map(|before| self.definition(&before)).transpose()?
            && (typed.place == Place::Typed) != (source.place == Place::Typed)
            && self.state.head(&source.id).is_some()
        {
            let why = "is typed in by people, or comes from somewhere: give the other one a name of its own";
            return Err(StoreError::refused(format!("a list {why}")));
        }
        self.objects.put_octets(text.as_bytes())?;
        let change = Change::Source { list: source.id.clone(), definition, before };
        self.propose(change, None, &text, actor)
    }

    /// Proposes names. `order` is the document on which the change stands.
    ///
    /// # Errors
    /// A name is no good entry, is protected, or is listed or not listed already; the list is none that people type in.
    pub fn propose_names(&mut self, asked: &ChangeOfNames, order: Hash, actor: &Actor) -> Result<u64, StoreError> {
        let refused = StoreError::Refused;
        let source = self.source(&asked.list)?;
        if source.place != Place::Typed {
            return Err(refused(format!(
                "the list {} comes from {}, and holds what its authority says: to except a name or to add one, type it into \
                 a list of its own (`stakeout rules source add`)",
                source.id, source.place
            )));
        }
        let reference = asked.reference.trim().to_owned();
        for (field, text, most) in [("reference", &reference, 512), ("note", &asked.note, 1_024)] {
            if text.len() > most || text.contains(deceives) || (field == "reference" && text.is_empty()) {
                return Err(refused(format!("the {field} must be text of at most {most} octets on one line")));
            }
        }
        if asked.add.len() + asked.remove.len() > typed::MAX_NAMES || asked.add.is_empty() && asked.remove.is_empty() {
            return Err(refused(format!("name 1 to {} names to add or to remove", typed::MAX_NAMES)));
        }
        let clean = |names: &[String]| {
            let mut names: Vec<String> = names.iter().map(|name| typed::clean(name)).collect::<Result<_, _>>()?;
            names.sort_unstable();
            names.dedup();
            Ok::<_, String>(names)
        };
        let (add, remove) = (clean(&asked.add).map_err(refused)?, clean(&asked.remove).map_err(refused)?);
        let looks = self.look_at(&add, source.action)?;
        let time = |time: Option<Timestamp>| time.map(rfc3339);
        let (valid_from, expires) = (time(asked.valid_from), time(asked.expires));
        if let (Some(from), Some(until)) = (asked.valid_from, asked.expires)
            && until <= from
        {
            return Err(refused("the names would expire before they hold".into()));
        }
        let (list, note) = (asked.list.clone(), asked.note.clone());
        let names = Names { list, add, remove, reference, valid_from, expires, note };
        // Whether it can be done at all.
        typed::changed(&self.typed(&names.list)?, &names, (0, Timestamp::UNIX_EPOCH, None)).map_err(refused)?;
        self.propose(Change::Names(names), Some(order), &looks, actor)
    }

    /// What people should know of names before they sign; protected ones are refused.
    fn look_at(&self, names: &[String], action: Action) -> Result<String, StoreError> {
        let mut looks = String::new();
        if action != Action::Block {
            return Ok(looks);
        }
        let guard = NameGuard::load(&self.settings)?;
        for name in names {
            let parsed = to_name(name).map_err(|reason| StoreError::refused(format!("{name} {reason}")))?;
            match guard.look(parsed.as_wire()) {
                Look::Fine => {}
                Look::Refused(why) => return Err(StoreError::refused(format!("{name} {why}: it is never blocked"))),
                Look::Held(why) => looks.push_str(&format!("look at {name}: it {why}\n")),
            }
        }
        Ok(looks)
    }

    /// The file of a list that people type in; empty if there is none yet.
    pub(super) fn typed(&self, list: &str) -> Result<Vec<u8>, StoreError> {
        match self.state.head(list) {
            Some(head) => self.objects.read(&head.content.file, typed::MAX_TYPED),
            None => Ok(Vec::new()),
        }
    }

    /// Proposes to enrol a person.
    ///
    /// # Errors
    /// They are enrolled, or the key is known.
    pub fn propose_enrolment(&mut self, person: PersonKey, actor: &Actor) -> Result<u64, StoreError> {
        self.state.check_enrolment(&person.name, &person.key).map_err(StoreError::Refused)?;
        self.propose(Change::Enrol(person), None, "", actor)
    }

    /// Proposes to revoke a person.
    ///
    /// # Errors
    /// They are not enrolled, or too few would be left.
    pub fn propose_revocation(&mut self, name: &str, actor: &Actor) -> Result<u64, StoreError> {
        self.state.check_revocation(name).map_err(StoreError::Refused)?;
        self.propose(Change::Revoke { name: name.to_owned() }, None, "", actor)
    }

    /// Keeps an order.
    ///
    /// # Errors
    /// It is too large, or cannot be read or kept.
    pub fn keep_order(&self, file: &std::path::Path) -> Result<Hash, StoreError> {
        let mut reader = std::fs::File::open(file).map_err(StoreError::io(file))?;
        match self.objects.put(&mut reader, MAX_ORDER)? {
            (_, 0) => Err(StoreError::refused(format!("{}: the order is an empty file", file.display()))),
            (hash, _) => Ok(hash),
        }
    }

    fn propose(
        &mut self,
        change: Change,
        order: Option<Hash>,
        details: &str,
        actor: &Actor,
    ) -> Result<u64, StoreError> {
        let same = |known: &Change| *known == change;
        if let Some(open) = self.state.waiting().find(|proposal| same(&proposal.change) && proposal.order == order) {
            return Err(StoreError::refused(format!("proposal {} says the same, and waits", open.id)));
        }
        let text = change.text(&self.state.store, actor, details);
        let text = self.objects.put_octets(text.as_bytes())?;
        self.append(actor, Event::Propose(Proposed { change, text, order, supersedes: None }))
    }

    /// Turns a proposal down.
    ///
    /// # Errors
    /// It does not wait.
    pub fn reject(&mut self, id: u64, actor: &Actor) -> Result<(), StoreError> {
        match self.state.proposals.get(&id).map(|proposal| proposal.status) {
            Some(Status::Open) => self.append(actor, Event::Reject(Rejected { proposal: id })).map(drop),
            _ => Err(StoreError::refused(format!("no proposal {id} waits"))),
        }
    }
}
