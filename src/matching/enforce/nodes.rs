//! The rules as a map of the tree of names: for each name that has rules, whether it is blocked itself, and whether those
//! under it are, down to the next name that has rules of its own. So this says of every name what the lists mean.

use std::ops::Range;

use super::names::Names;
use crate::model::Action;

/// A name that has rules other than to watch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Node {
    /// Its rules in [`Names`]: to allow, then to block.
    pub(super) rules: Range<usize>,
    /// The first rule to block, or the end.
    pub(super) first_block: usize,
    /// Whether the name is blocked.
    pub(super) own: bool,
    /// Whether names under it are.
    pub(super) below: bool,
    /// Whether it would be without its rules.
    pub(super) above: bool,
}

impl Node {
    pub(super) fn blocks(&self) -> usize {
        self.rules.end - self.first_block
    }

    pub(super) fn allows(&self) -> usize {
        self.first_block - self.rules.start
    }
}

/// What rules say of the names under one.
#[derive(Clone, Copy, Default)]
struct Under {
    block: bool,
    allow: bool,
}

impl Under {
    const fn is_blocked(self) -> bool {
        self.block && !self.allow
    }
}

/// The map, in the order of the tree.
pub(super) fn of(names: &Names) -> Vec<Node> {
    let mut nodes = Vec::new();
    // Those that cover the next one: at most one for each label of a name.
    let mut path: Vec<(usize, Under)> = Vec::new();
    let mut at = 0;
    while at < names.len() {
        let all = at..names.end_of_name(at);
        at = all.end;
        let until = |past: fn(Action) -> bool| all.clone().find(|rule| !past(names.action(*rule))).unwrap_or(all.end);
        let (first_block, end) = (until(Action::lets_be), until(|action| action != Action::Watch));
        if end == all.start {
            continue;
        }
        while path.last().is_some_and(|(top, _)| !names.covers(*top, all.start)) {
            path.pop();
        }
        let above = path.last().map(|(_, under)| *under).unwrap_or_default();
        let reached = |rules: Range<usize>, whole| rules.into_iter().any(|rule| names.kind(rule).reaches(whole));
        let [own, below] = [true, false].map(|whole| Under {
            block: above.block || reached(first_block..end, whole),
            allow: above.allow || reached(all.start..first_block, whole),
        });
        path.push((all.start, below));
        nodes.push(Node {
            rules: all.start..end,
            first_block,
            own: own.is_blocked(),
            below: below.is_blocked(),
            above: above.is_blocked(),
        });
    }
    nodes
}
