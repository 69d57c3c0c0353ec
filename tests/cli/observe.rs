//! `observe`: every field of every protocol, as the page of the command promises.

use serde_json::{Value, json};
use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile, write_pcap};

use super::frames::{self, ETHERNET, client_hello, dns, dns_name, ethernet, tcp, udp};
use super::{Files, run, run_with_input};

const CLIENT: &str = "192.0.2.7:40000";
const RESOLVER: &str = "198.51.100.53:53";

/// A capture with so many questions for `siteN.casino.example`.
pub(crate) fn many_questions(count: u32) -> Vec<u8> {
    let frame = |n| ethernet(&[], &udp(CLIENT, RESOLVER, &dns(0x0100, &format!("site{n}.casino.example"), 1, &[])));
    frames::pcap(ETHERNET, &(0..count).map(frame).collect::<Vec<_>>())
}

/// What `observe` prints for these Ethernet frames.
fn observed(ethernet_frames: &[Vec<u8>]) -> Vec<Value> {
    let files = Files::new();
    let capture = files.write("made.pcap", frames::pcap(ETHERNET, ethernet_frames));
    let ran = run(&["observe", &capture]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    ran.json()
}

#[test]
fn dns_queries_and_answers() {
    let answer = dns(
        0x8180,
        "WWW.Shop.Example",
        1,
        &[
            ("www.shop.example", 5, dns_name("a.cdn.example")),
            ("a.cdn.example", 5, dns_name("b.cdn.example")),
            ("b.cdn.example", 1, vec![203, 0, 113, 9]),
            ("b.cdn.example", 1, vec![203, 0, 113, 10]),
        ],
    );
    let lines = observed(&[
        ethernet(&[], &udp(CLIENT, RESOLVER, &dns(0x0100, "WWW.Shop.Example", 1, &[]))),
        ethernet(&[], &udp(RESOLVER, CLIENT, &answer)),
        ethernet(&[], &udp(RESOLVER, CLIENT, &dns(0x8183, "gone.example", 28, &[]))),
    ]);
    assert_eq!(
        lines,
        [
            json!({
                "ts": "2026-11-24T09:46:35.000000007Z", "proto": "dns", "kind": "query", "name": "www.shop.example",
                "client": CLIENT, "server": RESOLVER, "encap": [], "qtype": "A",
            }),
            json!({
                "ts": "2026-11-24T09:46:36.000000007Z", "proto": "dns", "kind": "answer", "name": "www.shop.example",
                "client": CLIENT, "server": RESOLVER, "encap": [], "qtype": "A", "rcode": "NOERROR",
                "cname": ["a.cdn.example", "b.cdn.example"], "addrs": ["203.0.113.9", "203.0.113.10"],
            }),
            json!({
                "ts": "2026-11-24T09:46:37.000000007Z", "proto": "dns", "kind": "answer", "name": "gone.example",
                "client": CLIENT, "server": RESOLVER, "encap": [], "qtype": "AAAA", "rcode": "NXDOMAIN",
                "cname": [], "addrs": [],
            }),
        ]
    );
}

#[test]
fn https_records_with_hints_and_ech() {
    // RFC 9460: priority 1, target ".", then ech (5) and ipv6hint (6).
    let mut rdata = vec![0, 1, 0, 0, 5, 0, 4, 0, 2, 0xfe, 0x0d, 0, 6, 0, 16];
    rdata.extend_from_slice(&"2001:db8::9".parse::<std::net::Ipv6Addr>().unwrap().octets());
    let answer = dns(0x8180, "shop.example", 65, &[("shop.example", 65, rdata)]);
    let line = &observed(&[ethernet(&[], &udp("[2001:db8::53]:53", "[2001:db8::7]:5000", &answer))])[0];
    assert_eq!(line["client"], "[2001:db8::7]:5000");
    assert_eq!(line["server"], "[2001:db8::53]:53");
    assert_eq!((&line["qtype"], &line["ech"]), (&json!("HTTPS"), &json!(true)));
    assert_eq!(line["addrs"], json!(["2001:db8::9"]));
}

#[test]
fn tls_in_two_segments_on_any_port_inside_tags() {
    let hello = client_hello("Casino.Example", &["h2", "http/1.1"], true);
    let (first, second) = hello.split_at(60);
    let (client, server) = ("[2001:db8::7]:50000", "[2001:db8:1::1]:8444");
    let lines = observed(&[
        ethernet(&[0x88a8, 0x8100], &tcp(client, server, 1000, first)),
        ethernet(&[0x88a8, 0x8100], &tcp(client, server, 1060, second)),
    ]);
    assert_eq!(
        lines,
        [json!({
            "ts": "2026-11-24T09:46:36.000000007Z", "proto": "tls", "kind": "sni", "name": "casino.example",
            "client": client, "server": server, "encap": ["qinq", "vlan"],
            "version": "1.3", "alpn": ["h2", "http/1.1"], "ech": true,
        })]
    );
    let plain = observed(&[ethernet(&[], &tcp(CLIENT, "198.51.100.1:443", 1, &client_hello("a.example", &[], false)))]);
    assert_eq!((&plain[0]["ech"], &plain[0]["alpn"]), (&json!(false), &json!([])));
}

#[test]
fn http_host_without_port() {
    let request = b"GET /bets HTTP/1.1\r\nUser-Agent: x\r\nHost: Casino.Example:8080\r\n\r\n";
    let lines = observed(&[ethernet(&[], &tcp(CLIENT, "198.51.100.1:8080", 1, request))]);
    assert_eq!(
        lines,
        [json!({
            "ts": "2026-11-24T09:46:35.000000007Z", "proto": "http", "kind": "host", "name": "casino.example",
            "client": CLIENT, "server": "198.51.100.1:8080", "encap": [], "version": "1.1",
        })]
    );
    let connect = b"CONNECT casino.example:443 HTTP/1.1\r\nHost: casino.example:443\r\n\r\n";
    let lines = observed(&[ethernet(&[], &tcp(CLIENT, "198.51.100.1:3128", 1, connect))]);
    assert_eq!((lines.len(), &lines[0]["name"]), (1, &json!("casino.example")));
}

#[test]
fn tunnels_are_named_outermost_first() {
    let inner = udp(CLIENT, RESOLVER, &dns(0x0100, "shop.example", 1, &[]));
    let gre = [&[0, 0, 8, 0][..], &inner].concat();
    let outer = frames::ip(47, "10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap(), &gre);
    let lines = observed(&[ethernet(&[0x8100], &outer)]);
    assert_eq!((&lines[0]["encap"], &lines[0]["client"]), (&json!(["vlan", "gre"]), &json!(CLIENT)));
}

#[test]
fn odd_names_are_escaped_and_never_converted() {
    let mut message = dns(0x0100, "x", 1, &[]);
    // The label after the header: six octets with a dot, a backslash, a quote, a control octet and half of an umlaut.
    message.splice(12..15, [6, b'a', b'.', b'\\', b'"', 1, 0xc3, 0]);
    let lines = observed(&[
        ethernet(&[], &udp(CLIENT, RESOLVER, &message)),
        ethernet(&[], &udp(CLIENT, RESOLVER, &dns(0x0100, "xn--hhe-sna.example", 1, &[]))),
    ]);
    let names: Vec<_> = lines.iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a\\046\\092\"\\001\\195", "xn--hhe-sna.example"]);
}

/// QUIC has to be encrypted to be seen: the generator's traffic does that, in every version that is read.
#[test]
fn quic_with_versions_alpn_and_ech() {
    let files = Files::new();
    let start = Timestamp::from_parts(1_795_513_595, 0);
    let mut generator = Generator::new(Profile::names().frames(6_000), 3, vec!["casino.example".into()], start);
    let mut capture = Vec::new();
    write_pcap(&mut generator, &mut capture, true).unwrap();
    let ran = run(&["observe", &files.write("made.pcap", capture)]);
    let lines: Vec<Value> = ran.json().into_iter().filter(|l| l["proto"] == "quic").collect();
    assert!(lines.len() > 200, "{}", lines.len());
    let mut keys: Vec<_> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["alpn", "client", "ech", "encap", "kind", "name", "proto", "server", "ts", "version"]);
    for line in &lines {
        assert!(line["kind"] == "sni" && line["ech"].is_boolean() && line["alpn"].is_array(), "{line}");
        assert!(["v1", "v2", "draft-29"].contains(&line["version"].as_str().unwrap()), "{line}");
    }
    for version in ["v1", "v2", "draft-29"] {
        assert!(lines.iter().any(|l| l["version"] == version && l["alpn"][0] == "h3"), "no {version}");
    }
}

#[test]
fn standard_input_and_several_files() {
    let files = Files::new();
    let capture = many_questions(3);
    let path = files.write("made.pcap", &capture);
    let piped = run_with_input(&["observe", "-"], &capture);
    assert_eq!((piped.code, piped.json().len()), (0, 3));
    assert_eq!(run(&["observe", &path, &path]).out, piped.out.repeat(2));
}

#[test]
fn damage_is_told_and_what_can_be_read_is_read() {
    let files = Files::new();
    let mut capture = many_questions(3);
    capture.truncate(capture.len() - 10);
    let cut = files.write("cut.pcap", &capture);
    let ran = run(&["observe", &cut]);
    assert_eq!((ran.code, ran.json().len()), (1, 2), "{ran:?}");
    assert!(ran.err.contains("cut.pcap: "), "{}", ran.err);

    let noise = files.write("noise.pcap", b"this is not a capture");
    let ran = run(&["observe", &noise, &cut]);
    assert_eq!((ran.code, ran.json().len()), (1, 2));
    assert!(ran.err.contains("noise.pcap: not a capture file"), "{}", ran.err);

    for bad in [files.path().to_str().unwrap(), "/no/such/file.pcap"] {
        let ran = run(&["observe", bad, &cut]);
        assert_eq!((ran.code, ran.json().len()), (3, 2), "the others are read all the same: {ran:?}");
        assert!(ran.err.contains(&format!("stakeout: {bad}: ")), "{}", ran.err);
    }
}

#[test]
fn a_link_type_that_is_not_read_is_told_by_name() {
    let files = Files::new();
    let usb = files.write("usb.pcap", frames::pcap(189, &[vec![0; 64], vec![0; 64]]));
    let ran = run(&["observe", &usb]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert_eq!(
        ran.err,
        format!("stakeout: {usb}: link type LINKTYPE_USB_LINUX (189) is not read: 2 frames were skipped\n")
    );
}

#[test]
fn a_full_disk_is_a_failed_output() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let files = Files::new();
    let capture = files.write("made.pcap", many_questions(3));
    let output = super::stakeout().args(["observe", &capture]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("standard output cannot be written"));
}
