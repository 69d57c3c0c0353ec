//! What a worker says of the generator's traffic, held to what was sent: every name by protocol, kind and both ends,
//! as often as it was sent, and no other.

use std::collections::BTreeSet;

use stakeout::flow::Reading;
use stakeout::model::{Observation, Proto, Timestamp};
use stakeout::pipeline::{Limits, Worker};
use stakeout::traffic::{Profile, Truth, WAYS};

use super::{ETHERNET, Seen, counted, traffic};

fn observed(frames: &[(Timestamp, Vec<u8>)]) -> Vec<Seen> {
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut seen = Vec::new();
    let mut sink = |o: &Observation<'_>| seen.push(Seen::from(o));
    for (ts, frame) in frames {
        worker.frame(ETHERNET, *ts, frame, frame.len() as u32, &mut sink);
    }
    worker.finish(&mut sink);
    seen
}

/// Where the two differ, with the way in which a missed name was sent.
fn differences(truth: &[Truth], seen: Vec<Seen>) -> Vec<String> {
    let (sent, seen) = (counted(truth.iter().map(Seen::from)), counted(seen));
    let how = |s: &Seen| truth.iter().find(|t| Seen::from(*t) == *s).map_or("?", |t| t.how);
    let missed = sent.iter().filter_map(|(s, n)| {
        let found = seen.get(s).copied().unwrap_or(0);
        (found != *n).then(|| format!("sent {n} times as {}, found {found} times: {s:?}", how(s)))
    });
    let invented =
        seen.iter().filter(|(s, _)| !sent.contains_key(s)).map(|(s, n)| format!("invented {n} times: {s:?}"));
    missed.chain(invented).collect()
}

fn check(profile: fn() -> Profile, seeds: std::ops::Range<u64>) -> BTreeSet<(Proto, &'static str)> {
    let mut ways = BTreeSet::new();
    for seed in seeds {
        let (frames, truth) = traffic(profile(), seed);
        ways.extend(truth.iter().map(|t| (t.proto, t.how)));
        let wrong = differences(&truth, observed(&frames));
        let shown = wrong.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
        assert!(wrong.is_empty(), "seed {seed}: {} of {} names:\n{shown}", wrong.len(), truth.len());
    }
    ways
}

#[test]
fn a_minute_of_a_small_provider_is_read_exactly() {
    check(Profile::demo, 1..7);
}

#[test]
fn every_way_to_send_a_name_is_read_exactly() {
    let ways = check(|| Profile::names().frames(30_000).listed_share(0.1), 1..7);
    let known: BTreeSet<_> = WAYS.iter().flat_map(|(p, ways)| ways.iter().map(|w| (*p, *w))).collect();
    assert_eq!(ways, known, "some way was never sent");
}

#[test]
fn a_providers_link_is_read_exactly() {
    check(|| Profile::provider().frames(60_000), 1..4);
}

/// What must not be read, however much it looks like a name: see `traffic::flows::noise`.
#[test]
fn traps_give_nothing() {
    let (frames, _) = traffic(Profile::demo(), 3);
    let all: Vec<u8> = frames.iter().flat_map(|(_, frame)| frame.iter().copied()).collect();
    let on_the_wire = |label: &[u8]| {
        let wire = [&[label.len() as u8], label].concat();
        all.windows(wire.len()).any(|w| w == wire)
    };
    let seen = observed(&frames);
    for trap in ["quoted-by-icmp", "somebodys-laptop"] {
        assert!(on_the_wire(trap.as_bytes()), "the traffic no longer has {trap}");
        assert!(!seen.iter().any(|s| s.name.contains(trap)), "{trap}");
    }
    // Broken beyond the question, which counts; the answer does not.
    assert!(seen.iter().all(|s| s.name != "damaged.in-transit.invalid"));
}
