//! The frame layer and the message layer on streams made by `traffic::dnstap`, whole, cut at every octet, and broken.

use std::net::SocketAddr;

use stakeout::capture::dnstap::{
    ACCEPT, CONTENT_TYPE, FINISH, FrameStream, MAX_CONTROL, Message, MessageError, MessageType, Side, SocketProtocol,
    Step, StreamError, parse,
};
use stakeout::model::{Addr, Timestamp};
use stakeout::traffic::dnstap::{self as make, Exchange};

const MAX: usize = 65_536;

fn exchange() -> Exchange<'static> {
    Exchange {
        client: "198.51.100.7:40001".parse().unwrap(),
        server: "192.0.2.53:853".parse().unwrap(),
        protocol: SocketProtocol::Dot,
        ts: Timestamp::from_parts(1_795_513_595, 5),
        name: "www.casino.example",
    }
}

fn made(parts: &[fn(&mut Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    parts.iter().for_each(|part| part(&mut out));
    out
}

/// The steps of a stream that comes in pieces of `piece` octets, with data as its length; ends at the first error.
fn steps(octets: &[u8], piece: usize) -> (Vec<String>, Option<StreamError>) {
    let (mut stream, mut held, mut told) = (FrameStream::new(MAX), Vec::new(), Vec::new());
    for piece in octets.chunks(piece) {
        held.extend_from_slice(piece);
        loop {
            let (step, used) = match stream.next(&held) {
                Ok(next) => next,
                Err(error) => return (told, Some(error)),
            };
            match step {
                Step::More(need) => {
                    assert!(used == 0 && need > held.len() && need <= 8 + MAX.max(MAX_CONTROL));
                    break;
                }
                Step::Data(data) => told.push(format!("{} octets", data.len())),
                other => told.push(format!("{other:?}")),
            }
            assert!(used > 0);
            held.drain(..used);
        }
    }
    (told, None)
}

#[test]
fn both_handshakes_are_led_however_the_octets_come() {
    fn data(out: &mut Vec<u8>) {
        make::data(out, b"abc");
    }
    let two_way = made(&[make::ready, make::start, data, data, make::stop]);
    let one_way = made(&[make::start, data, make::stop]);
    for piece in [1, 2, 3, 7, 1000] {
        let expected = ["Ready", "Start", "3 octets", "3 octets", "Stop { answer: true }"];
        assert_eq!(steps(&two_way, piece), (expected.map(String::from).into(), None));
        let expected = ["Start", "3 octets", "Stop { answer: false }"];
        assert_eq!(steps(&one_way, piece), (expected.map(String::from).into(), None));
    }
}

#[test]
fn the_answers_are_what_a_sender_expects() {
    let mut accept = Vec::new();
    make::control(&mut accept, 1, Some(CONTENT_TYPE));
    assert_eq!(ACCEPT, accept);
    let mut finish = Vec::new();
    make::control(&mut finish, 5, None);
    assert_eq!(FINISH, finish);
}

#[test]
fn content_types_are_held_to() {
    fn first(frame: &[u8]) -> Result<Step<'_>, StreamError> {
        FrameStream::new(MAX).next(frame).map(|(step, _)| step)
    }
    for (number, step) in [(4, Step::Ready), (2, Step::Start)] {
        let mut frame = Vec::new();
        make::control(&mut frame, number, Some(b"protobuf:other"));
        assert_eq!(first(&frame), Err(StreamError::ContentType));
        frame.clear();
        make::control(&mut frame, number, None);
        assert_eq!(first(&frame), Ok(step), "a sender that names none leaves it to the receiver");
    }
    // One among several, and a field that is unknown.
    let fields = [&b"\0\0\0\x01\0\0\0\x01x\0\0\0\x09\0\0\0\0\0\0\0\x01\0\0\0\x16"[..], CONTENT_TYPE].concat();
    let frame = [&[0, 0, 0, 0, 0, 0, 0, 4 + fields.len() as u8, 0, 0, 0, 4][..], &fields].concat();
    assert_eq!(first(&frame), Ok(Step::Ready));
}

#[test]
fn what_is_no_frame_stream_is_refused() {
    fn data(out: &mut Vec<u8>) {
        make::data(out, b"abc");
    }
    fn accept(out: &mut Vec<u8>) {
        out.extend_from_slice(ACCEPT);
    }
    for (octets, error) in [
        (made(&[data]), StreamError::Control),
        (made(&[make::stop]), StreamError::Control),
        (made(&[accept]), StreamError::Control),
        (made(&[make::ready, make::ready]), StreamError::Control),
        (made(&[make::ready, data]), StreamError::Control),
        (made(&[make::ready, make::stop]), StreamError::Control),
        (made(&[make::start, make::start]), StreamError::Control),
        (made(&[make::start, make::stop, data]), StreamError::Control),
        (b"GET / HTTP/1.1\r\n".to_vec(), StreamError::Control),
        // No room for a type; a field that is cut; a type that is unknown.
        (b"\0\0\0\0\0\0\0\x03abc".to_vec(), StreamError::Control),
        (b"\0\0\0\0\0\0\0\0".to_vec(), StreamError::Control),
        (b"\0\0\0\0\0\0\0\x0c\0\0\0\x02\0\0\0\x01\0\0\0\x01".to_vec(), StreamError::Control),
        (b"\0\0\0\0\0\0\0\x06\0\0\0\x02\0\0".to_vec(), StreamError::Control),
        (b"\0\0\0\0\0\0\0\x04\0\0\0\x09".to_vec(), StreamError::Control),
        (b"\0\0\0\0\0\0\x02\x01".to_vec(), StreamError::TooLong),
        (b"\0\0\0\0\xff\xff\xff\xff".to_vec(), StreamError::TooLong),
        ([made(&[make::start]), (MAX as u32 + 1).to_be_bytes().to_vec()].concat(), StreamError::TooLong),
        ([made(&[make::start]), vec![0xff; 4]].concat(), StreamError::TooLong),
    ] {
        for piece in [1, 1000] {
            assert_eq!(steps(&octets, piece).1, Some(error), "{octets:x?}");
        }
    }
    // The longest that is allowed is no error.
    let longest = [made(&[make::start]), (MAX as u32).to_be_bytes().to_vec(), vec![7; MAX]].concat();
    assert_eq!(steps(&longest, 4096), (vec!["Start".into(), format!("{MAX} octets")], None));
}

#[test]
fn a_message_gives_its_parts() {
    let what = exchange();
    let query = make::payload(&what, MessageType::ClientQuery, b"a query");
    let side = |at: SocketAddr| Side { addr: Some(Addr::from(at.ip())), port: at.port() };
    let expected = Message {
        kind: Some(MessageType::ClientQuery),
        protocol: Some(SocketProtocol::Dot),
        query: side(what.client),
        response: side(what.server),
        query_time: Some(what.ts),
        response_time: None,
        query_message: Some(b"a query"),
        response_message: None,
    };
    assert_eq!(parse(&query), Ok(expected));

    let what = Exchange { client: "[2001:db8::7]:40001".parse().unwrap(), ..what };
    let response = make::payload(&what, MessageType::ClientResponse, b"an answer");
    let expected = Message {
        kind: Some(MessageType::ClientResponse),
        query: side(what.client),
        response_time: Some(Timestamp::from_nanos(what.ts.as_nanos() + 1_000_000)),
        query_message: None,
        response_message: Some(b"an answer"),
        ..expected
    };
    assert_eq!(parse(&response), Ok(expected));
}

/// A `Dnstap` around the fields of a `Message`.
fn wrapped(fields: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (mut inner, mut outer) = (Vec::new(), Vec::new());
    fields(&mut inner);
    make::bytes(&mut outer, 14, &inner);
    make::varint(&mut outer, 15, 1);
    outer
}

#[test]
fn what_is_unknown_is_passed_over_and_what_comes_twice_is_replaced() {
    let octets = wrapped(|m| {
        make::varint(m, 1, 6);
        make::varint(m, 1, 5);
        make::varint(m, 3, 99);
        make::bytes(m, 15, b"a policy");
        make::varint(m, 16, 2);
        make::bytes(m, 900, b"from the future");
        make::bytes(m, 4, &[192, 0, 2]);
        make::bytes(m, 5, &[192, 0, 2, 1]);
        make::bytes(m, 5, &[192, 0, 2, 2]);
        make::varint(m, 6, 70_000);
        make::bytes(m, 11, b"a zone");
    });
    let message = parse(&octets).unwrap();
    assert_eq!(message.kind, Some(MessageType::ClientQuery));
    assert_eq!((message.protocol, message.query), (None, Side::default()), "no address has three octets");
    assert_eq!(message.response.addr, Some(Addr::v4([192, 0, 2, 2])));
    let octets = wrapped(|m| make::varint(m, 1, 77));
    assert_eq!(parse(&octets).map(|m| m.kind), Ok(None));
}

#[test]
fn frames_without_a_message_and_broken_ones_are_told_apart() {
    let mut only_type = Vec::new();
    make::varint(&mut only_type, 15, 1);
    let mut other_type = wrapped(|m| make::varint(m, 1, 5));
    make::varint(&mut other_type, 15, 2);
    let mut no_type = Vec::new();
    make::bytes(&mut no_type, 14, b"\x08\x05");
    for octets in [&b""[..], &only_type, &other_type, &no_type, &wrapped(|_| {})] {
        assert_eq!(parse(octets), Err(MessageError::NoMessage), "{octets:x?}");
    }
    let mut wrong_outer = Vec::new();
    make::varint(&mut wrong_outer, 14, 1);
    for octets in [
        b"\xff".to_vec(),
        b"garbage".to_vec(),
        wrong_outer,
        wrapped(|m| m.push(0x80)),
        wrapped(|m| make::bytes(m, 1, b"x")),
        wrapped(|m| make::varint(m, 4, 1)),
        wrapped(|m| make::varint(m, 9, 1)),
        wrapped(|m| make::varint(m, 14, 1)),
    ] {
        assert_eq!(parse(&octets), Err(MessageError::Malformed), "{octets:x?}");
    }
}

#[test]
fn a_cut_message_never_gives_another_one() {
    let whole = make::payload(&exchange(), MessageType::ClientQuery, &make::question("www.casino.example"));
    let good = parse(&whole).unwrap();
    for cut in 0..whole.len() {
        if let Ok(message) = parse(&whole[..cut]) {
            assert_eq!(message, good, "{cut}");
        }
    }
}

#[test]
fn numbers_and_names_of_types_follow_the_schema() {
    for (n, kind) in (1..).zip(MessageType::ALL) {
        assert_eq!(*kind as u8, n);
        assert_eq!(kind.is_query(), kind.name().ends_with("_query"));
    }
    assert_eq!(MessageType::ALL.len(), 14);
    assert_eq!(SocketProtocol::ALL.iter().map(|p| *p as u8).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
}
