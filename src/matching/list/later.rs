//! What an entry says about other entries of its list, wherever they stand, so that it can only be done at the end:
//! filters that the list takes back (`$badfilter`), and zones that resolve as usual below one that blocks.

use std::collections::{HashMap, HashSet};

use super::kind::Kind;
use super::parsed::Names;
use crate::model::DomainName;

/// The most entries of each sort: lists have a handful.
const MAX: usize = 65_536;

/// Collects them.
#[derive(Default)]
pub(super) struct Later {
    revoked: HashSet<(Box<[u8]>, Kind)>,
    /// Names with their lines.
    passed: HashMap<Box<[u8]>, u32>,
}

impl Later {
    /// Takes back an entry. False if there are too many.
    pub(super) fn revoke(&mut self, name: &DomainName, kind: Kind) -> bool {
        let fits = self.revoked.len() < MAX;
        if fits {
            self.revoked.insert((name.as_wire().into(), kind));
        }
        fits
    }

    /// Lets a name and what is under it through, if that matters. False if there are too many.
    pub(super) fn pass(&mut self, name: &DomainName, line: u32) -> bool {
        let fits = self.passed.len() < MAX;
        if fits {
            self.passed.entry(name.as_wire().into()).or_insert(line);
        }
        fits
    }

    /// Whether an entry is taken back.
    pub(super) fn revokes(&self) -> bool {
        !self.revoked.is_empty()
    }

    pub(super) fn is_revoked(&self, wire: &[u8], kind: Kind) -> bool {
        self.revoked.contains(&(wire.into(), kind))
    }

    /// The names that are let through, with their lines and in their order: those below a block of the list, with no
    /// other entry at them or below.
    pub(super) fn passed(self, names: &Names) -> Vec<(Box<[u8]>, u32)> {
        if self.passed.is_empty() {
            return Vec::new();
        }
        // Parents of the names, and which of them the list blocks; names with an entry of their own.
        let mut parents: HashMap<&[u8], bool> = HashMap::new();
        for wire in self.passed.keys() {
            parents.extend(suffixes(wire).skip(1).map(|parent| (parent, false)));
        }
        let mut own: HashSet<&[u8]> = HashSet::new();
        for (wire, _, kind) in names.iter() {
            if matches!(kind, Kind::Covers | Kind::Below)
                && let Some(blocked) = parents.get_mut(wire)
            {
                *blocked = true;
            }
            own.extend(suffixes(wire).filter(|suffix| self.passed.contains_key(*suffix)));
        }
        let is_blocked = |wire: &[u8]| suffixes(wire).skip(1).any(|parent| parents.get(parent) == Some(&true));
        let passes = |wire: &[u8]| is_blocked(wire) && !own.contains(wire);
        let names = self.passed.iter().filter(|(wire, _)| passes(wire));
        let mut passed: Vec<_> = names.map(|(wire, line)| (wire.clone(), *line)).collect();
        passed.sort_unstable_by_key(|(_, line)| *line);
        passed
    }
}

/// A name in wire form, its parent, and so on.
fn suffixes(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(wire), |rest| rest.get(1 + usize::from(*rest.first()?)..))
        .filter(|rest| !rest.is_empty())
}
