//! Names of a file that do not count: those that wait for people, and those that are never taken.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::error::StoreError;
use super::hash::Hash;
use super::objects::Objects;
use crate::control::rules::guard::{Look, shown};
use crate::matching::Kind;
use crate::model::Action;

/// The largest list of such names, in octets.
const MAX_HELD: u64 = 256 << 20;

/// A name, and why it does not count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldName {
    /// Why.
    pub why: String,
    /// Whether people can let it through.
    pub waits: bool,
}

/// Names that do not count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Held(BTreeMap<String, HeldName>);

impl Held {
    /// Notes what was found of a name.
    pub(super) fn note(&mut self, name: String, look: Look) {
        match look {
            Look::Fine => {}
            Look::Held(why) => drop(self.0.insert(name, HeldName { why, waits: true })),
            Look::Refused(why) => drop(self.0.insert(name, HeldName { why, waits: false })),
        }
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HeldName)> {
        self.0.iter().map(|(name, held)| (name.as_str(), held))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a name is one of them.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Those that people can let through.
    pub(super) fn waiting(&self) -> Held {
        Held(self.0.iter().filter(|(_, held)| held.waits).map(|(name, held)| (name.clone(), held.clone())).collect())
    }

    /// Without those that `other` has.
    pub(super) fn without(&self, other: &Held) -> Held {
        let left = self.0.iter().filter(|(name, held)| !(held.waits && other.contains(name)));
        Held(left.map(|(name, held)| (name.clone(), held.clone())).collect())
    }

    /// Whether an entry of a list does not count. Only what blocks is ever held back.
    pub(super) fn holds(&self, wire: &[u8], kind: Kind, list: Action) -> bool {
        kind.action(list) == Action::Block && self.contains(&shown(wire))
    }

    /// One line each: the name, whether it waits, the reason.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, HeldName { why, waits }) in &self.0 {
            let _ = writeln!(text, "{name}\t{}\t{why}", if *waits { "held" } else { "refused" });
        }
        text
    }

    /// Keeps them as an object; none if there are none.
    pub(super) fn keep(&self, objects: &Objects) -> Result<Option<Hash>, StoreError> {
        if self.is_empty() { Ok(None) } else { objects.put_octets(self.text().as_bytes()).map(Some) }
    }

    /// Reads them back.
    ///
    /// # Errors
    /// The object is damaged.
    pub fn load(objects: &Objects, hash: &Hash) -> Result<Held, StoreError> {
        let text = objects.text(hash, MAX_HELD)?;
        let line = |line: &str| {
            let (name, rest) = line.split_once('\t')?;
            let (word, why) = rest.split_once('\t')?;
            Some((name.to_owned(), HeldName { why: why.to_owned(), waits: word == "held" }))
        };
        text.lines().map(line).collect::<Option<_>>().map(Held).ok_or_else(|| objects.damaged(hash))
    }
}
