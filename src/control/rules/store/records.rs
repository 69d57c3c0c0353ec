//! What the state of a store is made of: people, lists with their snapshots, publications.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::event::{Content, Published, Trouble};
use super::hash::Hash;
use super::journal::Actor;

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
