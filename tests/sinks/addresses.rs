//! Searches everything that is written for the subscribers' addresses, in every form one might think of.

use std::fs;
use std::net::IpAddr;
use std::time::Instant;

use stakeout::export::metrics::Metrics;
use stakeout::export::{EventQueue, FileConfig, eve, jsonl};
use stakeout::model::{Kind, Proto};
use stakeout::record::{Event, SubscriberPolicy};

use super::{aggregator, hit};

const CLIENTS: [&str; 5] =
    ["203.0.113.77", "203.0.113.204", "2001:db8:1234:5678:9abc:def0:1357:2468", "2001:db8:77::42", "203.0.113.9"];

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, n| bits << 8 | u32::from(*three.get(n).unwrap_or(&0)));
        let chars = (0..=three.len()).map(|n| char::from(ALPHABET[(bits >> (18 - 6 * n)) as usize & 63]));
        text.extend(chars);
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What must not be found of an address.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let ip: IpAddr = text.parse().unwrap();
    let (own, mapped) = match ip {
        IpAddr::V4(ip) => (ip.octets().to_vec(), ip.to_ipv6_mapped()),
        IpAddr::V6(ip) => (ip.octets().to_vec(), ip),
    };
    let reversed_own: Vec<u8> = own.iter().rev().copied().collect();
    let mut texts =
        vec![text.to_owned(), text.chars().rev().collect(), mapped.to_string(), text.replace(['.', ':'], "-")];
    for bytes in [&own, &reversed_own, &mapped.octets().to_vec()] {
        texts.extend([
            hex(bytes),
            hex(bytes).to_uppercase(),
            base64(bytes),
            base64(bytes).replace('+', "-").replace('/', "_"),
        ]);
    }
    if let IpAddr::V4(ip) = ip {
        let [a, b, c, d] = ip.octets();
        texts.extend([format!("{d}.{c}.{b}.{a}"), format!("{a:03}{b:03}{c:03}{d:03}"), ip.to_bits().to_string()]);
    } else {
        let nibbles: Vec<String> = hex(&reversed_own).chars().map(String::from).collect();
        texts.push(nibbles.join("."));
    }
    texts.push(base64(text.as_bytes()));
    texts.push(hex(text.as_bytes()));
    texts.into_iter().map(String::into_bytes).chain([own, reversed_own]).collect()
}

fn found(written: &[u8]) -> Vec<String> {
    let holds = |form: &[u8]| written.windows(form.len()).any(|w| w == form);
    let all = CLIENTS.iter().flat_map(|c| forms(c));
    all.filter(|form| holds(form)).map(|form| String::from_utf8_lossy(&form).into_owned()).collect()
}

/// Every kind of sighting by every client, with names that try to smuggle the client's address out.
fn traffic(policy: SubscriberPolicy) -> (Vec<Event>, String) {
    let mut aggregator = aggregator(policy);
    let mut events = Vec::new();
    for (n, client) in CLIENTS.into_iter().enumerate() {
        let ip: IpAddr = client.parse().unwrap();
        let mut sites: Vec<String> = vec!["casino.example".into(), "www.casino.example".into()];
        sites.push(format!("{}.casino.example", client.replace(['.', ':'], "-")));
        sites.push(format!("ip-{}.track.casino.example", client.replace([':'], ".")));
        if let IpAddr::V4(ip) = ip {
            let [a, b, c, d] = ip.octets();
            sites.push(format!("{d}.{c}.{b}.{a}.casino.example"));
            sites.push(format!("{a:03}{b:03}{c:03}{d:03}.casino.example"));
            sites.push(format!("u{:08x}.casino.example", ip.to_bits()));
            sites.push(format!("{}.casino.example", ip.to_bits()));
        } else if let IpAddr::V6(ip) = ip {
            sites.push(format!("{}.casino.example", hex(&ip.octets())));
        }
        for site in &sites {
            for (proto, kind) in [
                (Proto::Dns, Kind::Query),
                (Proto::Dns, Kind::Answer),
                (Proto::Tls, Kind::Sni),
                (Proto::Quic, Kind::Sni),
                (Proto::Http, Kind::Host),
            ] {
                for repeat in 0..3 {
                    aggregator.hit(&hit(proto, kind, site, client, n as u64 * 50 + repeat), &mut events);
                }
            }
        }
        // A subscriber who hosts the site: his address is the server's.
        let mut hosted = hit(Proto::Tls, Kind::Sni, "casino.example", CLIENTS[0], 500);
        hosted.server = super::addr(client);
        aggregator.hit(&hosted, &mut events);
    }
    aggregator.finish(&mut events);
    assert!(aggregator.counters().names_withheld > 0);
    let metrics = Metrics::new().unwrap();
    metrics.publish_record(aggregator.counters());
    (events, metrics.render().unwrap())
}

#[test]
fn no_output_holds_a_subscribers_address() {
    for policy in [SubscriberPolicy::None, SubscriberPolicy::Pseudonym] {
        let dir = tempfile::tempdir().unwrap();
        let config = |file: &str| FileConfig { path: dir.path().join(file), max_bytes: None, max_age: None, keep: 0 };
        let (events, shown) = traffic(policy);
        for sink in [jsonl::open(config("events.jsonl")).unwrap(), eve::open(config("eve.json")).unwrap()] {
            let mut queue = EventQueue::new(Box::new(sink), 100_000);
            queue.push(&events);
            assert_eq!(queue.finish(Instant::now()), 0);
        }
        let mut written = shown.into_bytes();
        written.extend(format!("{events:?}").into_bytes());
        for file in ["events.jsonl", "eve.json"] {
            let text = fs::read(dir.path().join(file)).unwrap();
            assert!(text.len() > 3_000, "{file} is nearly empty: the search would prove nothing");
            written.extend(text);
        }
        assert_eq!(found(&written), Vec::<String>::new(), "{policy:?}");
    }
}

#[test]
fn the_search_finds_what_is_there() {
    for client in CLIENTS {
        for form in forms(client) {
            let written = [b"{\"name\":\"", form.as_slice(), b"\"}"].concat();
            assert!(!found(&written).is_empty(), "{client}");
        }
    }
    assert!(found(b"{\"name\":\"casino.example\"}").is_empty());
    assert_eq!(base64(b"Man"), "TWFu");
    assert_eq!(base64(&[203, 0, 113, 77]), "ywBxTQ");
}
