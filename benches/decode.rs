//! What the way from a frame to its TCP segment or UDP datagram costs, by what the frame is wrapped in.
//!
//! The frames are those of the project's own traffic; a few hundred of a kind, so that they stay in the cache and the
//! headers are what is measured, not the memory.

#![allow(missing_docs, reason = "criterion's macros make functions without documentation")]

mod quick;
mod traffic;

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use stakeout::decode::{Decoder, Limits, LinkType};
use stakeout::model::{Counters, Timestamp};
use stakeout::traffic::Profile;

/// Frames looked at, and frames of a kind that are measured.
const FRAMES: usize = 40_000;
const OF_A_KIND: usize = 256;

/// Frames of the provider's mix by their chain of headers.
fn kinds() -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut generator = traffic::generator(Profile::provider());
    let (mut decoder, mut counters) = (Decoder::new(Limits::default()), Counters::new());
    let (mut kinds, mut frame) = (BTreeMap::<String, Vec<Vec<u8>>>::new(), Vec::new());
    for _ in 0..FRAMES {
        let Some(ts) = generator.next_frame(&mut frame) else { break };
        let len = frame.len() as u32;
        let Some(packet) = decoder.decode(LinkType::Ethernet, ts, &frame, len, &mut counters) else { continue };
        let mut kind: Vec<&str> = packet.encap.as_slice().iter().map(|e| e.name()).collect();
        if kind.is_empty() {
            kind.push(if packet.src.is_v4() { "ipv4" } else { "ipv6" });
        }
        let frames = kinds.entry(kind.join(" ")).or_default();
        if frames.len() < OF_A_KIND {
            frames.push(frame.clone());
        }
    }
    // Reassembled fragments are one frame of several, and rare kinds would be measured on a handful of frames.
    kinds.retain(|kind, frames| frames.len() == OF_A_KIND && !kind.contains("frag"));
    assert!(kinds.len() > 5, "the generator no longer makes the kinds of frames that this wants");
    kinds
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    let (mut decoder, mut counters) = (Decoder::new(Limits::default()), Counters::new());
    for (kind, frames) in kinds() {
        let mut next = frames.iter().cycle();
        group.bench_function(kind, |b| {
            b.iter(|| {
                let frame = next.next().map_or(&[][..], Vec::as_slice);
                let now = Timestamp::default();
                black_box(decoder.decode(LinkType::Ethernet, now, frame, frame.len() as u32, &mut counters)).is_some()
            });
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = quick::criterion(); targets = decode }
criterion_main!(benches);
