//! Removing what nobody needs any more. The journal stays whole; only files of old snapshots go.

use std::collections::BTreeSet;

use super::Store;
use super::error::StoreError;
use super::event::{Change, Content, Event, Swept};
use super::hash::Hash;
use super::journal::Actor;
use super::proposal::{Proposal, Status};

impl Store {
    /// Removes files of snapshots that are neither in force, nor among the last `keep` of their list, nor in one of the last
    /// `keep` published versions of a channel, nor proposed. Definitions, orders, signatures, texts and everything that was typed in
    /// stay: they are what answers for the rules. Gives the number and the octets of what was removed.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn gc(&mut self, keep: u32, actor: &Actor) -> Result<(u64, u64), StoreError> {
        let keep = keep.max(1);
        let needed = self.needed(usize::try_from(keep).unwrap_or(usize::MAX));
        let swept = self.objects.sweep(&needed)?;
        remove_left_over(&self.dir)?;
        remove_left_over(&self.dir.join("looked"))?;
        if swept.0 > 0 {
            self.append(actor, Event::Gc(Swept { keep }))?;
        }
        Ok(swept)
    }

    fn needed(&self, keep: usize) -> BTreeSet<Hash> {
        let (state, mut needed) = (&self.state, BTreeSet::new());
        let mut snapshots: BTreeSet<u64> = BTreeSet::new();
        for list in state.lists.values() {
            needed.extend(list.definitions.keys().chain(&list.definition).chain(&list.cleared));
            needed.extend(list.trouble.iter().map(|(_, trouble)| trouble.file));
            snapshots.extend(list.heads.iter().rev().take(keep).chain(&list.head));
        }
        let channels: BTreeSet<&String> = state.published.iter().map(|publication| &publication.what.channel).collect();
        for channel in channels {
            let own = state.published.iter().rev().filter(|publication| publication.what.channel == *channel);
            snapshots.extend(own.take(keep).flat_map(|publication| publication.what.lists.values()));
        }
        for snapshot in state.snapshots.values() {
            let typed = snapshot.proposal.and_then(|id| state.proposals.get(&id));
            let typed = typed.is_some_and(|proposal| matches!(proposal.change, Change::Names(_)));
            if typed || snapshots.contains(&snapshot.id) {
                needed.extend(of_content(&snapshot.content));
                // What a typed list was made of is looked at when its signatures are verified.
                let before = snapshot.before.and_then(|before| state.snapshots.get(&before)).filter(|_| typed);
                needed.extend(before.into_iter().flat_map(|before| of_content(&before.content)));
            }
        }
        state.proposals.values().for_each(|proposal| needed.extend(of_proposal(proposal)));
        needed
    }
}

fn of_content(content: &Content) -> impl Iterator<Item = Hash> + use<> {
    [content.file, content.definition].into_iter().chain(content.held)
}

fn of_proposal(proposal: &Proposal) -> Vec<Hash> {
    let mut needed = vec![proposal.text];
    needed.extend(proposal.approvals.iter().map(|approval| approval.signature));
    let open = proposal.status == Status::Open;
    match &proposal.change {
        // The file itself may be what it stands on; then it goes when the snapshot goes.
        Change::Import { content, .. } => {
            needed.extend(proposal.order.filter(|order| open || *order != content.file));
            if open {
                needed.extend(of_content(content));
            }
        }
        Change::Source { definition, .. } => needed.push(*definition),
        Change::Review { names, .. } => needed.push(*names),
        Change::Names(_) | Change::Enrol(_) | Change::Revoke { .. } => {}
    }
    if !matches!(proposal.change, Change::Import { .. }) {
        needed.extend(proposal.order);
    }
    needed
}

/// Files that a kill left in the store's own directory.
fn remove_left_over(dir: &std::path::Path) -> Result<(), StoreError> {
    if !dir.is_dir() {
        return Ok(());
    }
    let entries = std::fs::read_dir(dir).map_err(StoreError::io(dir))?;
    for entry in entries {
        let path = entry.map_err(StoreError::io(dir))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') && (name.ends_with(".stkset") || name.ends_with(".new")) && path.is_file() {
            std::fs::remove_file(&path).map_err(StoreError::io(&path))?;
        }
    }
    Ok(())
}
