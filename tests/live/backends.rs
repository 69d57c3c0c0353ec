//! With offloads on, as hosts and cards have them, the mirror shows packets of up to 64 KiB: both backends read the names in
//! them, with one worker and with two.

use std::collections::BTreeSet;
use std::fs;

use crate::common::lab::{SITE, TAP};
use crate::common::process::run;
use crate::common::servers::{self, Zone};
use crate::common::{Daemon, Lab, Servers, wait_until};
use crate::expect;
use crate::visits::{ask, curl};

/// Octets of a page.
const LARGE: usize = 4 << 20;

fn offloads_on(lab: &Lab) {
    let ends = [
        (&lab.client, "eth0"),
        (&lab.server, "eth0"),
        (&lab.middle, "client0"),
        (&lab.middle, "server0"),
        (&lab.middle, "mirror0"),
        (&lab.sensor, TAP),
    ];
    for (namespace, device) in ends {
        let mut ethtool = namespace.command(10, "ethtool");
        ethtool.args(["-K", device, "tx", "on", "rx", "on", "tso", "on", "gso", "on", "gro", "on"]);
        run(&mut ethtool).unwrap();
    }
}

#[test]
fn both_backends_read_what_offloads_have_joined() {
    let Some(lab) = Lab::new(&servers::TOOLS) else { return };
    let large = "x".repeat(LARGE);
    let _servers = Servers::start(&lab, &Zone { pages: &[("large.html", &large)], ..Zone::default() });
    offloads_on(&lab);
    let list = lab.dir().join("orders");
    fs::write(&list, "lucky-wheel.example\n").unwrap();
    let mut found = Vec::new();
    // With the kernel's prefilter the page itself does not come up, but the requests around it do.
    const ALL: &str = "[prefilter]\nmode = \"off\"";
    let whole = ["backend = \"pcap\"", &format!("backend = \"ring\"\n{ALL}"), &format!("workers = 2\n{ALL}")];
    let filtered = ["", "[prefilter]\nmode = \"classic\""];
    for capture in whole.into_iter().chain(filtered) {
        let mut daemon = Daemon::start_with(&lab, &[("orders", &list, "block")], capture);
        ask(&lab, &["asked.lucky-wheel.example"]);
        curl(&lab, &["https://tls.lucky-wheel.example/"]);
        // On one connection, the second request behind a page that fills many large packets.
        let to = format!("::{SITE}:80");
        let one = ["--connect-to", &to, "http://first.lucky-wheel.example/large.html"];
        let then = ["--next", "--silent", "--connect-to", &to, "--header", "Host: then.lucky-wheel.example"];
        let page = curl(&lab, &[&one[..], &then, &["http://first.lucky-wheel.example/"]].concat());
        assert!(page.len() > LARGE);
        ask(&lab, &["last.lucky-wheel.example"]);
        wait_until("the last visit to be found", || daemon.has_found("last.lucky-wheel.example"));
        // Counters are published a moment after the events are written.
        let least = if whole.contains(&capture) { LARGE as f64 } else { 0.0 };
        wait_until("the octets of the page", || daemon.metric("stakeout_bytes_total", "") > least);
        expect::assert_nothing_lost(&daemon);
        let octets = daemon.metric("stakeout_bytes_total", "") / daemon.metric("stakeout_packets_total", "");
        assert!(
            octets > 1_600.0 || filtered.contains(&capture),
            "packets larger than the link carries: {octets} octets on average"
        );
        let rings = if capture.contains("pcap") { 0.0 } else { daemon.metric("stakeout_capture_up", "") };
        assert_eq!(daemon.metric("stakeout_capture_ring_in_use", ""), rings, "{capture}");
        assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
        expect::assert_whole(&daemon.events());
        found.push(expect::opened(&daemon.events()));
        fs::remove_dir_all(daemon.dir()).unwrap();
    }

    let expected: BTreeSet<_> =
        [("dns", "asked"), ("dns", "tls"), ("tls", "tls"), ("http", "first"), ("http", "then"), ("dns", "last")]
            .into_iter()
            .map(|(proto, name)| {
                (proto.to_owned(), format!("{name}.lucky-wheel.example"), "orders/lucky-wheel.example".to_owned())
            })
            .collect();
    for found in &found {
        expect::assert_same(found, &expected);
    }
}
