//! A proposal: what it would change, the text that people sign for, and where it stands.

use std::fmt::Write;

use jiff::Timestamp;

use super::event::{Change, Content, Names, PersonKey};
use super::hash::Hash;
use super::journal::Actor;
use crate::control::rules::people::Signed;

/// Where a proposal stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It waits for people.
    Open,
    /// It is in force since this line of the journal.
    Taken(u64),
    /// It was turned down.
    Rejected,
    /// A newer one stepped in its place.
    Superseded(u64),
}

/// A person's signature for a proposal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approval {
    /// Line of the journal.
    pub seq: u64,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub person: String,
    /// With which key.
    pub key: String,
    /// The signature, an object.
    pub signature: Hash,
}

/// A change that waits, or waited, for people.
#[derive(Clone, PartialEq, Debug)]
pub struct Proposal {
    /// Its number.
    pub id: u64,
    /// When it was made.
    pub time: Timestamp,
    /// By whom, and why, by their own word.
    pub actor: Actor,
    /// What it changes.
    pub change: Change,
    /// The text that people sign for, an object.
    pub text: Hash,
    /// The order, an object.
    pub order: Option<Hash>,
    /// Where it stands.
    pub status: Status,
    /// Who signed so far, of those whose signatures count.
    pub approvals: Vec<Approval>,
}

impl Proposal {
    /// What its people sign.
    pub fn signed<'a>(&'a self, store: &'a str) -> Signed<'a> {
        let (kind, list) = (self.change.kind(), self.change.list());
        Signed { store, proposal: self.id, kind, list, text: self.text, order: self.order }
    }
}

impl Change {
    /// The kind, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Change::Source { .. } => "source",
            Change::Import { .. } | Change::Review { .. } => "import",
            Change::Names(_) => "change",
            Change::Enrol(_) | Change::Revoke { .. } => "person",
        }
    }

    /// The list that it is about.
    pub fn list(&self) -> Option<&str> {
        match self {
            Change::Source { list, .. } | Change::Import { list, .. } | Change::Review { list, .. } => Some(list),
            Change::Names(Names { list, .. }) => Some(list),
            Change::Enrol(_) | Change::Revoke { .. } => None,
        }
    }

    /// The text that people sign for: all that the change is, in words and hashes. `details` is what the hashes stand
    /// for where people should read it: a definition, names that were held back.
    pub fn text(&self, store: &str, actor: &Actor, details: &str) -> String {
        let mut out = format!("stakeout proposal 1\nstore {store}\nkind {}\n", self.kind());
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            let _ = writeln!(out, "{name} {value}");
        };
        if let Some(list) = self.list() {
            line("list", &list);
        }
        line("by", &actor.who);
        line("why", &actor.why);
        match self {
            Change::Source { definition, before, .. } => {
                line("definition", definition);
                line("in place of", &before.map_or_else(|| "none".into(), |before| before.to_string()));
            }
            Change::Import { content, base, origin, guards, .. } => {
                let Content { definition, file, octets, rules, rejected, held } = content;
                line("from", origin);
                line("file", file);
                line("octets", octets);
                line("rules", rules);
                line("lines that are no rule", rejected);
                line("definition", definition);
                line("held back", &held.map_or_else(|| "none".into(), |held| held.to_string()));
                line("against snapshot", &base.map_or_else(|| "none".into(), |base| base.to_string()));
                guards.iter().for_each(|guard| line("guard", guard));
            }
            Change::Review { names, count, .. } => {
                line("names held back", count);
                line("names", names);
            }
            Change::Names(Names { add, remove, reference, valid_from, expires, note, .. }) => {
                line("reference", reference);
                valid_from.iter().for_each(|time| line("valid from", time));
                expires.iter().for_each(|time| line("expires", time));
                if !note.is_empty() {
                    line("note", note);
                }
                add.iter().for_each(|name| line("add", name));
                remove.iter().for_each(|name| line("remove", name));
            }
            Change::Enrol(PersonKey { name, key }) => {
                line("enrol", name);
                line("key", key);
            }
            Change::Revoke { name } => line("revoke", name),
        }
        if !details.is_empty() {
            let _ = write!(out, "\n{details}");
        }
        out
    }
}
