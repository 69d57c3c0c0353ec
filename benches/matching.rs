//! Look-up in a million names, ours and hash sets of boxed strings side by side, and what a set costs to read, to
//! build and to keep.
//!
//! `cargo bench --bench matching`; `NAMES=10000000 cargo bench --bench matching` for another number. The contenders
//! take turns over the same queries and the median turn counts, so that the load of the machine falls on all alike;
//! hold on to the ratios. A worker looks a name up right after it has read it, so the queries themselves are brought
//! into the cache before the clock starts; the tables are not.
//!
//! The hash sets are asked for every suffix of two labels and more, from the whole name to the right: they too never
//! ask for a top-level domain. `one hash walk` is a hash table that is asked with running hashes from the right, as we
//! do it, so that only the table and the filter differ.

#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

mod names;
mod quick;

use std::hash::{BuildHasher, Hasher};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hashbrown::{HashSet, HashTable};
use stakeout::matching::{Format, ListMeta, ParsedList, RuleHandle, RuleSet, RuleSetBuilder, parse};
use stakeout::model::{Action, DomainName};

/// Queries of a turn; a multiple of [`CHUNK`].
const QUERIES: usize = 1 << 20;
/// Queries that are warmed together.
const CHUNK: usize = 64;
const TURNS: usize = 15;

/// What answers whether a name or a parent of it is listed.
trait Contender {
    fn label(&self) -> &'static str;
    fn octets(&self) -> usize;
    /// Time for a chunk, and how many were found.
    fn chunk(&self, texts: &[String], names: &[DomainName]) -> (Duration, usize);
}

fn timed<Q>(queries: &[Q], mut is_listed: impl FnMut(&Q) -> bool) -> (Duration, usize) {
    let queries = black_box(queries);
    let start = Instant::now();
    let found = queries.iter().filter(|q| black_box(is_listed(q))).count();
    (start.elapsed(), found)
}

/// A chunk of text in one run of octets, as it is in a packet.
fn warm_texts<'a>(texts: &[String], room: &'a mut String) -> Vec<&'a str> {
    room.clear();
    texts.iter().for_each(|text| room.push_str(text));
    let (mut at, room) = (0, &*room);
    let slices = texts.iter().map(|text| {
        at += text.len();
        &room[at - text.len()..at]
    });
    slices.collect()
}

struct Boxed<S>(&'static str, HashSet<Box<str>, S>);

impl<S: BuildHasher> Contender for Boxed<S> {
    fn label(&self) -> &'static str {
        self.0
    }

    fn octets(&self) -> usize {
        // What the allocator adds to a box, eight octets and rounding to sixteen, counts as well.
        let names: usize = self.1.iter().map(|name| (name.len() + 8).next_multiple_of(16).max(32)).sum();
        self.1.allocation_size() + names
    }

    fn chunk(&self, texts: &[String], _: &[DomainName]) -> (Duration, usize) {
        let mut room = String::new();
        timed(&warm_texts(texts, &mut room), |text| {
            let mut rest = *text;
            loop {
                let Some((_, parent)) = rest.split_once('.') else { return false };
                if self.1.contains(rest) {
                    return true;
                }
                rest = parent;
            }
        })
    }
}

/// Hashed from the right in one pass, label by label.
struct OneWalk(foldhash::fast::FixedState, HashTable<Box<str>>);

impl OneWalk {
    fn walk(&self, text: &str, mut visit: impl FnMut(u64, &str) -> bool) -> bool {
        let mut hasher = self.0.build_hasher();
        let (mut end, mut labels) = (text.len(), 0);
        while end > 0 {
            let dot = memchr::memrchr(b'.', &text.as_bytes()[..end]).map_or(0, |dot| dot + 1);
            hasher.write(&text.as_bytes()[dot..end]);
            labels += 1;
            if labels > 1 && visit(hasher.finish(), &text[dot..]) {
                return true;
            }
            end = dot.saturating_sub(1);
        }
        false
    }

    fn whole(&self, text: &str) -> u64 {
        let mut hash = 0;
        self.walk(text, |h, _| {
            hash = h;
            false
        });
        hash
    }
}

impl Contender for OneWalk {
    fn label(&self) -> &'static str {
        "hashbrown, one hash walk"
    }

    fn octets(&self) -> usize {
        let names: usize = self.1.iter().map(|name| (name.len() + 8).next_multiple_of(16).max(32)).sum();
        self.1.allocation_size() + names
    }

    fn chunk(&self, texts: &[String], _: &[DomainName]) -> (Duration, usize) {
        let mut room = String::new();
        timed(&warm_texts(texts, &mut room), |text| {
            self.walk(text, |hash, suffix| self.1.find(hash, |name| **name == *suffix).is_some())
        })
    }
}

impl Contender for RuleSet {
    fn label(&self) -> &'static str {
        "ours"
    }

    fn octets(&self) -> usize {
        self.memory_bytes()
    }

    fn chunk(&self, _: &[String], names: &[DomainName]) -> (Duration, usize) {
        // The copy is what warms them.
        let warm = black_box(names).to_vec();
        timed(&warm, |name| self.lookup(name).rule().is_some())
    }
}

fn read(text: &str) -> ParsedList {
    parse(text.as_bytes(), Format::Auto, 1 << 30).unwrap_or_else(|problem| panic!("{problem}"))
}

fn build(list: ParsedList) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    builder.add_list(ListMeta::bare("bench", Action::Block), list);
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

fn count() -> usize {
    std::env::var("NAMES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000)
}

fn text_of(names: &[String]) -> String {
    names.iter().flat_map(|name| [name, "\n"]).collect()
}

/// The median of the turns, in nanoseconds a query, of each contender; and how many were found.
fn turns(contenders: &[&dyn Contender], texts: &[String]) -> Vec<(f64, usize)> {
    let names: Vec<_> =
        texts.iter().map(|t| DomainName::from_text(t.as_bytes()).unwrap_or(DomainName::root())).collect();
    let mut times: Vec<Vec<(Duration, usize)>> = vec![Vec::new(); contenders.len()];
    for _ in 0..TURNS {
        for (contender, times) in contenders.iter().zip(&mut times) {
            let chunks = texts.chunks(CHUNK).zip(names.chunks(CHUNK));
            let turn = chunks.map(|(texts, names)| contender.chunk(texts, names));
            times.push(turn.fold((Duration::ZERO, 0), |sum, chunk| (sum.0 + chunk.0, sum.1 + chunk.1)));
        }
    }
    let median = |mut turns: Vec<(Duration, usize)>| {
        turns.sort();
        let (time, found) = turns[TURNS / 2];
        (time.as_nanos() as f64 / texts.len() as f64, found)
    };
    times.into_iter().map(median).collect()
}

fn side_by_side(_: &mut Criterion) {
    let (names, real) = names::listed(count());
    let octets = names.iter().map(String::len).sum::<usize>() as f64 / names.len() as f64;
    let list = read(&text_of(&names));
    let rules = list.facts().counts.rules;
    let start = Instant::now();
    let set = build(list);
    println!("{rules} rules ({real} names are real) of {octets:.1} octets, built in {:.0?}", start.elapsed());

    let boxed = || names.iter().map(|name| Box::from(name.as_str()));
    let fold = Boxed("hashbrown, foldhash", boxed().collect::<HashSet<Box<str>, foldhash::fast::RandomState>>());
    let ahash = Boxed("hashbrown, ahash", boxed().collect::<HashSet<Box<str>, ahash::RandomState>>());
    let mut walk = OneWalk(foldhash::fast::FixedState::default(), HashTable::new());
    for name in boxed() {
        let hash = walk.whole(&name);
        let hasher = OneWalk(walk.0.clone(), HashTable::new());
        walk.1.insert_unique(hash, name, |known| hasher.whole(known));
    }
    let contenders: [&dyn Contender; 4] = [&fold, &ahash, &walk, &set];
    print!("{:28}", "");
    contenders.iter().for_each(|c| print!("{:>26}", c.label()));
    print!("\n{:28}", "octets a name");
    contenders.iter().for_each(|c| print!("{:26.1}", c.octets() as f64 / rules as f64));
    println!();
    for hits in [0, 1, 10, 100] {
        let texts = names::queries(&names, QUERIES, hits);
        let times = turns(&contenders, &texts);
        assert!(times.iter().all(|t| t.1 == times[0].1), "the contenders disagree: {times:?}");
        let label = format!("{} % missed, ns", 100 - hits);
        print!("{label:28}");
        times.iter().for_each(|t| print!("{:26.1}", t.0));
        let best = times[..3].iter().map(|t| t.0).fold(f64::INFINITY, f64::min);
        println!("   ours is {:.2} of the best", times[3].0 / best);
    }
    let mut reader = RuleHandle::new(Arc::new(set)).reader();
    quick::criterion().bench_function("refresh without a new set", |b| b.iter(|| black_box(&mut reader).refresh()));
}

fn load(c: &mut Criterion) {
    let (names, _) = names::listed(count());
    let text = text_of(&names);
    drop(names);
    let mut group = c.benchmark_group("rule set");
    group.sample_size(10).throughput(Throughput::Elements(count() as u64));
    group.bench_function("read", |b| b.iter(|| read(&text)));
    let list = read(&text);
    group.bench_function("build", |b| b.iter_batched(|| list.clone(), build, BatchSize::PerIteration));
    group.finish();
}

criterion_group! { name = benches; config = quick::criterion(); targets = side_by_side, load }
criterion_main!(benches);
