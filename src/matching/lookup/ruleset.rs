//! The rule set: the tables of all lists together, and what they say about a name.
//!
//! Lists that were read from text share one table; each prebuilt set brings its own. What a look-up answers does not
//! depend on that.

use std::cmp::Reverse;
use std::sync::Arc;

use super::table::{Found, Member, Table};
use crate::matching::list::{Kind, ListFacts};
use crate::model::{Action, DomainName, Jurisdiction, ListOrigin, MatchedRule};

/// A list as the rule set knows it.
#[derive(Clone, Debug)]
pub struct ListMeta {
    /// Its name, and on whose order its entries stand.
    pub origin: Arc<ListOrigin>,
    /// What its rules say, unless an entry says otherwise itself: [`Kind::action`].
    pub action: Action,
}

impl ListMeta {
    /// A list of which nothing is known but its name.
    pub fn bare(name: impl Into<Arc<str>>, action: Action) -> ListMeta {
        ListMeta { origin: Arc::new(ListOrigin::bare(name)), action }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.origin.name
    }
}

/// What the rules say about a name in one place.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'a> {
    /// No rule covers the name.
    NoMatch,
    /// Only entries to watch do; the most specific one. Never a finding.
    Watch(RuleRef<'a>),
    /// The most specific block that covers the name; no allow does.
    Block(RuleRef<'a>),
    /// The most specific allow or licence that covers the name, whatever the blocks say.
    Allow(RuleRef<'a>),
}

/// One of the places for which a [`RuleSet`] has verdicts: [`RuleSet::places`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    index: u8,
    /// Which it is. None where nothing is known of the origin of any list: then there is one place only.
    pub jurisdiction: Option<Jurisdiction>,
}

impl Place {
    /// The bit of [`Member::places`].
    const fn bit(self) -> u128 {
        1 << self.index
    }
}

/// More places than a rule set can have verdicts for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("verdicts are asked for {0} jurisdictions, and {max} are the most: say which ones this sensor serves", max = RuleSet::MAX_PLACES)]
pub struct TooManyPlaces(pub usize);

/// A rule inside a [`RuleSet`], as found for a name.
#[derive(Clone, Copy)]
pub struct RuleRef<'a> {
    /// The listed name: the end of the name that was asked for.
    wire: &'a [u8],
    member: &'a Member,
    line: u32,
}

/// Listed names, built once by [`super::RuleSetBuilder`] and never changed: any number of threads look names up in
/// it without a lock.
#[derive(Debug)]
pub struct RuleSet {
    tables: Box<[Table]>,
    /// At least one; at most [`RuleSet::MAX_PLACES`].
    places: Box<[Place]>,
}

impl RuleSet {
    /// A set without rules: nothing matches.
    pub fn empty() -> Self {
        RuleSet { tables: Box::default(), places: Box::new([Place { index: 0, jurisdiction: None }]) }
    }

    /// For all places that the lists name, as [`RuleSet::serving`] with all of them.
    pub(super) fn from_tables(tables: Vec<Table>) -> Result<Self, TooManyPlaces> {
        RuleSet { tables: tables.into(), places: Box::default() }.serving(&[])
    }

    /// The most places that one set has verdicts for.
    pub const MAX_PLACES: usize = 128;

    /// The same rules with verdicts for the given places, or for all that its lists name if none are given. Lists that do
    /// not hold in any of them decide nothing; a list of unknown origin holds in each.
    ///
    /// # Errors
    /// [`TooManyPlaces`].
    pub fn serving(mut self, served: &[Jurisdiction]) -> Result<Self, TooManyPlaces> {
        let origins = || self.tables.iter().flat_map(|table| &table.members).map(|member| &member.meta.origin);
        let named = || origins().filter_map(|origin| origin.provenance.as_deref());
        let mut places: Vec<Option<Jurisdiction>> = if served.is_empty() {
            named().flat_map(|provenance| provenance.jurisdictions()).copied().map(Some).collect()
        } else {
            served.iter().copied().map(Some).collect()
        };
        places.sort_unstable();
        places.dedup();
        if places.is_empty() {
            places.push(None);
        }
        if places.len() > Self::MAX_PLACES {
            return Err(TooManyPlaces(places.len()));
        }
        self.places = (0..).zip(places).map(|(index, jurisdiction)| Place { index, jurisdiction }).collect();
        for member in self.tables.iter_mut().flat_map(|table| &mut table.members) {
            let holds = |place: &&Place| place.jurisdiction.is_none_or(|at| member.meta.origin.holds_in(at));
            member.places = self.places.iter().filter(holds).fold(0, |bits, place| bits | place.bit());
        }
        Ok(self)
    }

    /// The places for which it has verdicts; at least one.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The only place for which it has verdicts, if there is one only, as on nearly every sensor.
    #[inline]
    pub fn only_place(&self) -> Option<Place> {
        if let [place] = &*self.places { Some(*place) } else { None }
    }

    /// The places in which any rule covers one of the names.
    pub fn concerned<'a>(&self, names: impl IntoIterator<Item = &'a DomainName>) -> impl Iterator<Item = Place> {
        let mut bits = 0;
        for name in names {
            self.visit(name.as_wire(), |_| true, |rule| bits |= rule.member.places);
        }
        self.places.iter().copied().filter(move |place| bits & place.bit() != 0)
    }

    pub(super) fn into_tables(self) -> Box<[Table]> {
        self.tables
    }

    /// The table, if there is exactly one.
    pub(super) fn only_table(&self) -> Option<&Table> {
        if let [table] = &*self.tables { Some(table) } else { None }
    }

    /// What the rules say about `name` in the first place, which is the only one where nothing is known of places.
    #[inline]
    pub fn lookup<'a>(&'a self, name: &'a DomainName) -> Verdict<'a> {
        self.places.first().map_or(Verdict::NoMatch, |place| self.lookup_in(*place, name))
    }

    /// What the rules say about `name` in a place. Allocates nothing and takes no lock; the cost is bounded by the depth
    /// of the deepest rule, not by the name.
    #[inline]
    pub fn lookup_in<'a>(&'a self, place: Place, name: &'a DomainName) -> Verdict<'a> {
        let mut best: Option<RuleRef<'_>> = None;
        let bit = place.bit();
        self.visit(
            name.as_wire(),
            |member| member.places & bit != 0,
            |rule| {
                if best.is_none_or(|best| rule.rank() > best.rank()) {
                    best = Some(rule);
                }
            },
        );
        match best {
            None => Verdict::NoMatch,
            Some(rule) => match rule.action() {
                Action::Allow | Action::Licensed => Verdict::Allow(rule),
                Action::Block => Verdict::Block(rule),
                Action::Watch => Verdict::Watch(rule),
            },
        }
    }

    /// Every rule that covers `name`, in whatever place, shortest name first, equal names in the order of the lists. For
    /// explanations: it allocates.
    pub fn lookup_all<'a>(&'a self, name: &'a DomainName) -> Vec<RuleRef<'a>> {
        let mut rules = Vec::new();
        self.visit(name.as_wire(), |_| true, |rule| rules.push(rule));
        rules.sort_by_key(|rule| (rule.wire.len(), rule.member.order, rule.line, rule.member.base));
        rules
    }

    /// Calls `found` with every rule that covers the name and whose list is to `count`.
    #[inline]
    fn visit<'a>(&'a self, wire: &'a [u8], count: impl Fn(&Member) -> bool, mut found: impl FnMut(RuleRef<'a>)) {
        for table in &self.tables {
            table.visit(wire, |Found { start, member, line }| {
                if count(member) {
                    found(RuleRef { wire: wire.get(start..).unwrap_or_default(), member, line });
                }
            });
        }
    }

    /// How many rules it holds, those to allow and to watch too. A name that stands in two lists is two rules.
    pub fn len(&self) -> u64 {
        self.tables.iter().map(|table| table.len).sum()
    }

    /// Whether it holds no rule.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets of memory that it takes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.tables.iter().map(Table::memory_bytes).sum::<usize>()
    }

    /// The lists it was built from, in order, with what is known of each beside its names.
    pub fn lists(&self) -> impl Iterator<Item = (&ListMeta, &ListFacts)> {
        let mut members: Vec<&Member> = self.tables.iter().flat_map(|table| &table.members).collect();
        members.sort_by_key(|member| member.order);
        members.dedup_by_key(|member| member.order);
        members.into_iter().map(|member| (&member.meta, &member.facts))
    }
}

impl<'a> Verdict<'a> {
    /// The rule that decided, if one did.
    pub fn rule(self) -> Option<RuleRef<'a>> {
        match self {
            Verdict::NoMatch => None,
            Verdict::Watch(rule) | Verdict::Block(rule) | Verdict::Allow(rule) => Some(rule),
        }
    }
}

impl<'a> RuleRef<'a> {
    /// The greater, the sooner it is named: any allow before every block, and watches last; then the longest name, of equal
    /// ones the first list's, and there the first line's.
    #[inline]
    fn rank(&self) -> (u8, usize, Reverse<u32>, Reverse<u32>) {
        let action = match self.action() {
            Action::Allow | Action::Licensed => 2,
            Action::Block => 1,
            Action::Watch => 0,
        };
        (action, self.wire.len(), Reverse(self.member.order), Reverse(self.line))
    }

    /// The listed name.
    pub fn pattern(&self) -> DomainName {
        let mut name = DomainName::root();
        let mut rest = self.wire;
        while let Some((&len, after)) = rest.split_first() {
            let Some((label, tail)) = after.split_at_checked(usize::from(len)) else { break };
            // It came from a `DomainName`, so it fits into one.
            if name.push_label(label).is_err() {
                break;
            }
            rest = tail;
        }
        name
    }

    /// What the rule says.
    pub fn action(&self) -> Action {
        self.member.kind.action(self.member.meta.action)
    }

    /// How far the rule reaches.
    pub fn kind(&self) -> Kind {
        self.member.kind
    }

    /// The list it stands in.
    pub fn list(&self) -> &'a Arc<str> {
        self.member.meta.name()
    }

    /// The list with what is known of its origin.
    pub fn origin(&self) -> &'a Arc<ListOrigin> {
        &self.member.meta.origin
    }

    /// Whether it counts in a place.
    pub fn holds_in(&self, place: Place) -> bool {
        self.member.places & place.bit() != 0
    }

    /// The line of the list's file, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// A copy that outlives the rule set, as the verdict for a place.
    pub fn to_matched(&self, place: Place) -> MatchedRule {
        MatchedRule {
            pattern: self.pattern(),
            action: self.action(),
            list: Arc::clone(self.origin()),
            line: self.line(),
            jurisdiction: place.jurisdiction,
        }
    }
}

impl std::fmt::Debug for RuleRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({}:{})", self.action().name(), self.pattern(), self.list(), self.line())
    }
}
