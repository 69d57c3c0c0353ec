//! Names that everybody uses: would the new rules block one of them, whether it was seen or not?
//!
//! The file is the operator's: one name a line, or `rank,name` as the known rankings of sites are published. It is read
//! line by line and not kept.

use std::io::{self, BufRead};

use serde::Serialize;

use super::report::RuleText;
use super::{Change, Pair};
use crate::matching::list::lines::{Line, Lines};
use crate::matching::to_name;
use crate::model::{DomainName, Jurisdiction};

/// Popular names that the new rules would newly block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Popular {
    /// At most [`Popular::MAX_KEPT`] of them, in the order of the file.
    pub blocked: Vec<Blocked>,
    /// How many more there are.
    pub more: u64,
    /// Names that were asked about.
    pub names: u64,
    /// Lines that hold no name.
    pub unreadable: u64,
}

/// A popular name that would be newly blocked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Blocked {
    /// The name.
    pub name: String,
    /// Where.
    #[serde(serialize_with = "super::report::code")]
    pub jurisdiction: Option<Jurisdiction>,
    /// The rule that would.
    pub rule: RuleText,
}

impl Popular {
    /// The most that are told.
    pub const MAX_KEPT: usize = 100;

    /// Asks both rule sets about every name of the file.
    ///
    /// # Errors
    /// What the reader says.
    pub fn check(pair: &Pair, reader: impl BufRead) -> io::Result<Popular> {
        let mut popular = Popular::default();
        let mut lines = Lines::new(reader);
        while let Some(line) = lines.next()? {
            let name = match line {
                Line::Whole(text) if matches!(text.trim_ascii().first(), None | Some(b'#')) => continue,
                Line::Whole(text) => name(text.trim_ascii()),
                Line::TooLong(_) => None,
            };
            match name {
                Some(name) => popular.ask(pair, &name),
                None => popular.unreadable += 1,
            }
        }
        Ok(popular)
    }

    fn ask(&mut self, pair: &Pair, name: &DomainName) {
        self.names += 1;
        for place in pair.places() {
            if pair.change(*place, name) != Some(Change::NewlyBlocked) {
                continue;
            }
            let Some(rule) = pair.new_rules().lookup_in(*place, name).rule() else { continue };
            if self.blocked.len() >= Self::MAX_KEPT {
                self.more += 1;
                continue;
            }
            let rule = RuleText::of(&rule);
            self.blocked.push(Blocked { name: name.to_string(), jurisdiction: place.jurisdiction, rule });
        }
    }
}

/// `name`, or `rank,name` with whatever columns behind it.
fn name(text: &[u8]) -> Option<DomainName> {
    let text = std::str::from_utf8(text).ok()?;
    let mut columns = text.split([',', '\t', ' ']).filter(|column| !column.is_empty());
    let first = columns.next()?;
    let name = if first.bytes().all(|octet| octet.is_ascii_digit()) { columns.next()? } else { first };
    to_name(name.trim_matches('"')).ok()
}
