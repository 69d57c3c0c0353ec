//! Where the export meets the list readers: files become [`Entry`]s here and nowhere else, so that a reader that learns
//! to tell more of an entry changes this file alone.

use crate::matching::list::{Kind, ListFacts, ListSource, ParsedList, SetError, load_file};
use crate::model::Action;

/// Lists that were read, to be exported.
#[derive(Debug)]
pub struct Lists {
    lists: Vec<(ListSource, ParsedList)>,
}

/// One rule of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// The name in wire form, lower case, without the root.
    pub(super) wire: &'a [u8],
    /// How far it reaches.
    pub(super) kind: Kind,
    /// What list and kind say together.
    pub(super) action: Action,
    /// Which list, in the order given.
    pub(super) list: u32,
    /// The list's line, from 1.
    pub(super) line: u32,
}

impl Lists {
    /// Reads every list of text. All or nothing, as a rule set.
    ///
    /// # Errors
    /// [`SetError::Lists`] with every file that is wrong. A prebuilt rule set is refused: it answers for names, but does
    /// not tell which names it holds.
    pub fn load(sources: &[ListSource]) -> Result<Lists, SetError> {
        let (mut lists, mut errors) = (Vec::with_capacity(sources.len()), Vec::new());
        for source in sources {
            match load_file(&source.path, source.format) {
                Ok(list) => lists.push((source.clone(), list)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Lists { lists }) } else { Err(SetError::Lists(errors)) }
    }

    /// Where each list came from and what is known of it, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&ListSource, &ListFacts)> {
        self.lists.iter().map(|(source, list)| (source, list.facts()))
    }

    /// Entries of the files that did not become a rule.
    pub fn rejected(&self) -> u64 {
        self.iter().map(|(_, facts)| facts.counts.rejected).sum()
    }

    /// The name of a list.
    pub(super) fn name(&self, list: u32) -> &str {
        self.lists.get(list as usize).map_or("", |(source, _)| &source.name)
    }

    /// Every rule of every list.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        (0..).zip(&self.lists).flat_map(|(list, (source, parsed))| {
            parsed.entries().map(move |(wire, line, kind)| {
                let action = kind.action(source.action);
                Entry { wire, kind, action, list, line }
            })
        })
    }

    /// How many rules the lists hold together.
    pub(super) fn rules(&self) -> usize {
        let rules: u64 = self.iter().map(|(_, facts)| facts.counts.rules).sum();
        usize::try_from(rules).unwrap_or(usize::MAX)
    }
}
