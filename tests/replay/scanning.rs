//! `scan` on the generator's traffic: exactly the listed visits, however the capture is cut into files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stakeout::model::{DomainName, Kind};
use stakeout::traffic::{Profile, Truth};

use super::{listed, output_of, pcap, text, traffic};

/// Allowed, though a parent is listed; and a listed name that is allowed as a whole.
const ALLOWED: [&str; 2] = ["www.casino.example", "lucky-spin3.example"];

struct Case {
    dir: tempfile::TempDir,
    rules: PathBuf,
    allow: PathBuf,
}

impl Case {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (rules, allow) = (dir.path().join("list.txt"), dir.path().join("allow.txt"));
        std::fs::write(&rules, listed().join("\n")).unwrap();
        std::fs::write(&allow, ALLOWED.join("\n")).unwrap();
        Case { dir, rules, allow }
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn scan(&self, files: &[&Path]) -> String {
        let options = ["scan", "--format", "jsonl", "--rules", text(&self.rules), "--allow", text(&self.allow)];
        output_of(&[&options[..], &files.iter().map(|f| text(f)).collect::<Vec<_>>()].concat())
    }
}

/// Visits by name and protocol that the rules order to be found.
fn due(truth: &[Truth]) -> BTreeMap<(String, String), u64> {
    let names = |list: &[String]| list.iter().map(|n| DomainName::from_text(n.as_bytes()).unwrap()).collect::<Vec<_>>();
    let (block, allow) = (names(&listed()), names(&ALLOWED.map(String::from)));
    let mut visits = BTreeMap::new();
    for t in truth.iter().filter(|t| t.kind != Kind::Answer) {
        let within = |list: &[DomainName]| list.iter().any(|n| t.name.is_within(n));
        if within(&block) && !within(&allow) {
            *visits.entry((t.name.to_string(), t.proto.name().to_owned())).or_insert(0) += 1;
        }
    }
    visits
}

/// Visits by name and protocol that were found.
fn found(output: &str) -> BTreeMap<(String, String), u64> {
    let mut visits = BTreeMap::new();
    for line in output.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| event[name].as_str().unwrap().to_owned();
        // A finding may be one of answers alone: a listed name at the end of a chain of CNAMEs.
        if event["count"] != 0 {
            let before = visits.insert((field("name"), field("proto")), event["count"].as_u64().unwrap());
            assert_eq!(before, None, "one finding a name and protocol");
        }
    }
    visits
}

#[test]
fn exactly_the_listed_visits_are_found() {
    let case = Case::new();
    for (profile, seed) in [
        (Profile::demo(), 1),
        (Profile::demo(), 2),
        (Profile::names().frames(20_000).listed_share(0.2), 3),
        (Profile::provider().frames(40_000).listed_share(0.2), 4),
    ] {
        let (frames, truth) = traffic(profile, seed);
        let (due, path) = (due(&truth), case.file("a.pcap", &pcap(&frames)));
        assert!(due.values().sum::<u64>() > 50, "seed {seed} has too few visits to tell");
        assert!(due.keys().any(|(name, _)| name.starts_with("www.")), "no subdomain");
        assert_eq!(found(&case.scan(&[&path])), due, "seed {seed}");
    }
}

#[test]
fn a_capture_in_two_files_is_one_capture() {
    let case = Case::new();
    let (frames, truth) = traffic(Profile::names().frames(6_000).listed_share(0.3), 5);
    let whole = case.scan(&[&case.file("whole.pcap", &pcap(&frames))]);
    assert_eq!(found(&whole), due(&truth));
    // Cut at many places: some lie within a hello or between fragments.
    for cut in (0..frames.len()).step_by(frames.len() / 12) {
        let first = case.file("first.pcap", &pcap(&frames[..cut]));
        let second = case.file("second.pcap", &pcap(&frames[cut..]));
        assert!(case.scan(&[&first, &second]) == whole, "cut after {cut} of {} frames", frames.len());
    }
}

#[test]
fn two_runs_find_the_same() {
    let case = Case::new();
    let (frames, _) = traffic(Profile::demo(), 6);
    let path = case.file("a.pcap", &pcap(&frames));
    let first = case.scan(&[&path]);
    assert!(!first.is_empty() && first == case.scan(&[&path]), "identifiers included");
}
