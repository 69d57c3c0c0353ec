//! Which names of the ordinary traffic survive which flood.

use std::collections::BTreeMap;

use stakeout::decode;
use stakeout::flow::{self, Reading};
use stakeout::model::{Counter, DomainName, Endpoint, Kind, Observation, Proto, Timestamp};
use stakeout::pipeline::{Limits, Worker};
use stakeout::traffic::{Generator, Profile, Truth};

use crate::floods::{Flood, Source};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;
/// Packets of the flood for each of the ordinary traffic.
const TIMES: u32 = 10;
/// Frames of ordinary traffic in each of the three parts: before, during and after the flood.
const FRAMES: u64 = 24_000;

/// The daemon's defaults: the ordinary traffic fills them to a fraction, and every flood several times over.
fn limits() -> Limits {
    Limits {
        decode: decode::Limits::default(),
        flow: flow::Limits {
            flows: 65_536,
            stream_octets: 32 << 20,
            flow_idle_ns: 30_000_000_000,
            ..Default::default()
        },
    }
}

/// A name with whom it was between.
type Seen = (Proto, Kind, DomainName, Endpoint, Endpoint);

/// Names by class: how many were sent, how many were found.
type Score = BTreeMap<(Proto, Class), (usize, usize)>;

/// What a name needs of the worker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Class {
    /// Nothing but the packet that it is in.
    OnePacket,
    /// Octets of a packet before: a stream, a connection or a datagram that is half read.
    Several,
}

fn class(truth: &Truth) -> Class {
    match truth.how {
        "udp" | "mixed-case" | "cname" | "nxdomain" | "ptr" | "truncated" | "upstream" | "one-segment"
        | "mid-stream" | "one-datagram" | "get" | "absolute" => Class::OnePacket,
        _ => Class::Several,
    }
}

/// A worker and what it has found.
struct Sensor {
    worker: Worker,
    seen: BTreeMap<Seen, usize>,
    /// The most that the tables held at any moment.
    peak: flow::Gauges,
    peak_fragments: usize,
}

impl Sensor {
    fn new(limits: &Limits) -> Self {
        Sensor {
            worker: Worker::new(limits, Reading::default()),
            seen: BTreeMap::new(),
            peak: flow::Gauges::default(),
            peak_fragments: 0,
        }
    }

    fn frame(&mut self, ts: Timestamp, frame: &[u8]) {
        let seen = &mut self.seen;
        let mut sink =
            |o: &Observation<'_>| *seen.entry((o.proto, o.kind, *o.name, o.client, o.server)).or_insert(0) += 1;
        self.worker.frame(ETHERNET, ts, frame, frame.len() as u32, &mut sink);
        let now = self.worker.gauges();
        self.peak.streams = self.peak.streams.max(now.streams);
        self.peak.stream_octets = self.peak.stream_octets.max(now.stream_octets);
        self.peak.quic_connections = self.peak.quic_connections.max(now.quic_connections);
        self.peak.quic_octets = self.peak.quic_octets.max(now.quic_octets);
        self.peak.flows = self.peak.flows.max(now.flows);
        self.peak_fragments = self.peak_fragments.max(self.worker.fragments_held());
    }

    /// A part of the ordinary traffic, with a flood or without; gives its score and the time of its end.
    fn part(&mut self, seed: u64, start: Timestamp, flood: Option<&Source>) -> (Score, Timestamp) {
        let profile = Profile::provider().frames(FRAMES).subscribers(2_000);
        let mut generator = Generator::new(profile, seed, vec!["casino.example".into()], start).with_truth();
        let (mut frame, mut now, mut sent) = (Vec::new(), start, 0);
        while let Some(ts) = generator.next_frame(&mut frame) {
            now = ts;
            self.frame(ts, &frame);
            if let Some(source) = flood {
                for _ in 0..TIMES {
                    self.frame(ts, &source.frame(sent));
                    sent += 1;
                }
            }
        }
        let mut score = Score::new();
        for truth in generator.take_truth() {
            let entry = score.entry((truth.proto, class(&truth))).or_default();
            entry.0 += 1;
            // Taken out, so that a name that was sent twice must be found twice.
            let key = (truth.proto, truth.kind, truth.name, truth.client, truth.server);
            if let Some(n) = self.seen.get_mut(&key).filter(|n| **n > 0) {
                *n -= 1;
                entry.1 += 1;
            }
        }
        (score, now)
    }

    fn count(&self, counter: Counter) -> u64 {
        self.worker.counters().get(counter)
    }
}

/// Every class was sent, and found: names in one packet all, others all too, or all but one in `miss` (and then one).
fn held(flood: Flood, part: &str, score: &Score, miss: Option<usize>) {
    for ((proto, class), (sent, found)) in score {
        let may_miss = match (class, miss) {
            (Class::Several, Some(one_in)) => sent.div_ceil(one_in),
            _ => 0,
        };
        assert!(
            found + may_miss >= *sent,
            "{flood:?}, {part}: {found} of {sent} {proto:?} names in {class:?} packets, {may_miss} may be missed:\n{score:?}"
        );
    }
    assert_eq!(score.len(), 8, "{score:?}");
}

/// While a flood lasts that takes places which names need too. Which places those are is decided by a hash whose seed is
/// random; in fact few names are missed or none.
const FLOODED: Option<usize> = Some(10);

/// What a flood may cost, and where it is counted.
fn survive(flood: Flood, all: bool, shed: &[Counter]) {
    survive_with(&limits(), flood, None, if all { None } else { FLOODED }, shed);
}

/// `quietly` and `flooded` are what may be missed without the flood and during it, as in [`held`].
fn survive_with(bounds: &Limits, flood: Flood, quietly: Option<usize>, flooded: Option<usize>, shed: &[Counter]) {
    let source = Source::new(flood);
    let mut sensor = Sensor::new(bounds);
    let (before, end) = sensor.part(1, Timestamp::from_parts(1_795_521_600, 0), None);
    held(flood, "before", &before, quietly);
    let quiet: Vec<u64> = shed.iter().map(|counter| sensor.count(*counter)).collect();
    let (during, end) = sensor.part(2, end, Some(&source));
    held(flood, "during", &during, flooded);
    for (counter, quiet) in shed.iter().zip(quiet) {
        let shed = sensor.count(*counter) - quiet;
        assert!(shed > 1_000, "{flood:?}: only {shed} of {counter:?}");
    }
    // At once: the very next packets, with everything that the flood left in the tables.
    let (after, _) = sensor.part(3, end, None);
    held(flood, "after", &after, quietly);

    assert!(sensor.peak.flows <= bounds.flow.flows, "{:?}", sensor.peak);
    assert!(sensor.peak.streams <= bounds.flow.streams, "{:?}", sensor.peak);
    assert!(sensor.peak.stream_octets <= bounds.flow.stream_octets, "{:?}", sensor.peak);
    assert!(sensor.peak.quic_connections <= bounds.flow.quic_connections, "{:?}", sensor.peak);
    assert!(sensor.peak.quic_octets <= bounds.flow.stream_octets, "{:?}", sensor.peak);
    // The flood's datagrams wait with one fragment each, the others' with two or three.
    assert!(sensor.peak_fragments <= bounds.decode.max_datagrams * 2, "{}", sensor.peak_fragments);
}

#[test]
fn syns() {
    survive(Flood::Syns, false, &[Counter::FlowsEvicted]);
}

#[test]
fn half_hellos() {
    survive(Flood::HalfHellos, false, &[Counter::FlowsEvicted, Counter::StreamBuffersEvicted]);
}

#[test]
fn half_dns_messages_over_tcp() {
    survive(Flood::HalfDnsMessages, false, &[Counter::FlowsEvicted, Counter::StreamBuffersEvicted]);
}

#[test]
fn stray_segments() {
    survive(Flood::StraySegments, false, &[Counter::FlowsEvicted, Counter::StreamBuffersEvicted]);
}

#[test]
fn whole_hellos() {
    survive(Flood::WholeHellos, false, &[Counter::FlowsEvicted]);
}

#[test]
fn fragments() {
    survive(Flood::Fragments, true, &[Counter::FragmentsEvicted]);
}

#[test]
fn random_names_that_no_list_knows() {
    survive(Flood::RandomNames, true, &[]);
}

#[test]
fn quic_connection_ids_from_one_source() {
    survive(Flood::QuicOneSource, true, &[]);
}

#[test]
fn quic_half_hellos() {
    survive(Flood::QuicHalfHellos, false, &[Counter::FlowsEvicted, Counter::StreamBuffersEvicted]);
}

#[test]
fn quic_garbage() {
    survive(Flood::QuicGarbage, false, &[Counter::FlowsEvicted]);
}

/// So few places that a flood goes round the whole table every few milliseconds: what keeps half-read flows then is that
/// they are spared, for silence alone would not. The ordinary traffic alone fills such a table: with one seed in fifty,
/// three of its half-read flows meet in a set of four places, of which they may keep two.
#[test]
fn a_small_flow_table_spares_what_is_half_read() {
    let mut bounds = limits();
    bounds.flow.flows = 4_096;
    for flood in [Flood::Syns, Flood::WholeHellos, Flood::QuicGarbage] {
        survive_with(&bounds, flood, Some(50), FLOODED, &[Counter::FlowsEvicted]);
    }
}
