//! A name that matched a rule: what the packet path hands to the record layer, by value, over a bounded queue.

use std::sync::Arc;

use super::{Addr, DomainName, Jurisdiction, Kind, ListOrigin, Proto, Timestamp};

/// What a rule says about the names it covers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Action {
    /// Ordered blocked: a visit is a finding.
    Block,
    /// Never a finding in its jurisdiction, whatever else matches there.
    Allow,
    /// The same, because the site's operator has a licence there.
    Licensed,
    /// Counted, and never a finding: what is listed is less than the name says, such as one page of a host.
    Watch,
}

impl Action {
    /// Every one.
    pub const ALL: [Action; 4] = [Action::Block, Action::Allow, Action::Licensed, Action::Watch];

    /// Whether it lets a site be, whatever else its jurisdiction says.
    pub const fn lets_be(self) -> bool {
        matches!(self, Action::Allow | Action::Licensed)
    }

    /// The name in output and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Block => "block",
            Action::Allow => "allow",
            Action::Licensed => "licensed",
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
    /// The list it stands in, and on whose order.
    pub list: Arc<ListOrigin>,
    /// Line of the list's file, from 1; for XML the line of the entry.
    pub line: u32,
    /// Of all places that the sensor serves, the one for which this is the verdict. None where nothing is known of the
    /// origin of any list.
    pub jurisdiction: Option<Jurisdiction>,
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
