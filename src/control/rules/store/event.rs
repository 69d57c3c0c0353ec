//! What the journal says happened: the data of its lines. Read strictly, since the state is nothing but what they say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::hash::Hash;

/// One thing that happened.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The store was made.
    Init(Init),
    /// A change was proposed. The line's number is that of the proposal.
    Propose(Proposed),
    /// A person signed for a proposal.
    Approve(Approved),
    /// A proposal was turned down.
    Reject(Rejected),
    /// A file was taken from a verified source. The line's number is that of the snapshot, and of the proposal for the
    /// names that were held back.
    Take(Taken),
    /// A file was not taken at all.
    Trouble(Trouble),
    /// A bundle was published.
    Publish(Published),
    /// Heads went back to what a published version had.
    Rollback(RolledBack),
    /// Objects were removed.
    Gc(Swept),
    /// The store changed its format.
    Migrate(Migrated),
}

/// See [`Event::Init`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Init {
    /// Identifier of the store: signatures for one store mean nothing in another.
    pub store: String,
    /// The first people, at least two, with keys of their own.
    pub people: Vec<PersonKey>,
}

/// A person and the public key of minisign that is theirs.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct PersonKey {
    /// Name, as of a list.
    pub name: String,
    /// 56 characters of Base64.
    pub key: String,
}

/// See [`Event::Propose`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Proposed {
    /// What is proposed.
    pub change: Change,
    /// The text that people sign for, an object.
    pub text: Hash,
    /// The order on which it stands, an object.
    pub order: Option<Hash>,
    /// The proposal in whose place this one steps.
    pub supersedes: Option<u64>,
}

/// What a proposal changes.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// A new or another definition of a list.
    Source {
        /// The list.
        list: String,
        /// The canonical definition, an object.
        definition: Hash,
        /// The one in force.
        before: Option<Hash>,
    },
    /// A whole file.
    Import {
        /// The list.
        list: String,
        /// What reading the file gave.
        content: Content,
        /// The head against which it was looked at.
        base: Option<u64>,
        /// Where it comes from.
        origin: String,
        /// The guards that it tripped, in plain words.
        guards: Vec<String>,
    },
    /// Names of a file that were held back.
    Review {
        /// The list.
        list: String,
        /// The names with the reasons, an object.
        names: Hash,
        /// How many.
        count: u64,
    },
    /// Names that people type in.
    Names(Names),
    /// Another person whose signature counts.
    Enrol(PersonKey),
    /// A person whose signature counts no more.
    Revoke {
        /// Who.
        name: String,
    },
}

/// See [`Change::Names`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// The list.
    pub list: String,
    /// Names to list.
    pub add: Vec<String>,
    /// Names to take out.
    pub remove: Vec<String>,
    /// Order or case number.
    pub reference: String,
    /// From when on it holds: RFC 3339, UTC.
    pub valid_from: Option<String>,
    /// Until when it holds: RFC 3339, UTC.
    pub expires: Option<String>,
    /// For people.
    pub note: String,
}

/// What a list holds: a file, and what reading it gave.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// The definition by which it was read, an object.
    pub definition: Hash,
    /// The file as it came, an object.
    pub file: Hash,
    /// Its length in octets.
    pub octets: u64,
    /// Rules that count, without those held back.
    pub rules: u64,
    /// Lines that became no rule.
    pub rejected: u64,
    /// Names of the file that do not count, with the reasons, an object.
    pub held: Option<Hash>,
}

/// See [`Event::Approve`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// The proposal.
    pub proposal: u64,
    /// Whose key it was.
    pub person: String,
    /// The key.
    pub key: String,
    /// The signature as minisign writes it, an object.
    pub signature: Hash,
    /// Whether enough people have signed now, so that the change is in force with this line.
    pub completes: bool,
    /// What the list holds then, if the change is one of a list's names.
    pub result: Option<Content>,
}

/// See [`Event::Reject`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Rejected {
    /// The proposal.
    pub proposal: u64,
}

/// See [`Event::Take`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Taken {
    /// The list.
    pub list: String,
    /// What it holds now.
    pub content: Content,
    /// Where it comes from.
    pub origin: String,
    /// The names that wait for people.
    pub review: Option<Review>,
}

/// Names that wait for people: a proposal that came with a file.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The names with the reasons, an object.
    pub names: Hash,
    /// How many.
    pub count: u64,
    /// The text that people sign for, an object.
    pub text: Hash,
    /// The proposal in whose place this one steps.
    pub supersedes: Option<u64>,
}

/// See [`Event::Trouble`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// The list.
    pub list: String,
    /// The file, an object.
    pub file: Hash,
    /// Where it comes from.
    pub origin: String,
    /// Why, in plain words.
    pub what: String,
}

/// See [`Event::Publish`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The series of bundles.
    pub channel: String,
    /// Its place there.
    pub version: u64,
    /// Until when sensors take it: RFC 3339, UTC.
    pub expires: String,
    /// SHA-256 of the manifest.
    pub manifest: Hash,
    /// The snapshot of each list in it.
    pub lists: BTreeMap<String, u64>,
    /// Rules of all lists.
    pub rules: u64,
    /// Where it was to be put.
    pub to: Vec<String>,
}

/// See [`Event::Rollback`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct RolledBack {
    /// The series of bundles.
    pub channel: String,
    /// The version whose lists are in force again.
    pub version: u64,
}

/// See [`Event::Gc`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Swept {
    /// How many snapshots of each list, and how many published versions, were kept at least.
    pub keep: u32,
}

/// See [`Event::Migrate`].
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Migrated {
    /// The format before.
    pub from: u32,
    /// The format now.
    pub to: u32,
}
