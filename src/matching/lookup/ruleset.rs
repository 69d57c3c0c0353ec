//! The rule set: the tables of all lists together, and what they say about a name.
//!
//! Lists that were read from text share one table; each prebuilt set brings its own. What a look-up answers does not
//! depend on that.

use std::cmp::Reverse;
use std::sync::Arc;

use super::table::{Found, Member, Table};
use crate::matching::list::{Kind, ListFacts};
use crate::model::{Action, DomainName, MatchedRule};

/// A list as the rule set knows it.
#[derive(Clone, Debug)]
pub struct ListMeta {
    /// The operator's name for it, or the file's name.
    pub name: Arc<str>,
    /// What its rules say, unless an entry says otherwise itself: [`Kind::action`].
    pub action: Action,
}

/// What the rules say about a name.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'a> {
    /// No rule covers the name.
    NoMatch,
    /// Only entries to watch do; the most specific one. Never a finding.
    Watch(RuleRef<'a>),
    /// The most specific block that covers the name; no allow does.
    Block(RuleRef<'a>),
    /// The most specific allow that covers the name, whatever the blocks say.
    Allow(RuleRef<'a>),
}

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
}

impl RuleSet {
    /// A set without rules: nothing matches.
    pub fn empty() -> Self {
        RuleSet { tables: Box::default() }
    }

    pub(super) fn from_tables(tables: Vec<Table>) -> Self {
        RuleSet { tables: tables.into() }
    }

    pub(super) fn into_tables(self) -> Box<[Table]> {
        self.tables
    }

    /// The table, if there is exactly one.
    pub(super) fn only_table(&self) -> Option<&Table> {
        if let [table] = &*self.tables { Some(table) } else { None }
    }

    /// What the rules say about `name`. Allocates nothing and takes no lock; the cost is bounded by the depth of the
    /// deepest rule, not by the name.
    #[inline]
    pub fn lookup<'a>(&'a self, name: &'a DomainName) -> Verdict<'a> {
        let mut best: Option<RuleRef<'_>> = None;
        self.visit(name.as_wire(), |rule| {
            if best.is_none_or(|best| rule.rank() > best.rank()) {
                best = Some(rule);
            }
        });
        match best {
            None => Verdict::NoMatch,
            Some(rule) => match rule.action() {
                Action::Allow => Verdict::Allow(rule),
                Action::Block => Verdict::Block(rule),
                Action::Watch => Verdict::Watch(rule),
            },
        }
    }

    /// Every rule that covers `name`, shortest name first, equal names in the order of the lists. For explanations:
    /// it allocates.
    pub fn lookup_all<'a>(&'a self, name: &'a DomainName) -> Vec<RuleRef<'a>> {
        let mut rules = Vec::new();
        self.visit(name.as_wire(), |rule| rules.push(rule));
        rules.sort_by_key(|rule| (rule.wire.len(), rule.member.order, rule.line, rule.member.base));
        rules
    }

    /// Calls `found` with every rule that covers the name.
    #[inline]
    fn visit<'a>(&'a self, wire: &'a [u8], mut found: impl FnMut(RuleRef<'a>)) {
        for table in &self.tables {
            table.visit(wire, |Found { start, member, line }| {
                found(RuleRef { wire: wire.get(start..).unwrap_or_default(), member, line });
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
            Action::Allow => 2,
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
        &self.member.meta.name
    }

    /// The line of the list's file, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// A copy that outlives the rule set.
    pub fn to_matched(&self) -> MatchedRule {
        MatchedRule { pattern: self.pattern(), action: self.action(), list: Arc::clone(self.list()), line: self.line() }
    }
}

impl std::fmt::Debug for RuleRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({}:{})", self.action().name(), self.pattern(), self.list(), self.line())
    }
}
