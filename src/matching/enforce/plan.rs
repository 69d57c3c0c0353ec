//! What is written, and what cannot be: from all the rules to the fewest entries that say the same in a format.
//!
//! The rules say: blocked is what a block covers and no allow covers. So blocks below an allow are dead, blocks below
//! another block say nothing new where the format covers subdomains by itself, and of the allows only those below a
//! block that is written need an entry. Where the format has no exceptions, **a name that is allowed is never blocked**:
//! the block above it shrinks to its own name, or is left out, and the note says so.

use std::collections::HashMap;

use super::input::Lists;
use super::names::Names;
use super::note::{Note, Why};
use super::syntax::{Able, Fit, Syntax};
use crate::model::Action;

/// An entry to write: a rule by its place in [`Names`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) at: usize,
    /// An exception, not a block.
    pub(super) pass: bool,
    /// With everything under it.
    pub(super) whole: bool,
}

/// What became of the rules. Every rule is in exactly one of these, or its note tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExportCounts {
    /// Names written as blocked.
    pub blocked: u64,
    /// Names written as exceptions.
    pub exceptions: u64,
    /// Blocks not written because an allow covers their name.
    pub allowed: u64,
    /// Blocks not written because a block above them covers them in this format too.
    pub redundant: u64,
    /// Blocks not written because the same name stands in another list.
    pub repeated: u64,
    /// Allows not written because nothing that is written covers their name.
    pub needless: u64,
}

pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) counts: ExportCounts,
    pub(super) notes: Vec<Note>,
}

/// What the first pass finds out about a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Live,
    /// An allow covers its name.
    Allowed,
    /// The block before it has the same name.
    Repeated,
}

impl Plan {
    pub(super) fn new(names: &Names, syntax: &dyn Syntax) -> Plan {
        let able = syntax.able();
        let fit = |at: usize| syntax.fit(names.octets(at));
        let survey = Survey::new(names, able, fit);
        let mut plan = Plan { steps: Vec::new(), counts: ExportCounts::default(), notes: Vec::new() };
        // The written block that covers what comes next.
        let mut cover: Option<usize> = None;
        let mut name = String::new();
        for (at, state) in survey.states.iter().enumerate() {
            cover = cover.filter(|top| names.covers(*top, at));
            let counts = &mut plan.counts;
            match (names.action(at), state) {
                (Action::Allow, State::Live) => {
                    if let Some(block) = survey.lost.get(&at) {
                        plan.notes.push(Note { at, why: Why::NoException { block: *block } });
                    } else if cover.is_some() {
                        counts.exceptions += 1;
                        plan.steps.push(Step { at, pass: true, whole: fit(at) == Fit::Whole });
                    } else {
                        counts.needless += 1;
                    }
                }
                (Action::Allow, _) => counts.needless += 1,
                (Action::Block, State::Allowed) => counts.allowed += 1,
                (Action::Block, State::Repeated) => counts.repeated += 1,
                (Action::Block, State::Live) if cover.is_some() => counts.redundant += 1,
                (Action::Block, State::Live) => {
                    let whole = plan.block(at, fit(at), survey.carved.get(&at).copied(), able);
                    cover = (whole && able.subdomains).then_some(at);
                    names.text(at, &mut name);
                    if plan.steps.last().is_some_and(|step| step.at == at) && syntax.answers_otherwise(&name) {
                        plan.notes.push(Note { at, why: Why::OtherAnswer });
                    }
                }
            }
        }
        plan
    }

    /// Every rule, for a format that says them all.
    pub(super) fn inventory(lists: &Lists) -> Plan {
        let mut counts = ExportCounts::default();
        for (source, facts) in lists.iter() {
            match source.action {
                Action::Block => counts.blocked += facts.counts.rules,
                Action::Allow => counts.exceptions += facts.counts.rules,
            }
        }
        Plan { steps: Vec::new(), counts, notes: Vec::new() }
    }

    /// Writes a block as far as can be; tells whether it is whole.
    fn block(&mut self, at: usize, fit: Fit, carved_by: Option<usize>, able: Able) -> bool {
        let why = match (fit, carved_by) {
            (Fit::Whole, None) => None,
            (Fit::Whole | Fit::Apex, Some(allow)) if able.apex => Some(Why::Shrunk { allow }),
            (Fit::Whole | Fit::Apex, Some(allow)) => Some(Why::LeftOut { allow }),
            (Fit::Apex, None) => Some(Why::TooLongBelow),
            (Fit::Not, _) => Some(Why::TooLong),
        };
        if !matches!(why, Some(Why::LeftOut { .. } | Why::TooLong)) {
            self.counts.blocked += 1;
            self.steps.push(Step { at, pass: false, whole: why.is_none() });
        }
        self.notes.extend(why.map(|why| Note { at, why }));
        why.is_none()
    }
}

/// What must be known of the rules under a name before the name can be written.
struct Survey {
    states: Vec<State>,
    /// Blocks with an allow under them that cannot be written, and the first such allow.
    carved: HashMap<usize, usize>,
    /// Allows that cannot be written, and the closest block above.
    lost: HashMap<usize, usize>,
}

impl Survey {
    fn new(names: &Names, able: Able, fit: impl Fn(usize) -> Fit) -> Survey {
        let mut survey =
            Survey { states: Vec::with_capacity(names.len()), carved: HashMap::new(), lost: HashMap::new() };
        // The topmost allow that covers what comes next, and the live blocks that do: at most one a label.
        let mut allow: Option<usize> = None;
        let mut blocks: Vec<usize> = Vec::new();
        for at in 0..names.len() {
            allow = allow.filter(|top| names.covers(*top, at));
            while blocks.last().is_some_and(|top| !names.covers(*top, at)) {
                blocks.pop();
            }
            let state = match (names.action(at), blocks.last()) {
                _ if allow.is_some() => State::Allowed,
                (Action::Allow, _) => {
                    allow = Some(at);
                    let can_pass = !able.subdomains || (able.exceptions && fit(at) != Fit::Not);
                    if !can_pass {
                        survey.lose(at, &blocks);
                    }
                    State::Live
                }
                (Action::Block, Some(&top)) if names.covers(at, top) => State::Repeated,
                (Action::Block, _) => {
                    blocks.push(at);
                    State::Live
                }
            };
            survey.states.push(state);
        }
        survey
    }

    /// Notes that an allow cannot be written below these blocks.
    fn lose(&mut self, allow: usize, blocks: &[usize]) {
        if let Some(closest) = blocks.last() {
            self.lost.insert(allow, *closest);
        }
        for block in blocks.iter().rev() {
            // Whoever carved this one has carved those above it.
            if self.carved.contains_key(block) {
                break;
            }
            self.carved.insert(*block, allow);
        }
    }
}
