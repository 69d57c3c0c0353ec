//! What is written, and what cannot be: from what the rules say of every name to the fewest entries that say the same in
//! a format.
//!
//! An entry is written where the lists say something else than the entries above. Where the format cannot say it, **a
//! name that is allowed is never blocked**: an exception takes in more than it should, or the block above it shrinks to
//! its own name, or is left out; and the note says so.

use super::names::Names;
use super::nodes::{self, Node};
use super::note::{Note, Why};
use super::survey::Survey;
use super::syntax::{Ability, Reach, Syntax};
use crate::model::Action;

/// An entry to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    /// A rule of the name, by its place in [`Names`].
    pub(super) at: usize,
    /// An exception from the entry above, not a block.
    pub(super) pass: bool,
    pub(super) reach: Reach,
}

/// What became of the rules. Every rule is in exactly one of these, or its note tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExportCounts {
    /// Names written as blocked.
    pub blocked: u64,
    /// Names written as exceptions.
    pub exceptions: u64,
    /// Blocks not written because an allow covers all that they reach.
    pub allowed: u64,
    /// Blocks not written because a block above them covers them in this format too.
    pub redundant: u64,
    /// Blocks not written because the same name stands in another list.
    pub repeated: u64,
    /// Allows not written because nothing that is written covers their name.
    pub needless: u64,
    /// Rules that only watch: nothing is to be blocked.
    pub watched: u64,
}

pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) counts: ExportCounts,
    pub(super) notes: Vec<Note>,
}

impl Plan {
    pub(super) fn new(names: &Names, syntax: &dyn Syntax) -> Plan {
        let nodes = nodes::of(names);
        let ability = Ability::of(syntax);
        let survey = Survey::new(names, &nodes, &ability);
        let mut plan = Plan { steps: Vec::new(), counts: ExportCounts::default(), notes: Vec::new() };
        // The names that entries were written for and that cover the next one, and whether names under them are blocked
        // now.
        let mut path: Vec<(usize, bool)> = Vec::new();
        let mut name = String::new();
        for (index, node) in nodes.iter().enumerate() {
            let at = node.rules.start;
            while path.last().is_some_and(|(top, _)| !names.covers(*top, at)) {
                path.pop();
            }
            let above = path.last().is_some_and(|(_, below)| *below);
            let lost = survey.lost.get(&index).copied();
            let (reach, why) = if above {
                except(node, &ability, names.octets(at))
            } else if node.blocks() > 0 {
                block(node, survey.carved.get(&index).copied(), &ability, names.octets(at))
            } else {
                // Blocked by what stands above alone, whose note says that it could not be written whole.
                (None, None)
            };
            if let Some(block) = lost {
                plan.notes.push(Note { at, why: Why::NoException { block } });
            }
            plan.count(node, above, reach, lost.is_some());
            let rule = if above || node.blocks() == 0 { at } else { node.first_block };
            plan.notes.extend(why.map(|why| Note { at: rule, why }));
            let Some(reach) = reach else { continue };
            plan.steps.push(Step { at: rule, pass: above, reach });
            path.push((at, reach.is_below() != above));
            names.text(at, &mut name);
            let answer = syntax.answers_otherwise(&name, reach, above);
            plan.notes.extend(answer.map(|answer| Note { at: rule, why: Why::OtherAnswer { answer } }));
        }
        plan.counts.watched = (0..names.len()).filter(|at| names.action(*at) == Action::Watch).count() as u64;
        plan
    }

    /// Every rule, for a format that says them all.
    pub(super) fn inventory(names: &Names) -> Plan {
        let mut counts = ExportCounts::default();
        for at in 0..names.len() {
            match names.action(at) {
                Action::Block => counts.blocked += 1,
                Action::Allow | Action::Licensed => counts.exceptions += 1,
                Action::Watch => counts.watched += 1,
            }
        }
        Plan { steps: Vec::new(), counts, notes: Vec::new() }
    }

    fn count(&mut self, node: &Node, above: bool, reach: Option<Reach>, lost: bool) {
        let (blocks, allows) = (node.blocks() as u64, node.allows() as u64);
        let counts = &mut self.counts;
        let excepted = u64::from(above && reach.is_some());
        counts.exceptions += excepted;
        counts.needless += allows - excepted.max(u64::from(lost)).min(allows);
        if !node.own && !node.below {
            counts.allowed += blocks;
        } else if blocks > 0 {
            counts.repeated += blocks - 1;
            counts.redundant += u64::from(above);
            counts.blocked += u64::from(!above && reach.is_some());
        }
    }
}

/// How far a name is blocked where no entry above does, and what of it cannot be said.
fn block(node: &Node, carved_by: Option<usize>, ability: &Ability<'_>, octets: usize) -> (Option<Reach>, Option<Why>) {
    let Some(want) = Reach::of(node.own, node.below) else { return (None, None) };
    let own = Some(Reach::Own).filter(|own| node.own && ability.can_block(*own, octets));
    match (carved_by, own) {
        (Some(allow), Some(_)) => (own, Some(Why::Shrunk { allow })),
        (Some(allow), None) => (None, Some(Why::LeftOut { allow })),
        (None, _) if ability.can_block(want, octets) => (Some(want), None),
        // What everybody must know of the format says that it covers nothing.
        (None, Some(_)) if !ability.knows_block(want) => (own, None),
        (None, Some(_)) => (own, Some(Why::TooLongBelow)),
        (None, None) if ability.knows_block(want) => (None, Some(Why::TooLong)),
        (None, None) => (None, Some(Why::Unsayable { reach: want })),
    }
}

/// How far a name is excepted from the entry above.
fn except(node: &Node, ability: &Ability<'_>, octets: usize) -> (Option<Reach>, Option<Why>) {
    match Reach::of(!node.own, !node.below) {
        None => (None, None),
        Some(want) if ability.can_pass(want, octets) => (Some(want), None),
        Some(want) => (Some(Reach::Whole), Some(Why::Widened { reach: want })),
    }
}
