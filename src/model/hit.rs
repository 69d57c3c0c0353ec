//! A name that matched a rule: what the packet path hands to the record layer, by value, over a bounded queue.

use std::sync::Arc;

use super::{Addr, DomainName, Kind, Proto, Timestamp};

/// What a rule says about the names it covers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Action {
    /// Ordered blocked: a visit is a finding.
    Block,
    /// Never a finding, whatever else matches.
    Allow,
    /// Counted, and never a finding: what is listed is less than the name says, such as one page of a host.
    Watch,
}

impl Action {
    /// The name in output and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Block => "block",
            Action::Allow => "allow",
            Action::Watch => "watch",
        }
    }
}

/// The rule that a name matched, complete enough to outlive the rule set it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedRule {
    /// The listed name.
    pub pattern: DomainName,
    /// What the rule says.
    pub action: Action,
    /// The list it stands in, as the operator named it (or the file's name).
    pub list: Arc<str>,
    /// Line of the list's file, from 1; for XML the line of the entry.
    pub line: u32,
}

/// One observation whose name (or a CNAME target) is listed.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Packet time of the observation.
    pub ts: Timestamp,
    /// The protocol.
    pub proto: Proto,
    /// Query, answer, SNI or Host.
    pub kind: Kind,
    /// The name that matched: the observed name, or the CNAME target if `via_cname`.
    pub name: DomainName,
    /// The match was on a CNAME target of the answer, not on the name that was asked for.
    pub via_cname: bool,
    /// The rule that matched.
    pub rule: MatchedRule,
    /// The side that asked or opened. Stays in memory: see [`Addr`].
    pub client: Addr,
    /// The other side.
    pub server: Addr,
    /// RCODE, if this is a DNS answer.
    pub rcode: Option<u16>,
}
