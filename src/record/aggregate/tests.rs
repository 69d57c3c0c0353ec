//! Tests of the aggregator: windows, updates, eviction, roles, privacy, and what must hold for any traffic.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::model::{Action, Addr, Kind, ListOrigin, MatchedRule, Proto, Provenance};
use crate::record::Cidr;

const SECOND: u64 = 1_000_000_000;
const START: u64 = 1_795_513_595 * SECOND;

fn addr(text: &str) -> Addr {
    Addr::from(text.parse::<IpAddr>().unwrap())
}

fn order() -> Provenance {
    let basis = "Gambling Act of 19 November 2009, article 15f";
    Provenance::new("Ministerstwo Finansów", basis, "Rejestr domen", "PL".parse()).unwrap()
}

fn name(text: &str) -> DomainName {
    DomainName::from_text(text.as_bytes()).unwrap()
}

/// A query for `site` by 192.0.2.7, `at` seconds after the start.
fn query(site: &str, at: u64) -> Hit {
    let rule = MatchedRule {
        pattern: name("casino.example"),
        action: Action::Block,
        list: Arc::new(ListOrigin { name: "demo".into(), provenance: Some(Arc::new(order())) }),
        line: 7,
        jurisdiction: "PL".parse().ok(),
    };
    Hit {
        ts: Timestamp::from_nanos(START + at * SECOND),
        proto: Proto::Dns,
        kind: Kind::Query,
        name: name(site),
        via_cname: false,
        rule,
        client: addr("192.0.2.7"),
        server: addr("192.0.2.53"),
        rcode: None,
    }
}

fn answer(site: &str, at: u64, rcode: u16) -> Hit {
    Hit { kind: Kind::Answer, rcode: Some(rcode), ..query(site, at) }
}

fn hello(site: &str, at: u64) -> Hit {
    Hit { proto: Proto::Tls, kind: Kind::Sni, server: addr("198.51.100.9"), ..query(site, at) }
}

fn networks() -> Networks {
    Networks::new(
        [
            (Role::Subscriber, "192.0.2.0", 24),
            (Role::Subscriber, "2001:db8::", 32),
            (Role::Resolver, "192.0.2.53", 32),
            (Role::Cgnat, "203.0.113.0", 28),
        ]
        .map(|(role, text, len)| (role, Cidr::new(text.parse().unwrap(), len))),
    )
}

fn replay() -> Aggregator {
    Aggregator::replay(AggregateConfig::default(), networks())
}

fn feed(to: &mut Aggregator, hits: &[Hit]) -> Vec<Event> {
    let mut events = Vec::new();
    hits.iter().for_each(|hit| to.hit(hit, &mut events));
    events
}

fn kinds(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|e| e.kind.name()).collect()
}

#[test]
fn a_finding_is_opened_updated_and_closed() {
    let mut a = replay();
    let mut events = feed(&mut a, &[query("www.casino.example", 0), query("www.casino.example", 5)]);
    assert_eq!(kinds(&events), ["opened"]);
    assert_eq!((events[0].count, events[0].answers), (1, 0));

    events.extend(feed(&mut a, &[answer("www.casino.example", 6, 3), query("www.casino.example", 70)]));
    assert_eq!(kinds(&events), ["opened", "updated"]);
    assert_eq!((events[1].count, events[1].answers), (2, 1));
    assert_eq!(events[1].ts.as_nanos(), START + 65 * SECOND, "due one interval after the change");

    a.tick(Timestamp::from_nanos(START + 3_601 * SECOND), &mut events);
    assert_eq!(kinds(&events), ["opened", "updated", "updated", "closed"]);
    let last = &events[3];
    assert_eq!(last.kind, EventKind::Closed(CloseReason::Window));
    assert_eq!(last.ts.as_nanos(), START + 3_600 * SECOND);
    assert_eq!((last.count, last.answers, last.distinct_subscribers), (3, 1, 1));
    assert_eq!(last.last_seen.as_nanos() - last.first_seen.as_nanos(), 70 * SECOND);
    assert_eq!(events.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(events.iter().all(|e| e.subject.finding_id == events[0].subject.finding_id));
}

#[test]
fn the_next_window_is_another_finding() {
    let mut a = replay();
    let events = feed(&mut a, &[query("casino.example", 0), query("casino.example", 3_600)]);
    assert_eq!(kinds(&events), ["opened", "closed", "opened"]);
    assert_ne!(events[0].subject.finding_id, events[2].subject.finding_id);
}

#[test]
fn how_often_the_clock_is_told_changes_nothing() {
    let hits: Vec<Hit> =
        (0..200).map(|n| query(if n % 3 == 0 { "casino.example" } else { "a.casino.example" }, n * 37)).collect();
    let coarse = feed(&mut replay(), &hits);
    let mut a = replay();
    let mut fine = Vec::new();
    for hit in &hits {
        for back in (0..37).rev() {
            a.tick(Timestamp::from_nanos(hit.ts.as_nanos() - back * SECOND), &mut fine);
        }
        a.hit(hit, &mut fine);
    }
    assert_eq!(coarse, fine);
}

#[test]
fn an_answer_alone_is_a_finding_without_a_visit() {
    let mut a = replay();
    let through = Hit { via_cname: true, ..answer("casino.example", 0, 0) };
    let mut events = feed(&mut a, &[through]);
    assert_eq!((events[0].count, events[0].answers, events[0].via_cname), (0, 1, true));
    a.hit(&query("casino.example", 1), &mut events);
    a.finish(&mut events);
    let last = events.last().unwrap();
    assert_eq!((last.count, last.answers, last.via_cname), (1, 1, false));
    assert_eq!(last.kind, EventKind::Closed(CloseReason::Shutdown));
}

#[test]
fn only_the_subscriber_side_makes_findings() {
    let mut a = replay();
    let from = |client: &str| Hit { client: addr(client), ..query("casino.example", 0) };
    let events = feed(&mut a, &[from("192.0.2.53"), from("198.51.100.1"), from("203.0.113.3")]);
    assert_eq!(kinds(&events), ["opened"], "the CGNAT address only");
    let counters = a.counters();
    assert_eq!(counters.suppressed(Suppressed::Resolver), 1);
    assert_eq!(counters.suppressed(Suppressed::Outside), 1);
    assert_eq!(counters.hits, 3);
    assert_eq!(counters.findings[&("demo".into(), Proto::Dns)], 1);
}

#[test]
fn reverse_names_and_allowed_names_make_none() {
    let mut a = replay();
    let mut allowed = query("casino.example", 0);
    allowed.rule.action = Action::Allow;
    let events = feed(&mut a, &[query("7.2.0.192.in-addr.arpa", 0), query("7.ip6.arpa", 0), allowed]);
    assert!(events.is_empty());
    assert_eq!(a.counters().suppressed(Suppressed::ReverseName), 2);
    assert_eq!(a.counters().suppressed(Suppressed::Allowed), 1);
}

#[test]
fn distinct_subscribers_are_counted_without_being_kept() {
    let mut a = replay();
    let mut events = Vec::new();
    for n in (0..201u8).filter(|n| *n != 53) {
        for _ in 0..3 {
            a.hit(&Hit { client: Addr::v4([192, 0, 2, n]), ..hello("casino.example", 1) }, &mut events);
        }
    }
    a.finish(&mut events);
    let last = events.last().unwrap();
    assert_eq!(last.count, 600);
    assert!((190..=210).contains(&last.distinct_subscribers), "{}", last.distinct_subscribers);
}

#[test]
fn servers_are_told_only_where_they_are_surely_no_subscribers() {
    let told = |networks: Networks, hit: Hit| {
        feed(&mut Aggregator::replay(AggregateConfig::default(), networks), &[hit])[0].servers.len()
    };
    assert_eq!(told(networks(), hello("casino.example", 0)), 1);
    assert_eq!(told(networks(), query("casino.example", 0)), 0, "in DNS the other side is a resolver");
    let hosted = Hit { server: addr("192.0.2.200"), ..hello("casino.example", 0) };
    assert_eq!(told(networks(), hosted), 0, "a subscriber hosts the site");
    assert_eq!(told(Networks::unknown(), hello("casino.example", 0)), 0);

    let mut a = replay();
    let mut events = Vec::new();
    for n in 0..30 {
        a.hit(&Hit { server: Addr::v4([198, 51, 100, n]), ..hello("casino.example", 0) }, &mut events);
    }
    a.finish(&mut events);
    assert_eq!(events.last().unwrap().servers.len(), 8);
}

#[test]
fn when_the_table_is_full_the_oldest_is_closed_with_its_counts() {
    let config = AggregateConfig { max_open: 2, ..AggregateConfig::default() };
    let mut a = Aggregator::replay(config, networks());
    let events = feed(
        &mut a,
        &[
            query("a.casino.example", 0),
            query("a.casino.example", 1),
            query("b.casino.example", 2),
            query("c.casino.example", 3),
        ],
    );
    assert_eq!(kinds(&events), ["opened", "opened", "closed", "opened"]);
    assert_eq!(events[2].kind, EventKind::Closed(CloseReason::Evicted));
    assert_eq!(events[2].count, 2);
    assert_eq!(a.counters().closed[CloseReason::Evicted as usize], 1);
}

#[test]
fn evictions_do_not_pile_up_updates() {
    let config = AggregateConfig { max_open: 4, ..AggregateConfig::default() };
    let mut a = Aggregator::replay(config, networks());
    let mut events = Vec::new();
    for n in 0..1_000 {
        let hit = query(&format!("n{n}.casino.example"), 0);
        a.hit(&hit, &mut events);
        a.hit(&hit, &mut events);
    }
    assert!(a.updates.len() <= 10, "{}", a.updates.len());
    assert_eq!(a.by_key.len(), 4);
}

#[test]
fn an_older_capture_after_a_newer_one_starts_afresh() {
    let mut a = replay();
    let mut events = feed(&mut a, &[query("casino.example", 100_000), query("casino.example", 0)]);
    assert_eq!(kinds(&events), ["opened", "closed", "opened"]);
    a.tick(Timestamp::from_nanos(START + 3_600 * SECOND), &mut events);
    assert_eq!(events.len(), 4, "the second window ends by the second capture's clock");
}

#[test]
fn a_name_that_spells_the_subscribers_address_is_withheld() {
    let mut a = replay();
    let events = feed(&mut a, &[query("ip-192-0-2-7.casino.example", 0), query("casino.example", 1)]);
    assert_eq!(kinds(&events), ["opened"], "both are told under the rule's name");
    assert_eq!(events[0].subject.name, name("casino.example"));
    assert_eq!(a.counters().names_withheld, 1);
}

#[test]
fn pseudonyms_tell_subscribers_apart() {
    let mut a = Aggregator::live(AggregateConfig::default(), SubscriberPolicy::Pseudonym, networks()).unwrap();
    let other = Hit { client: addr("203.0.113.3"), ..query("casino.example", 1) };
    let events = feed(&mut a, &[query("casino.example", 0), other, query("casino.example", 2)]);
    assert_eq!(kinds(&events), ["opened", "opened"]);
    assert_ne!(events[0].subject.subscriber, events[1].subject.subscriber);
    assert_eq!(events[0].subject.subscriber_role, Some(Role::Subscriber));
    assert_eq!(events[1].subject.subscriber_role, Some(Role::Cgnat));
    assert_eq!(a.counters().pseudonyms_missing, 0);
}

#[test]
fn live_identities_differ_and_replays_repeat() {
    let live = || {
        let mut a = Aggregator::live(AggregateConfig::default(), SubscriberPolicy::None, networks()).unwrap();
        feed(&mut a, &[query("casino.example", 0)])
    };
    assert_ne!(live()[0].event_id, live()[0].event_id);
    let again = || feed(&mut replay(), &[query("casino.example", 0), hello("casino.example", 9)]);
    assert_eq!(again(), again());
    let other_capture = feed(&mut replay(), &[query("casino.example", 1)]);
    assert_ne!(again()[0].event_id, other_capture[0].event_id);
    let other_client = Hit { client: addr("192.0.2.8"), ..query("casino.example", 0) };
    assert_eq!(feed(&mut replay(), &[other_client])[0].event_id, again()[0].event_id, "who is in no identity");
}

#[test]
fn the_json_is_the_documented_one() {
    let mut a = replay();
    let mut events = feed(&mut a, &[query("www.casino.example", 0), answer("www.casino.example", 1, 3)]);
    events.extend(feed(&mut a, &[hello("casino.example", 2)]));
    a.tick(Timestamp::from_nanos(START + 90 * SECOND), &mut events);
    a.finish(&mut events);
    let lines: Vec<String> = events
        .iter()
        .map(|e| {
            let mut line = Vec::new();
            e.write_json_line(&mut line);
            String::from_utf8(line).unwrap()
        })
        .collect();
    assert!(lines.iter().all(|l| l.ends_with("}\n") && l.matches('\n').count() == 1));
    let page = include_str!("../../../docs/event-schema.md");
    assert_eq!(kinds(&events), ["opened", "opened", "updated", "closed", "closed"]);
    for line in &lines {
        let shown: String = line.trim_end().to_owned();
        assert!(page.contains(&shown), "docs/event-schema.md should show\n{shown}");
    }
    let keys: Vec<String> = serde_json::from_str::<serde_json::Value>(&lines[0])
        .unwrap()
        .as_object()
        .unwrap()
        .keys()
        .map(|k| format!("| `{k}`"))
        .collect();
    for key in keys {
        assert!(page.contains(&key), "docs/event-schema.md has no row for {key}");
    }
}

#[derive(Clone, Debug)]
struct Sighting {
    site: u8,
    client: u8,
    kind: u8,
    step: i64,
}

fn sightings() -> impl Strategy<Value = Vec<Sighting>> {
    let one = (0..12u8, 0..6u8, 0..4u8, prop_oneof![8 => 0..50i64, 1 => 1_000..9_000i64, 1 => -9_000..0i64])
        .prop_map(|(site, client, kind, step)| Sighting { site, client, kind, step });
    prop::collection::vec(one, 0..300)
}

#[test]
fn random_names_below_a_listed_one_are_gathered_under_it() {
    let config = AggregateConfig { max_names_per_rule: 3, ..AggregateConfig::default() };
    let mut a = Aggregator::replay(config, networks());
    let mut events = Vec::new();
    for n in 0..50 {
        a.hit(&query(&format!("x{n}.casino.example"), n), &mut events);
    }
    // Another rule has a limit of its own, and so has what has a finding already.
    let rule = MatchedRule {
        pattern: name("bets.example"),
        action: Action::Block,
        list: Arc::new(ListOrigin::bare("demo")),
        line: 8,
        jurisdiction: None,
    };
    a.hit(&Hit { rule, name: name("www.bets.example"), ..query("x", 51) }, &mut events);
    a.hit(&query("x1.casino.example", 52), &mut events);
    assert_eq!((a.counters().names_summarised, a.counters().open), (47, 5));
    a.finish(&mut events);
    let closed: Vec<_> = events.iter().filter(|e| matches!(e.kind, EventKind::Closed(_))).collect();
    let count = |of: &str| closed.iter().filter(|e| e.subject.name == name(of)).map(|e| e.count).sum::<u64>();
    assert_eq!((count("casino.example"), count("x1.casino.example"), count("www.bets.example")), (47, 2, 1));
    assert_eq!(closed.iter().map(|e| e.count).sum::<u64>(), 52, "no visit is lost");

    // When the window is over, names are told again.
    events.clear();
    a.hit(&query("y.casino.example", 4000), &mut events);
    assert_eq!(events[0].subject.name, name("y.casino.example"));
    assert!(a.below.len() == 1, "what was counted of closed findings is forgotten");
}

proptest! {
    /// Whatever comes, no visit is lost or counted twice, and every finding has one beginning and one end.
    #[test]
    fn nothing_is_lost_and_every_finding_ends_once(
        seen in sightings(),
        max_open in 1..20usize,
        pseudonyms in any::<bool>(),
        update_interval in prop_oneof![Just(0u64), Just(60 * SECOND)],
    ) {
        let config = AggregateConfig { max_open, update_interval, ..AggregateConfig::default() };
        let policy = if pseudonyms { SubscriberPolicy::Pseudonym } else { SubscriberPolicy::None };
        let mut a = Aggregator::live(config, policy, networks()).unwrap();
        let (mut events, mut at) = (Vec::new(), 100_000i64);
        let (mut visits, mut answers) = (0, 0);
        for s in &seen {
            at = (at + s.step).max(0);
            let site = format!("s{}.casino.example", s.site);
            let hit = match s.kind {
                0 => answer(&site, at as u64, 3),
                1 => hello(&site, at as u64),
                _ => query(&site, at as u64),
            };
            a.hit(&Hit { client: Addr::v4([192, 0, 2, s.client]), ..hit }, &mut events);
            if s.kind == 0 { answers += 1 } else { visits += 1 }
        }
        a.finish(&mut events);

        let closed: Vec<&Event> = events.iter().filter(|e| matches!(e.kind, EventKind::Closed(_))).collect();
        prop_assert_eq!(closed.iter().map(|e| e.count).sum::<u64>(), visits);
        prop_assert_eq!(closed.iter().map(|e| e.answers).sum::<u64>(), answers);
        prop_assert_eq!(events.iter().map(|e| e.event_id).collect::<HashSet<_>>().len(), events.len());
        prop_assert!(events.iter().zip(1..).all(|(e, seq)| e.seq == seq));
        let mut stories: HashMap<_, Vec<&Event>> = HashMap::new();
        for e in &events {
            stories.entry(e.subject.finding_id).or_default().push(e);
        }
        for story in stories.values() {
            let names = story.iter().map(|e| e.kind.name()).collect::<Vec<_>>();
            prop_assert_eq!(names[0], "opened");
            prop_assert_eq!(*names.last().unwrap(), "closed");
            prop_assert!(names.len() >= 2 && names[1..names.len() - 1].iter().all(|n| *n == "updated"));
            for pair in story.windows(2) {
                prop_assert!(pair[0].count <= pair[1].count && pair[0].first_seen >= pair[1].first_seen);
            }
            for pair in story[..story.len() - 1].windows(2) {
                prop_assert!(pair[1].kind != EventKind::Updated
                    || (pair[0].count, pair[0].answers) != (pair[1].count, pair[1].answers));
            }
        }
        prop_assert_eq!(a.counters().findings.values().sum::<u64>(), stories.len() as u64);
        prop_assert_eq!(a.counters().open, 0);
        prop_assert!(a.by_key.is_empty());
    }
}
