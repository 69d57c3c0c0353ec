//! The rules as keys whose order is that of the tree of names: a name stands right before all that it covers, so one
//! pass with a small stack sees everything that concerns a name, and the order of the output is always the same.
//!
//! A key is the labels from the right with a zero between them (`example\0casino\0www`). Zero sorts before every octet
//! that a list may hold, so what a name covers stands together.

use std::ops::Range;

use super::Unfit;
use super::input::{Entry, Lists};
use crate::matching::list::Kind;
use crate::model::Action;

/// Rules in the order of the tree; of the same name those to allow first, then those to block, then by list and line.
#[derive(Debug)]
pub(super) struct Names {
    keys: Vec<u8>,
    rows: Vec<Row>,
}

/// A rule.
#[derive(Clone, Copy, Debug)]
struct Row {
    at: usize,
    len: u8,
    kind: Kind,
    action: Action,
    list: u32,
    line: u32,
}

impl Row {
    fn range(&self) -> Range<usize> {
        self.at..self.at + usize::from(self.len)
    }
}

impl Names {
    /// # Errors
    /// [`Unfit::Octets`]: no list reader lets such a name through, and written into a configuration it could say
    /// something else than a name.
    pub(super) fn of(lists: &Lists) -> Result<Names, Unfit> {
        Names::collect(lists.entries(), lists.rules())
            .map_err(|(list, line)| Unfit::Octets { list: lists.name(list).to_owned(), line })
    }

    fn collect<'a>(entries: impl Iterator<Item = Entry<'a>>, rules: usize) -> Result<Names, (u32, u32)> {
        let mut names = Names { keys: Vec::new(), rows: Vec::with_capacity(rules) };
        for Entry { wire, kind, action, list, line } in entries {
            let at = names.keys.len();
            push_key(wire, &mut names.keys).ok_or((list, line))?;
            // The key is one octet shorter than the wire form, which is at most 254 long.
            names.rows.push(Row { at, len: (names.keys.len() - at) as u8, kind, action, list, line });
        }
        let Names { keys, rows } = &mut names;
        let rank = |action| match action {
            Action::Allow | Action::Licensed => 0,
            Action::Block => 1,
            Action::Watch => 2,
        };
        let order = |row: &Row| (rank(row.action), row.list, row.line);
        rows.sort_unstable_by(|a, b| keys[a.range()].cmp(&keys[b.range()]).then_with(|| order(a).cmp(&order(b))));
        Ok(names)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, at: usize) -> &[u8] {
        &self.keys[self.rows[at].range()]
    }

    pub(super) fn action(&self, at: usize) -> Action {
        self.rows[at].action
    }

    pub(super) fn kind(&self, at: usize) -> Kind {
        self.rows[at].kind
    }

    /// Where the rules of the name at `at` end.
    pub(super) fn end_of_name(&self, at: usize) -> usize {
        (at + 1..self.len()).find(|other| self.key(*other) != self.key(at)).unwrap_or(self.len())
    }

    /// List and line.
    pub(super) fn place(&self, at: usize) -> (u32, u32) {
        (self.rows[at].list, self.rows[at].line)
    }

    /// Octets of the name in text, without a final dot.
    pub(super) fn octets(&self, at: usize) -> usize {
        usize::from(self.rows[at].len)
    }

    /// Whether the name at `top` is that at `at` or a parent of it.
    pub(super) fn covers(&self, top: usize, at: usize) -> bool {
        self.key(at).strip_prefix(self.key(top)).is_some_and(|rest| matches!(rest.first(), None | Some(0)))
    }

    /// Writes the name into `text`, which is emptied first.
    pub(super) fn text(&self, at: usize, text: &mut String) {
        text.clear();
        for label in self.key(at).rsplit(|octet| *octet == 0) {
            if !text.is_empty() {
                text.push('.');
            }
            text.extend(label.iter().copied().map(char::from));
        }
    }
}

/// Appends the key; `None` if a label is empty or holds an octet that a list's name cannot have.
fn push_key(wire: &[u8], keys: &mut Vec<u8>) -> Option<()> {
    let start = keys.len();
    let len = wire.len().checked_sub(1)?;
    keys.resize(start + len, 0);
    let (mut rest, mut end) = (wire, start + len);
    while let Some((&octets, after)) = rest.split_first() {
        let (label, tail) = after.split_at_checked(usize::from(octets))?;
        let plain = label.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if label.is_empty() || !plain {
            return None;
        }
        let from = end - label.len();
        keys[from..end].copy_from_slice(label);
        // The zero between this label and the next stays as it is.
        end = from.saturating_sub(1);
        rest = tail;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DomainName;

    fn names(texts: &[(&str, Action)]) -> Names {
        let wires: Vec<_> = texts.iter().map(|(text, _)| DomainName::from_text(text.as_bytes()).unwrap()).collect();
        let entries = wires.iter().zip(texts).zip(1..).map(|((name, (_, action)), line)| Entry {
            wire: name.as_wire(),
            kind: Kind::Covers,
            action: *action,
            list: 0,
            line,
        });
        Names::collect(entries, 0).unwrap()
    }

    #[test]
    fn a_name_stands_right_before_what_it_covers() {
        use Action::{Allow, Block, Watch};
        let names = names(&[
            ("b.a.example", Block),
            ("a-b.example", Block),
            ("a.example", Block),
            ("a.example", Watch),
            ("a.example", Allow),
            ("x.a-b.example", Block),
            ("ba.example", Block),
        ]);
        let mut text = String::new();
        let order: Vec<_> = (0..names.len())
            .map(|at| {
                names.text(at, &mut text);
                (text.clone(), names.action(at))
            })
            .collect();
        let expected = [
            ("a.example", Allow),
            ("a.example", Block),
            ("a.example", Watch),
            ("b.a.example", Block),
            ("a-b.example", Block),
            ("x.a-b.example", Block),
            ("ba.example", Block),
        ];
        assert_eq!(order, expected.map(|(name, action)| (name.to_owned(), action)));
        assert!(names.covers(1, 3) && names.covers(1, 0) && !names.covers(1, 4) && !names.covers(3, 1));
        assert_eq!([0, 1, 2, 3].map(|at| names.end_of_name(at)), [3, 3, 3, 4]);
        assert_eq!((names.octets(0), names.place(1)), (9, (0, 3)));
    }

    #[test]
    fn octets_that_are_no_name_are_refused() {
        for wire in
            [&b"\x03a\"b\x07example"[..], b"\x03a\nb\x02ex", b"\x03a.b\x02ex", b"\x01A\x02ex", b"\x00\x02ex", b""]
        {
            let entry = Entry { wire, kind: Kind::Covers, action: Action::Block, list: 3, line: 7 };
            assert_eq!(Names::collect(std::iter::once(entry), 1).err(), Some((3, 7)), "{wire:?}");
        }
    }
}
