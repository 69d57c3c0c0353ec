//! How much of a list changes: which of its rules are new, and which are gone.
//!
//! Counting rules is not enough, since a list whose names were all replaced has as many as before. Rules are compared by
//! 64-bit hashes, eight octets each, so that a list of ten million names needs no second copy of its text. Two rules with
//! one hash would be taken for the same; of ten million that happens once in some hundred thousand lists, and then one
//! rule is miscounted.

use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;

use crate::matching::ParsedList;

/// The rules of a list, as sorted hashes.
#[derive(Clone, Debug, Default)]
pub struct Prints(Vec<u64>);

/// What changes from one list to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swing {
    /// Rules of the old one.
    pub before: u64,
    /// Rules of the new one that the old one has not.
    pub added: u64,
    /// Rules of the old one that the new one has not.
    pub removed: u64,
}

impl Prints {
    /// Of a list.
    pub fn of(list: &ParsedList) -> Prints {
        let hasher = FixedState::default();
        let mut prints: Vec<u64> = list
            .entries()
            .map(|(wire, _, kind)| {
                let mut state = hasher.build_hasher();
                wire.hash(&mut state);
                kind.hash(&mut state);
                std::hash::Hasher::finish(&state)
            })
            .collect();
        prints.sort_unstable();
        Prints(prints)
    }

    /// What changes from `self` to `new`.
    pub fn swing(&self, new: &Prints) -> Swing {
        let (mut old_left, mut new_left) = (self.0.as_slice(), new.0.as_slice());
        let mut swing = Swing { before: self.0.len() as u64, added: 0, removed: 0 };
        loop {
            match (old_left.split_first(), new_left.split_first()) {
                (None, _) => {
                    swing.added += new_left.len() as u64;
                    return swing;
                }
                (_, None) => {
                    swing.removed += old_left.len() as u64;
                    return swing;
                }
                (Some((old, old_rest)), Some((new, new_rest))) => {
                    if old <= new {
                        old_left = old_rest;
                    }
                    if new <= old {
                        new_left = new_rest;
                    }
                    swing.removed += u64::from(old < new);
                    swing.added += u64::from(new < old);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{Format, parse};

    fn prints(text: &str) -> Prints {
        Prints::of(&parse(text.as_bytes(), Format::Auto, 1 << 20).unwrap())
    }

    #[test]
    fn what_came_and_what_went_are_told_apart() {
        let old = prints("a.example\nb.example\nc.example\n");
        for (text, added, removed) in [
            ("a.example\nb.example\nc.example\n", 0, 0),
            ("c.example\nb.example\nx.example\ny.example\n", 2, 1),
            ("x.example\ny.example\nz.example\n", 3, 3),
            ("@@||a.example^\nb.example\nc.example\n", 1, 1),
        ] {
            assert_eq!(old.swing(&prints(text)), Swing { before: 3, added, removed }, "{text}");
        }
        assert_eq!(Prints::default().swing(&old), Swing { before: 0, added: 3, removed: 0 });
    }
}
