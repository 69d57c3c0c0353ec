//! The whole way of a packet through one worker, from the octets of a capture to the question whether its name is
//! listed, in nanoseconds a packet; and the part of it that is reading the capture.
//!
//! The capture is the project's own traffic and lies in memory, so that no system call is measured; `tools/bench.sh`
//! measures the program on files.

#![allow(missing_docs, reason = "criterion's macros make functions without documentation")]

mod quick;
mod traffic;

use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use stakeout::capture::FileReader;
use stakeout::flow::Reading;
use stakeout::matching::{Format, ListMeta, RuleSet, RuleSetBuilder, parse};
use stakeout::model::{Action, Counter, Observation};
use stakeout::pipeline::{Limits, Worker, find_hit};
use stakeout::traffic::{Profile, write_pcap};

/// Packets of one replay.
const PACKETS: u64 = 60_000;
/// Names on the list, as many as on the longest published ones but one.
const RULES: usize = 500_000;

/// The capture's octets, which every reader shares.
#[derive(Clone)]
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn capture(profile: Profile) -> (Shared, u64) {
    let mut octets = Vec::new();
    let stats = write_pcap(&mut traffic::generator(profile.frames(PACKETS)), &mut octets, true)
        .unwrap_or_else(|error| panic!("memory takes everything: {error}"));
    (Shared(Arc::new(octets)), stats.frames)
}

fn rules() -> RuleSet {
    let mut text: String = (0..RULES).map(|i| format!("casino-{i}.example\n")).collect();
    text.push_str(&traffic::LISTED.join("\n"));
    let list = parse(text.as_bytes(), Format::Plain, 1 << 30).unwrap_or_else(|error| panic!("{error}"));
    let mut builder = RuleSetBuilder::new();
    builder.add_list(ListMeta::bare("bench", Action::Block), list);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// Time for one pass over the capture's frames, without opening and closing.
fn read_only(capture: &Shared) -> Duration {
    let mut reader = open(capture);
    let start = Instant::now();
    let mut octets = 0;
    while let Ok(Some(frame)) = reader.next_frame() {
        octets += black_box(frame.data).len();
    }
    black_box(octets);
    start.elapsed()
}

/// Time for one replay through a new worker, and the hits in it.
fn replay(capture: &Shared, rules: &RuleSet) -> (Duration, u64) {
    let mut reader = open(capture);
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut hits = 0;
    let mut sink = |o: &Observation<'_>| hits += u64::from(find_hit(rules, o).is_some());
    let start = Instant::now();
    while let Ok(frames) = reader.next_frames()
        && !frames.is_empty()
    {
        worker.frames(frames.iter(), &mut sink);
    }
    worker.finish(&mut sink);
    let elapsed = start.elapsed();
    assert!(worker.counters().get(Counter::Packets) >= PACKETS, "the capture was not read to its end");
    (elapsed, hits)
}

fn open(capture: &Shared) -> FileReader {
    FileReader::from_reader(Cursor::new(capture.clone())).unwrap_or_else(|error| panic!("{error}"))
}

/// Times whole passes, and tells criterion the time for `packets` packets.
fn per_packet(packets: u64, of_a_pass: u64, mut pass: impl FnMut() -> Duration) -> Duration {
    let passes = packets.div_ceil(of_a_pass);
    let total: Duration = (0..passes).map(|_| pass()).sum();
    total.mul_f64(packets as f64 / (passes * of_a_pass) as f64)
}

fn whole(c: &mut Criterion) {
    let rules = rules();
    let mut group = c.benchmark_group("replay, a packet");
    group.throughput(Throughput::Elements(1)).sampling_mode(SamplingMode::Flat);
    for (what, profile) in [("provider", Profile::provider()), ("names", Profile::names())] {
        let (capture, packets) = capture(profile);
        let (_, hits) = replay(&capture, &rules);
        assert!(hits > 0, "{what}: nothing that is listed was found");
        group.bench_function(format!("{what}: read only"), |b| {
            b.iter_custom(|n| per_packet(n, packets, || read_only(&capture)));
        });
        group.bench_function(format!("{what}: read, decode, extract, match"), |b| {
            b.iter_custom(|n| per_packet(n, packets, || replay(&capture, &rules).0));
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = quick::criterion(); targets = whole }
criterion_main!(benches);
