//! What is made of one data frame: the observation that the wire would give, or a counter.

use stakeout::capture::dnstap::{MessageType, SocketProtocol};
use stakeout::export::metrics::DnstapCounter;
use stakeout::model::{Counter, Detail, Kind, Observation, Scope, Timestamp};
use stakeout::pipeline::{DnstapReader, DnstapReading};
use stakeout::traffic::dnstap::{self as make, Exchange};

const NOW: Timestamp = Timestamp::from_parts(1_795_513_600, 0);

fn exchange() -> Exchange<'static> {
    Exchange {
        client: "198.51.100.7:40001".parse().unwrap(),
        server: "192.0.2.53:853".parse().unwrap(),
        protocol: SocketProtocol::Dot,
        ts: Timestamp::from_parts(1_795_513_595, 5),
        name: "www.casino.example",
    }
}

/// Reads one payload: the observations in words, and the reader with its counts.
fn read_with(reading: DnstapReading, payload: &[u8]) -> (Vec<String>, DnstapReader) {
    let (mut reader, mut seen) = (DnstapReader::new(reading), Vec::new());
    let mut sink = |o: &Observation<'_>| {
        let Detail::Dns { qtype, rcode, addrs, .. } = o.detail else { panic!("{o:?}") };
        let [client, server] = [o.client, o.server].map(|e| e.in_clear());
        let addrs = addrs.len();
        seen.push(format!("{} {} {client} {server} {} {qtype} {rcode} {addrs}", o.kind.name(), o.name, o.ts));
        assert_eq!(o.kind == Kind::Query, o.kind.is_visit());
    };
    reader.frame(payload, NOW, &mut sink);
    (seen, reader)
}

fn read(payload: &[u8]) -> (Vec<String>, DnstapReader) {
    read_with(DnstapReading::default(), payload)
}

#[track_caller]
fn counted_once(reader: &DnstapReader, counter: DnstapCounter) {
    assert_eq!(reader.counts().get(counter), 1, "{counter:?}: {:?}", reader.counts());
    assert_eq!(reader.counts().get(DnstapCounter::Frames), 1);
}

#[test]
fn queries_and_responses_are_seen_as_on_the_wire() {
    let what = exchange();
    let query = make::payload(&what, MessageType::ClientQuery, &make::question(what.name));
    let (seen, reader) = read(&query);
    assert_eq!(
        seen,
        ["query www.casino.example 198.51.100.7:40001 192.0.2.53:853 2026-11-24T09:46:35.000000005Z 1 0 0"]
    );
    assert_eq!(reader.counts().messages(Some(MessageType::ClientQuery)), 1);
    assert_eq!(reader.counters().get(Counter::NamesDns), 1);
    assert_eq!(reader.counters().get(Counter::Packets), 1);

    let response = make::payload(&what, MessageType::ClientResponse, &make::answer(what.name, 0));
    let (seen, _) = read(&response);
    assert_eq!(
        seen,
        ["answer www.casino.example 198.51.100.7:40001 192.0.2.53:853 2026-11-24T09:46:35.001000005Z 1 0 1"]
    );
    let refused = make::payload(&what, MessageType::ClientResponse, &make::answer(what.name, 5));
    assert!(read(&refused).0[0].ends_with(" 1 5 0"), "the RCODE is told");
}

/// A frame about `about` with both messages in it, as dnstap.proto allows.
#[test]
fn a_response_that_repeats_its_query_is_one_observation() {
    let mut inner = Vec::new();
    make::varint(&mut inner, 1, MessageType::ClientResponse as u64);
    make::bytes(&mut inner, 4, &[198, 51, 100, 7]);
    make::bytes(&mut inner, 10, &make::question("www.casino.example"));
    make::bytes(&mut inner, 14, &make::answer("www.casino.example", 0));
    let mut payload = Vec::new();
    make::bytes(&mut payload, 14, &inner);
    make::varint(&mut payload, 15, 1);
    let (seen, reader) = read(&payload);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("answer www.casino.example 198.51.100.7:0 0.0.0.0:0 "), "{seen:?}");
    counted_once(&reader, DnstapCounter::TimesReplaced);
}

#[test]
fn only_what_the_configuration_names_is_read() {
    let what = exchange();
    for kind in MessageType::ALL {
        let message = if kind.is_query() { make::question(what.name) } else { make::answer(what.name, 0) };
        let payload = make::payload(&what, *kind, &message);
        let is_client = matches!(kind, MessageType::ClientQuery | MessageType::ClientResponse);
        let (seen, reader) = read(&payload);
        assert_eq!(seen.len(), usize::from(is_client), "{kind:?}");
        assert_eq!(reader.counts().messages(Some(*kind)), 1);
        assert_eq!(reader.counts().get(DnstapCounter::SkippedType), u64::from(!is_client));
        let only = DnstapReading::new(Scope::ALL, &[*kind], &[]);
        assert_eq!(read_with(only, &payload).0.len(), 1, "{kind:?}");
    }
    let query = make::payload(&what, MessageType::ClientQuery, &make::question(what.name));
    let types = [MessageType::ClientQuery];
    let encrypted = DnstapReading::new(Scope::ALL, &types, &[SocketProtocol::Dot, SocketProtocol::Doh]);
    assert_eq!(read_with(encrypted, &query).0.len(), 1);
    let clear = make::payload(
        &Exchange { protocol: SocketProtocol::Udp, ..what },
        MessageType::ClientQuery,
        &make::question(what.name),
    );
    let (seen, reader) = read_with(encrypted, &clear);
    assert!(seen.is_empty());
    counted_once(&reader, DnstapCounter::SkippedProtocol);
    let (seen, reader) = read_with(DnstapReading::new(Scope::NONE, &types, &[]), &query);
    assert!(seen.is_empty());
    counted_once(&reader, DnstapCounter::SkippedScope);
}

#[test]
fn resolvers_that_call_everything_tcp_are_understood() {
    for (port, protocol, clear) in [
        (53, SocketProtocol::Tcp, true),
        (853, SocketProtocol::Tcp, false),
        (443, SocketProtocol::Tcp, false),
        (853, SocketProtocol::Udp, true),
        (53, SocketProtocol::Doh, false),
    ] {
        let what = Exchange { server: ([192, 0, 2, 53], port).into(), protocol, ..exchange() };
        let payload = make::payload(&what, MessageType::ClientQuery, &make::question(what.name));
        let kinds = [MessageType::ClientQuery];
        let only_clear = DnstapReading::new(Scope::ALL, &kinds, &[SocketProtocol::Udp, SocketProtocol::Tcp]);
        assert_eq!(read_with(only_clear, &payload).0.len(), usize::from(clear), "{port} {protocol:?}");
        let encrypted = DnstapReading::new(Scope::ALL, &kinds, &[SocketProtocol::Dot, SocketProtocol::Doh]);
        assert_eq!(read_with(encrypted, &payload).0.len(), usize::from(!clear), "{port} {protocol:?}");
    }
}

#[test]
fn what_cannot_be_used_is_counted_by_its_reason() {
    let what = exchange();
    let wrapped = |fields: &dyn Fn(&mut Vec<u8>)| {
        let (mut inner, mut outer) = (Vec::new(), Vec::new());
        make::varint(&mut inner, 1, MessageType::ClientQuery as u64);
        fields(&mut inner);
        make::bytes(&mut outer, 14, &inner);
        make::varint(&mut outer, 15, 1);
        outer
    };
    let question = make::question(what.name);
    for (payload, counter) in [
        (b"garbage".to_vec(), DnstapCounter::RejectedMalformed),
        (Vec::new(), DnstapCounter::RejectedEmpty),
        (wrapped(&|m| make::bytes(m, 4, &[198, 51, 100, 7])), DnstapCounter::RejectedNoDns),
        (wrapped(&|m| make::bytes(m, 10, &question)), DnstapCounter::RejectedNoClient),
        (make::payload(&what, MessageType::ClientQuery, &make::answer(what.name, 0)), DnstapCounter::RejectedDirection),
        (make::payload(&what, MessageType::ClientResponse, &question), DnstapCounter::RejectedDirection),
    ] {
        let (seen, reader) = read(&payload);
        assert!(seen.is_empty());
        counted_once(&reader, counter);
    }
    // What is wrong within the DNS message is counted as on the wire.
    let (seen, reader) = read(&make::payload(&what, MessageType::ClientQuery, b"\x00"));
    assert!(seen.is_empty());
    assert_eq!(reader.counters().get(Counter::DnsMalformed), 1);
}

#[test]
fn a_clock_that_is_far_off_is_not_believed() {
    let what = exchange();
    let minutes = |n: i64| Timestamp::from_nanos((NOW.as_nanos() as i64 + n * 60_000_000_000) as u64);
    for (ts, believed) in [
        (minutes(-5), true),
        (minutes(5), true),
        (minutes(-6), false),
        (minutes(6), false),
        (Timestamp::from_nanos(0), false),
        (Timestamp::from_nanos(u64::MAX), false),
    ] {
        let what = Exchange { ts, ..what };
        let (seen, reader) = read(&make::payload(&what, MessageType::ClientQuery, &make::question(what.name)));
        let told = if believed { ts } else { NOW };
        assert!(seen[0].contains(&format!(" {told} ")), "{seen:?}");
        assert_eq!(reader.counts().get(DnstapCounter::TimesReplaced), u64::from(!believed));
    }
}
