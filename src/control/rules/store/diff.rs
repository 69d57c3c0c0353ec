//! What changes from one list to another, name by name.

use crate::control::rules::guard::shown;
use crate::matching::{Kind, ParsedList};

/// One name that changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiffLine {
    /// The name.
    pub name: String,
    /// What the old list says of it.
    pub before: Vec<Kind>,
    /// What the new list says of it.
    pub after: Vec<Kind>,
}

/// What changes, each sorted by name in wire form.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Difference {
    /// Names that only the new list has.
    pub added: Vec<DiffLine>,
    /// Names that only the old list has.
    pub removed: Vec<DiffLine>,
    /// Names of which they say other things.
    pub changed: Vec<DiffLine>,
    /// Names that stay as they are.
    pub same: u64,
}

/// Compares two lists; none stands for an empty one.
pub fn differences(old: Option<&ParsedList>, new: Option<&ParsedList>) -> Difference {
    let (old, new) = (sorted(old), sorted(new));
    let (mut old, mut new) = (old.as_slice(), new.as_slice());
    let mut found = Difference::default();
    loop {
        let next = match (old.first(), new.first()) {
            (None, None) => return found,
            (Some((wire, _)), None) | (None, Some((wire, _))) => *wire,
            (Some((a, _)), Some((b, _))) => *a.min(b),
        };
        let (before, after) = (take(&mut old, next), take(&mut new, next));
        if before == after {
            found.same += 1;
            continue;
        }
        let to = match (before.is_empty(), after.is_empty()) {
            (true, _) => &mut found.added,
            (_, true) => &mut found.removed,
            _ => &mut found.changed,
        };
        to.push(DiffLine { name: shown(next), before, after });
    }
}

fn sorted(list: Option<&ParsedList>) -> Vec<(&[u8], Kind)> {
    let mut entries: Vec<(&[u8], Kind)> =
        list.into_iter().flat_map(ParsedList::entries).map(|(wire, _, kind)| (wire, kind)).collect();
    entries.sort_unstable();
    entries
}

/// The kinds of a name, which are taken from the front of the entries.
fn take(entries: &mut &[(&[u8], Kind)], name: &[u8]) -> Vec<Kind> {
    let count = entries.iter().take_while(|(wire, _)| *wire == name).count();
    let (own, rest) = entries.split_at(count);
    *entries = rest;
    own.iter().map(|(_, kind)| *kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{Format, parse};

    #[test]
    fn names_come_go_and_change_what_they_say() {
        let list = |text: &str| parse(text.as_bytes(), Format::Auto, 1 << 20).unwrap();
        let old = list("a.example\nb.example\nhttps://c.example/page\n");
        let new = list("b.example\nc.example\nd.example\n");
        let found = differences(Some(&old), Some(&new));
        let names = |lines: &[DiffLine]| lines.iter().map(|line| line.name.clone()).collect::<Vec<_>>();
        assert_eq!((names(&found.added), names(&found.removed)), (vec!["d.example".into()], vec!["a.example".into()]));
        assert_eq!((names(&found.changed), found.same), (vec!["c.example".into()], 1));
        assert_eq!(
            (&found.changed[0].before[..], &found.changed[0].after[..]),
            (&[Kind::Watch][..], &[Kind::Covers][..])
        );
        assert_eq!(differences(None, Some(&new)).added.len(), 3);
        assert_eq!(differences(Some(&old), None).removed.len(), 3);
    }
}
