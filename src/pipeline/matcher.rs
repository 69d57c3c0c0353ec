//! Asks the rule set about each observation and makes a hit of what is listed.
//!
//! The name that was asked for comes first: if a rule allows it, the observation is no hit whatever its CNAME targets
//! are, because the subscriber went to a licensed site. Otherwise the first listed name of the chain makes the hit. A
//! name that is only watched makes none, and is counted without anything else of the observation.

use crate::matching::{RuleSet, Verdict};
use crate::model::{Addr, Detail, DomainName, Hit, Kind, MatchedRule, Observation};

/// The hit that an observation makes, if a rule orders its name (or a CNAME target) blocked.
#[inline]
pub fn find_hit(rules: &RuleSet, o: &Observation<'_>) -> Option<Hit> {
    find_hit_and_count(rules, o, &mut 0)
}

/// As [`find_hit`], and adds one to `watched` if the name is one to watch.
#[inline]
pub fn find_hit_and_count(rules: &RuleSet, o: &Observation<'_>, watched: &mut u64) -> Option<Hit> {
    match rules.lookup(o.name) {
        Verdict::Allow(_) => return None,
        Verdict::Block(rule) => return Some(hit(o, o.name, rule.to_matched(), false)),
        Verdict::Watch(_) => *watched += 1,
        Verdict::NoMatch => {}
    }
    match o.detail {
        Detail::Dns { cname, .. } if !cname.is_empty() => listed_target(rules, o, cname),
        _ => None,
    }
}

fn listed_target(rules: &RuleSet, o: &Observation<'_>, targets: &[DomainName]) -> Option<Hit> {
    targets.iter().find_map(|target| match rules.lookup(target) {
        Verdict::Block(rule) => Some(hit(o, target, rule.to_matched(), true)),
        Verdict::Allow(_) | Verdict::Watch(_) | Verdict::NoMatch => None,
    })
}

fn hit(o: &Observation<'_>, name: &DomainName, rule: MatchedRule, via_cname: bool) -> Hit {
    let (client, server): (Addr, Addr) = (o.client.addr, o.server.addr);
    let rcode = match o.detail {
        Detail::Dns { rcode, .. } if o.kind == Kind::Answer => Some(rcode),
        _ => None,
    };
    Hit { ts: o.ts, proto: o.proto, kind: o.kind, name: *name, via_cname, rule, client, server, rcode }
}
