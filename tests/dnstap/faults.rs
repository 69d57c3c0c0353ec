//! Whoever sends something else than dnstap loses his connection, is counted, and disturbs nobody.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use stakeout::traffic::dnstap as make;

use crate::daemon::{Daemon, Settings};
use crate::sender::{Sender, visit};

const ENDED: &str = "stakeout_dnstap_streams_ended_total";

#[test]
fn each_kind_of_nonsense_is_told_apart_and_others_go_on() {
    let mut daemon = Daemon::start(Settings { dnstap: "max_frame = \"64KiB\"", ..Settings::default() });
    let mut good = Sender::unix(&daemon.socket()).greet();
    good.query(&visit("before.casino.example"));

    let mut other_type = Vec::new();
    make::control(&mut other_type, 4, Some(b"protobuf:other.Thing"));
    let long_control = [&[0; 4][..], &[0xff; 4]].concat();
    let cases: [(&[u8], bool, &str); 6] = [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, "bad-control"),
        (&other_type, false, "content-type"),
        (&long_control, false, "too-long"),
        // The first octet behind the longest frame; and four gigabytes.
        (&[0, 1, 0, 1, 9, 9], true, "too-long"),
        (&[0xff; 9], true, "too-long"),
        (&[0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 2], true, "bad-control"),
    ];
    let mut expected = BTreeMap::<&str, u64>::new();
    for (octets, started, reason) in cases {
        let sender = Sender::unix(&daemon.socket());
        let mut sender = if started { sender.start() } else { sender };
        sender.send(octets);
        sender.is_closed();
        *expected.entry(reason).or_default() += 1;
    }
    // Cut within a frame.
    let mut cut = Sender::unix(&daemon.socket()).start();
    let mut frame = Vec::new();
    make::query(&mut frame, &visit("cut.casino.example"));
    cut.send(&frame[..frame.len() - 1]);
    drop(cut);
    // Cut within the handshake, and not a word.
    let mut cut = Sender::unix(&daemon.socket());
    cut.send(&[0, 0]);
    drop(cut);
    drop(Sender::unix(&daemon.socket()));
    expected.extend([("cut", 2), ("closed", 1)]);
    for (reason, n) in &expected {
        daemon.wait_metric(ENDED, &format!("\"{reason}\""), *n);
    }
    for (reason, n) in &expected {
        assert_eq!(daemon.metric(ENDED, &format!("\"{reason}\"")), *n, "{reason}");
    }

    good.query(&visit("after.casino.example"));
    good.finish();
    let names: Vec<_> = daemon.findings().into_keys().map(|(_, name)| name).collect();
    assert_eq!(names, ["after.casino.example", "before.casino.example"]);
}

#[test]
fn frames_that_are_no_dnstap_cost_themselves_only() {
    let mut daemon = Daemon::start(Settings::default());
    let mut sender = Sender::unix(&daemon.socket()).greet();
    let mut octets = Vec::new();
    for n in 0..500_u32 {
        make::data(&mut octets, &n.wrapping_mul(2_654_435_761).to_be_bytes().repeat(1 + n as usize % 40));
    }
    sender.send(&octets);
    sender.query(&visit("www.casino.example"));
    sender.finish();
    daemon.wait_metric("stakeout_dnstap_frames_total", "", 501);
    let rejected = daemon.metric("stakeout_dnstap_messages_rejected_total", "");
    let told = daemon.metric("stakeout_dnstap_messages_total", "");
    assert_eq!((rejected, told), (500, 1));
    assert_eq!(daemon.findings().len(), 1);
}

#[test]
fn a_slow_peer_is_understood() {
    let mut daemon = Daemon::start(Settings::default());
    let mut slow = Sender::unix(&daemon.socket()).greet();
    let mut frame = Vec::new();
    make::query(&mut frame, &visit("slow.casino.example"));
    for octet in &frame {
        slow.send(&[*octet]);
        sleep(Duration::from_millis(1));
    }
    slow.finish();
    assert_eq!(daemon.findings().len(), 1);
}

#[test]
fn connections_are_bounded_and_places_become_free_again() {
    let mut daemon = Daemon::start(Settings { dnstap: "max_connections = 2", ..Settings::default() });
    for round in 1..=2 {
        let mut open: Vec<Sender> = (0..2).map(|_| Sender::unix(&daemon.socket()).greet()).collect();
        for _ in 0..20 {
            let mut over = Sender::unix(&daemon.socket());
            over.try_send(b"\0");
            over.is_closed();
        }
        daemon.wait_metric("stakeout_dnstap_connections_total", "\"full\"", round * 20);
        open[1].query(&visit("www.casino.example"));
        open.into_iter().for_each(Sender::finish);
        daemon.wait_metric(ENDED, "\"stop\"", round * 2);
    }
    assert_eq!(daemon.metric("stakeout_dnstap_connections_total", "\"accepted\""), 4);
    let (visits, ..) = daemon.findings().into_values().next().unwrap();
    assert_eq!(visits, 2);
}

#[test]
fn peers_from_elsewhere_are_refused() {
    let settings = "listen = \"127.0.0.1:0\"\nallow = [\"127.0.0.9\"]";
    let mut daemon = Daemon::start(Settings { dnstap: settings, ..Settings::default() });
    Sender::tcp(daemon.tcp()).is_closed();
    daemon.wait_metric("stakeout_dnstap_connections_total", "\"not-allowed\"", 1);
    assert_eq!(daemon.metric("stakeout_dnstap_connections_total", "\"accepted\""), 0);
    assert_eq!(daemon.stop(), Some(0));
}
