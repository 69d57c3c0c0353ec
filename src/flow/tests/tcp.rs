//! TCP: anchoring, repetition, endings, limits.

use super::*;
use crate::extract::tls::build::{HelloSpec, client_hello, records};
use crate::flow::assembly::Assembly;
use crate::model::{Proto, Scope};

/// A hello of some 600 octets with the name near its front, and a large extension behind it.
fn hello(name: &str) -> Vec<u8> {
    let spec = HelloSpec { sni: Some(name.into()), extra: vec![(1_000, vec![0; 300])], ..HelloSpec::default() };
    records(&client_hello(&spec), 16_384)
}

fn request(host: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
}

/// A query behind its length.
fn query(name: &str) -> Vec<u8> {
    let mut message = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend(b"\x00\x00\x01\x00\x01");
    [&(message.len() as u16).to_be_bytes()[..], &message].concat()
}

#[test]
fn a_repeated_syn_does_not_forget_what_was_read() {
    let mut b = Bench::new();
    let hello = hello("a.example");
    b.syn();
    b.syn();
    b.up(0, &hello[..100]);
    b.syn();
    b.syn_ack();
    b.syn_ack();
    b.up(100, &hello[100..]);
    b.syn();
    b.up(0, &hello);
    assert_eq!(b.names(), ["tls sni a.example"]);
}

#[test]
fn a_new_syn_on_old_ports_is_a_new_connection() {
    let mut b = Bench::new();
    b.syn();
    b.up(0, &hello("a.example"));
    for (isn, name) in [(5_000_000, "b.example"), (100, "c.example")] {
        b.segment(true, SYN, isn, 0, b"", false);
        b.segment(true, ACK, isn + 1, 1, &hello(name), false);
    }
    // One that was half read gives what it has, and its buffer.
    b.segment(true, SYN, 9_000_000, 0, b"", false);
    b.segment(true, ACK, 9_000_001, 1, &hello("d.example")[..200], false);
    assert_eq!(b.gauges().streams, 1);
    b.segment(true, SYN, 7_000_000, 0, b"", false);
    assert_eq!(b.gauges().streams, 0);
    assert_eq!(b.count(Counter::HellosPartial), 1);
    assert_eq!(b.names(), ["a.example", "b.example", "c.example", "d.example"].map(|n| format!("tls sni {n}")));
}

#[test]
fn the_server_s_syn_ack_tells_where_the_client_begins() {
    let mut b = Bench::new();
    let hello = hello("a.example");
    b.syn_ack();
    // Nothing of this begins like anything, and it is more than would be kept of an unknown stream.
    for at in (100..hello.len()).step_by(50).rev() {
        b.up(at, &hello[at..hello.len().min(at + 50)]);
    }
    b.up(0, &hello[..100]);
    assert_eq!(b.names(), ["tls sni a.example"]);
}

#[test]
fn a_late_syn_anchors_what_is_kept() {
    for late_is_ack in [false, true] {
        let mut b = Bench::new();
        let hello = hello("a.example");
        b.up(100, &hello[100..]);
        if late_is_ack {
            b.syn_ack()
        } else {
            b.syn()
        }
        // Too short to be known as a start without the SYN.
        for at in 0..100 {
            b.up(at, &hello[at..=at]);
        }
        assert_eq!(b.names(), ["tls sni a.example"], "{late_is_ack}");
    }
}

#[test]
fn one_direction_alone_is_enough_or_gives_nothing() {
    let mut b = Bench::new();
    b.server_port = 80;
    b.up(0, &request("a.example"));
    assert_eq!(b.names(), ["http host a.example"]);

    let mut b = Bench::new();
    b.server_port = 80;
    b.syn_ack();
    b.down(0, b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n");
    for i in 0..20 {
        b.down(100 + i * 50, &[0xa5; 50]);
    }
    assert_eq!(b.gauges().streams, 0);
    assert_eq!(b.names(), Vec::<String>::new());
}

#[test]
fn data_on_the_syn_is_read() {
    let mut b = Bench::new();
    b.segment(true, SYN, 0, 0, &hello("a.example"), false);
    b.up(0, &hello("a.example"));
    assert_eq!(b.names(), ["tls sni a.example"]);
}

#[test]
fn a_reset_or_a_fin_ends_a_hello_with_what_it_has() {
    for (up, flags) in [(true, RST), (false, RST | ACK), (true, FIN | ACK)] {
        let mut b = Bench::new();
        b.syn();
        b.up(0, &hello("a.example")[..200]);
        let seq = if up { 201 } else { SERVER_DATA };
        b.segment(up, flags, seq, 201, b"", false);
        assert_eq!((b.count(Counter::HellosPartial), b.gauges().streams), (1, 0));
        assert_eq!(b.names(), ["tls sni a.example"], "{up} {flags}");
    }
}

#[test]
fn a_fin_waits_for_the_octets_before_it() {
    let hello = hello("a.example");
    // Behind a hole, in front of the last segment, and before anything is known of the start.
    for order in [[0, 2, 1], [0, 1, 2], [2, 1, 0]] {
        let mut b = Bench::new();
        if order[0] == 0 {
            b.syn();
        }
        for (i, part) in order.into_iter().enumerate() {
            let (start, end) = [(0, 100), (100, 300), (300, hello.len())][part];
            b.up(start, &hello[start..end]);
            if i == 1 {
                b.segment(true, FIN | ACK, 1 + hello.len() as u32, 1, b"", false);
            }
        }
        assert_eq!(b.count(Counter::HellosPartial), 0);
        assert_eq!(b.names(), ["tls sni a.example"], "{order:?}");
    }
    // It never comes: the name is read as far as the hole.
    let mut b = Bench::new();
    b.syn();
    b.up(0, &hello[..200]);
    b.up(300, &hello[300..]);
    b.segment(true, FIN | ACK, 1 + hello.len() as u32, 1, b"", false);
    assert_eq!(b.finish(), (vec![], vec!["tls sni a.example".to_owned()]));
}

#[test]
fn a_packet_that_the_snap_length_cut_ends_its_message() {
    let mut b = Bench::new();
    b.syn();
    b.segment(true, ACK, 1, 1, &hello("a.example")[..200], true);
    assert_eq!(b.gauges().streams, 0);
    // Requests on one connection, each cut: every packet is looked at.
    b.client_port += 1;
    b.syn();
    for i in 0..3 {
        let request = format!("GET / HTTP/1.1\r\nHost: {i}.example\r\nUser-Agent: cu");
        b.segment(true, ACK, 1 + 1_000 * i, 1, request.as_bytes(), true);
    }
    assert_eq!(b.names(), ["tls sni a.example", "http host 0.example", "http host 1.example", "http host 2.example"]);
}

#[test]
fn of_a_stream_without_start_a_few_segments_are_kept_and_no_more() {
    let hello = hello("a.example");
    for before in 0..8 {
        let mut b = Bench::new();
        for i in (0..before).rev() {
            let at = 100 + i * 50;
            b.up(at, &hello[at..at + 50]);
        }
        b.up(0, &hello[..100]);
        b.up(100 + before * 50, &hello[100 + before * 50..]);
        if before <= 4 {
            assert_eq!(b.names(), ["tls sni a.example"], "{before}");
        } else {
            assert_eq!(b.count(Counter::StreamUnknown), 1);
            // The start is seen, but what came before it is gone: the name is read as far as that.
            assert_eq!(b.finish().0, Vec::<String>::new(), "{before}");
        }
    }
}

#[test]
fn a_start_is_known_from_several_small_segments() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut b = Bench::new();
        b.server_port = 8_080;
        let request = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
        for part in order {
            let (start, end) = [(0, 2), (2, 4), (4, request.len())][part];
            b.up(start, &request[start..end]);
        }
        assert_eq!(b.names(), ["http host a.example"], "{order:?}");
    }
}

#[test]
fn a_start_in_single_octets_is_found_without_a_syn() {
    for (stream, expected) in [(hello("a.example"), "tls sni a.example"), (request("a.example"), "http host a.example")]
    {
        let mut b = Bench::new();
        for (at, octet) in stream.iter().enumerate() {
            b.up(at, &[*octet]);
        }
        assert_eq!(b.names(), [expected]);
    }
    // In the middle of a stream a hello may come in small pieces too.
    let mut b = Bench::new();
    b.syn();
    b.up(0, b"STARTTLS\r\n");
    for (i, piece) in hello("a.example").chunks(3).enumerate() {
        b.up(10 + i * 3, piece);
    }
    assert_eq!(b.names(), ["tls sni a.example"]);
}

#[test]
fn a_length_that_cannot_be_hides_no_request() {
    let mut b = Bench::new();
    b.syn();
    let first = b"POST / HTTP/1.1\r\nHost: 0.example\r\nContent-Length: 99999999999\r\n\r\nshort";
    b.up(0, first);
    b.up(first.len(), &request("1.example"));
    assert_eq!(b.names(), ["http host 0.example", "http host 1.example"]);
}

#[test]
fn sequence_numbers_wrap() {
    let hello = hello("a.example");
    for isn in [u32::MAX, u32::MAX - 50, u32::MAX - 101] {
        let mut b = Bench::new();
        b.segment(true, SYN, isn, 0, b"", false);
        b.segment(true, ACK, isn.wrapping_add(101), 1, &hello[100..], false);
        b.segment(true, ACK, isn.wrapping_add(1), 1, &hello[..100], false);
        b.segment(true, ACK, isn.wrapping_add(1), 1, &hello, false);
        assert_eq!(b.names(), ["tls sni a.example"], "{isn}");
    }
}

#[test]
fn a_repeated_hello_counts_once_and_a_new_one_again() {
    let mut b = Bench::new();
    let first = hello("a.example");
    b.up(0, &first);
    b.up(0, &first);
    b.up(0, &first[..300]);
    // The same ports again, begun before the capture and far away in the sequence space.
    b.segment(true, ACK, 0x8000_0000 - 1_000_000, 1, &hello("b.example"), false);
    b.segment(true, ACK, 0x2000_0000, 1, &hello("c.example"), false);
    assert_eq!(b.names(), ["tls sni a.example", "tls sni b.example", "tls sni c.example"]);
}

#[test]
fn a_hello_in_mid_stream_is_found_at_the_start_of_a_segment() {
    let mut b = Bench::new();
    b.server_port = 25;
    b.syn();
    b.syn_ack();
    b.down(0, b"220 mail.example ESMTP\r\n");
    b.up(0, b"EHLO client.example\r\n");
    b.up(21, b"STARTTLS\r\n");
    let hello = hello("mail.example");
    b.up(31, &hello[..50]);
    b.up(81, &hello[50..]);
    // From the server's side too, as in a passive data connection.
    b.client_port += 1;
    b.syn();
    b.down(0, b"hello\r\n");
    b.down(7, &hello);
    assert_eq!(b.names(), ["tls sni mail.example", "tls sni mail.example"]);
}

#[test]
fn a_request_behind_something_unknown_is_found_at_the_start_of_a_segment() {
    let mut b = Bench::new();
    b.server_port = 1_080;
    b.syn();
    b.up(0, b"\x05\x01\x00");
    b.up(3, b"\x05\x01\x00\x03\x09a.example\x00\x50");
    b.up(19, &request("a.example"));
    assert_eq!(b.count(Counter::StreamUnknown), 1);
    assert_eq!(b.names(), ["http host a.example"]);
}

#[test]
fn a_tunnel_is_read_from_its_first_octet_in_any_order() {
    let mut b = Bench::new();
    b.server_port = 3_128;
    let (connect, hello) = (b"CONNECT a.example:443 HTTP/1.1\r\n\r\n", hello("b.example"));
    b.syn();
    b.up(0, connect);
    b.up(connect.len() + 50, &hello[50..]);
    b.up(connect.len() + 1, &hello[1..50]);
    b.up(connect.len(), &hello[..1]);
    assert_eq!(b.names(), ["http host a.example", "tls sni b.example"]);
}

#[test]
fn requests_follow_each_other_in_any_order() {
    let mut b = Bench::new();
    b.server_port = 80;
    b.syn();
    let first = b"POST / HTTP/1.1\r\nHost: 0.example\r\nContent-Length: 1000\r\n\r\n";
    let second = request("1.example");
    let third = request("2.example");
    let body = first.len();
    let then = body + 1_000;
    b.up(0, first);
    b.up(body, &[b'x'; 400]);
    // The rest of the body is lost, which does not matter. The second request's halves are swapped.
    b.up(then + 20, &second[20..]);
    b.up(then, &second[..20]);
    b.up(then + second.len(), &third);
    assert_eq!(b.names(), ["http host 0.example", "http host 1.example", "http host 2.example"]);
}

#[test]
fn a_body_in_chunks_is_passed_over_wherever_it_is_cut() {
    let head = b"POST / HTTP/1.1\r\nHost: 0.example\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let chunk = b"10\r\nGET / HTTP/1.1\r\n\r\n0\r\nX: y\r\n\r\n".to_vec();
    let stream = [head, chunk, request("1.example")].concat();
    for cut in 1..stream.len() {
        let mut b = Bench::new();
        b.syn();
        b.up(0, &stream[..cut]);
        b.up(cut, &stream[cut..]);
        assert_eq!(b.names(), ["http host 0.example", "http host 1.example"], "{cut}");
    }
}

#[test]
fn what_follows_a_gap_is_read_when_the_gap_is_given_up() {
    let mut b = Bench::new();
    b.server_port = 80;
    b.syn();
    b.up(0, &request("0.example"));
    b.up(1_000, &request("1.example"));
    b.up(5_000, &request("2.example")[..30]);
    assert_eq!(b.names, ["http host 0.example"]);
    b.wait(11_000);
    assert_eq!(b.names, ["http host 0.example", "http host 1.example"]);
    assert_eq!((b.count(Counter::StreamGap), b.gauges().streams), (1, 0));
    // So is one that lies beyond what is kept.
    b.up(6_000, b"GET / HTTP/1.1\r\nHost");
    b.up(6_000 + Assembly::WINDOW as usize, &request("3.example"));
    assert_eq!(b.count(Counter::StreamTooLong), 1);
    assert_eq!(b.names(), ["http host 0.example", "http host 1.example", "http host 3.example"]);
}

#[test]
fn a_stream_of_dns_goes_on_behind_a_gap() {
    let mut b = Bench::new();
    b.server_port = 53;
    b.syn();
    b.up(0, &query("a.example"));
    let second = [query("b.example"), query("c.example")].concat();
    b.up(500, &second);
    b.wait(11_000);
    b.up(500 + second.len(), &query("d.example"));
    // A message whose end is missing gives its question.
    b.up(1_000, &[b"\x01\x00", &query("e.example")[2..]].concat());
    let (before, after) = b.finish();
    assert_eq!(before, ["a.example", "b.example", "c.example", "d.example"].map(|n| format!("dns query {n}")));
    assert_eq!(after, ["dns query e.example"]);
}

#[test]
fn silence_gives_a_buffer_back() {
    let mut b = Bench::new();
    b.syn();
    b.up(0, &hello("a.example")[..200]);
    b.wait(9_000);
    assert_eq!(b.gauges().streams, 1);
    b.wait(2_000);
    assert_eq!((b.gauges().streams, b.gauges().stream_octets), (0, 0));
    assert_eq!(b.names(), ["tls sni a.example"]);
}

#[test]
fn when_buffers_run_out_the_longest_silent_stream_gives_its_up() {
    let limits = Limits { streams: 4, ..Limits::default() };
    let mut b = Bench::with(&limits, Reading::default());
    for i in 0..10 {
        b.client_port = 40_000 + i;
        b.syn();
        b.up(0, &hello(&format!("{i}.example"))[..200]);
        assert!(b.gauges().streams <= 4);
    }
    assert_eq!(b.count(Counter::StreamBuffersEvicted), 6);
    let (before, after) = b.finish();
    assert_eq!((before.len(), after.len()), (6, 4), "each is read as far as it goes");
}

#[test]
fn when_memory_runs_out_buffers_are_given_up() {
    let limits = Limits { stream_octets: 2_000, ..Limits::default() };
    let mut b = Bench::with(&limits, Reading::default());
    for i in 0..40 {
        b.client_port = 40_000 + i;
        b.syn();
        b.up(0, &hello("a.example")[..200]);
        assert!(b.gauges().stream_octets <= 2_200);
    }
    assert!(b.count(Counter::StreamBuffersEvicted) > 25);
    b.finish();
}

#[test]
fn a_flow_that_loses_its_place_gives_its_buffers_back() {
    let limits = Limits { flows: 4, ..Limits::default() };
    let mut b = Bench::with(&limits, Reading::default());
    for i in 0..100 {
        b.client_port = 40_000 + i;
        b.server_port = if i % 3 == 0 { 53 } else { 443 };
        b.syn();
        b.syn_ack();
        b.up(0, &hello("a.example")[..200]);
        b.down(0, b"\x01\x00\x12");
        assert!(b.gauges().streams <= 8 && b.gauges().flows <= 4);
    }
    assert_eq!(b.count(Counter::FlowsEvicted), 96);
    b.finish();
}

#[test]
fn only_what_is_in_scope_is_read() {
    let of = |protos: &[Proto]| protos.iter().fold(Scope::NONE, |scope, proto| scope.with(*proto));
    let cases: [(&[Proto], &[&str]); 4] = [
        (&[Proto::Dns], &["dns query a.example"]),
        (&[Proto::Tls], &["tls sni a.example", "tls sni b.example"]),
        (&[Proto::Http], &["http host a.example", "http host b.example"]),
        (&[Proto::Quic], &[]),
    ];
    for (protos, expected) in cases {
        let mut b = Bench::with(&Limits::default(), Reading { scope: of(protos), ..Reading::default() });
        for (port, start) in [(53, query("a.example")), (443, hello("a.example")), (80, request("a.example"))] {
            b.server_port = port;
            b.client_port += 1;
            b.syn();
            b.up(0, &start);
            // And in mid-stream.
            b.client_port += 1;
            b.syn();
            b.up(0, b"\x00\x02xy");
            if port != 53 {
                let later = if port == 443 { hello("b.example") } else { request("b.example") };
                b.up(4, &later);
            }
        }
        assert_eq!(b.names(), expected, "{protos:?}");
    }
}
