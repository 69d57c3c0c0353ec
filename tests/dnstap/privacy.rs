//! Clients' addresses come into the daemon in clear, and none comes out: neither in events nor in logs, metrics or status.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use stakeout::capture::dnstap::MessageType;
use stakeout::traffic::dnstap::{self as make, Exchange};

use crate::daemon::{Daemon, Settings};
use crate::search::Search;
use crate::sender::{Sender, visit};

/// Each with letters in its hexadecimal form, so that no number that happens to be there looks like it.
fn clients() -> Vec<IpAddr> {
    let mixed = (1..=60_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed
        .flat_map(|n| {
            let [a, b, .., y, z] = n.to_be_bytes();
            let lettered = |o: u8| o & 0x7f | 0x8a;
            let six = 0x2001_0db8u128 << 96 | u128::from(a & 0x7f) << 80 | u128::from(b) << 64 | u128::from(!n);
            [Ipv4Addr::new(100, 64, lettered(y), lettered(z)).into(), Ipv6Addr::from(six).into()]
        })
        .collect()
}

#[test]
fn no_output_tells_a_clients_address() {
    for subscriber in ["none", "pseudonym"] {
        let sections =
            format!("[findings]\nwindow = \"2s\"\nupdate_interval = \"1s\"\nsubscriber = \"{subscriber}\"\n");
        let mut daemon = Daemon::start(Settings { sections: &sections, ..Settings::default() });
        let mut outputs: Vec<(String, Vec<u8>)> = Vec::new();
        let mut sender = Sender::unix(&daemon.socket()).greet();
        let clients = clients();
        for client in &clients {
            let what = Exchange { client: SocketAddr::new(*client, 40_123), ..visit("www.casino.example") };
            sender.query(&what);
            sender.response(&what);
            // Spelt in a name below a listed one, and in a message that cannot be read.
            let spelt = format!("c-{}.casino.example", client.to_string().replace(['.', ':'], "-"));
            sender.query(&Exchange { name: &spelt, ..what });
            let mut broken = Vec::new();
            make::data(&mut broken, &make::payload(&what, MessageType::ClientQuery, b"\x01\x02\x03"));
            sender.send(&broken);
        }
        daemon.wait_metric("stakeout_dnstap_frames_total", "", 4 * clients.len() as u64);
        for path in ["/", "/metrics", "/status", "/readyz", "/livez"] {
            outputs.push((path.to_owned(), daemon.get(path).unwrap().1.into_bytes()));
        }
        // A connection that ends badly is told in the log.
        sender.send(&[0xff; 64]);
        sender.is_closed();
        daemon.wait_metric("stakeout_dnstap_streams_ended_total", "\"too-long\"", 1);
        daemon.wait_metric("stakeout_names_withheld_total", "", 1);
        assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
        assert!(daemon.log().contains("dnstap_ended"), "{}", daemon.log());
        for entry in fs::read_dir(daemon.out()).unwrap() {
            let path = entry.unwrap().path();
            outputs.push((path.display().to_string(), fs::read(path).unwrap()));
        }
        let all = outputs.iter().flat_map(|(_, octets)| octets).copied().collect::<Vec<u8>>();
        let all = String::from_utf8_lossy(&all);
        assert!(all.contains("\"name\":\"www.casino.example\"") && all.contains("\"closed\""));
        assert_eq!(all.contains("\"sub-"), subscriber == "pseudonym");

        let search = Search::new(clients.iter().copied());
        for (place, octets) in &outputs {
            assert_eq!(search.find(octets), Vec::<String>::new(), "in {place}");
        }
    }
}
