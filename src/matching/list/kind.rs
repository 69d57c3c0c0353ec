//! What an entry says beside its name: how far it reaches, and what is to be done there.
//!
//! Three bits say all of it, so that a name costs no octet more: two for the reach (the name itself, the names under
//! it) and one for an exception. Entries of one name that say the same with different reach are one entry with both
//! reaches: the two lines by which an RPZ zone lists a site become one rule, in whatever order they stand.

use crate::model::Action;

/// How far an entry reaches, and what it says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Kind {
    /// The host of a single page or an odd port: its visits are counted, and are never findings.
    Watch = 0,
    /// The name itself, and no name under it.
    Exact = 1,
    /// The names under it, and not the name itself.
    Below = 2,
    /// The name and every name under it: what a plain name means.
    Covers = 3,
    /// An exception for the name itself.
    AllowExact = 5,
    /// An exception for the names under it.
    AllowBelow = 6,
    /// An exception for the name and every name under it.
    Allow = 7,
}

impl Kind {
    /// Every kind, the usual one first.
    pub const ALL: [Kind; 7] =
        [Kind::Covers, Kind::Exact, Kind::Below, Kind::Allow, Kind::AllowExact, Kind::AllowBelow, Kind::Watch];

    /// The name in output and in prebuilt files.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Covers => "covers",
            Kind::Exact => "exact",
            Kind::Below => "below",
            Kind::Allow => "allow",
            Kind::AllowExact => "allow-exact",
            Kind::AllowBelow => "allow-below",
            Kind::Watch => "watch",
        }
    }

    /// Whether it speaks of a name that is the entry's own (`whole`), or of one under it.
    #[inline]
    pub const fn reaches(self, whole: bool) -> bool {
        // A page is one host's, so `watch` does not reach below it.
        let reach = if matches!(self, Kind::Watch) { 1 } else { self as u8 & 3 };
        reach & (if whole { 1 } else { 2 }) != 0
    }

    /// What it says in a list of so an action: in a list to allow everything is allowed, the exceptions of its syntax
    /// too, since such lists are written as exceptions. A page is watched in any list.
    #[inline]
    pub const fn action(self, list: Action) -> Action {
        match (list, self) {
            (Action::Watch, _) | (_, Kind::Watch) => Action::Watch,
            (Action::Allow, _) | (_, Kind::Allow | Kind::AllowExact | Kind::AllowBelow) => Action::Allow,
            (Action::Block, _) => Action::Block,
        }
    }

    /// The exception of the same reach; a watched page stays one.
    pub(super) const fn allowed(self) -> Kind {
        Kind::of_bits(if matches!(self, Kind::Watch) { 0 } else { self as u8 | 4 })
    }

    /// Both entries as one, if they say the same.
    pub(super) const fn joined(self, other: Kind) -> Option<Kind> {
        let same = self as u8 & 4 == other as u8 & 4 && matches!(self, Kind::Watch) == matches!(other, Kind::Watch);
        if same { Some(Kind::of_bits(self as u8 | other as u8)) } else { None }
    }

    /// The kind of the low three bits.
    pub(super) const fn of_bits(bits: u8) -> Kind {
        match bits & 7 {
            1 => Kind::Exact,
            2 => Kind::Below,
            3 => Kind::Covers,
            5 => Kind::AllowExact,
            6 => Kind::AllowBelow,
            7 => Kind::Allow,
            _ => Kind::Watch,
        }
    }
}

/// How many entries of each kind there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KindCounts([u64; 8]);

impl KindCounts {
    /// Counts of one kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// The kinds that occur, with their counts, the usual one first.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        Kind::ALL.into_iter().map(|kind| (kind, self.of(kind))).filter(|(_, count)| *count > 0)
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, count| sum.saturating_add(*count))
    }

    pub(in crate::matching) fn add(&mut self, kind: Kind, count: u64) {
        if let Some(slot) = self.0.get_mut(kind as usize) {
            *slot = slot.saturating_add(count);
        }
    }

    pub(super) fn take_one(&mut self, kind: Kind) {
        if let Some(slot) = self.0.get_mut(kind as usize) {
            *slot = slot.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_names_are_told_apart_and_come_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_bits(kind as u8), kind);
            assert_eq!(Kind::ALL.iter().filter(|other| other.name() == kind.name()).count(), 1);
        }
    }

    #[test]
    fn reach_is_the_name_what_is_under_it_or_both() {
        let reach = |kind: Kind| (kind.reaches(true), kind.reaches(false));
        for (kind, expected) in [
            (Kind::Covers, (true, true)),
            (Kind::Allow, (true, true)),
            (Kind::Exact, (true, false)),
            (Kind::AllowExact, (true, false)),
            (Kind::Watch, (true, false)),
            (Kind::Below, (false, true)),
            (Kind::AllowBelow, (false, true)),
        ] {
            assert_eq!(reach(kind), expected, "{}", kind.name());
        }
    }

    #[test]
    fn entries_that_say_the_same_join_and_others_do_not() {
        assert_eq!(Kind::Exact.joined(Kind::Below), Some(Kind::Covers));
        assert_eq!(Kind::AllowBelow.joined(Kind::AllowExact), Some(Kind::Allow));
        assert_eq!(Kind::Covers.joined(Kind::Exact), Some(Kind::Covers));
        assert_eq!(Kind::Watch.joined(Kind::Watch), Some(Kind::Watch));
        for other in [Kind::Allow, Kind::AllowExact, Kind::Watch] {
            assert_eq!(Kind::Covers.joined(other), None, "{}", other.name());
            assert_eq!(other.joined(Kind::Exact), None, "{}", other.name());
        }
        assert_eq!(Kind::Allow.joined(Kind::Watch), None);
    }

    #[test]
    fn the_list_and_the_entry_say_together_what_is_done() {
        assert_eq!(Kind::Below.action(Action::Block), Action::Block);
        assert_eq!(Kind::AllowExact.action(Action::Block), Action::Allow);
        assert_eq!(Kind::Covers.action(Action::Allow), Action::Allow);
        assert_eq!(Kind::Allow.action(Action::Allow), Action::Allow);
        assert_eq!(Kind::Watch.action(Action::Allow), Action::Watch);
        assert_eq!(Kind::Watch.action(Action::Block), Action::Watch);
        assert_eq!(Kind::Exact.allowed(), Kind::AllowExact);
        assert_eq!(Kind::Watch.allowed(), Kind::Watch);
    }
}
