//! What reading a DNS message costs: a query's name walk, and a response with a CNAME chain or an HTTPS record.
#![allow(missing_docs, reason = "criterion's macros make functions without documentation")]

mod quick;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stakeout::extract::dns::{DnsScratch, is_reverse_name, parse, probe};
use std::hint::black_box;

/// A message with a header of these flags and counts, then `sections`.
fn message(flags: u16, counts: [u16; 4], sections: &[&[u8]]) -> Vec<u8> {
    let words = [0x1234, flags].into_iter().chain(counts);
    words.flat_map(u16::to_be_bytes).chain(sections.concat()).collect()
}

/// The wire form of `name`.
fn name(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|l| std::iter::once(l.len() as u8).chain(l.bytes()));
    labels.chain([0]).collect()
}

/// A record owned by the name at offset `owner`.
fn record(owner: u8, rtype: u8, rdata: &[u8]) -> Vec<u8> {
    [&[0xc0, owner, 0, rtype, 0, 1, 0, 0, 1, 44, 0, rdata.len() as u8], rdata].concat()
}

const OPT: &[u8] = b"\x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";

fn bench(c: &mut Criterion) {
    let mut scratch = DnsScratch::new();
    let mut group = c.benchmark_group("dns");
    group.throughput(Throughput::Elements(1));

    for (label, text) in [
        ("query, 11 octets", "example.com"),
        ("query, 15 octets", "www.example.com"),
        ("query, 32 octets, mixed case", "SPORTS.Static-Cdn.WilliamHill.com"),
        ("query, 75 octets", "r4---sn-4g5e6nzz.a-rather-long-service-name.region-1.content.delivery.example"),
    ] {
        let query = message(0x0100, [1, 0, 0, 1], &[&name(text), &[0, 1, 0, 1], OPT]);
        group.bench_function(label, |b| b.iter(|| parse(black_box(&query), &mut scratch).map(|d| d.qtype)));
    }

    let question = [name("www.example.com"), vec![0, 1, 0, 1]].concat();
    let chain = message(
        0x8180,
        [1, 5, 0, 1],
        &[
            &question,
            &record(12, 5, &name("www.example.com.edgekey.net")),
            &record(12, 5, &name("e1234.dscb.akamaiedge.net")),
            &record(12, 5, b"\x03foo\xc0\x10"),
            &record(12, 1, &[192, 0, 2, 1]),
            &record(12, 1, &[192, 0, 2, 2]),
            OPT,
        ],
    );
    assert_eq!(
        parse(&chain, &mut scratch).map(|d| (d.cnames.len(), d.addrs.len(), d.answers_damaged)),
        Ok((3, 2, false))
    );
    group.bench_function("answer, 3 CNAME and 2 A", |b| {
        b.iter(|| parse(black_box(&chain), &mut scratch).map(|d| d.rcode))
    });

    let single = message(0x8180, [1, 1, 0, 1], &[&question, &record(12, 1, &[192, 0, 2, 1]), OPT]);
    group.bench_function("answer, 1 A", |b| b.iter(|| parse(black_box(&single), &mut scratch).map(|d| d.rcode)));

    let params = b"\x00\x01\x00\x00\x01\x00\x06\x02h3\x02h2\x00\x04\x00\x08\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x05\x00\x04\xfe\x0d\x00\x00";
    let https = message(0x8180, [1, 1, 0, 1], &[&question, &record(12, 65, params), OPT]);
    assert_eq!(parse(&https, &mut scratch).map(|d| (d.ech, d.addrs.len())), Ok((true, 2)));
    group.bench_function("answer, HTTPS", |b| b.iter(|| parse(black_box(&https), &mut scratch).map(|d| d.ech)));

    let query = message(0x0100, [1, 0, 0, 1], &[&question, OPT]);
    group.bench_function("probe of a query", |b| b.iter(|| probe(black_box(&query))));
    if let Ok(d) = parse(&query, &mut scratch) {
        group.bench_function("is_reverse_name", |b| b.iter(|| is_reverse_name(black_box(d.qname))));
    }
    group.finish();
}

criterion_group! { name = benches; config = quick::criterion(); targets = bench }
criterion_main!(benches);
