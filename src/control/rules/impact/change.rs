//! How the verdict for a name in one place changes from the old rules to the new ones.

use serde::Serialize;

use crate::matching::{RuleRef, Verdict};
use crate::model::Action;

/// A change of verdict, gravest first. What a name was before and is after tells more: `NoLongerBlocked` may be allowed
/// now, or just be on no list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Blocked after, and not before.
    NewlyBlocked,
    /// Blocked before, and not after.
    NoLongerBlocked,
    /// Allowed after; before it was on no list, only watched, or licensed.
    NewlyAllowed,
    /// Licensed after; before it was on no list, only watched, or allowed.
    NewlyLicensed,
    /// Allowed or licensed before, and on no list or only watched after.
    NoLongerAllowed,
    /// Only watched after, on no list before.
    NewlyWatched,
    /// Only watched before, on no list after.
    NoLongerWatched,
    /// The same verdict by another rule: another listed name, another reach, another list, or on another authority's order
    /// or law. Another line of the same list is no change.
    RuleChanged,
}

impl Change {
    /// Every one, gravest first.
    pub const ALL: [Change; 8] = [
        Change::NewlyBlocked,
        Change::NoLongerBlocked,
        Change::NewlyAllowed,
        Change::NewlyLicensed,
        Change::NoLongerAllowed,
        Change::NewlyWatched,
        Change::NoLongerWatched,
        Change::RuleChanged,
    ];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Change::NewlyBlocked => "newly blocked",
            Change::NoLongerBlocked => "no longer blocked",
            Change::NewlyAllowed => "newly allowed",
            Change::NewlyLicensed => "newly licensed",
            Change::NoLongerAllowed => "no longer allowed",
            Change::NewlyWatched => "newly watched",
            Change::NoLongerWatched => "no longer watched",
            Change::RuleChanged => "rule changed",
        }
    }

    /// The change between two verdicts for one name in one place; none if all stays as it is.
    pub fn between(old: Verdict<'_>, new: Verdict<'_>) -> Option<Change> {
        let (before, after) = (old.rule(), new.rule());
        let action = |rule: Option<RuleRef<'_>>| rule.map(|rule| rule.action());
        match (action(before), action(after)) {
            (old, new) if old == new => {
                let (before, after) = (before?, after?);
                (!is_same(&before, &after)).then_some(Change::RuleChanged)
            }
            (_, Some(Action::Block)) => Some(Change::NewlyBlocked),
            (Some(Action::Block), _) => Some(Change::NoLongerBlocked),
            (_, Some(Action::Allow)) => Some(Change::NewlyAllowed),
            (_, Some(Action::Licensed)) => Some(Change::NewlyLicensed),
            (Some(Action::Allow | Action::Licensed), _) => Some(Change::NoLongerAllowed),
            (_, Some(Action::Watch)) => Some(Change::NewlyWatched),
            (Some(Action::Watch), _) => Some(Change::NoLongerWatched),
            // Both without a rule, which the first line took.
            (None, None) => None,
        }
    }
}

/// Whether two rules are the same one. A register that grows moves its entries to other lines, and its reference often
/// bears a date, so neither counts.
fn is_same(a: &RuleRef<'_>, b: &RuleRef<'_>) -> bool {
    let on_order = |rule: &RuleRef<'_>| {
        let provenance = rule.origin().provenance.clone();
        provenance.map(|by| (by.authority().to_owned(), by.legal_basis().to_owned()))
    };
    a.kind() == b.kind() && a.list() == b.list() && a.pattern() == b.pattern() && on_order(a) == on_order(b)
}
