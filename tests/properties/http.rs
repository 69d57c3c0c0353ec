//! HTTP/1: requests with and without bodies on one connection, and what may follow a CONNECT.

use proptest::prelude::*;
use stakeout::extract::tls::build::{HelloSpec, client_hello, records};
use stakeout::model::{Kind, Proto};

use crate::frames::{ACK, Body, FIN, links};
use crate::mess::{interleaved, known_start, messes};
use crate::{cases, found};

#[derive(Clone, Debug)]
enum Content {
    None,
    Length(usize),
    Chunks(Vec<usize>),
}

fn contents() -> impl Strategy<Value = Content> {
    prop_oneof![
        Just(Content::None),
        (0usize..3_000).prop_map(Content::Length),
        prop::collection::vec(1usize..600, 0..5).prop_map(Content::Chunks),
    ]
}

fn request(host: &str, content: &Content, newline: &str) -> Vec<u8> {
    let method = if matches!(content, Content::None) { "GET" } else { "POST" };
    let mut head = vec![format!("{method} /a?b HTTP/1.1"), "User-Agent: x".into(), format!("Host: {host}:8080")];
    // The body looks like requests, so that only its length tells where it ends.
    let body = |len: usize| b"GET / HTTP/1.1\r\nHost: body.example\r\n\r\n".iter().copied().cycle().skip(1).take(len);
    let mut after: Vec<u8> = Vec::new();
    match content {
        Content::None => {}
        Content::Length(len) => {
            head.push(format!("Content-Length: {len}"));
            after.extend(body(*len));
        }
        Content::Chunks(sizes) => {
            head.push("Transfer-Encoding: chunked".into());
            for size in sizes {
                after.extend(format!("{size:x};x=y{newline}").bytes());
                after.extend(body(*size));
                after.extend(newline.bytes());
            }
            after.extend(format!("0{newline}{newline}").bytes());
        }
    }
    head.extend([String::new(), String::new()]);
    [head.join(newline).into_bytes(), after].concat()
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn every_request_of_a_connection_is_found_once(
        contents in prop::collection::vec(contents(), 1..6),
        mess in messes(known_start(), 14),
        link in links(),
        newline in prop::sample::select(vec!["\r\n", "\n"]),
    ) {
        let names: Vec<String> = (0..contents.len()).map(|n| format!("site-{n}.example")).collect();
        let stream: Vec<u8> =
            names.iter().zip(&contents).flat_map(|(name, content)| request(name, content, newline)).collect();
        let expected: Vec<_> = names.into_iter().map(|name| (Proto::Http, Kind::Host, name)).collect();
        prop_assert_eq!(found(&interleaved(&link, 8_080, vec![mess.packets(&stream, true)])), expected);
    }

    #[test]
    fn a_hello_behind_a_connect_is_found(mess in messes(known_start(), 4), seed in any::<u64>(), size in 50usize..1_500, order in prop::collection::vec(any::<u8>(), 0..9), link in links()) {
        let connect = b"CONNECT a-proxied.example:443 HTTP/1.1\r\nHost: a-proxied.example:443\r\n\r\n";
        let mut packets = mess.packets(connect, true);
        for (_, body) in &mut packets {
            if let Body::Tcp { flags, .. } = body {
                *flags &= !FIN;
            }
        }
        let mut seq = mess.end(connect.len());
        let stream = records(&client_hello(&HelloSpec::browser("b-inside.example", seed)), 16_384);
        let mut hello = Vec::new();
        for (i, payload) in stream.chunks(size).enumerate() {
            let segment = Body::Tcp { seq, ack: 78, flags: ACK, payload: payload.to_vec() };
            hello.push((order.get(i % 9), (true, segment)));
            seq = seq.wrapping_add(payload.len() as u32);
        }
        hello.sort_by_key(|(key, _)| *key);
        packets.extend(hello.into_iter().map(|(_, packet)| packet));
        let names: Vec<_> = found(&interleaved(&link, 3_128, vec![packets])).into_iter().map(|f| (f.0, f.2)).collect();
        prop_assert_eq!(names, vec![(Proto::Http, "a-proxied.example".to_owned()), (Proto::Tls, "b-inside.example".to_owned())]);
    }
}
