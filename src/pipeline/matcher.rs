//! Asks the rule set about each observation and makes a hit of what is listed, for each jurisdiction that is served.
//!
//! The name that was asked for comes first: if a rule allows it, the observation is no hit there whatever its CNAME
//! targets are, because the subscriber went to a licensed site. Otherwise the first listed name of the chain makes the
//! hit. A name that is only watched makes none, and is counted without anything else of the observation.

use crate::matching::{Place, RuleRef, RuleSet, Verdict};
use crate::model::{Addr, Detail, DomainName, Hit, Kind, MatchedRule, Observation};

/// The hits that an observation makes: one for each place that is served in which a rule orders its name (or a CNAME
/// target) blocked. Adds one to `watched` if the name is one to watch.
#[inline]
pub fn find_hits(rules: &RuleSet, o: &Observation<'_>, watched: &mut u64, mut found: impl FnMut(Hit)) {
    if let Some(place) = rules.only_place() {
        *watched += u64::from(hit_in(rules, place, o, &mut found));
        return;
    }
    let mut any_watched = false;
    for place in rules.concerned(std::iter::once(o.name).chain(targets(o))) {
        any_watched |= hit_in(rules, place, o, &mut found);
    }
    *watched += u64::from(any_watched);
}

/// The first of the hits of [`find_hits`].
#[inline]
pub fn find_hit(rules: &RuleSet, o: &Observation<'_>) -> Option<Hit> {
    let mut first = None;
    find_hits(rules, o, &mut 0, |hit| first = first.take().or(Some(hit)));
    first
}

/// Hands over the hit in one place, if there is one; gives whether the name is one to watch there. A hit is large, so it
/// is made where it is handed over and not carried about.
#[inline]
fn hit_in(rules: &RuleSet, place: Place, o: &Observation<'_>, found: &mut impl FnMut(Hit)) -> bool {
    let is_watched = match rules.lookup_in(place, o.name) {
        Verdict::Allow(_) => return false,
        Verdict::Block(rule) => {
            found(hit(o, o.name, rule.to_matched(place), false));
            return false;
        }
        Verdict::Watch(_) => true,
        Verdict::NoMatch => false,
    };
    if let Detail::Dns { cname, .. } = o.detail
        && !cname.is_empty()
        && let Some((target, rule)) = listed_target(rules, place, cname)
    {
        found(hit(o, target, rule.to_matched(place), true));
    }
    is_watched
}

fn targets<'o>(o: &Observation<'o>) -> &'o [DomainName] {
    if let Detail::Dns { cname, .. } = o.detail { cname } else { &[] }
}

fn listed_target<'a>(
    rules: &'a RuleSet,
    place: Place,
    targets: &'a [DomainName],
) -> Option<(&'a DomainName, RuleRef<'a>)> {
    targets.iter().find_map(|target| match rules.lookup_in(place, target) {
        Verdict::Block(rule) => Some((target, rule)),
        Verdict::Allow(_) | Verdict::Watch(_) | Verdict::NoMatch => None,
    })
}

#[inline]
fn hit(o: &Observation<'_>, name: &DomainName, rule: MatchedRule, via_cname: bool) -> Hit {
    let (client, server): (Addr, Addr) = (o.client.addr, o.server.addr);
    let rcode = match o.detail {
        Detail::Dns { rcode, .. } if o.kind == Kind::Answer => Some(rcode),
        _ => None,
    };
    Hit { ts: o.ts, proto: o.proto, kind: o.kind, name: *name, via_cname, rule, client, server, rcode }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use super::*;
    use crate::matching::{Format, ListMeta, RuleSetBuilder, parse};
    use crate::model::{Action, EncapChain, Endpoint, ListOrigin, Proto, Provenance, Timestamp};

    fn set() -> RuleSet {
        let mut builder = RuleSetBuilder::new();
        for (list, action, place, text) in [
            ("ch", Action::Block, "CH", "bets.example\nfar.example\n"),
            ("it", Action::Block, "IT", "bets.example\nhttps://page.example/bets\n"),
            ("gb", Action::Licensed, "GB", "bets.example\n"),
            ("gb-orders", Action::Block, "GB", "bets.example\nfar.example\n"),
        ] {
            let provenance = Provenance::new("authority", "act", "order", place.parse()).unwrap();
            let origin = ListOrigin { name: list.into(), provenance: Some(Arc::new(provenance)) };
            let parsed = parse(text.as_bytes(), Format::Plain, 1 << 20).unwrap();
            builder.add_list(ListMeta { origin: Arc::new(origin), action }, parsed);
        }
        builder.build().unwrap()
    }

    /// `CH ch bets.example` for each hit, and how many were watched.
    fn seen(set: &RuleSet, name: &str, cname: &[&str]) -> (Vec<String>, u64) {
        let of = |text: &str| DomainName::from_text(text.as_bytes()).unwrap();
        let (name, cname): (_, Vec<DomainName>) = (of(name), cname.iter().map(|text| of(text)).collect());
        let end = Endpoint { addr: Addr::from(IpAddr::from([192, 0, 2, 1])), port: 53 };
        let detail = Detail::Dns { qtype: 1, rcode: 0, cname: &cname, addrs: &[], ech: false };
        let (ts, encap) = (Timestamp::from_parts(1, 0), EncapChain::default());
        let o = Observation {
            ts,
            proto: Proto::Dns,
            kind: Kind::Answer,
            name: &name,
            client: end,
            server: end,
            encap,
            detail,
        };
        let (mut watched, mut hits) = (0, Vec::new());
        find_hits(set, &o, &mut watched, |hit| {
            let place = hit.rule.jurisdiction.map_or("-".into(), |place| place.to_string());
            hits.push(format!("{place} {} {}", hit.rule.list.name, hit.name));
        });
        (hits, watched)
    }

    #[test]
    fn a_visit_is_a_hit_for_each_place_whose_law_says_so() {
        let set = set();
        let all = ["CH ch bets.example", "IT it bets.example"].map(String::from).to_vec();
        assert_eq!(seen(&set, "bets.example", &[]), (all, 0));
        // Through a CNAME; licensed in GB is what was asked for there, so where it leads does not matter.
        assert_eq!(seen(&set, "bets.example", &["far.example"]).0.len(), 2);
        let far = ["CH ch far.example", "GB gb-orders far.example"].map(String::from).to_vec();
        assert_eq!(seen(&set, "other.example", &["x.example", "far.example"]), (far, 0));
        assert_eq!(seen(&set, "page.example", &[]), (Vec::new(), 1));
        assert_eq!(seen(&set, "other.example", &[]), (Vec::new(), 0));

        let set = set.serving(&["GB".parse().unwrap()]).unwrap();
        assert_eq!(seen(&set, "bets.example", &["far.example"]), (Vec::new(), 0));
        assert_eq!(seen(&set, "far.example", &[]).0, ["GB gb-orders far.example"]);
        assert_eq!(seen(&set, "page.example", &[]), (Vec::new(), 0), "watched in IT, which is not served");
    }
}
