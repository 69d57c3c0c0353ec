//! The daemon on the same traffic with each backend, and with one worker and several: the same visits are found, and they
//! are those that were sent.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile};

use crate::lab::daemon::{Daemon, Settings};
use crate::lab::namespace::{inside, run_inside, send};
use crate::tool::program_attached;

#[test]
fn both_backends_and_any_number_of_workers_find_the_same() {
    run_inside("findings::inside_findings");
}

/// Visits, answers and distinct subscribers by protocol, name and rule.
type Findings = BTreeMap<[String; 3], [u64; 3]>;

fn find(capture: &'static str, block: &str, frames: &[Vec<u8>]) -> (Findings, f64) {
    let temp = tempfile::tempdir().unwrap();
    let settings = Settings { capture, block: block.to_owned(), ..Settings::new(temp.path()) };
    let config = settings.write(temp.path());
    let mut daemon = Daemon::start(&config, temp.path());
    send(frames);
    daemon.wait_for_packets(frames.len());
    assert_eq!(program_attached(), capture.contains("xdp"), "{capture}");
    let ring = daemon.metric("stakeout_capture_ring_in_use", "");
    for quiet in ["kernel_drops", "interface_drops", "ring_freezes"] {
        assert_eq!(daemon.metric(&format!("stakeout_capture_{quiet}_total"), ""), 0.0, "{quiet}");
    }
    assert_eq!(daemon.metric("stakeout_packets_total", ""), frames.len() as f64, "each frame once");
    assert!(daemon.stop().success(), "{}", daemon.log());

    let mut findings = Findings::new();
    let mut paths: Vec<_> = fs::read_dir(temp.path()).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("events.jsonl")));
    for path in paths {
        for line in fs::read_to_string(path).unwrap().lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            if event["event"] == "closed" {
                let text = |v: &Value| v.as_str().unwrap().to_owned();
                let key = [text(&event["proto"]), text(&event["name"]), text(&event["rule"]["pattern"])];
                let counts = findings.entry(key).or_default();
                for (sum, field) in counts.iter_mut().zip(["count", "answers", "distinct_subscribers"]) {
                    *sum += event[field].as_u64().unwrap();
                }
            }
        }
    }
    assert!(!program_attached(), "nothing stays behind");
    (findings, ring)
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_findings() {
    if !inside() {
        return;
    }
    let listed: Vec<String> = (0..40).map(|n| format!("casino{n}.example")).collect();
    let profile = Profile::names().frames(12_000).listed_share(0.3).mirrored_share(0.0);
    let mut generator = Generator::new(profile, 11, listed.clone(), Timestamp::from_parts(1_700_000_000, 0));
    let (mut frames, mut next) = (Vec::new(), Vec::new());
    while generator.next_frame(&mut next).is_some() {
        // Some more tags around them, as an access network has them.
        match frames.len() % 7 {
            0 => drop(next.splice(12..12, [0x81, 0, 0, 7])),
            1 => drop(next.splice(12..12, [0x88, 0xa8, 0, 9, 0x81, 0, 0, 7])),
            _ => {}
        }
        frames.push(next.clone());
    }
    let sent = generator.stats().listed_visits;
    let block = listed.join("\n");

    let (pcap, ring) = find("backend = \"pcap\"", &block, &frames);
    assert_eq!(ring, 0.0);
    let found: u64 = pcap.values().map(|[visits, ..]| *visits).sum();
    assert_eq!(found, sent, "every visit that was sent");
    for (capture, workers) in [
        ("backend = \"ring\"", 1.0),
        ("", 1.0),
        ("workers = 2", 2.0),
        #[cfg(feature = "xdp")]
        ("backend = \"xdp\"", 0.0),
        ("backend = \"ring\"\nworkers = 4\ncpus = [0]", 4.0),
    ] {
        let (findings, ring) = find(capture, &block, &frames);
        assert_eq!(ring, workers, "{capture}");
        for (key, counts) in &pcap {
            assert_eq!(findings.get(key), Some(counts), "{capture}: {key:?}");
        }
        assert_eq!(findings.len(), pcap.len(), "{capture}");
    }
}
