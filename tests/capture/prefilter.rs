//! The daemon behind each kernel prefilter, on the ring: the same visits are found as without one, and what did not come up
//! is told.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile};

use crate::lab::daemon::{Daemon, Settings};
use crate::lab::namespace::{inside, run_inside, send};
use crate::lab::skip;

#[test]
fn every_prefilter_leads_to_the_same_findings() {
    run_inside("prefilter::inside_prefilter");
}

/// Visits and answers by protocol and name.
type Findings = BTreeMap<(String, String), [u64; 2]>;

struct Run {
    findings: Findings,
    /// Packets that came up.
    packets: f64,
    /// What the eBPF filter counted.
    passed: f64,
    rejected: f64,
    /// The mode that the metrics name.
    active: &'static str,
}

fn findings(dir: &Path) -> Findings {
    let mut findings = Findings::new();
    for path in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if !path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("events.jsonl")) {
            continue;
        }
        for line in fs::read_to_string(path).unwrap().lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            if event["event"] == "closed" {
                let text = |v: &Value| v.as_str().unwrap().to_owned();
                let counts = findings.entry((text(&event["proto"]), text(&event["name"]))).or_default();
                counts[0] += event["count"].as_u64().unwrap();
                counts[1] += event["answers"].as_u64().unwrap();
            }
        }
    }
    findings
}

/// Runs the daemon until it has found so many names.
fn run(prefilter: &str, block: &str, frames: &[Vec<u8>], done: impl FnMut(&Daemon) -> bool) -> Run {
    let temp = tempfile::tempdir().unwrap();
    let settings = Settings {
        capture: "backend = \"ring\"\nworkers = 2",
        block: block.to_owned(),
        sections: format!("[prefilter]\n{prefilter}"),
        ..Settings::new(temp.path())
    };
    let config = settings.write(temp.path());
    let mut daemon = Daemon::start(&config, temp.path());
    send(frames);
    daemon.wait_for("the names that were sent", done);
    let active = ["off", "classic", "ebpf"]
        .into_iter()
        .find(|mode| daemon.metric("stakeout_prefilter_active", &format!("mode=\"{mode}\"")) == 1.0)
        .expect("a mode");
    assert_eq!(daemon.metric("stakeout_capture_kernel_drops_total", ""), 0.0);
    let (passed, rejected) =
        (daemon.metric("stakeout_prefilter_passed_total", ""), daemon.metric("stakeout_prefilter_rejected_total", ""));
    let packets = daemon.metric("stakeout_packets_total", "");
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert!(active == "off" || daemon.log().contains("prefilter_active"), "{}", daemon.log());
    Run { findings: findings(temp.path()), packets, passed, rejected, active }
}

fn names(daemon: &Daemon) -> f64 {
    daemon.metric("stakeout_names_total", "")
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_prefilter() {
    if !inside() {
        return;
    }
    let listed: Vec<String> = (0..40).map(|n| format!("casino{n}.example")).collect();
    let profile = Profile::provider().frames(16_000).listed_share(0.3).mirrored_share(0.0);
    let mut generator = Generator::new(profile, 12, listed.clone(), Timestamp::from_parts(1_700_000_000, 0));
    let (mut frames, mut next) = (Vec::new(), Vec::new());
    while generator.next_frame(&mut next).is_some() {
        frames.push(next.clone());
    }
    let (sent, block) = (frames.len() as f64, listed.join("\n"));
    let mut wanted = 0.0;
    let off = run("mode = \"off\"", &block, &frames, |d| {
        wanted = names(d);
        d.metric("stakeout_packets_total", "") >= sent
    });
    assert_eq!((off.active, off.packets, off.passed + off.rejected), ("off", sent, 0.0));
    assert!(!off.findings.is_empty() && wanted > 0.0);
    for (prefilter, mode) in [
        ("mode = \"classic\"", "classic"),
        ("mode = \"ebpf\"", "ebpf"),
        ("profile = \"outcomes\"", "ebpf"),
        ("mode = \"classic\"\nprofile = \"outcomes\"", "classic"),
    ] {
        let run = run(prefilter, &block, &frames, |d| names(d) >= wanted);
        assert_eq!(run.findings, off.findings, "{prefilter}");
        assert!(run.packets > 0.0 && run.packets < sent / 2.0, "{prefilter}: {} of {sent} came up", run.packets);
        if run.active != mode {
            skip(&format!("the kernel takes no eBPF filter: {prefilter} was {}", run.active));
        } else if mode == "ebpf" {
            assert_eq!(
                (run.passed, run.passed + run.rejected),
                (run.packets, sent),
                "{prefilter}: every packet is counted"
            );
        } else {
            assert_eq!(run.passed + run.rejected, 0.0, "what a classic filter rejects, nobody tells");
        }
    }
}
