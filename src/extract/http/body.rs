//! What follows a request's head, and how to get past it to the next head on a connection that stays open.

/// How a body is delimited (RFC 9112 section 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// There is none; the next head follows.
    None,
    /// So many octets.
    Length(u64),
    /// In chunks (RFC 9112 section 7.1).
    Chunked,
    /// Another protocol, after CONNECT.
    Tunnel,
    /// The head does not tell, or contradicts itself.
    Unknown,
}

/// What the fields of a head say about its body.
#[derive(Default)]
pub(super) struct Framing {
    length: Option<u64>,
    coding: Option<Coding>,
    doubtful: bool,
}

enum Coding {
    EndsChunked,
    Other,
}

impl Framing {
    /// A Content-Length field. A list of equal values counts as one (RFC 9110 section 8.6).
    pub(super) fn content_length(&mut self, value: &[u8]) {
        for item in value.split(|b| *b == b',').map(<[u8]>::trim_ascii) {
            let length = decimal(item);
            if length.is_none() || self.length.is_some_and(|before| Some(before) != length) {
                self.doubtful = true;
            }
            self.length = length.or(self.length);
        }
    }

    /// A Transfer-Encoding field. Of several the last one's last coding delimits the body.
    pub(super) fn transfer_encoding(&mut self, value: &[u8]) {
        let last = value.rsplit(|b| *b == b',').next().unwrap_or_default().trim_ascii();
        let is_chunked = last.eq_ignore_ascii_case(b"chunked");
        self.coding = Some(if is_chunked { Coding::EndsChunked } else { Coding::Other });
    }

    /// One of the two fields is not as it seems.
    pub(super) fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// The verdict. A coding outranks a length.
    pub(super) fn body(&self) -> Body {
        match (self.doubtful, &self.coding, self.length) {
            (true, _, _) | (_, Some(Coding::Other), _) => Body::Unknown,
            (_, Some(Coding::EndsChunked), _) => Body::Chunked,
            (_, None, Some(0) | None) => Body::None,
            (_, None, Some(length)) => Body::Length(length),
        }
    }
}

/// Digits only: no sign, no blank, no overflow.
fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// What came of a body's octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skip {
    /// All of them belong to the body, which goes on.
    More,
    /// The body ended: the next head begins behind so many of them.
    Done {
        /// Octets that still belonged to the body.
        consumed: usize,
    },
    /// Where the body ends cannot be told: probe each later segment for a head.
    Lost,
}

/// Walks over a body, keeping none of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodySkipper {
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// So many octets, then the end.
    Whole(u64),
    /// In a chunk's size, of which so many digits have come.
    Size { value: u64, digits: u8 },
    /// In what follows the size on its line: extensions, and the line's end.
    SizeLine { size: u64, seen: u16 },
    /// So many octets of a chunk.
    Chunk(u64),
    /// Between a chunk and the LF behind it.
    ChunkEnd,
    /// In the trailer section: octets so far, and whether the line under way has any but CR.
    Trailer { seen: u16, line_empty: bool },
    /// The end has been told.
    Done,
    /// The end cannot be told.
    Lost,
}

/// The most octets of one chunk's extensions, and of a trailer section.
const MAX_LINES: u16 = 8 * 1024;

impl BodySkipper {
    /// At the first octet behind the head.
    pub const fn new(body: Body) -> Self {
        BodySkipper {
            state: match body {
                Body::None => State::Whole(0),
                Body::Length(octets) => State::Whole(octets),
                Body::Chunked => State::Size { value: 0, digits: 0 },
                Body::Tunnel | Body::Unknown => State::Lost,
            },
        }
    }

    /// Takes the stream's next octets. After [`Skip::Done`] the skipper is used up and says `Done` with nothing
    /// consumed; after [`Skip::Lost`] it stays lost.
    pub fn feed(&mut self, octets: &[u8]) -> Skip {
        let mut rest = octets;
        loop {
            match self.state {
                State::Done | State::Whole(0) => {
                    self.state = State::Done;
                    return Skip::Done { consumed: octets.len() - rest.len() };
                }
                State::Lost => return Skip::Lost,
                _ if rest.is_empty() => return Skip::More,
                State::Whole(left) => {
                    let left = take(&mut rest, left);
                    self.state = State::Whole(left);
                }
                State::Chunk(left) => {
                    let left = take(&mut rest, left);
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                }
                _ => {
                    if let Some((octet, tail)) = rest.split_first() {
                        rest = tail;
                        self.state = self.state.after(*octet);
                    }
                }
            }
        }
    }

    /// Octets that the capture missed: they are passed over if their content cannot matter. `Done` has nothing
    /// consumed of anything: the next head begins behind the gap.
    pub fn feed_gap(&mut self, octets: u64) -> Skip {
        self.state = match self.state {
            State::Whole(left) if octets <= left => State::Whole(left - octets),
            State::Chunk(left) if octets < left => State::Chunk(left - octets),
            state if octets == 0 => state,
            _ => State::Lost,
        };
        self.feed(&[])
    }

    /// How many of the next octets need not be looked at, nor be there: [`BodySkipper::feed_gap`] of so many is safe.
    pub fn opaque(&self) -> u64 {
        match self.state {
            State::Whole(left) => left,
            State::Chunk(left) => left.saturating_sub(1),
            _ => 0,
        }
    }
}

/// Drops up to `left` octets; gives what is left of `left`.
fn take(rest: &mut &[u8], left: u64) -> u64 {
    let taken = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
    *rest = rest.get(taken..).unwrap_or_default();
    left - taken as u64
}

impl State {
    /// One octet further, in the parts of a chunked body that are not data (RFC 9112 section 7.1). Line ends may lack
    /// their CR.
    fn after(self, octet: u8) -> State {
        match (self, octet) {
            // Sixteen digits are all that fit; more could only be leading zeros, which nobody needs.
            (State::Size { value, digits: digits @ 0..16 }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(octet).to_digit(16).unwrap_or_default();
                State::Size { value: value << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Size { value: size, digits: 1.. }, b';' | b' ' | b'\t' | b'\r') => {
                State::SizeLine { size, seen: 0 }
            }
            (State::Size { value: size, digits: 1.. } | State::SizeLine { size, .. }, b'\n') => match size {
                0 => State::Trailer { seen: 0, line_empty: true },
                _ => State::Chunk(size),
            },
            (State::SizeLine { size, seen: seen @ ..MAX_LINES }, _) => State::SizeLine { size, seen: seen + 1 },
            (State::ChunkEnd, b'\r') => State::ChunkEnd,
            (State::ChunkEnd, b'\n') => State::Size { value: 0, digits: 0 },
            (State::Trailer { line_empty: true, .. }, b'\n') => State::Done,
            (State::Trailer { seen: seen @ ..MAX_LINES, .. }, b'\n') => {
                State::Trailer { seen: seen + 1, line_empty: true }
            }
            (State::Trailer { seen: seen @ ..MAX_LINES, line_empty }, _) => {
                State::Trailer { seen: seen + 1, line_empty: line_empty && octet == b'\r' }
            }
            _ => State::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] = b"4\r\nWiki\r\n6;ext=\"a\"\r\npedia \r\nD\nin \r\n\r\nchunks\n00\r\nTrailer: x\r\n\r\n";

    /// Feeds `octets` in pieces of `step`; gives the offset where the body ended.
    fn end(body: Body, octets: &[u8], step: usize) -> Option<usize> {
        let mut skipper = BodySkipper::new(body);
        let mut at = 0;
        for piece in octets.chunks(step) {
            match skipper.feed(piece) {
                Skip::More => at += piece.len(),
                Skip::Done { consumed } => return Some(at + consumed),
                Skip::Lost => return None,
            }
        }
        None
    }

    #[test]
    fn bodies_end_where_they_should_however_they_arrive() {
        for step in 1..80 {
            let next = |body: &[u8]| [body, b"GET / HTTP/1.1\r\n"].concat();
            assert_eq!(end(Body::Chunked, &next(CHUNKED), step), Some(CHUNKED.len()), "{step}");
            assert_eq!(end(Body::Chunked, &next(b"0\r\n\r\n"), step), Some(5));
            assert_eq!(end(Body::Length(20), &next(&[b'x'; 20]), step), Some(20));
            assert_eq!(end(Body::None, &next(b""), step), Some(0));
        }
        let mut skipper = BodySkipper::new(Body::Length(3));
        assert_eq!(skipper.feed(b"ab"), Skip::More);
        assert_eq!(skipper.feed(b"cGET"), Skip::Done { consumed: 1 });
        assert_eq!(skipper.feed(b"GET"), Skip::Done { consumed: 0 });
        assert_eq!(BodySkipper::new(Body::None).feed(b""), Skip::Done { consumed: 0 });
        assert_eq!(BodySkipper::new(Body::Length(u64::MAX)).feed(b"x"), Skip::More);
    }

    #[test]
    fn nonsense_loses_track() {
        for bad in [&b"\r\n"[..], b"x", b"4\r\nWikix\r\n", b"-4\r\n", b"12345678901234567\r\n", b";\r\n", b"\n"] {
            assert_eq!(end(Body::Chunked, bad, 1), None);
            let mut skipper = BodySkipper::new(Body::Chunked);
            assert_eq!(skipper.feed(bad), Skip::Lost, "{bad:?}");
            assert_eq!(skipper.feed(b"0\r\n\r\n"), Skip::Lost);
        }
        assert_eq!(BodySkipper::new(Body::Tunnel).feed(b""), Skip::Lost);
        assert_eq!(BodySkipper::new(Body::Unknown).feed(b"x"), Skip::Lost);
        let endless = [b"1;".as_slice(), &[b'x'; 10_000]].concat();
        assert_eq!(BodySkipper::new(Body::Chunked).feed(&endless), Skip::Lost);
        let endless = [b"0\r\n".as_slice(), &b"A: b\r\n".repeat(2000)].concat();
        assert_eq!(BodySkipper::new(Body::Chunked).feed(&endless), Skip::Lost);
    }

    #[test]
    fn gaps_inside_data_do_not_matter() {
        let mut skipper = BodySkipper::new(Body::Length(100));
        assert_eq!(skipper.opaque(), 100);
        assert_eq!(skipper.feed_gap(60), Skip::More);
        assert_eq!(skipper.feed_gap(40), Skip::Done { consumed: 0 });
        assert_eq!(BodySkipper::new(Body::Length(100)).feed_gap(101), Skip::Lost);

        let mut skipper = BodySkipper::new(Body::Chunked);
        assert_eq!(skipper.feed_gap(0), Skip::More);
        assert_eq!(skipper.feed(b"a\r\n"), Skip::More);
        assert_eq!(skipper.feed_gap(skipper.opaque()), Skip::More);
        assert_eq!(skipper.feed(b"x\r\n0\r\n\r\n"), Skip::Done { consumed: 8 });
        let mut skipper = BodySkipper::new(Body::Chunked);
        assert_eq!(skipper.feed_gap(1), Skip::Lost);
    }

    fn framed(fields: &[(&str, &str)]) -> Body {
        let mut framing = Framing::default();
        for (name, value) in fields {
            match *name {
                "cl" => framing.content_length(value.as_bytes()),
                _ => framing.transfer_encoding(value.as_bytes()),
            }
        }
        framing.body()
    }

    #[test]
    fn framing_follows_rfc_9112_section_6_3() {
        assert_eq!(framed(&[]), Body::None);
        assert_eq!(framed(&[("cl", "0")]), Body::None);
        assert_eq!(framed(&[("cl", "12")]), Body::Length(12));
        assert_eq!(framed(&[("cl", "12, 12"), ("cl", "12")]), Body::Length(12));
        assert_eq!(framed(&[("te", "gzip, Chunked")]), Body::Chunked);
        assert_eq!(framed(&[("te", "gzip"), ("te", "chunked"), ("cl", "12")]), Body::Chunked);
        for doubtful in [
            &[("cl", "12"), ("cl", "13")][..],
            &[("cl", "+12")],
            &[("cl", "")],
            &[("cl", "18446744073709551616")],
            &[("te", "chunked, gzip")],
            &[("te", "identity")],
            &[("te", "chunked"), ("cl", "1x")],
        ] {
            assert_eq!(framed(doubtful), Body::Unknown, "{doubtful:?}");
        }
    }
}
