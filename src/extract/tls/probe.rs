//! Does a stream begin with a ClientHello?

use super::record::{RECORD_HEADER, record_len};
use super::{CLIENT_HELLO, MAX_HELLO};

/// How sure a look at the first octets is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// It is something else.
    No,
    /// Nothing speaks against it, but there are too few octets to tell.
    Maybe,
    /// It is.
    Yes,
}

/// The least body: version, random, and the lengths of session id, cipher suites and compression methods.
const MIN_BODY: u32 = 2 + 32 + 1 + 2 + 1;

/// Looks at the first octets of a stream: a handshake record (RFC 8446 section 5.1) with the start of a ClientHello in
/// it.
///
/// Eleven octets decide. A first record may hold fewer than the six handshake octets that are looked at, since a
/// hello may be cut at any octet; then what it holds decides, and that another handshake record follows.
pub fn probe(prefix: &[u8]) -> Probe {
    let Some((header, content)) = prefix.split_first_chunk::<RECORD_HEADER>() else {
        return probe_record_start(prefix);
    };
    let Some(len) = record_len(header) else { return Probe::No };
    let (content, next) = content.split_at(content.len().min(len));

    let at = |i: usize| content.get(i).copied();
    let plausible = at(0).is_none_or(|kind| kind == CLIENT_HELLO)
        && at(1).is_none_or(|high| u32::from(high) <= (MAX_HELLO as u32) >> 16)
        && match content.get(1..4) {
            Some(&[high, mid, low]) => {
                let len = u32::from_be_bytes([0, high, mid, low]);
                (MIN_BODY..=MAX_HELLO as u32).contains(&len)
            }
            _ => true,
        }
        && at(4).is_none_or(is_major_version);
    if !plausible || probe_record_start(next) == Probe::No && content.len() < 6 {
        return Probe::No;
    }
    if content.len() >= 6 || content.len() == len { Probe::Yes } else { Probe::Maybe }
}

/// What legacy_version may begin with: SSL 3 and TLS, of which a careless client may claim any minor version; the drafts
/// of TLS 1.3 (0x7f12); and TLCP, China's national variant (GB/T 38636, 0x0101).
fn is_major_version(octet: u8) -> bool {
    matches!(octet, 1 | 3 | 0x7f)
}

/// `Maybe` if the first octets of a record header, as many as there are, are those of a handshake record.
fn probe_record_start(prefix: &[u8]) -> Probe {
    match prefix {
        [] | [0x16] | [0x16, 1 | 3] | [0x16, 3, 0..=4, ..] | [0x16, 1, 1, ..] => Probe::Maybe,
        _ => Probe::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::{HelloSpec, client_hello, records};
    use super::*;

    #[test]
    fn a_hello_is_seen_from_eleven_octets_on() {
        let stream = records(&client_hello(&HelloSpec::browser("shop.example", 1)), 16_384);
        for n in 0..stream.len() {
            let expected = if n < 11 { Probe::Maybe } else { Probe::Yes };
            assert_eq!(probe(&stream[..n]), expected, "after {n} octets");
        }
    }

    #[test]
    fn records_shorter_than_a_handshake_header_are_seen_too() {
        let hello = client_hello(&HelloSpec::browser("shop.example", 1));
        for size in 1..12 {
            let stream = records(&hello, size);
            for n in 0..64 {
                assert_ne!(probe(&stream[..n]), Probe::No, "record size {size}, {n} octets");
            }
            assert_eq!(probe(&stream[..64]), Probe::Yes);
        }
        // One octet of hello, then a record of another type.
        assert_eq!(probe(b"\x16\x03\x01\x00\x01\x01\x17\x03\x03"), Probe::No);
    }

    #[test]
    fn relatives_and_odd_versions_are_seen() {
        let with = |record: u16, version: u16| {
            let hello = client_hello(&HelloSpec { legacy_version: version, ..HelloSpec::browser("shop.example", 1) });
            let mut stream = records(&hello, 16_384);
            stream[1..3].copy_from_slice(&record.to_be_bytes());
            stream
        };
        for (record, version) in [(0x0300, 0x0300), (0x0301, 0x0305), (0x0301, 0x7f12), (0x0101, 0x0101)] {
            let stream = with(record, version);
            assert_eq!(probe(&stream), Probe::Yes, "{record:04x} {version:04x}");
            assert!(super::super::whole_hello(&stream).is_some_and(|hello| hello.is_ok()));
        }
        assert_eq!(probe(&with(0x0102, 0x0303)), Probe::No);
        assert_eq!(probe(&with(0x0301, 0xfefd)), Probe::No, "DTLS's version");
    }

    #[test]
    fn other_beginnings_are_refused() {
        let refused: [&[u8]; 11] = [
            b"GET / HTTP/1.1\r\n",
            b"\x16\x03\x01\x00\x00",                             // empty record
            b"\x16\x03\x01\x41\x01",                             // longer than 16,384 + 256
            b"\x16\x02\x00",                                     // SSL 2
            b"\x16\x03\x05",                                     // no such version
            b"\x15\x03\x01\x00\x02\x02\x28",                     // alert
            b"\x16\x03\x03\x00\x7a\x02",                         // ServerHello
            b"\x16\x03\x01\x02\x00\x01\x01\x00\x01",             // a hello beyond 64 KiB
            b"\x16\x03\x01\x02\x00\x01\x00\x00\x10",             // a hello too short for its fixed fields
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x04\x00",     // legacy_version 4.0
            b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10\x01", // SSLv2-compatible hello
        ];
        for bytes in refused {
            assert_eq!(probe(bytes), Probe::No, "{bytes:02x?}");
        }
    }
}
