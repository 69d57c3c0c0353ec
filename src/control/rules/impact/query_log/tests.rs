//! Lines of query logs as the programs write them, and those that are no query or cannot be read.

use super::line::{self, Read};
use super::*;

/// Format, name, client and count of a query.
fn query(text: &str) -> (LogFormat, String, Option<String>, u64) {
    match line::read(text.as_bytes()) {
        Read::Query(query) => (
            query.format,
            query.name.to_string(),
            query.client.map(|client| String::from_utf8(client.to_vec()).unwrap()),
            query.times,
        ),
        Read::Other => panic!("no query: {text}"),
        Read::Unreadable(why) => panic!("{why:?}: {text}"),
    }
}

#[test]
fn each_programs_queries_are_read() {
    let name = "www.casino.example";
    for (format, client, text) in [
        (LogFormat::Unbound, "192.0.2.7", "[1795512000] unbound[52:0] info: 192.0.2.7 www.casino.example. A IN"),
        (
            LogFormat::Unbound,
            "2001:db8::7",
            "Nov 24 10:00:00 ns1 unbound: [52:1] query: 2001:db8::7 WWW.casino.example. TYPE65 IN",
        ),
        (LogFormat::Dnsmasq, "192.0.2.7", "Nov 24 10:00:00 dnsmasq[52]: query[A] www.casino.example from 192.0.2.7"),
        (
            LogFormat::Dnsmasq,
            "192.0.2.7",
            "Nov 24 10:00:00 dnsmasq[52]: 9 192.0.2.7/4000 query[type=65] www.casino.example from 192.0.2.7",
        ),
        (
            LogFormat::Bind,
            "192.0.2.7#4000",
            "24-Nov-2026 10:00:00.000 queries: info: client @0x7f01 192.0.2.7#4000 (www.casino.example): query: \
             www.casino.example IN A +E(0)K (198.51.100.53)",
        ),
        (
            LogFormat::Bind,
            "2001:db8::7#4000",
            "client 2001:db8::7#4000 (www.casino.example): view inside: query: www.casino.example IN HTTPS + (::1)",
        ),
        (
            LogFormat::PowerDns,
            "192.0.2.7:4000",
            "Jul 09 09:08:31 msg=\"Question\" subsystem=\"syncres\" level=\"0\" ecs=\"\" mtid=\"1\" proto=\"udp\" \
             qname=\"www.casino.example\" qtype=\"A\" remote=\"192.0.2.7:4000\"",
        ),
        (LogFormat::PowerDns, "192.0.2.7", "Nov 24 [1] 5 [1/1] question for 'www.casino.example|A' from 192.0.2.7"),
    ] {
        assert_eq!(query(text), (format, name.to_owned(), Some(client.to_owned()), 1), "{text}");
        assert!(address(client.as_bytes()).is_some(), "{client}");
    }
    assert_eq!(query("www.Casino.example.\r"), (LogFormat::Plain, name.to_owned(), None, 1));
    assert_eq!(query("     12 www.casino.example"), (LogFormat::Plain, name.to_owned(), None, 12));
    assert_eq!(query("12\twww.casino.example"), (LogFormat::Plain, name.to_owned(), None, 12));
}

#[test]
fn what_is_no_query_is_told_from_what_cannot_be_read() {
    for text in [
        "",
        "# a comment",
        "[1795512000] unbound[52:0] notice: init module 0: iterator",
        "[1795512000] unbound[52:0] info: start of service (unbound 1.22.0).",
        "[1795512000] unbound[52:0] info: 192.0.2.7 www.casino.example. A IN NOERROR 0.012345 0 52",
        "Nov 24 10:00:00 dnsmasq[52]: reply www.casino.example is 198.51.100.10",
        "Nov 24 10:00:00 dnsmasq[52]: forwarded www.casino.example to 198.51.100.53",
        "Jul 09 msg=\"Answer\" qname=\"www.casino.example\" qtype=\"A\" remote=\"192.0.2.7:4000\"",
        "24-Nov-2026 10:00:00.000 general: info: zone casino.example/IN: loaded serial 1",
        "casino.example 12",
    ] {
        assert!(matches!(line::read(text.as_bytes()), Read::Other), "{text}");
    }
    for (why, text) in [
        (Unreadable::Cut, "Nov 24 10:00:00 dnsmasq[52]: query[A] www.casino.exam"),
        (Unreadable::Cut, "Nov 24 10:00:00 dnsmasq[52]: query[A"),
        (Unreadable::Cut, "client @0x7f01 192.0.2.7#4000 (www.casino.example): query: www.casi"),
        (Unreadable::Cut, "Jul 09 msg=\"Question\" qname=\"www.casi"),
        (Unreadable::BadName, "Nov 24 10:00:00 dnsmasq[52]: query[A] <name unprintable> from 192.0.2.7"),
        (Unreadable::BadName, "a..casino.example"),
        (Unreadable::BadName, ".casino.example"),
        (Unreadable::BadName, "1 a\\25.example"),
        (Unreadable::BadName, "1 a\\256.example"),
        (Unreadable::BadName, "1 caf\u{e9}.example"),
        (Unreadable::BadCount, "18446744073709551616 casino.example"),
    ] {
        assert!(matches!(line::read(text.as_bytes()), Read::Unreadable(w) if w == why), "{text}");
    }
    let long = "a".repeat(64);
    assert!(matches!(line::read(long.as_bytes()), Read::Unreadable(Unreadable::BadName)));
    assert_eq!(query(&long[1..]).1, long[1..]);
}

#[test]
fn escapes_are_octets_and_a_name_cannot_forge_a_line() {
    assert_eq!(query("1 a\\.b\\032c\\\\.example").1, "a\\046b c\\092.example");
    assert_eq!(query("1 .").1, ".");
    assert_eq!(query("dnsmasq[52]: query[A] a\\b.example from 192.0.2.7").1, "a\\092b.example");
    // dnsmasq writes spaces as they are: the name is all of `x from 192.0.2.9`, and none.
    let forged = "dnsmasq[52]: query[A] x from 192.0.2.9 query[A] casino.example from 192.0.2.7";
    assert!(matches!(line::read(forged.as_bytes()), Read::Unreadable(Unreadable::BadName)));
}

proptest::proptest! {
    #[test]
    fn any_octets_are_read_as_something(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let marks: [&[u8]; 4] = [b"client x query: ", b" query[A] ", b"] info: ", b"msg=\"Question\" qname=\""];
        for mark in marks {
            let _ = line::read(&[mark, &text].concat());
        }
    }
}
