//! A whole file against what its source promises and what is in force.

use std::fmt;

use super::swing::Swing;
use crate::control::rules::source::{Percent, Source};

/// What is known of a new file.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Rules in it.
    pub rules: u64,
    /// Entries in it, those that became no rule, stood there twice or are no longer in force too.
    pub entries: u64,
    /// The count that it states, if its source says how; the inner is `None` if it states none.
    pub stated: Option<Option<u64>>,
    /// Whether its last line ends as lines do.
    pub ends_whole: bool,
    /// Whether that of the one in force does.
    pub head_ends_whole: bool,
    /// What changes against what is in force; `None` for the first file of a list.
    pub swing: Option<Swing>,
    /// Names held back.
    pub held: u64,
    /// This very file was rolled back from.
    pub was_undone: bool,
}

/// The most names of a file that are held back by themselves; a file with more waits as a whole.
const MAX_HELD: u64 = 1_000;

/// A guard that a file tripped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trip {
    /// Fewer rules than the source promises.
    TooFew {
        /// In the file.
        rules: u64,
        /// At least.
        least: u64,
    },
    /// More came in than may.
    Grew {
        /// How many.
        added: u64,
        /// Of how many before.
        before: u64,
        /// What may.
        most: Percent,
    },
    /// More went out than may.
    Shrank {
        /// How many.
        removed: u64,
        /// Of how many before.
        before: u64,
        /// What may.
        most: Percent,
    },
    /// The file says another count of itself.
    OtherCount {
        /// What it says.
        stated: u64,
        /// Entries in it.
        entries: u64,
        /// Rules of them.
        rules: u64,
    },
    /// The file should say its count and does not.
    NoCount,
    /// The last line has no end, and had one before.
    Cut,
    /// Too many names to look at one by one.
    ManyHeld {
        /// How many.
        held: u64,
    },
    /// This very file was rolled back from.
    Undone,
}

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: u64, whole: u64| part as f64 * 100.0 / whole.max(1) as f64;
        match self {
            Trip::TooFew { rules, least } => {
                write!(f, "too few: the file has {rules} rules, and its source promises at least {least}")
            }
            Trip::Grew { added, before, most } => write!(
                f,
                "grew too much: {added} rules are new, {:.1} % of the {before} in force, and at most {most} may come at once",
                share(*added, *before)
            ),
            Trip::Shrank { removed, before, most } => write!(
                f,
                "shrank too much: {removed} rules are gone, {:.1} % of the {before} in force, and at most {most} may go at once",
                share(*removed, *before)
            ),
            Trip::OtherCount { stated, entries, rules } => write!(
                f,
                "wrong count: the file says that it has {stated} entries, and {entries} were read, {rules} of them rules"
            ),
            Trip::NoCount => f.write_str("no count: the file should say how many entries it has, and does not"),
            Trip::Cut => f.write_str("perhaps cut: the last line has no end, and that of the file in force has one"),
            Trip::ManyHeld { held } => {
                write!(f, "too many to look at: {held} of its names are held back, more than {MAX_HELD}")
            }
            Trip::Undone => {
                f.write_str("rolled back before: this very file was in force, and people went back from it")
            }
        }
    }
}

/// Every guard of `source` that the file trips.
pub fn measure(source: &Source, file: &Candidate) -> Vec<Trip> {
    let mut trips = Vec::new();
    if file.rules < source.min_count {
        trips.push(Trip::TooFew { rules: file.rules, least: source.min_count });
    }
    match file.stated {
        Some(None) => trips.push(Trip::NoCount),
        // Some count what they list, some what stands in the file.
        Some(Some(stated)) if stated != file.entries && stated != file.rules => {
            trips.push(Trip::OtherCount { stated, entries: file.entries, rules: file.rules });
        }
        _ => {}
    }
    if !file.ends_whole && file.head_ends_whole && file.swing.is_some() {
        trips.push(Trip::Cut);
    }
    if let Some(Swing { before, added, removed }) = file.swing {
        if added > source.max_growth.of(before) {
            trips.push(Trip::Grew { added, before, most: source.max_growth });
        }
        if removed > source.max_shrink.of(before) {
            trips.push(Trip::Shrank { removed, before, most: source.max_shrink });
        }
    }
    if file.held > MAX_HELD {
        trips.push(Trip::ManyHeld { held: file.held });
    }
    if file.was_undone {
        trips.push(Trip::Undone);
    }
    trips
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rules::source;

    fn source(more: &str) -> Source {
        let text = format!(
            "[[source]]\nid = \"x\"\ntitle = \"x\"\nauthority = \"x\"\njurisdictions = [\"CH\"]\naction = \"block\"\n\
             format = \"plain\"\n{more}"
        );
        source::read(&text).unwrap().remove(0)
    }

    fn good() -> Candidate {
        let swing = Some(Swing { before: 1_000, added: 50, removed: 50 });
        Candidate {
            rules: 1_000,
            entries: 1_010,
            stated: None,
            ends_whole: true,
            head_ends_whole: true,
            swing,
            held: 0,
            was_undone: false,
        }
    }

    #[test]
    fn what_is_within_the_guards_trips_none() {
        assert_eq!(measure(&source(""), &good()), []);
        for stated in [1_000, 1_010] {
            assert_eq!(measure(&source(""), &Candidate { stated: Some(Some(stated)), ..good() }), []);
        }
        let first = Candidate { swing: None, ends_whole: false, rules: 1, ..good() };
        assert_eq!(measure(&source(""), &first), [], "a first file has nothing to be measured against");
        let short = Candidate { swing: Some(Swing { before: 3, added: 1, removed: 1 }), ..good() };
        assert_eq!(measure(&source(""), &short), [], "one name is always a small change");
    }

    #[test]
    fn each_guard_is_tripped_by_what_it_is_for() {
        let swing = |added, removed| Some(Swing { before: 1_000, added, removed });
        for (more, file, told) in [
            ("min_count = 1001", good(), "too few: the file has 1000 rules"),
            ("", Candidate { swing: swing(51, 0), ..good() }, "grew too much: 51 rules are new, 5.1 %"),
            ("", Candidate { swing: swing(0, 300), ..good() }, "shrank too much: 300 rules are gone, 30.0 %"),
            ("max_shrink = \"0.1%\"", Candidate { swing: swing(0, 2), ..good() }, "at most 0.1% may go"),
            ("", Candidate { stated: Some(Some(2_000)), ..good() }, "wrong count: the file says that it has 2000"),
            ("", Candidate { stated: Some(None), ..good() }, "no count"),
            ("", Candidate { ends_whole: false, ..good() }, "perhaps cut"),
            ("", Candidate { held: 1_001, ..good() }, "too many to look at"),
            ("", Candidate { was_undone: true, ..good() }, "rolled back before"),
        ] {
            let trips = measure(&source(more), &file);
            assert!(trips.len() == 1 && trips[0].to_string().contains(told), "{told}: {trips:?}");
        }
    }
}
