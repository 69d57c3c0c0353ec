//! From a capture to what is said of it: the generator's traffic, whose truth is known, through the worker and through
//! the real program; and real captures where somebody has them.

mod batches;
mod corpus;
mod formats;
mod scanning;
mod snapshot;
mod truth;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use stakeout::model::{Detail, DomainName, Endpoint, Kind, Observation, Proto, Timestamp};
use stakeout::traffic::{Generator, Profile, Truth};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

/// The listed names of these tests.
fn listed() -> Vec<String> {
    let list = (0..30).map(|n| format!("lucky-spin{n}.example"));
    list.chain(["casino.example".into(), "xn--hhe-sna.example".into(), "play_now.bets.example".into()]).collect()
}

fn generator(profile: Profile, seed: u64) -> Generator {
    Generator::new(profile, seed, listed(), Timestamp::from_parts(1_795_521_600, 0)).with_truth()
}

/// All frames with their times, and the truth about them.
fn traffic(profile: Profile, seed: u64) -> (Vec<(Timestamp, Vec<u8>)>, Vec<Truth>) {
    let mut generator = generator(profile, seed);
    let (mut frames, mut frame) = (Vec::new(), Vec::new());
    while let Some(ts) = generator.next_frame(&mut frame) {
        frames.push((ts, frame.clone()));
    }
    (frames, generator.take_truth())
}

/// A classic pcap file of these frames, with times in nanoseconds.
fn pcap(frames: &[(Timestamp, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 65_535, ETHERNET] {
        file.extend_from_slice(&u32::to_le_bytes(word));
    }
    for (ts, frame) in frames {
        let (seconds, fraction) = (ts.as_nanos() / 1_000_000_000, ts.as_nanos() % 1_000_000_000);
        for word in [seconds as u32, fraction as u32, frame.len() as u32, frame.len() as u32] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(frame);
    }
    file
}

/// One name with whom it was between: what the generator sent, and what the program must say.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Seen {
    proto: Proto,
    kind: Kind,
    name: String,
    cname: Vec<String>,
    client: Endpoint,
    server: Endpoint,
}

fn texts(names: &[DomainName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

impl From<&Truth> for Seen {
    fn from(t: &Truth) -> Self {
        let (name, cname) = (t.name.to_string(), texts(&t.cname));
        Seen { proto: t.proto, kind: t.kind, name, cname, client: t.client, server: t.server }
    }
}

impl From<&Observation<'_>> for Seen {
    fn from(o: &Observation<'_>) -> Self {
        let cname = match o.detail {
            Detail::Dns { cname, .. } => texts(cname),
            _ => Vec::new(),
        };
        Seen { proto: o.proto, kind: o.kind, name: o.name.to_string(), cname, client: o.client, server: o.server }
    }
}

/// How often each was seen.
fn counted(seen: impl IntoIterator<Item = Seen>) -> BTreeMap<Seen, usize> {
    let mut counts = BTreeMap::new();
    for one in seen {
        *counts.entry(one).or_insert(0) += 1;
    }
    counts
}

/// Runs the program.
fn stakeout(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stakeout")).args(words).output().unwrap()
}

/// Runs the program, which must be content, and gives its standard output.
fn output_of(words: &[&str]) -> String {
    let output = stakeout(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
