//! QUIC: which datagrams begin a connection, which are passed over, and what is kept in between.

use super::*;
use crate::extract::quic::seal::{seal_initial, seal_with};
use crate::extract::quic::{ConnectionId, InitialKeys, Side, Version, put_varint};
use crate::extract::tls::build::{HelloSpec, client_hello};

/// A hello in Initial packets of 1,200 octets with the given destination connection ID.
fn initials(name: &str, dcid: &[u8]) -> Vec<Vec<u8>> {
    let spec = HelloSpec { shuffle: false, ..HelloSpec::browser_quic(name, 1) };
    let hello = client_hello(&spec);
    let packet = |(i, piece): (usize, &[u8])| {
        let mut frames = vec![6];
        put_varint(&mut frames, (i * 1_000) as u64);
        put_varint(&mut frames, piece.len() as u64);
        frames.extend(piece);
        seal_initial(Version::V1, dcid, b"client", b"", i as u32, 1, &frames, 1_200, true)
    };
    hello.chunks(1_000).enumerate().map(packet).collect()
}

fn server_initial(first_dcid: &[u8], own_id: &[u8]) -> Vec<u8> {
    let keys = InitialKeys::derive(Version::V1, &ConnectionId::new(first_dcid).unwrap(), Side::Server);
    seal_with(&keys, Version::V1, b"client", own_id, b"", 0, 1, &[2, 0, 0, 0, 0], 1_200)
}

/// The client's acknowledgement, which has the server's connection ID.
fn client_ack(first_dcid: &[u8], server_id: &[u8]) -> Vec<u8> {
    let keys = InitialKeys::derive(Version::V1, &ConnectionId::new(first_dcid).unwrap(), Side::Client);
    seal_with(&keys, Version::V1, server_id, b"client", b"", 7, 1, &[2, 0, 0, 0, 0], 1_200)
}

#[test]
fn the_rest_of_a_handshake_costs_no_keys() {
    let mut b = Bench::new();
    for datagram in initials("a.example", b"first-id") {
        b.datagram(true, &datagram);
    }
    assert_eq!(b.count(Counter::QuicKeysDerived), 1);
    b.datagram(false, &server_initial(b"first-id", b"server-id"));
    for _ in 0..3 {
        b.datagram(true, &client_ack(b"first-id", b"server-id"));
    }
    for datagram in initials("a.example", b"first-id") {
        b.datagram(true, &datagram);
    }
    assert_eq!(b.count(Counter::QuicKeysDerived), 1);
    assert_eq!(b.names(), ["quic sni a.example"]);
}

#[test]
fn another_connection_id_is_another_connection() {
    let mut b = Bench::new();
    for (name, id) in [("a.example", b"first-id"), ("b.example", b"other-id"), ("a.example", b"third-id")] {
        for datagram in initials(name, id) {
            b.datagram(true, &datagram);
        }
    }
    assert_eq!(b.names(), ["quic sni a.example", "quic sni b.example", "quic sni a.example"]);
}

#[test]
fn the_server_is_known_wherever_the_capture_begins() {
    let mut b = Bench::new();
    b.datagram(false, &server_initial(b"first-id", b"server-id"));
    b.datagram(true, &client_ack(b"first-id", b"server-id"));
    assert_eq!(b.gauges().quic_connections, 0);
    for datagram in initials("a.example", b"new-id-1") {
        b.datagram(true, &datagram);
    }
    assert_eq!(b.names(), ["quic sni a.example"]);
}

#[test]
fn a_copy_of_the_mirror_counts_once() {
    let mut b = Bench::new();
    let packets = initials("a.example", b"first-id");
    for datagram in &packets {
        b.datagram(true, datagram);
        b.ip_id -= 1;
        b.datagram(true, datagram);
    }
    assert_eq!(b.count(Counter::FramesDuplicate), packets.len() as u64);
    assert_eq!(b.names(), ["quic sni a.example"]);
}

#[test]
fn what_is_there_of_a_hello_is_read_at_the_end_or_after_silence() {
    for silence in [false, true] {
        let mut b = Bench::new();
        b.datagram(true, &initials("a.example", b"first-id")[0]);
        assert_eq!(b.gauges().quic_connections, 1);
        if silence {
            b.wait(11_000);
            assert_eq!(b.gauges().quic_connections, 0);
            assert_eq!(b.count(Counter::HellosPartial), 1);
            assert_eq!(b.names(), ["quic sni a.example"]);
        } else {
            assert_eq!(b.finish(), (vec![], vec!["quic sni a.example".to_owned()]));
        }
    }
}

#[test]
fn places_are_bounded_and_come_back() {
    let limits = Limits { quic_connections: 4, flows: 16, ..Limits::default() };
    let mut b = Bench::with(&limits, Reading::default());
    for i in 0..60u16 {
        b.client_port = 40_000 + i;
        let id = [&i.to_be_bytes()[..], b"identity"].concat();
        let packets = initials(&format!("{i}.example"), &id);
        b.datagram(true, &packets[0]);
        if i % 5 == 0 {
            b.datagram(true, &packets[1]);
        }
        assert!(b.gauges().quic_connections <= 4);
    }
    assert!(b.count(Counter::StreamBuffersEvicted) > 0 && b.count(Counter::FlowsEvicted) > 0);
    let (before, after) = b.finish();
    assert_eq!(before.len() + after.len(), 60, "each is read as far as it goes");
}

#[test]
fn tcp_and_quic_may_take_each_other_s_place() {
    let limits = Limits { flows: 4, ..Limits::default() };
    let mut b = Bench::with(&limits, Reading::default());
    for i in 0..60 {
        b.client_port = 40_000 + i;
        if i % 2 == 0 {
            b.datagram(true, &initials("a.example", b"first-id")[0]);
        } else {
            b.syn();
            b.up(0, b"\x16\x03\x01\x02\x00\x01");
        }
        let gauges = b.gauges();
        assert!(gauges.quic_connections + gauges.streams <= 4);
    }
    b.finish();
}

#[test]
fn a_crypto_stream_that_is_no_hello_is_counted() {
    let mut b = Bench::new();
    let frames = [&b"\x06\x00\x10\x02\x00\x00\x0c"[..], &[0; 12]].concat();
    b.datagram(true, &seal_initial(Version::V1, b"first-id", b"client", b"", 0, 1, &frames, 1_200, true));
    assert_eq!((b.count(Counter::TlsMalformed), b.gauges().quic_connections), (1, 0));
    assert_eq!(b.names(), Vec::<String>::new());
}

#[test]
fn datagrams_that_are_not_quic_leave_no_trace() {
    let mut b = Bench::new();
    b.datagram(true, b"");
    b.datagram(true, &[0x40; 1_200]);
    b.datagram(true, &[0xff; 1_200]);
    b.datagram(true, &[&[0xc0, 0, 0, 0, 1, 8][..], &[7; 1_200]].concat());
    b.datagram(true, &[&[0xe0, 0, 0, 0, 1, 8][..], &[7; 8], &[0, 20], &[7; 20]].concat());
    assert_eq!(b.gauges().quic_connections, 0);
    assert_eq!(b.names(), Vec::<String>::new());
}
