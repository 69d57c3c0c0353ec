//! `size`: the table for people, the object for programs, and what is refused.

use super::run;

const BASE: [&str; 5] = ["size", "--subscribers", "200000", "--links", "4x100G"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&BASE[..], more].concat()
}

/// All figures given, so that the table does not change when a figure is measured anew.
const GIVEN: &[&str] = &[
    "upstream-share=0.1",
    "downstream-packet=1000",
    "upstream-packet=250",
    "dns-rate=0.2",
    "connection-rate=0.5",
    "flow-rate=1",
    "name-packets=2",
    "name-packet=500",
    "broker-pass=0.05",
    "kernel-ns=400",
    "ring-ns=200",
    "packet-ns=50",
    "name-ns=500",
    "dnstap-ns=3000",
    "core-load=0.5",
    "worker-efficiency=0.9",
    "rules=500000",
    "rule-octets=28",
    "listed-visits=0.1",
    "event-octets=600",
    "events-per-finding=2",
    "base-memory=8000000",
    "queue-memory=100000000",
];

#[test]
fn the_table_tells_the_four_deployments() {
    let assume: Vec<&str> = GIVEN.iter().flat_map(|text| ["--assume", text]).collect();
    let ran = run(&with(&assume));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let expected = "\
200,000 subscribers behind 4x100G; in the busy hour 120 Gbit/s down (30 % of the links, 0.60 Mbit/s a subscriber) and 12.0 Gbit/s up.

DEPLOYMENT                    GBIT/S   PACKETS/S  WITH NAMES/S  CORES   MEMORY  DISK A DAY
all traffic                      132  21,000,000       280,000     32  4.9 GiB      46 MiB
behind a broker that filters    4.20   1,050,000       280,000      3  973 MiB      46 MiB
upstream and DNS answers        12.2   6,040,000       280,000     11  2.3 GiB      46 MiB
dnstap only                     0.16      40,000        40,000      2  339 MiB      23 MiB
";
    assert!(ran.out.starts_with(expected), "{}", ran.out);
}

#[test]
fn every_unmeasured_term_is_marked_and_the_users_own_are_not() {
    let ran = run(&with(&[]));
    let marked = |out: &str, name: &str| out.lines().any(|line| line.starts_with("?") && line.contains(name));
    assert!(
        marked(&ran.out, " dns-rate ") && marked(&ran.out, " utilisation ") && marked(&ran.out, " worker-efficiency ")
    );
    assert!(!marked(&ran.out, " name-ns "), "{}", ran.out);
    let own = run(&with(&["--assume", "dns-rate=0.4", "--utilisation", "0.25"]));
    assert!(!marked(&own.out, " dns-rate ") && !marked(&own.out, " utilisation "), "{}", own.out);
    assert!(own.out.contains("100 Gbit/s down (25 % of the links"), "{}", own.out);
    for line in ran.out.lines().filter(|line| line.contains(" assumed ")) {
        assert!(line.starts_with('?'), "{line}");
    }
}

#[test]
fn the_broker_is_told_what_to_keep_together() {
    let out = run(&with(&[])).out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains("hash on the subscriber's address alone"), "{out}");
    assert!(out.contains("the DNS of the same subscriber reach one sensor"), "{out}");
    assert!(out.lines().all(|line| !line.contains("  ")));
}

#[test]
fn programs_get_the_same_as_json() {
    let ran = run(&with(&["--format", "json", "--busy-hour-mbps-per-subscriber", "1.5"]));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let object: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(object["schema"], "stakeout.size.v1");
    assert_eq!(object["busy_hour"]["down_bits_per_second"], 3e11);
    let deployments = object["deployments"].as_array().unwrap();
    let keys: Vec<_> = deployments.iter().map(|d| d["deployment"].as_str().unwrap()).collect();
    assert_eq!(keys, ["all-traffic", "filtering-broker", "upstream-and-dns-answers", "dnstap"]);
    for deployment in deployments {
        assert!(deployment["cores"].as_u64().unwrap() >= 2, "{deployment}");
        assert!(deployment["memory_octets"].as_f64().unwrap() > 1e6, "{deployment}");
        assert!(!deployment["hash_requirement"].as_str().unwrap().is_empty());
        assert!(deployment["unmeasured"].as_array().unwrap().contains(&"dns-rate".into()), "{deployment}");
    }
    let terms = object["assumptions"].as_array().unwrap();
    assert!(terms.iter().all(|t| t["name"] != "utilisation"), "a subscriber's traffic takes its place");
    assert!(terms.iter().any(|t| t["basis"] == "assumed" && t["unmeasured"] == true));
}

#[test]
fn wrong_input_is_told_with_what_would_be_right() {
    for (words, told) in [
        (vec!["size", "--subscribers", "200000", "--links", "banana"], "write a speed such as 100G"),
        (vec!["size", "--subscribers", "200000", "--links", "4x100"], "write a speed such as 100G"),
        (vec!["size", "--subscribers", "0", "--links", "10G"], "1..=1000000000"),
        (vec!["size", "--subscribers", "many", "--links", "10G"], "invalid value 'many'"),
        (vec!["size", "--links", "10G"], "--subscribers <N>"),
        (with(&["--utilisation", "1.5"]), "utilisation is from 0.001 to 1"),
        (with(&["--utilisation", "0.5", "--busy-hour-mbps-per-subscriber", "2"]), "cannot be used with"),
        (with(&["--busy-hour-mbps-per-subscriber", "0"]), "a number from 0.001 to 10000"),
        (with(&["--busy-hour-mbps-per-subscriber", "5"]), "need 1000.0 Gbit/s"),
        (with(&["--assume", "name-nsec=3"]), "name-ns"),
        (with(&["--assume", "name-ns"]), "NAME=NUMBER"),
    ] {
        let ran = run(&words);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words:?}: {}", ran.err);
        assert!(ran.err.contains(told), "{words:?} does not say {told:?}: {}", ran.err);
    }
}
