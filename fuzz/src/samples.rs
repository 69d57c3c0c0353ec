//! Messages as real clients send them, made once by the project's own builders.

use std::sync::LazyLock;

use stakeout::extract::quic::seal::seal_initial;
use stakeout::extract::quic::{Version, put_varint};
use stakeout::extract::tls::build::{HelloSpec, client_hello, records};

/// The name in every sample.
pub const NAME: &str = "www.lucky-7.example";

/// A browser's hello for QUIC: the handshake message.
pub static QUIC_HELLO: LazyLock<Vec<u8>> = LazyLock::new(|| client_hello(&HelloSpec::browser_quic(NAME, 1)));

/// A hello of some 250 octets.
pub static SMALL_HELLO: LazyLock<Vec<u8>> =
    LazyLock::new(|| client_hello(&HelloSpec { sni: Some(NAME.into()), ..HelloSpec::default() }));

/// A browser's hello over TCP, in one record.
pub static TLS_STREAM: LazyLock<Vec<u8>> =
    LazyLock::new(|| records(&client_hello(&HelloSpec::browser(NAME, 2)), 16_384));

/// A hello over TCP, in records of 40 octets.
pub static TLS_RECORDS: LazyLock<Vec<u8>> = LazyLock::new(|| records(&SMALL_HELLO, 40));

/// Two requests on one connection, the first with a body.
pub const HTTP_STREAM: &[u8] = b"POST /login HTTP/1.1\r\nHost: www.lucky-7.example\r\nContent-Length: 12\r\n\r\n\
user=someoneGET http://cdn.lucky-7.example/a.js HTTP/1.1\r\nHost: cdn.lucky-7.example\r\n\r\n";

/// A question for A and the answer with a CNAME, each behind its length as over TCP.
pub static DNS_STREAM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    [DNS_QUERY, DNS_ANSWER].iter().flat_map(|m| [&(m.len() as u16).to_be_bytes()[..], m].concat()).collect()
});

/// `www.lucky-7.example` A?
pub const DNS_QUERY: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07lucky-7\x07example\x00\x00\x01\x00\x01";

/// A CNAME to `edge.lucky-7.example`, and its address.
pub const DNS_ANSWER: &[u8] = b"\x12\x34\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\x03www\x07lucky-7\x07example\x00\
\x00\x01\x00\x01\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x07\x04edge\xc0\x10\
\xc0\x31\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x07";

/// A browser's first flight over QUIC, in two datagrams.
pub static QUIC_DATAGRAMS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let (a, b) = QUIC_HELLO.split_at(1000);
    [(0, 0, a), (1, 1000, b)].map(|(pn, offset, data)| {
        seal_initial(
            Version::V1,
            b"\x83\x94\xc8\xf0\x3e\x51\x57\x08",
            b"",
            b"",
            pn,
            1,
            &crypto(offset, data),
            1200,
            true,
        )
    })
});

/// A CRYPTO frame (RFC 9000 section 19.6).
pub fn crypto(offset: u64, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![6];
    put_varint(&mut frame, offset);
    put_varint(&mut frame, data.len() as u64);
    frame.extend_from_slice(data);
    frame
}
