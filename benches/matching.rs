//! Lookup in a million invented names, and what such a set costs to read, to build and to keep.
//!
//! `cargo bench --bench matching`. The figures beside the timings (octets a rule, time to read and to build) go to
//! standard error. A worker looks a name up right after it has read it, so the names themselves are brought into the
//! cache before the clock starts; the table of a million rules is not.

#![expect(clippy::print_stderr, reason = "a bench reports on standard error")]

mod quick;

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use stakeout::matching::{Format, ListMeta, ParsedList, RuleHandle, RuleSet, RuleSetBuilder, parse};
use stakeout::model::{Action, DomainName};

const RULES: u32 = 1_000_000;
/// A multiple of [`CHUNK`].
const QUERIES: u32 = 1 << 20;

/// SplitMix64: the same names on every run.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % below
    }

    fn word(&mut self, out: &mut String, len: u64) {
        const SYLLABLES: [&str; 16] =
            ["ka", "si", "no", "be", "ti", "lu", "ro", "ma", "xo", "ze", "vi", "gu", "po", "ny", "ke", "ra"];
        (0..len).for_each(|_| out.push_str(SYLLABLES[self.next(16) as usize]));
    }

    /// Seven tenths with digits, seven tenths of two labels, 20 octets on average: as published lists are.
    fn site(&mut self, out: &mut String) {
        if self.next(10) < 3 {
            let len = 1 + self.next(2);
            self.word(out, len);
            out.push('.');
        }
        let len = 3 + self.next(4);
        self.word(out, len);
        if self.next(10) < 7 {
            let _ = write!(out, "{}", self.next(10_000));
        }
        out.push_str([".com", ".net", ".example", ".bet", ".casino", ".org"][self.next(6) as usize]);
    }
}

fn list_text() -> String {
    let mut random = Random(1);
    let mut text = String::new();
    for _ in 0..RULES {
        random.site(&mut text);
        text.push('\n');
    }
    text
}

fn read(text: &str) -> ParsedList {
    parse(text.as_bytes(), Format::Auto, 1 << 30).unwrap_or_else(|problem| panic!("{problem}"))
}

fn build(list: ParsedList) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    builder.add_list(ListMeta { name: Arc::from("bench"), action: Action::Block }, list);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// Queries of which `listed` in a hundred are a listed name, half of those under a `www.` of it.
fn queries(listed_names: &[&str], listed: u64) -> Vec<DomainName> {
    let mut random = Random(2);
    let mut text = String::new();
    (0..QUERIES)
        .map(|_| {
            text.clear();
            if random.next(100) < listed {
                text.push_str(["", "www."][random.next(2) as usize]);
                text.push_str(listed_names[random.next(listed_names.len() as u64) as usize]);
            } else {
                text.push_str(["", "www.", "cdn."][random.next(3) as usize]);
                random.site(&mut text);
                // The generator's names end in other domains than these, so no suffix of it is listed.
                text.push_str(["x", "q", "j"][random.next(3) as usize]);
            }
            DomainName::from_text(text.as_bytes()).unwrap_or(DomainName::root())
        })
        .collect()
}

/// Lookups between two looks at the clock.
const CHUNK: usize = 64;

fn time_chunk(set: &RuleSet, chunk: Option<&[DomainName]>) -> Duration {
    let mut warm = [DomainName::root(); CHUNK];
    for (to, from) in warm.iter_mut().zip(chunk.unwrap_or_default()) {
        *to = *from;
    }
    let warm = black_box(&warm);
    let start = Instant::now();
    for query in warm {
        black_box(set.lookup(query));
    }
    start.elapsed()
}

fn lookup(c: &mut Criterion) {
    let text = list_text();
    let names: Vec<&str> = text.lines().collect();
    let start = Instant::now();
    let list = read(&text);
    let reading = start.elapsed();
    let rules = list.facts().counts.rules;
    let start = Instant::now();
    let set = build(list);
    let building = start.elapsed();
    let octets = names.iter().map(|n| n.len()).sum::<usize>() as f64 / names.len() as f64;
    let memory = set.memory_bytes() as f64 / rules as f64;
    eprintln!(
        "{rules} rules of {octets:.1} octets: {memory:.1} B a rule, read in {reading:.0?}, built in {building:.0?}"
    );

    let mut group = c.benchmark_group("lookup in 1M rules");
    group.throughput(Throughput::Elements(1));
    for listed in [0, 1, 10, 100] {
        let queries = queries(&names, listed);
        let found = queries.iter().filter(|q| set.lookup(q).rule().is_some()).count();
        eprintln!("{listed} % listed: {found} of {} found", queries.len());
        let mut chunks = queries.chunks(CHUNK).cycle();
        group.bench_function(format!("{} % miss", 100 - listed), |b| {
            b.iter_custom(|n| (0..n.div_ceil(CHUNK as u64)).map(|_| time_chunk(&set, chunks.next())).sum());
        });
    }
    group.finish();

    let mut reader = RuleHandle::new(Arc::new(set)).reader();
    c.bench_function("refresh without a new set", |b| b.iter(|| black_box(&mut reader).refresh()));
}

fn load(c: &mut Criterion) {
    let text = list_text();
    let mut group = c.benchmark_group("1M rules");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(RULES)));
    group.bench_function("read", |b| b.iter(|| read(&text)));
    let list = read(&text);
    group.bench_function("build", |b| b.iter_batched(|| list.clone(), build, BatchSize::PerIteration));
    group.finish();
}

criterion_group! { name = benches; config = quick::criterion(); targets = lookup, load }
criterion_main!(benches);
