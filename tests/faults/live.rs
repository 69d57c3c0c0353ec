//! The daemon on live traffic: what it must not read, whose visits count, and that a frame seen twice counts once.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::lab::daemon::{Daemon, Settings};
use crate::lab::namespace::{inside, run_inside, send};
use crate::lab::packets::{self, A, Maker, answer, query};

#[test]
fn only_what_the_legal_ground_names_is_parsed() {
    run_inside("live::inside_scope");
}

#[test]
fn visits_count_by_who_makes_them() {
    run_inside("live::inside_networks");
}

#[test]
fn a_frame_delivered_twice_is_one_visit() {
    run_inside("live::inside_twice");
}

#[test]
fn a_review_that_is_overdue_is_told_and_stops_nothing() {
    run_inside("live::inside_overdue");
}

/// Runs the daemon over some frames; `look` at it before it is stopped. Gives all events.
fn watch(settings: &Settings, dir: &Path, frames: &[Vec<u8>], look: impl FnOnce(&mut Daemon)) -> Vec<Value> {
    let config = settings.write(dir);
    let mut daemon = Daemon::start(&config, dir);
    send(frames);
    daemon.wait_for_packets(frames.len());
    look(&mut daemon);
    assert!(daemon.stop().success(), "{}", daemon.log());
    let text = fs::read_to_string(dir.join("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Visits and answers of the closed findings, by protocol and name.
fn closed(events: &[Value]) -> BTreeMap<(String, String), (u64, u64)> {
    let mut counts = BTreeMap::<_, (u64, u64)>::new();
    for event in events.iter().filter(|e| e["event"] == "closed") {
        let key = [&event["proto"], &event["name"]].map(|v| v.as_str().unwrap().to_owned());
        let count = counts.entry(key.into()).or_default();
        count.0 += event["count"].as_u64().unwrap();
        count.1 += event["answers"].as_u64().unwrap();
    }
    counts
}

fn at(addr: &str) -> SocketAddr {
    addr.parse().unwrap()
}

/// One visit to a listed name by each protocol, DNS over TCP included.
fn visits(maker: &mut Maker, client: &str, name: &str) {
    let from = |port: u16| SocketAddr::new(client.parse().unwrap(), port);
    let (resolver, site) = (at("203.0.113.53:53"), at("198.51.100.9:443"));
    maker.udp(from(1_001), resolver, &query(1, name, A, None));
    maker.udp(resolver, from(1_001), &answer(1, name, &[site.ip()], None));
    let message = query(2, name, A, None);
    let prefixed = [&(message.len() as u16).to_be_bytes()[..], &message].concat();
    maker.tcp(from(1_002), resolver, 1, &prefixed);
    maker.tls(from(1_003), site, name);
    maker.quic(from(1_004), site, name);
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\n\r\n");
    maker.tcp(from(1_005), at("198.51.100.9:80"), 1, request.as_bytes());
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_scope() {
    if !inside() {
        return;
    }
    let protocols = ["dns", "tls", "quic", "http"];
    for scope in [r#"["dns"]"#, r#"["tls"]"#, r#"["quic"]"#, r#"["http"]"#, r#"["dns", "quic"]"#, r#"["tls", "http"]"#]
    {
        let mut maker = Maker::default();
        for client in 1..=20 {
            visits(&mut maker, &format!("100.64.7.{client}"), "www.casino.example");
            // A hello where DNS is spoken, and a request where hellos are.
            let from = SocketAddr::new([100, 64, 7, client].into(), 2_001);
            maker.tls(from, at("203.0.113.53:53"), "www.casino.example");
            maker.tcp(from, at("198.51.100.9:443"), 1, b"GET / HTTP/1.1\r\nHost: www.casino.example\r\n\r\n");
        }
        let temp = tempfile::tempdir().unwrap();
        let settings = Settings { scope, ..Settings::new(temp.path()) };
        let events = watch(&settings, temp.path(), &maker.frames, |daemon| {
            for protocol in protocols {
                let named = scope.contains(protocol);
                let names = daemon.metric("stakeout_names_total", &format!("protocol=\"{protocol}\""));
                assert!((names > 0.0) == named, "{scope}: {names} names by {protocol}");
            }
            let derived = daemon.metric("stakeout_quic_keys_derived_total", "");
            assert!((derived > 0.0) == scope.contains("quic"), "{scope}: {derived} keys derived");
            let rejected = |reason: &str| daemon.metric("stakeout_messages_rejected_total", reason);
            for (protocol, reason) in [("dns", "\"dns-"), ("tls", "\"tls-"), ("quic", "\"quic-"), ("http", "\"http-")] {
                assert!(scope.contains(protocol) || rejected(reason) == 0.0, "{scope}: {protocol} was parsed");
            }
            let (_, status) = daemon.get("/status").unwrap();
            let status: Value = serde_json::from_str(&status).unwrap();
            assert_eq!(status["legal"]["scope"].to_string().replace(',', ", "), scope);
        });
        let found = closed(&events);
        for protocol in protocols {
            let count = found.get(&(protocol.to_owned(), "www.casino.example".to_owned())).map_or(0, |c| c.0);
            let expected = if scope.contains(protocol) { 20..=60 } else { 0..=0 };
            assert!(expected.contains(&count), "{scope}: {count} visits by {protocol}: {found:?}");
        }
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_networks() {
    if !inside() {
        return;
    }
    let networks = r#"[networks]
subscribers = ["100.64.0.0/16", "2001:db8::/33"]
resolvers = ["203.0.113.53", "100.64.0.53"]
cgnat = ["192.0.2.0/28", "100.64.200.0/24"]
forwarders = ["192.0.2.16/28"]
[findings]
subscriber = "pseudonym"
"#;
    // Who asks, how often, and what the finding says of him; nothing where there is none.
    let askers = [
        ("100.64.1.2", 3, Some("subscriber")),
        ("192.0.2.3", 4, Some("cgnat")),
        ("100.64.200.9", 5, Some("cgnat")),
        ("192.0.2.17", 6, Some("forwarder")),
        ("203.0.113.53", 7, None),
        ("100.64.0.53", 8, None),
        ("203.0.113.99", 9, None),
        ("100.65.1.2", 10, None),
    ];
    let mut maker = Maker::default();
    for (asker, times, _) in askers {
        for n in 0..times {
            let from = SocketAddr::new(asker.parse().unwrap(), 3_000 + n);
            maker.udp(from, at("198.51.100.53:53"), &query(n, "casino.example", A, None));
        }
    }
    // A stranger asks a name server behind the provider's resolver; a subscriber is asked.
    maker.udp(at("198.51.100.77:4000"), at("100.64.1.2:53"), &query(5, "casino.example", A, None));
    let temp = tempfile::tempdir().unwrap();
    let settings = Settings { sections: networks.to_owned(), ..Settings::new(temp.path()) };
    let events = watch(&settings, temp.path(), &maker.frames, |daemon| {
        let all = maker.frames.len() as f64;
        daemon.wait_for("all hits", |d| d.metric("stakeout_hits_total", "") == all);
        let suppressed = |reason: &str| daemon.metric("stakeout_hits_suppressed_total", reason);
        assert_eq!((suppressed("resolver"), suppressed("outside")), (15.0, 20.0));
        assert_eq!(daemon.metric("stakeout_findings_total", ""), 4.0);
    });
    let mut told: Vec<(u64, &str)> = events
        .iter()
        .filter(|e| e["event"] == "closed")
        .map(|e| (e["count"].as_u64().unwrap(), e["subscriber_role"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    let expected: Vec<(u64, &str)> =
        askers.iter().filter_map(|(_, times, role)| role.map(|role| (u64::from(*times), role))).collect();
    assert_eq!(told, expected);
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_twice() {
    if !inside() {
        return;
    }
    let mut maker = Maker::default();
    for client in 1..=40 {
        visits(&mut maker, &format!("100.64.9.{client}"), "casino.example");
    }
    // The second time as the mirror of another port shows it: in a VLAN, one hop further.
    let twice: Vec<Vec<u8>> = maker
        .frames
        .iter()
        .flat_map(|frame| {
            let mut copy = frame.clone();
            copy.splice(12..12, [0x81, 0, 0, 7]).for_each(drop);
            copy[26] -= 1;
            [frame.clone(), copy]
        })
        .collect();
    let temp = tempfile::tempdir().unwrap();
    let events = watch(&Settings::new(temp.path()), temp.path(), &twice, |daemon| {
        assert!(daemon.metric("stakeout_frames_duplicate_total", "") > 0.0);
    });
    let expected = [("dns", (80, 40)), ("http", (40, 0)), ("quic", (40, 0)), ("tls", (40, 0))];
    let expected = expected.map(|(proto, counts)| ((proto.to_owned(), "casino.example".to_owned()), counts));
    assert_eq!(closed(&events), BTreeMap::from(expected));
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_overdue() {
    if !inside() {
        return;
    }
    let mut maker = Maker::default();
    visits(&mut maker, "100.64.1.2", "casino.example");
    for (review_date, overdue) in [("2020-02-29", 1.0), ("2099-12-31", 0.0)] {
        let temp = tempfile::tempdir().unwrap();
        let settings = Settings { review_date, ..Settings::new(temp.path()) };
        let events = watch(&settings, temp.path(), &maker.frames, |daemon| {
            assert_eq!(daemon.metric("stakeout_legal_review_overdue", ""), overdue);
            let (_, status) = daemon.get("/status").unwrap();
            let status: Value = serde_json::from_str(&status).unwrap();
            assert_eq!(status["legal"]["review_overdue"], overdue > 0.0);
            if overdue > 0.0 {
                daemon.wait_for("a reminder in the log", |d| d.log().contains("review_overdue"));
            }
            assert_eq!(daemon.log().contains("review"), overdue > 0.0, "{}", daemon.log());
        });
        assert_eq!(closed(&events).len(), 4, "it goes on finding");
    }
}

/// The helpers of this file make what they say.
#[test]
fn the_visits_are_such() {
    let mut maker = Maker::default();
    visits(&mut maker, "100.64.1.2", "casino.example");
    let found = crate::captures::watch(maker.frames.iter().map(|f| (f.as_slice(), f.len())));
    assert_eq!(found.names.get("casino.example"), Some(&6), "{:?}", found.counters);
    assert_eq!(packets::quic_initial("a.example", [1; 8]).len(), 1_200);
}
