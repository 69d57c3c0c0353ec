//! Whether what is in force is what people signed: every signature is verified again, at every build.

use std::collections::BTreeSet;

use super::error::StoreError;
use super::event::Change;
use super::held::Held;
use super::proposal::{Proposal, Status};
use super::records::Snapshot;
use super::{Store, typed};
use crate::control::rules::people;

/// The longest text of a proposal, in octets.
pub(super) const MAX_TEXT: u64 = 256 << 20;

impl Store {
    /// Verifies every proposal that is in force, and that every list has its rules from one of them or from a source that
    /// one of them calls verified. Gives the number of signatures.
    ///
    /// # Errors
    /// [`StoreError::Forged`], or an object is damaged.
    pub fn verify(&self) -> Result<usize, StoreError> {
        let mut count = 0;
        for proposal in self.state.proposals.values().filter(|p| matches!(p.status, Status::Taken(_))) {
            count += self.verify_proposal(proposal)?;
        }
        for (name, list) in &self.state.lists {
            let Some(head) = list.head.and_then(|head| self.state.snapshots.get(&head)) else { continue };
            let signed = |hash| list.definitions.contains_key(hash);
            if !signed(&head.content.definition) || !list.definition.as_ref().is_none_or(signed) {
                return Err(StoreError::Forged(format!("nobody signed for the definition of {name}")));
            }
            self.verify_head(head)?;
        }
        Ok(count)
    }

    fn verify_proposal(&self, proposal: &Proposal) -> Result<usize, StoreError> {
        let wrong = |what: String| StoreError::Forged(format!("proposal {}: {what}", proposal.id));
        let text = self.objects.text(&proposal.text, MAX_TEXT)?;
        if !text.starts_with(&proposal.change.text(&self.state.store, &proposal.actor, "")) {
            return Err(wrong("the text that people signed does not say what was done".into()));
        }
        // What the text names by its hash is what people saw.
        match &proposal.change {
            Change::Source { definition, .. } => drop(self.definition(definition)?),
            Change::Review { names, .. } => drop(Held::load(&self.objects, names)?),
            Change::Import { .. } | Change::Names(_) | Change::Enrol(_) | Change::Revoke { .. } => {}
        }
        let signed = proposal.signed(&self.state.store).text();
        let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for approval in &proposal.approvals {
            let person = &approval.person;
            let signature = self.objects.text(&approval.signature, people::MAX_SIGNATURE)?;
            people::verify(&approval.key, &signed, &signature)
                .map_err(|_| wrong(format!("the signature of {person} does not hold")))?;
            names.insert(person);
            keys.insert(&approval.key);
        }
        if names.len() < people::FEWEST || keys.len() < people::FEWEST {
            return Err(wrong("fewer than two people signed".into()));
        }
        Ok(proposal.approvals.len())
    }

    fn verify_head(&self, head: &Snapshot) -> Result<(), StoreError> {
        let wrong = |what: &str| StoreError::Forged(format!("the list {}: {what}", head.list));
        let Some(id) = head.proposal else {
            // The definition was signed for, and says whether its place is to be believed.
            let source = self.definition(&head.content.definition)?;
            return if source.verified {
                Ok(())
            } else {
                Err(wrong("nobody signed for its file, and its source is not verified"))
            };
        };
        let proposal = self.proposal(id)?;
        match &proposal.change {
            Change::Import { content, .. } if content.file == head.content.file => Ok(()),
            Change::Names(names) => {
                let before = match head.before.and_then(|before| self.state.snapshots.get(&before)) {
                    Some(before) => self.objects.read(&before.content.file, typed::MAX_TYPED)?,
                    None => Vec::new(),
                };
                let made = typed::changed(&before, names, (proposal.id, proposal.time, proposal.order));
                let made = made.map_err(|what| wrong(&what))?;
                let same = super::Hash::of(&made) == head.content.file;
                if same { Ok(()) } else { Err(wrong("it holds other names than people signed for")) }
            }
            _ => Err(wrong("its file is not the one that people signed for")),
        }
    }
}
