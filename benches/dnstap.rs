//! What a message of a resolver costs: taking the stream apart, reading the protocol buffer, and all the way to the
//! look-up in 100,000 rules.
//!
//! Every figure is for one message; half of them are queries and half answers, one in a hundred names is listed.

mod quick;

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stakeout::capture::dnstap::{FrameStream, SocketProtocol, Step, parse};
use stakeout::matching::{Format, ListMeta, RuleSet, RuleSetBuilder, parse as parse_list};
use stakeout::model::{Action, Observation, Timestamp};
use stakeout::pipeline::{DnstapReader, DnstapReading, find_hit};
use stakeout::traffic::dnstap::{self as make, Exchange};

const RULES: u32 = 100_000;
const EXCHANGES: u32 = 4_096;
const NOW: Timestamp = Timestamp::from_parts(1_795_521_600, 0);
const MAX_FRAME: usize = 1 << 18;

fn rules() -> RuleSet {
    let mut text = String::new();
    for n in 0..RULES {
        let _ = writeln!(text, "lucky-{}-spin.example", n.wrapping_mul(2_654_435_761));
    }
    let list = parse_list(text.as_bytes(), Format::Plain, 1 << 30).unwrap_or_else(|e| panic!("{e}"));
    let mut builder = RuleSetBuilder::new();
    builder.add_list(ListMeta::bare("bench", Action::Block), list);
    builder.build().unwrap_or_else(|e| panic!("{e}"))
}

/// The data frames of a stream, behind START.
fn stream() -> Vec<u8> {
    let mut out = Vec::new();
    make::start(&mut out);
    for n in 0..EXCHANGES {
        let name = match n % 100 {
            0 => format!("www.lucky-{}-spin.example", (n % RULES).wrapping_mul(2_654_435_761)),
            _ => format!("static{}.news-{}.example", n % 7, n.wrapping_mul(40_503) % 65_536),
        };
        let what = Exchange {
            client: ([10, 0, (n >> 8) as u8, n as u8], 40_000 + (n % 20_000) as u16).into(),
            server: ([192, 0, 2, 53], 53).into(),
            protocol: SocketProtocol::Udp,
            ts: NOW,
            name: &name,
        };
        make::query(&mut out, &what);
        make::response(&mut out, &what);
    }
    out
}

/// Hands every data frame to `visit`.
fn frames<'b>(octets: &'b [u8], mut visit: impl FnMut(&'b [u8])) {
    let (mut stream, mut at) = (FrameStream::new(MAX_FRAME), 0);
    while let Ok((step, used)) = stream.next(&octets[at..]) {
        at += used;
        match step {
            Step::Data(frame) => visit(frame),
            Step::More(_) => return,
            _ => {}
        }
    }
}

fn bench(c: &mut Criterion) {
    let (octets, rules) = (stream(), rules());
    let mut group = c.benchmark_group("dnstap");
    group.throughput(Throughput::Elements(u64::from(2 * EXCHANGES)));
    group.bench_function("frames", |b| {
        b.iter(|| {
            let mut sum = 0;
            frames(black_box(&octets), |frame| sum += frame.len());
            sum
        });
    });
    group.bench_function("frames and protocol buffers", |b| {
        b.iter(|| {
            let mut sum = 0;
            frames(black_box(&octets), |frame| sum += parse(frame).map_or(0, |m| usize::from(m.query.port)));
            sum
        });
    });
    let mut reader = DnstapReader::new(DnstapReading::default());
    let mut hits = 0_u64;
    let mut sink = |o: &Observation<'_>| hits += u64::from(find_hit(&rules, o).is_some());
    group.bench_function("from frames to the look-up", |b| {
        b.iter(|| frames(black_box(&octets), |frame| reader.frame(frame, NOW, &mut sink)));
    });
    group.finish();
    assert!(hits > 0, "nothing was found");
}

criterion_group! { name = benches; config = quick::criterion(); targets = bench }
criterion_main!(benches);
