//! One traffic in every file format: the program says the same of each, and the truth of all.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stakeout::model::{Endpoint, Kind, Timestamp};
use stakeout::traffic::{Profile, Truth};

use super::{output_of, pcap, text, traffic};

/// A pcapng file (draft-ietf-opsawg-pcapng): two sections in both byte orders, each with an interface that counts in
/// nanoseconds, enhanced packet blocks.
fn pcapng(frames: &[(Timestamp, Vec<u8>)]) -> Vec<u8> {
    type Word = fn(u32) -> [u8; 4];
    type Short = fn(u16) -> [u8; 2];
    let orders: [(Word, Short); 2] = [(u32::to_le_bytes, u16::to_le_bytes), (u32::to_be_bytes, u16::to_be_bytes)];
    let mut file = Vec::new();
    for ((word, short), frames) in orders.into_iter().zip(frames.chunks(frames.len().div_ceil(2))) {
        let block = |kind: u32, body: &[u8]| {
            let padded = body.len().next_multiple_of(4);
            let len = word(padded as u32 + 12);
            [&word(kind)[..], &len, body, &vec![0; padded - body.len()], &len].concat()
        };
        let version = [short(1), short(0)].concat();
        file.extend(block(0x0a0d_0d0a, &[&word(0x1a2b_3c4d)[..], &version, &[0xff; 8]].concat()));
        // LINKTYPE_ETHERNET, no snap length, if_tsresol 10^-9, end of options.
        let resolution = [&short(9)[..], &short(1), &[9, 0, 0, 0], &[0; 4]].concat();
        file.extend(block(1, &[&short(1)[..], &short(0), &word(0), &resolution].concat()));
        for (ts, frame) in frames {
            let (ns, len) = (ts.as_nanos(), word(frame.len() as u32));
            let head = [word(0), word((ns >> 32) as u32), word(ns as u32), len, len].concat();
            file.extend(block(6, &[&head[..], frame].concat()));
        }
    }
    file
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn endpoint(e: Endpoint) -> Value {
    json!(std::net::SocketAddr::new(e.addr.in_clear(), e.port).to_string())
}

/// What `observe` must say of it, as far as the truth knows.
fn expected(t: &Truth) -> String {
    let mut line = json!({
        "proto": t.proto.name(), "kind": t.kind.name(), "name": t.name.to_string(),
        "client": endpoint(t.client), "server": endpoint(t.server),
    });
    if t.kind == Kind::Answer {
        line["cname"] = t.cname.iter().map(ToString::to_string).collect();
    }
    line.to_string()
}

/// The same fields of a line of `observe`.
fn told(line: &str) -> String {
    let mut line: Value = serde_json::from_str(line).unwrap();
    let fields = line.as_object_mut().unwrap();
    fields.retain(|field, _| ["proto", "kind", "name", "client", "server", "cname"].contains(&field.as_str()));
    line.to_string()
}

fn write(dir: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn every_format_says_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    let (frames, truth) = traffic(Profile::names().frames(8_000).listed_share(0.1), 21);
    let classic = pcap(&frames);
    let plain = output_of(&["observe", text(&write(dir.path(), "a.pcap", &classic))]);

    let mut said: Vec<_> = plain.lines().map(told).collect();
    let mut sent: Vec<_> = truth.iter().map(expected).collect();
    said.sort_unstable();
    sent.sort_unstable();
    assert!(sent.len() > 5_000, "{}", sent.len());
    assert_eq!(said.len(), sent.len());
    let first = said.iter().zip(&sent).find(|(said, sent)| said != sent);
    assert!(first.is_none(), "said and sent: {first:?}");

    let next = pcapng(&frames);
    for (name, content) in [
        ("a.pcapng", next.clone()),
        ("a.pcap.gz", gzip(&classic)),
        ("a.pcapng.gz", gzip(&next)),
        ("a.pcap.zst", zstd::encode_all(&classic[..], 1).unwrap()),
        // The name says nothing; the first octets do.
        ("misnamed.txt", zstd::encode_all(&next[..], 1).unwrap()),
    ] {
        let other = output_of(&["observe", text(&write(dir.path(), name, &content))]);
        let differs = plain.lines().zip(other.lines()).find(|(a, b)| a != b);
        assert!(other == plain, "{name}: first difference {differs:?}");
    }
}

#[test]
fn two_runs_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (frames, _) = traffic(Profile::demo(), 22);
    let path = write(dir.path(), "a.pcap", &pcap(&frames));
    assert!(output_of(&["observe", text(&path)]) == output_of(&["observe", text(&path)]));
}
