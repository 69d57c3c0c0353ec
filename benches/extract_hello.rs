//! How long it takes to find the server name: in a TLS hello, and in the datagrams of a QUIC connection.
//!
//! Run with `cargo bench --bench extract_hello`.

mod quick;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use stakeout::extract::quic::seal::seal_initial;
use stakeout::extract::quic::{self, Connection, ConnectionId, InitialKeys, QuicScratch, Side, Version, put_varint};
use stakeout::extract::tls::build::{HelloSpec, client_hello, records};
use stakeout::extract::tls::{self, HelloReader, walk_hello, whole_hello};
use stakeout::model::Counters;

const NAME: &str = "www.lucky-seven.example";
const DCID: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";

fn tls_hello(c: &mut Criterion) {
    let small = client_hello(&HelloSpec { sni: Some(NAME.into()), ..HelloSpec::default() });
    let browser = client_hello(&HelloSpec::browser(NAME, 7));
    let mut group = c.benchmark_group("tls");
    for (which, hello) in [("small", &small), ("browser", &browser)] {
        group.bench_function(format!("walk {which} ({} octets)", hello.len()), |b| {
            b.iter(|| black_box(walk_hello(black_box(hello))));
        });
        let stream = records(hello, 16_384);
        group.bench_function(format!("probe, whole record and name, {which}"), |b| {
            b.iter(|| {
                let stream = black_box(&stream[..]);
                assert_eq!(tls::probe(stream), tls::Probe::Yes);
                let hello = whole_hello(stream).expect("one record").expect("a hello");
                black_box(hello.name())
            });
        });
    }
    let stream = records(&browser, 16_384);
    group.bench_function("reader, browser hello in two segments", |b| {
        b.iter(|| {
            let (first, second) = black_box(&stream[..]).split_at(1448);
            let mut reader = HelloReader::new();
            let _ = black_box(reader.feed(first));
            let _ = black_box(reader.feed(second));
        });
    });
    group.finish();
}

fn crypto(frames: &mut Vec<u8>, offset: usize, data: &[u8]) {
    frames.push(6);
    put_varint(frames, offset as u64);
    put_varint(frames, data.len() as u64);
    frames.extend_from_slice(data);
}

/// One datagram with the whole of a small hello, and two with a browser's, in shuffled frames.
fn datagrams() -> (Vec<u8>, [Vec<u8>; 2]) {
    let seal = |pn, frames: &[u8]| seal_initial(Version::V1, DCID, b"", b"", pn, 1, frames, 1250, true);
    let small = client_hello(&HelloSpec { post_quantum: false, ..HelloSpec::browser_quic(NAME, 7) });
    let mut whole = Vec::new();
    crypto(&mut whole, 0, &small);
    let browser = client_hello(&HelloSpec::browser_quic(NAME, 7));
    let pieces: Vec<(usize, &[u8])> = browser.chunks(200).enumerate().map(|(i, piece)| (i * 200, piece)).collect();
    let pick = |which: &[usize]| {
        let mut frames = Vec::new();
        for i in which {
            if let Some((offset, piece)) = pieces.get(*i) {
                crypto(&mut frames, *offset, piece);
                frames.extend_from_slice(&[1, 0, 0]);
            }
        }
        frames
    };
    (seal(0, &whole), [seal(0, &pick(&[3, 0, 7, 1, 5])), seal(1, &pick(&[6, 2, 4, 8, 9]))])
}

fn quic_initial(c: &mut Criterion) {
    let (whole, [first, second]) = datagrams();
    let (mut scratch, mut counters) = (QuicScratch::new(), Counters::new());
    let mut group = c.benchmark_group("quic");
    group.bench_function("probe", |b| b.iter(|| quic::probe(black_box(&first))));
    let dcid = ConnectionId::new(DCID).expect("8 octets");
    group.bench_function("keys", |b| b.iter(|| InitialKeys::derive(Version::V1, black_box(&dcid), Side::Client)));
    group.bench_function("first datagram, the whole hello: keys, open, walk", |b| {
        b.iter(|| {
            let mut connection = Connection::new();
            let progress = connection.feed(black_box(&whole), &mut scratch, &mut counters);
            assert!(matches!(progress, quic::Progress::Found(_)));
        });
    });
    group.bench_function("first datagram of two: keys, open, keep five pieces", |b| {
        b.iter(|| {
            let mut connection = Connection::new();
            let progress = connection.feed(black_box(&first), &mut scratch, &mut counters);
            assert!(matches!(progress, quic::Progress::NeedMore));
        });
    });
    group.bench_function("second datagram: open, assemble, walk", |b| {
        b.iter_batched_ref(
            || {
                let mut connection = Connection::new();
                let _ = connection.feed(&first, &mut QuicScratch::new(), &mut Counters::new());
                connection
            },
            |connection| {
                let progress = connection.feed(black_box(&second), &mut scratch, &mut counters);
                assert!(matches!(progress, quic::Progress::Found(_)));
            },
            BatchSize::SmallInput,
        );
    });
    let mut done = Connection::new();
    let _ = done.feed(&whole, &mut scratch, &mut counters);
    group.bench_function("a datagram of a finished connection", |b| {
        b.iter(|| {
            let progress = done.feed(black_box(&whole), &mut scratch, &mut counters);
            assert!(matches!(progress, quic::Progress::Done));
        });
    });
    group.finish();
}

criterion_group! { name = benches; config = quick::criterion(); targets = tls_hello, quic_initial }
criterion_main!(benches);
