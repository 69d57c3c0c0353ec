//! Runs the daemon, sends it everything, and searches whatever came out of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::lab::daemon::{Daemon, Settings};
use crate::lab::namespace::{inside, run_inside, send};
use crate::people;
use crate::search::Search;

#[test]
fn no_output_tells_a_subscribers_address() {
    run_inside("outputs::inside_without_pseudonyms");
}

#[test]
fn nor_with_pseudonyms() {
    run_inside("outputs::inside_with_pseudonyms");
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_without_pseudonyms() {
    if inside() {
        watch_and_search("none", "text");
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_with_pseudonyms() {
    if inside() {
        watch_and_search("pseudonym", "json");
    }
}

/// Everything that came out, by where.
type Outputs = BTreeMap<String, Vec<u8>>;

fn ask(daemon: &Daemon, when: &str, outputs: &mut Outputs) {
    for path in ["/", "/metrics", "/status", "/readyz", "/livez", "/nothing-here"] {
        let (code, body) = daemon.get(path).unwrap();
        outputs.insert(format!("HTTP {path}, {when}"), format!("{code}\n{body}").into_bytes());
    }
}

fn collect(dir: &Path, outputs: &mut Outputs) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, outputs);
        } else {
            outputs.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
}

fn watch_and_search(subscriber: &str, log_format: &'static str) {
    let (etc, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let findings = format!("[findings]\nwindow = \"2s\"\nupdate_interval = \"1s\"\nsubscriber = \"{subscriber}\"\n");
    let settings = Settings {
        block: people::block_list(),
        sections: format!("{}{findings}", people::NETWORKS),
        log_format,
        ..Settings::new(work.path())
    };
    let config = settings.write(etc.path());
    let traffic = people::traffic();
    let mut outputs = Outputs::new();
    let mut daemon = Daemon::start(&config, work.path());
    ask(&daemon, "at the start", &mut outputs);

    let (first, second) = traffic.frames.split_at(traffic.frames.len() / 2);
    send(first);
    daemon.wait_for_packets(first.len());
    ask(&daemon, "at half time", &mut outputs);
    // Files are moved away and opened anew, with a rule file that cannot be used at that moment.
    daemon.wait_for("events", |_| fs::metadata(work.path().join("events.jsonl")).is_ok_and(|m| m.len() > 0));
    fs::rename(work.path().join("events.jsonl"), work.path().join("moved.jsonl")).unwrap();
    fs::write(etc.path().join("block.txt"), b"\x00\x01\x02\x03").unwrap();
    daemon.signal("HUP");
    daemon.wait_for("refusal", |d| d.metric("stakeout_rule_set_loads_total", "refused") > 0.0);
    fs::write(etc.path().join("block.txt"), people::block_list()).unwrap();
    daemon.signal("HUP");
    daemon.wait_for("new rules", |d| d.metric("stakeout_rule_set_generation", "") > 1.0);
    send(second);
    daemon.wait_for_packets(traffic.frames.len());
    daemon.wait_for("closed findings", |d| d.metric("stakeout_findings_closed_total", "window") > 100.0);
    ask(&daemon, "at the end", &mut outputs);
    is_worth_searching(&daemon);
    assert!(daemon.stop().success(), "{}", daemon.log());
    collect(work.path(), &mut outputs);

    let text_of =
        |file: &str| String::from_utf8_lossy(&outputs[&work.path().join(file).display().to_string()]).into_owned();
    let log = text_of("log");
    assert!(log.contains("rules_kept") && log.contains("stopping"), "{log}");
    assert!(!text_of("moved.jsonl").is_empty());
    for kind in ["events.jsonl.", "eve.json."] {
        assert!(outputs.keys().any(|k| k.contains(kind)), "no rotated {kind}");
    }
    let all: Vec<u8> = outputs.values().flatten().copied().collect();
    let all_text = String::from_utf8_lossy(&all);
    for told in ["\"opened\"", "\"updated\"", "\"closed\"", "\"name\":\"www.casino.example\"", "\"dest_ip\""] {
        assert!(all_text.contains(told), "nothing holds {told}");
    }
    assert_eq!(all_text.contains("\"sub-"), subscriber == "pseudonym");

    let addresses = Search::new(traffic.addresses.iter().copied());
    let names = Search::names(traffic.unlisted.iter().map(String::as_str));
    assert!(traffic.addresses.len() > 300 && addresses.len() > 10_000 && names.len() > 1_000);
    let mut found = Vec::new();
    for (place, octets) in &outputs {
        found.extend(addresses.find(octets).into_iter().map(|f| format!("{place}: address {f}")));
        found.extend(names.find(octets).into_iter().map(|f| format!("{place}: name {f}")));
    }
    found.truncate(30);
    assert!(found.is_empty(), "{} octets searched:\n{}", all.len(), found.join("\n"));
}

/// A search through little proves little.
fn is_worth_searching(daemon: &Daemon) {
    for protocol in ["dns", "tls", "quic", "http"] {
        let found = daemon.metric("stakeout_findings_total", &format!("protocol=\"{protocol}\""));
        assert!(found > 20.0, "{found} findings by {protocol}");
    }
    for (name, label) in [
        ("stakeout_names_withheld_total", ""),
        ("stakeout_hits_suppressed_total", "reverse-name"),
        ("stakeout_hits_suppressed_total", "resolver"),
        ("stakeout_hellos_without_name_total", "address"),
        ("stakeout_frames_skipped_total", "icmp"),
    ] {
        assert!(daemon.metric(name, label) > 0.0, "{name} {label}");
    }
}
