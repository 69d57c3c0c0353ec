//! Signing for a proposal. The signature that completes it puts it in force, with the same line of the journal.

use super::error::StoreError;
use super::event::{Approved, Change, Content, Event};
use super::held::Held;
use super::journal::Actor;
use super::proposal::Proposal;
use super::{Store, typed};
use crate::control::rules::people::{self, Unfit};
use crate::matching::{Format, Problem, parse};

/// What a signature did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signing {
    /// Whose it was.
    pub person: String,
    /// How many more are needed; 0 if the change is in force now.
    pub missing: usize,
}

impl Store {
    /// The proposal with this number.
    ///
    /// # Errors
    /// There is none.
    pub fn proposal(&self, id: u64) -> Result<&Proposal, StoreError> {
        let known = self.state.proposals.get(&id);
        known.ok_or_else(|| {
            StoreError::refused(format!("there is no proposal {id}: `stakeout rules proposals` lists them"))
        })
    }

    /// The text that people sign for a proposal.
    ///
    /// # Errors
    /// There is no such proposal.
    pub fn signing_text(&self, id: u64) -> Result<String, StoreError> {
        Ok(self.proposal(id)?.signed(&self.state.store).text())
    }

    /// Takes a person's signature for a proposal. Whose it is tells the key, nothing else does.
    ///
    /// # Errors
    /// The key is nobody's, was revoked, or signed already; its person signed with another key; the signature is over
    /// another text; or the change makes no sense any more.
    pub fn approve(&mut self, id: u64, signature: &str, why: &str) -> Result<Signing, StoreError> {
        let refused = StoreError::Refused;
        let text = self.signing_text(id)?;
        if signature.len() as u64 > people::MAX_SIGNATURE {
            return Err(refused("the signature is none of minisign: it is too long".into()));
        }
        let (person, key) = self.signer(&text, signature)?;
        self.state.check_approval(id, &person, &key).map_err(StoreError::Refused)?;
        let proposal = self.proposal(id)?;
        let (have, needed) = (proposal.approvals.len() + 1, self.settings.approvals);
        let completes = have >= needed;
        let result = if completes { self.result(&proposal.clone())? } else { None };
        let kept = self.objects.put_octets(signature.as_bytes())?;
        let actor = Actor::new(person.clone(), why).map_err(StoreError::Refused)?;
        let (person_name, proposal) = (person.clone(), id);
        let event = Approved { proposal, person, key, signature: kept, completes, result };
        self.append(&actor, Event::Approve(event))?;
        Ok(Signing { person: person_name, missing: needed.saturating_sub(have) })
    }

    /// The person whose signature it is, with the key.
    fn signer(&self, text: &str, signature: &str) -> Result<(String, String), StoreError> {
        let refused = StoreError::Refused;
        let mut named = None;
        for person in &self.state.people {
            match people::verify(&person.key, text, signature) {
                Ok(()) if person.until.is_none() => return Ok((person.name.clone(), person.key.clone())),
                Ok(()) => {
                    return Err(refused(format!(
                        "the key is {}'s, and was revoked: it signs nothing any more",
                        person.name
                    )));
                }
                Err(Unfit::OtherText) => named = Some(person.name.clone()),
                Err(Unfit::NoSignature) => return Err(refused("that is no signature of minisign".into())),
                Err(Unfit::OtherKey) => {}
            }
        }
        Err(refused(match named {
            Some(name) => format!(
                "the signature names {name}'s key and is over another text, or forged: sign what `stakeout rules show` says of this proposal"
            ),
            None => format!("the key {} is nobody's who is enrolled here", people::signer_id(signature)),
        }))
    }

    /// What the list holds once the proposal is in force.
    fn result(&self, proposal: &Proposal) -> Result<Option<Content>, StoreError> {
        match &proposal.change {
            Change::Import { list, content, base, .. } => {
                let head = self.state.lists.get(list).and_then(|list| list.head);
                if head != *base {
                    return Err(StoreError::refused(format!(
                        "the list {list} changed since this file was looked at: reject the proposal, and import the file again"
                    )));
                }
                self.objects.check(&content.file)?;
                let cleared = self.state.lists.get(list).map(|list| list.cleared.clone()).unwrap_or_default();
                let mut content = content.clone();
                for names in cleared {
                    content = self.let_through(&content, &Held::load(&self.objects, &names)?)?;
                }
                Ok(Some(content))
            }
            Change::Review { list, names, .. } => {
                let names = Held::load(&self.objects, names)?;
                let Some(head) = self.state.head(list) else { return Ok(None) };
                let content = self.let_through(&head.content, &names)?;
                Ok(if content == head.content { None } else { Some(content) })
            }
            Change::Names(_) => self.typed_result(proposal).map(Some),
            Change::Source { .. } | Change::Enrol(_) | Change::Revoke { .. } => Ok(None),
        }
    }

    /// The content with some names no more held back.
    fn let_through(&self, content: &Content, names: &Held) -> Result<Content, StoreError> {
        let Some(held) = &content.held else { return Ok(content.clone()) };
        let before = Held::load(&self.objects, held)?;
        let after = before.without(names);
        if after == before {
            return Ok(content.clone());
        }
        let mut content = Content { held: after.keep(&self.objects)?, ..content.clone() };
        // A file of which every rule was held back has some now.
        content.rules = content.rules.max(1);
        content.rules = self.rules(&content)?.map_or(0, |list| list.facts().counts.rules);
        Ok(content)
    }

    /// What a change of typed names makes of the list that is in force.
    fn typed_result(&self, proposal: &Proposal) -> Result<Content, StoreError> {
        let Change::Names(names) = &proposal.change else {
            return Err(StoreError::refused("it changes no names"));
        };
        let definition = self.state.lists.get(&names.list).and_then(|list| list.definition);
        let definition = definition.ok_or_else(|| StoreError::refused("the list is not defined any more"))?;
        let before = self.typed(&names.list)?;
        let after = typed::changed(&before, names, (proposal.id, proposal.time, proposal.order))
            .map_err(StoreError::Refused)?;
        let (rules, rejected) = match parse(after.as_slice(), Format::Plain, typed::MAX_TYPED) {
            Ok(list) => (list.facts().counts.rules, list.facts().counts.rejected),
            Err(Problem::NoRule(_)) => (0, 0),
            Err(problem) => return Err(StoreError::refused(problem.to_string())),
        };
        let file = self.objects.put_octets(&after)?;
        Ok(Content { definition, file, octets: after.len() as u64, rules, rejected, held: None })
    }
}
