//! A flood of random names below a listed one: every query of it is a match. It must neither grow memory, nor push the
//! findings of other names out, nor fill the disk with events; and no visit may be lost.

use std::collections::BTreeMap;

use stakeout::flow::Reading;
use stakeout::matching::{Format, ListMeta, RuleSet, RuleSetBuilder, parse};
use stakeout::model::{Action, Hit, Observation, Proto, Timestamp};
use stakeout::pipeline::{Limits, Worker, find_hit};
use stakeout::record::{AggregateConfig, Aggregator, CloseReason, Event, EventKind, Networks};
use stakeout::traffic::{Generator, Profile};

use crate::frames::{self, From};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;
/// Queries of the flood for each frame of ordinary traffic.
const TIMES: u32 = 10;
/// The name that is flooded.
const FLOODED: &str = "flooded.example";
/// Names below a listed one that are told by themselves.
const NAMES: usize = 100;

fn rules() -> RuleSet {
    let text: String = (0..30).map(|n| format!("lucky-spin{n}.example\n")).chain([FLOODED.into()]).collect();
    let list = parse(text.as_bytes(), Format::Plain, 1 << 20).unwrap();
    let mut builder = RuleSetBuilder::new();
    builder.add_list(ListMeta::bare("test", Action::Block), list);
    builder.build().unwrap()
}

/// What became of visits, by rule and protocol.
fn visits(events: &[Event]) -> BTreeMap<(String, Proto), u64> {
    let mut visits = BTreeMap::new();
    for event in events.iter().filter(|e| matches!(e.kind, EventKind::Closed(_))) {
        *visits.entry((event.subject.rule.pattern.to_string(), event.subject.proto)).or_insert(0) += event.count;
    }
    visits
}

#[test]
fn random_names_below_a_listed_one_drown_nothing() {
    let rules = rules();
    let start = Timestamp::from_parts(1_795_521_600, 0);
    let config = AggregateConfig { max_open: 1_000, max_names_per_rule: NAMES, ..AggregateConfig::default() };
    let mut aggregator = Aggregator::replay(config, Networks::unknown());
    let listed = (0..30).map(|n| format!("lucky-spin{n}.example")).collect();
    let profile = Profile::names().frames(6_000).subscribers(2_000).listed_share(0.2);
    let mut generator = Generator::new(profile, 5, listed, start).with_truth();
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let (mut frame, mut hits, mut events) = (Vec::new(), Vec::<Hit>::new(), Vec::new());
    let (mut sent, mut end) = (0u32, start);

    while let Some(ts) = generator.next_frame(&mut frame) {
        end = ts;
        let mut sink = |o: &Observation<'_>| hits.extend(find_hit(&rules, o));
        worker.frame(ETHERNET, ts, &frame, frame.len() as u32, &mut sink);
        for _ in 0..TIMES {
            let from = From { addr: [203, 0, (sent >> 8) as u8, sent as u8], port: 1024 + (sent % 50_000) as u16 };
            let query = frames::query(sent as u16, &format!("x{sent:08x}.{FLOODED}"));
            let flood = frames::udp(from, 53, sent as u16, &query);
            worker.frame(ETHERNET, ts, &flood, flood.len() as u32, &mut sink);
            sent += 1;
        }
        for hit in hits.drain(..) {
            aggregator.hit(&hit, &mut events);
        }
        // The flood's names and the one that they are gathered under; the others' names come on top.
        assert!(aggregator.counters().open <= 400, "{}", aggregator.counters().open);
    }
    let during = events.len();
    aggregator.finish(&mut events);

    // Every visit, of the flood and of the others, is in a finding of its rule.
    let mut expected = BTreeMap::from([((FLOODED.to_owned(), Proto::Dns), u64::from(sent))]);
    for truth in generator.take_truth().into_iter().filter(|t| t.kind.is_visit() && t.listed) {
        let name = truth.name.to_string();
        let rule = name.find("lucky-spin").map_or(name.as_str(), |at| &name[at..]).to_owned();
        *expected.entry((rule, truth.proto)).or_insert(0) += 1;
    }
    assert!(expected.len() > 60, "{}", expected.len());
    let mut found = visits(&events);
    // Answers alone make findings without a visit.
    found.retain(|_, n| *n > 0);
    assert_eq!(found, expected);

    // The flood's own findings are few, and so are its events; nothing was closed for want of room.
    let of_the_flood = events.iter().filter(|e| e.subject.rule.pattern.to_string() == FLOODED).count();
    assert!(of_the_flood <= 2 * (NAMES + 1) + 2, "{of_the_flood} events");
    assert!(!events.iter().any(|e| e.kind == EventKind::Closed(CloseReason::Evicted)));
    assert_eq!(aggregator.counters().names_summarised, u64::from(sent) - NAMES as u64);
    assert!(during < 1_000, "{during}");

    // In the next window names are told by themselves again.
    let query = frames::query(1, &format!("new.{FLOODED}"));
    let later = Timestamp::from_nanos(end.as_nanos() + 2 * 3_600_000_000_000);
    let frame = frames::udp(From { addr: [203, 0, 1, 1], port: 4000 }, 53, 1, &query);
    worker.frame(ETHERNET, later, &frame, frame.len() as u32, &mut |o: &Observation<'_>| {
        hits.extend(find_hit(&rules, o))
    });
    events.clear();
    hits.drain(..).for_each(|hit| aggregator.hit(&hit, &mut events));
    assert_eq!(events.last().map(|e| e.subject.name.to_string()), Some(format!("new.{FLOODED}")));
}
