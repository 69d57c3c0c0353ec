//! What the first octets of a stream are, and reading on in them: the bridge from ordered octets to the extractors.
//!
//! Everything here takes a contiguous prefix of a stream and says how far it got; who holds the octets, and whether
//! they came straight from a packet or out of a buffer, is the caller's business.

use super::table::Half;
use super::{Context, emit};
use crate::extract::{dns, http, tls};
use crate::model::{Counter, EncapChain, Endpoint, ObservationSink, Proto, Scope, Timestamp};

/// How a stream is being read.
#[derive(Debug, Default)]
pub(crate) enum Reader {
    /// Its protocol is not yet known.
    #[default]
    Undecided,
    /// A ClientHello that lies in one record, of which some is missing.
    TlsRecord,
    /// A ClientHello over several records; `fed` octets of the prefix have been taken.
    TlsRecords { reader: Box<tls::HelloReader>, fed: usize },
    /// An HTTP/1 request head.
    Http(http::HeadScanner),
    /// The body of a request that comes in chunks.
    HttpBody(http::BodySkipper),
    /// DNS messages, each after its length.
    Dns,
}

impl Reader {
    /// Octets held beside the stream's own.
    pub(crate) fn held(&self) -> usize {
        match self {
            Reader::TlsRecords { reader, .. } => reader.buffered(),
            _ => 0,
        }
    }
}

/// Who sent the octets, to whom and when.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    pub(crate) ts: Timestamp,
    pub(crate) encap: EncapChain,
    pub(crate) sender: Endpoint,
    pub(crate) receiver: Endpoint,
}

/// What the first octets of a stream look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Start {
    Tls,
    Http,
    /// Too few octets to tell.
    Unclear,
    /// Nothing that is read, or nothing that may be.
    Nothing,
}

/// How far reading got.
pub(crate) enum Step {
    /// More octets are needed.
    More,
    /// `octets` from the start of the prefix are settled; they may reach beyond its end.
    Read { octets: u32, then: Then },
    /// This is nothing that is read; counted under the given counter if not yet counted.
    Not(Option<Counter>),
}

/// What may follow what was read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    NextMessage,
    NextRequest,
    /// The rest of a body, of which the reader knows how far it is.
    RestOfBody,
    /// Another protocol from its first octet on: what a proxy was asked for.
    Tunnel,
}

impl Then {
    /// The state of a direction that waits for it with nothing held.
    pub(crate) fn half(self) -> Half {
        match self {
            Then::Nothing => Half::Done,
            Then::NextMessage => Half::BetweenMessages,
            Then::NextRequest | Then::RestOfBody => Half::BetweenRequests,
            Then::Tunnel => Half::BeforeTunnel,
        }
    }
}

/// What the first octets of a stream look like, of the protocols in `scope`.
#[inline]
pub(crate) fn classify(prefix: &[u8], scope: Scope) -> Start {
    match prefix.first() {
        Some(0x16) if scope.allows(Proto::Tls) => match tls::probe(prefix) {
            tls::Probe::Yes => Start::Tls,
            tls::Probe::Maybe => Start::Unclear,
            tls::Probe::No => Start::Nothing,
        },
        // A method is upper case by convention and case-sensitive (RFC 9110 section 9.1); empty lines may precede it.
        Some(b'A'..=b'Z' | b'\r' | b'\n') if scope.allows(Proto::Http) => match http::probe(prefix) {
            http::Probe::Yes => Start::Http,
            http::Probe::Maybe => Start::Unclear,
            http::Probe::No => Start::Nothing,
        },
        _ => Start::Nothing,
    }
}

/// Whether a segment begins with a request beyond doubt, or with a hello as far as it goes: the cheap test for streams
/// that are otherwise done.
#[inline]
pub(crate) fn begins(payload: &[u8], scope: Scope) -> bool {
    match payload.first() {
        // Two octets of a record header are the least that says anything.
        Some(0x16) => scope.allows(Proto::Tls) && payload.len() >= 3 && tls::probe(payload) != tls::Probe::No,
        Some(b'A'..=b'Z') => scope.allows(Proto::Http) && http::probe(payload) == http::Probe::Yes,
        _ => false,
    }
}

/// Whether a segment may begin with an HTTP/1 request.
pub(crate) fn may_begin_request(payload: &[u8]) -> bool {
    http::probe(payload) != http::Probe::No
}

/// Whether a segment begins with a DNS message after its length, as far as it goes.
pub(crate) fn begins_dns(payload: &[u8]) -> bool {
    dns::tcp::probe(payload) != Some(false)
}

/// Reads on. `prefix` is everything contiguous from the start of the stream, or of its next message or request.
pub(crate) fn read<S: ObservationSink>(
    reader: &mut Reader,
    prefix: &[u8],
    from: &Source,
    cx: &mut Context<'_, S>,
) -> Step {
    loop {
        match reader {
            Reader::Undecided => match classify(prefix, cx.scope) {
                Start::Tls => *reader = Reader::TlsRecord,
                Start::Http => *reader = Reader::Http(http::HeadScanner::default()),
                Start::Unclear => return Step::More,
                Start::Nothing => return Step::Not(Some(Counter::StreamUnknown)),
            },
            Reader::TlsRecord => match tls::whole_hello(prefix) {
                Some(Ok(hello)) => return hello_read(&hello, prefix, from, cx),
                Some(Err(_)) => return Step::Not(Some(Counter::TlsMalformed)),
                None if tls::first_record_is_short(prefix) => {
                    let begun = prefix.get(tls::RECORD_HEADER..).and_then(early::<S>);
                    return begun.map_or(Step::More, |hello| hello_read(&hello, prefix, from, cx));
                }
                None => *reader = Reader::TlsRecords { reader: Box::default(), fed: 0 },
            },
            Reader::TlsRecords { reader, fed } => {
                let new = prefix.get(*fed..).unwrap_or_default();
                *fed = prefix.len();
                return match reader.feed(new) {
                    tls::Progress::NeedMore if S::HELLO_DETAILS => Step::More,
                    tls::Progress::NeedMore => {
                        reader.partial().map_or(Step::More, |hello| hello_read(&hello, prefix, from, cx))
                    }
                    tls::Progress::Found(hello) => hello_read(&hello, prefix, from, cx),
                    tls::Progress::Reject(_) => Step::Not(Some(Counter::TlsMalformed)),
                };
            }
            Reader::Http(_) | Reader::HttpBody(_) => return read_requests(reader, prefix, from, cx),
            Reader::Dns => return read_messages(prefix, from, cx),
        }
    }
}

/// A hello that is not whole yet, if its name is and the sink wants no more.
#[inline]
fn early<S: ObservationSink>(message: &[u8]) -> Option<tls::ClientHello<'_>> {
    if S::HELLO_DETAILS { None } else { tls::walk_partial(message) }
}

/// A hello whose last octet that was wanted is in the prefix.
fn hello_read<S: ObservationSink>(
    hello: &tls::ClientHello<'_>,
    prefix: &[u8],
    from: &Source,
    cx: &mut Context<'_, S>,
) -> Step {
    emit::hello(hello, Proto::Tls, u32::from(hello.version), from, cx);
    Step::Read { octets: prefix.len() as u32, then: Then::Nothing }
}

/// Every whole DNS message in the prefix (RFC 7766 section 8: any number may share a segment).
fn read_messages<S: ObservationSink>(prefix: &[u8], from: &Source, cx: &mut Context<'_, S>) -> Step {
    let mut messages = dns::tcp::messages(prefix);
    for message in messages.by_ref() {
        emit::dns_message(message, from, cx);
    }
    match messages.consumed() {
        0 => Step::More,
        read => Step::Read { octets: read as u32, then: Then::NextMessage },
    }
}

/// Every whole request head in the prefix, stepping over bodies of a known length.
fn read_requests<S: ObservationSink>(
    reader: &mut Reader,
    prefix: &[u8],
    from: &Source,
    cx: &mut Context<'_, S>,
) -> Step {
    let mut read: usize = 0;
    loop {
        let mut rest = prefix.get(read..).unwrap_or_default();
        if let Reader::HttpBody(skipper) = reader {
            match skipper.feed(rest) {
                http::Skip::More => return Step::Read { octets: clamp(prefix.len()), then: Then::RestOfBody },
                http::Skip::Done { consumed } => {
                    read += consumed;
                    rest = prefix.get(read..).unwrap_or_default();
                }
                // The next request is recognised at the start of a later segment.
                http::Skip::Lost => {
                    read = prefix.len();
                    rest = &[];
                }
            }
            *reader = Reader::Http(http::HeadScanner::default());
        }
        if rest.is_empty() {
            return Step::Read { octets: clamp(read), then: Then::NextRequest };
        }
        let Reader::Http(scanner) = reader else { return Step::More };
        match scanner.parse(rest) {
            http::Parsed::NeedMore => {
                return if read == 0 {
                    Step::More
                } else {
                    Step::Read { octets: clamp(read), then: Then::NextRequest }
                };
            }
            http::Parsed::Reject(error) => {
                if let Some(head) = http::partial_head(rest) {
                    emit::request(&head, from, cx);
                }
                cx.counters.bump(error.counter());
                return Step::Not(None);
            }
            http::Parsed::Head(head) => {
                emit::request(&head, from, cx);
                *reader = Reader::Http(http::HeadScanner::default());
                read = read.saturating_add(head.head_len);
                match head.body {
                    http::Body::None => {}
                    // A client waits for the proxy's answer; what does not is not looked into.
                    http::Body::Tunnel if read < prefix.len() => {
                        return Step::Read { octets: clamp(read), then: Then::Nothing };
                    }
                    http::Body::Tunnel => {
                        *reader = Reader::Undecided;
                        return Step::Read { octets: clamp(read), then: Then::Tunnel };
                    }
                    // What claims to be longer than half the sequence space is no upload but a mistake.
                    http::Body::Length(n) if n > i32::MAX as u64 => {
                        return Step::Read { octets: clamp(prefix.len()), then: Then::NextRequest };
                    }
                    http::Body::Length(n) => read = read.saturating_add(usize::try_from(n).unwrap_or(usize::MAX)),
                    http::Body::Chunked => {
                        *reader = Reader::HttpBody(http::BodySkipper::new(head.body));
                        continue;
                    }
                    // The next request is recognised at the start of a later segment.
                    http::Body::Unknown => {
                        return Step::Read { octets: clamp(read.max(prefix.len())), then: Then::NextRequest };
                    }
                }
                if read < prefix.len() && http::probe(&prefix[read..]) == http::Probe::No {
                    return Step::Read { octets: clamp(prefix.len()), then: Then::NextRequest };
                }
            }
        }
    }
}

/// A distance in sequence numbers: half the sequence space at most, beyond which before and after change places.
fn clamp(octets: usize) -> u32 {
    octets.min(i32::MAX as usize) as u32
}

/// Reads what can be read of a stream that will never be complete.
pub(crate) fn read_partial<S: ObservationSink>(reader: &Reader, prefix: &[u8], from: &Source, cx: &mut Context<'_, S>) {
    match reader {
        Reader::TlsRecord => {
            if let Some(hello) = prefix.get(tls::RECORD_HEADER..).and_then(tls::walk_partial) {
                cx.counters.bump(Counter::HellosPartial);
                emit::hello(&hello, Proto::Tls, u32::from(hello.version), from, cx);
            }
        }
        Reader::TlsRecords { reader, .. } => {
            if let Some(hello) = reader.partial() {
                cx.counters.bump(Counter::HellosPartial);
                emit::hello(&hello, Proto::Tls, u32::from(hello.version), from, cx);
            }
        }
        Reader::Http(_) => {
            if let Some(head) = http::partial_head(prefix) {
                emit::request(&head, from, cx);
            }
        }
        Reader::Dns => {
            // The question of a message whose end is missing is as good as any.
            if let Some(message) = dns::tcp::messages(prefix).partial() {
                emit::dns_message(message, from, cx);
            }
        }
        Reader::HttpBody(_) | Reader::Undecided => {}
    }
}

/// Reads octets behind a gap that was never filled, if a hello, a request or a DNS message begins there.
pub(crate) fn read_behind_gap<S: ObservationSink>(part: &[u8], is_dns: bool, from: &Source, cx: &mut Context<'_, S>) {
    let mut reader = match is_dns {
        true if begins_dns(part) => Reader::Dns,
        false if begins(part, cx.scope) => Reader::Undecided,
        _ => return,
    };
    let read = match read(&mut reader, part, from, cx) {
        Step::More => 0,
        Step::Read { octets, then: Then::NextMessage | Then::NextRequest } => octets as usize,
        Step::Read { .. } | Step::Not(_) => return,
    };
    read_partial(&reader, part.get(read..).unwrap_or_default(), from, cx);
}
