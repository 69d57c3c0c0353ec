//! What must be known of the names under a block before it can be written: exceptions that a format cannot say.

use std::collections::HashMap;

use super::names::Names;
use super::nodes::Node;
use super::syntax::{Ability, Reach};

#[derive(Default)]
pub(super) struct Survey {
    /// Nodes that are blocked with what is under them, but have an exception under them that cannot be said; and that
    /// exception, by its place in [`Names`].
    pub(super) carved: HashMap<usize, usize>,
    /// Nodes whose exception cannot be said, and the closest block above, by its place in [`Names`].
    pub(super) lost: HashMap<usize, usize>,
}

impl Survey {
    pub(super) fn new(names: &Names, nodes: &[Node], ability: &Ability<'_>) -> Survey {
        let mut survey = Survey::default();
        if !ability.covers() {
            return survey;
        }
        // Those that cover the next one: at most one for each label of a name.
        let mut path: Vec<(usize, &Node)> = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            let at = node.rules.start;
            while path.last().is_some_and(|(_, top)| !names.covers(top.rules.start, at)) {
                path.pop();
            }
            let octets = names.octets(at);
            let want = Reach::of(!node.own, !node.below).filter(|_| node.above);
            if want.is_some_and(|want| !ability.can_pass(want, octets) && !ability.can_pass(Reach::Whole, octets)) {
                survey.lose(index, at, &path);
            }
            path.push((index, node));
        }
        survey
    }

    fn lose(&mut self, index: usize, at: usize, path: &[(usize, &Node)]) {
        let mut blocked = path.iter().rev().take_while(|(_, node)| node.below).peekable();
        let closest = blocked.clone().find(|(_, node)| node.blocks() > 0);
        self.lost.extend(closest.map(|(_, node)| (index, node.first_block)));
        // Whoever carved one of them has carved those above it.
        while let Some((top, _)) = blocked.next_if(|(top, _)| !self.carved.contains_key(top)) {
            self.carved.insert(*top, at);
        }
    }
}
