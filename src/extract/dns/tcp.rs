//! DNS over TCP: a stream of messages, each behind its length in two octets (RFC 1035 section 4.2.2, RFC 7766
//! section 8). Several may share a segment, and every one may be cut anywhere, inside the length too.

use super::header::Header;
use super::probe::plausible;

/// Octets of the length in front of every message.
const PREFIX: usize = 2;

/// The longest a message can be with its prefix: the most that a stream needs to buffer.
pub const MAX_FRAMED: usize = PREFIX + u16::MAX as usize;

/// The whole messages at the start of a stream's unread octets; see [`messages`].
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    consumed: usize,
}

/// Iterates over the messages, without their prefixes, that lie whole in `available`: the unread octets of a stream,
/// of which the first is the first of a prefix. Afterwards [`Messages::consumed`] and [`Messages::missing`] tell how
/// to go on. Messages of any length come out, also of none: [`parse`](super::parse) judges them.
pub fn messages(available: &[u8]) -> Messages<'_> {
    Messages { rest: available, consumed: 0 }
}

impl<'a> Messages<'a> {
    /// Octets of the messages given so far, prefixes included: drop so many from the stream.
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// Octets that must still arrive before the next step: for the rest of a message once its prefix is whole, for
    /// the rest of the prefix before. 0 between messages. At most [`MAX_FRAMED`].
    pub fn missing(&self) -> usize {
        match *self.rest {
            [] => 0,
            [_] => 1,
            [l0, l1, ref part @ ..] => usize::from(u16::from_be_bytes([l0, l1])).saturating_sub(part.len()),
        }
    }

    /// What is there of the message that is not whole, without its prefix: for a stream that ends too early, since
    /// its question may be readable.
    pub fn partial(&self) -> Option<&'a [u8]> {
        self.rest.get(PREFIX..).filter(|part| !part.is_empty())
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (prefix, tail) = self.rest.split_first_chunk::<PREFIX>()?;
        let len = usize::from(u16::from_be_bytes(*prefix));
        let (message, rest) = tail.split_at_checked(len)?;
        self.rest = rest;
        self.consumed += PREFIX + len;
        Some(message)
    }
}

/// Whether a stream that starts with `stream` is plausible as DNS, as [`probe`](super::probe) judges one message;
/// `None` while it is too short to tell.
pub fn probe(stream: &[u8]) -> Option<bool> {
    let (prefix, tail) = stream.split_first_chunk::<PREFIX>()?;
    let len = usize::from(u16::from_be_bytes(*prefix));
    if len < Header::LEN {
        return Some(false);
    }
    let seen = tail.get(..len).unwrap_or(tail);
    if seen.len() < Header::LEN {
        return None;
    }
    match plausible(seen, len) {
        true if seen.len() < len => None,
        verdict => Some(verdict),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01";

    fn framed(parts: &[&[u8]]) -> Vec<u8> {
        parts.iter().flat_map(|m| [&(m.len() as u16).to_be_bytes()[..], m].concat()).collect()
    }

    #[test]
    fn messages_come_out_whole_wherever_the_stream_is_cut() {
        let sent: [&[u8]; 4] = [QUERY, b"", &[7; 300], b"x"];
        let stream = framed(&sent);
        for cut in 0..=stream.len() {
            // Two arrivals; what the first leaves is kept, as a stream buffer would.
            let mut got: Vec<Vec<u8>> = Vec::new();
            let mut first = messages(&stream[..cut]);
            got.extend(first.by_ref().map(<[u8]>::to_vec));
            assert!(first.consumed() <= cut && first.missing() <= MAX_FRAMED);
            assert_eq!(first.missing() == 0, first.consumed() == cut, "{cut}");
            let mut second = messages(&stream[first.consumed()..]);
            got.extend(second.by_ref().map(<[u8]>::to_vec));
            assert_eq!(got, sent, "{cut}");
            assert_eq!((second.missing(), second.partial()), (0, None));
        }
    }

    #[test]
    fn missing_octets_are_exact() {
        let stream = framed(&[QUERY]);
        for cut in 2..stream.len() {
            let mut m = messages(&stream[..cut]);
            assert_eq!(m.next(), None);
            assert_eq!(m.missing(), stream.len() - cut);
            assert_eq!(m.partial().unwrap_or_default(), &QUERY[..cut - 2]);
        }
        assert_eq!(messages(b"\x00").missing(), 1);
        assert_eq!(messages(b"\xff\xff").missing() + PREFIX, MAX_FRAMED);
    }

    #[test]
    fn streams_are_probed_as_they_grow() {
        let stream = framed(&[QUERY, QUERY]);
        let whole = 2 + QUERY.len();
        for cut in 0..=stream.len() {
            assert_eq!(probe(&stream[..cut]), (cut >= whole).then_some(true), "{cut}");
        }
        assert_eq!(probe(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), Some(false));
        assert_eq!(probe(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaa"), Some(false));
        assert_eq!(probe(b"\x00\x05"), Some(false));
    }
}
