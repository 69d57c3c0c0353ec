//! Lists that people type in: plain text, one name a line, with what is known of it behind the name.
//!
//! ```text
//! casino.example # {"proposal":7,"reference":"order 12/2026","listed":"2026-11-24T20:00:00Z","order":"9f86…"}
//! ```
//!
//! What a change makes of such a list depends on nothing but the list before and the change, so that it can be made again
//! and compared whenever somebody doubts it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::Names;
use super::hash::Hash;
use super::journal::rfc3339;
use crate::control::rules::guard::NameGuardError;
use crate::matching::{Format, Kind, Problem, parse};

/// The most names of one change.
pub(super) const MAX_NAMES: usize = 1_000;
/// The largest list that people type in, in octets.
pub(super) const MAX_TYPED: u64 = 8 << 20;

/// What stands behind a name.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// The proposal that listed it.
    pub proposal: u64,
    /// Order or case number.
    pub reference: String,
    /// When it was proposed.
    pub listed: String,
    /// SHA-256 of the order.
    pub order: Option<Hash>,
    /// From when on it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Until when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Note {
    /// What stands behind the name of a line.
    pub fn of_line(line: &str) -> Option<Note> {
        serde_json::from_str(line.split_once(" # ")?.1).ok()
    }

    /// Whether the entry holds at a time.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        let time = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Timestamp>().ok());
        time(&self.valid_from).is_none_or(|from| from <= now) && time(&self.expires).is_none_or(|until| now < until)
    }

    /// The times at which it begins or ends to hold.
    pub fn dates(&self) -> impl Iterator<Item = Timestamp> {
        [&self.valid_from, &self.expires]
            .into_iter()
            .flatten()
            .filter_map(|text| text.parse().ok())
            .collect::<Vec<_>>()
            .into_iter()
    }
}

/// The one spelling of a typed name.
///
/// # Errors
/// Why it is no entry of a list, and what may have been meant.
pub(super) fn clean(text: &str) -> Result<String, String> {
    if text.contains(['\n', '\r', '#']) {
        return Err(format!("{text:?} is no name"));
    }
    match parse(text.as_bytes(), Format::Plain, 4_096) {
        Ok(list) => match list.entries().next() {
            Some((wire, _, Kind::Covers)) => Ok(crate::control::rules::guard::shown(wire)),
            _ => Err(format!("{text:?} is a page or a port of a site: type the name of the site alone")),
        },
        Err(Problem::NoRule(facts)) => Err(match facts.rejections.first() {
            Some(rejection) => {
                let suggestion = rejection.suggestion.as_ref().map(|s| format!(" ({s})")).unwrap_or_default();
                format!("{text:?} {}{suggestion}", rejection.reason)
            }
            None => format!("{text:?} is no name"),
        }),
        Err(problem) => Err(format!("{text:?} {problem}")),
    }
}

/// The line, from 1, of each name of a list.
fn lines_of(list: &[u8]) -> Result<BTreeMap<String, u32>, String> {
    match parse(list, Format::Plain, MAX_TYPED) {
        Ok(parsed) => {
            Ok(parsed.entries().map(|(wire, line, _)| (crate::control::rules::guard::shown(wire), line)).collect())
        }
        Err(Problem::NoRule(_)) => Ok(BTreeMap::new()),
        Err(problem) => Err(problem.to_string()),
    }
}

/// What a change makes of a list.
///
/// # Errors
/// A name to add is listed already, or one to take out is not.
pub(super) fn changed(
    before: &[u8],
    names: &Names,
    (proposal, time, order): (u64, Timestamp, Option<Hash>),
) -> Result<Vec<u8>, String> {
    let known = lines_of(before)?;
    if let Some(name) = names.add.iter().find(|name| known.contains_key(*name)) {
        return Err(format!("{name} is listed in {} already", names.list));
    }
    let mut gone = BTreeSet::new();
    for name in &names.remove {
        gone.insert(*known.get(name).ok_or_else(|| format!("{name} is not listed in {}", names.list))?);
    }
    let text = String::from_utf8_lossy(before);
    let mut after = String::with_capacity(text.len());
    for (number, line) in (1_u32..).zip(text.lines()) {
        if !gone.contains(&number) {
            after.push_str(line);
            after.push('\n');
        }
    }
    let note = Note {
        proposal,
        reference: names.reference.clone(),
        listed: rfc3339(time),
        order,
        valid_from: names.valid_from.clone(),
        expires: names.expires.clone(),
        note: names.note.clone(),
    };
    let note = serde_json::to_string(&note).map_err(|error| error.to_string())?;
    for name in &names.add {
        let _ = writeln!(after, "{name} # {note}");
    }
    if after.len() as u64 > MAX_TYPED {
        return Err(format!("the list would be larger than {} MiB", MAX_TYPED >> 20));
    }
    Ok(after.into_bytes())
}

impl From<NameGuardError> for super::StoreError {
    fn from(error: NameGuardError) -> Self {
        super::StoreError::refused(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(add: &[&str], remove: &[&str]) -> Names {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (list, reference) = ("no-letters".into(), "order \"7\" # of 2026".into());
        let (valid_from, expires) = (None, Some("2027-01-01T00:00:00Z".into()));
        Names { list, add: owned(add), remove: owned(remove), reference, valid_from, expires, note: String::new() }
    }

    fn change(before: &[u8], names: &Names) -> Result<Vec<u8>, String> {
        changed(before, names, (7, Timestamp::UNIX_EPOCH, Some(Hash::ZERO)))
    }

    #[test]
    fn names_come_and_go_and_the_list_can_be_read() {
        let first = change(b"", &names(&["a.example", "b.example"], &[])).unwrap();
        assert_eq!(first, change(b"", &names(&["a.example", "b.example"], &[])).unwrap());
        let note = Note::of_line(std::str::from_utf8(&first).unwrap().lines().next().unwrap()).unwrap();
        assert_eq!((note.proposal, note.reference.as_str()), (7, "order \"7\" # of 2026"));
        assert!(note.holds_at(Timestamp::UNIX_EPOCH) && !note.holds_at("2027-01-01T00:00:00Z".parse().unwrap()));
        let second = change(&first, &names(&["c.example"], &["a.example"])).unwrap();
        let left: Vec<String> = lines_of(&second).unwrap().into_keys().collect();
        assert_eq!(left, ["b.example", "c.example"]);
        assert!(change(&second, &names(&["c.example"], &[])).unwrap_err().contains("is listed in no-letters already"));
        assert!(change(&second, &names(&[], &["a.example"])).unwrap_err().contains("is not listed"));
        let none = change(&second, &names(&[], &["b.example", "c.example"])).unwrap();
        assert_eq!(none, b"");
    }

    #[test]
    fn typed_names_are_held_to_what_lists_are() {
        assert_eq!(clean(" WWW.Casino.Example. ").unwrap(), "www.casino.example");
        assert_eq!(clean("glücksspiel.example").unwrap(), "xn--glcksspiel-beb.example");
        for (text, told) in [
            ("co.uk", "public suffix"),
            ("1146  m.fezbet641.com", "perhaps m.fezbet641.com"),
            ("https://a.example/page", "type the name of the site alone"),
            ("a.example # b", "is no name"),
            ("192.0.2.1", "IP address"),
            ("", "is no name"),
        ] {
            assert!(clean(text).unwrap_err().contains(told), "{text}: {:?}", clean(text));
        }
    }
}
