//! From a data frame to observations: which messages are read, whose they are, and when they were.
//!
//! As on the wire, a query and the answer to it are two observations, of which the first is the visit. A response's
//! frame may repeat the query; it is passed over, because the query has a frame of its own.

use crate::capture::dnstap::{Message, MessageError, MessageType, SocketProtocol, parse};
use crate::export::metrics::{DnstapCounter, DnstapCounts};
use crate::extract::dns::DnsScratch;
use crate::flow::{Source, dns_names};
use crate::model::{Addr, Counter, Counters, EncapChain, Endpoint, ObservationSink, Proto, Scope, Timestamp};

/// A resolver's clock may differ from ours by this much, in nanoseconds, its sending's delay included. Beyond it our
/// own time is taken: packet time drives the windows of findings, and one bad clock must not close them all.
const CLOCK_TOLERANCE: u64 = 300_000_000_000;

/// Which messages are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DnstapReading {
    /// Protocols that may be inspected. Without DNS nothing is read.
    pub scope: Scope,
    /// A bit for each message type, at its number.
    types: u16,
    /// A bit for each protocol, at its number; bit 0 for those without one that is known.
    protocols: u8,
}

impl DnstapReading {
    /// Messages of these types, carried by these protocols or, if none is named, in any way.
    pub fn new(scope: Scope, types: &[MessageType], protocols: &[SocketProtocol]) -> Self {
        let protocols = match protocols {
            [] => u8::MAX,
            some => some.iter().fold(0, |bits, p| bits | 1 << *p as u8),
        };
        DnstapReading { scope, types: types.iter().fold(0, |bits, t| bits | 1 << *t as u8), protocols }
    }

    #[inline]
    const fn takes_type(&self, kind: MessageType) -> bool {
        self.types & 1 << kind as u8 != 0
    }

    #[inline]
    fn takes_protocol(&self, protocol: Option<SocketProtocol>) -> bool {
        self.protocols & 1 << protocol.map_or(0, |p| p as u8) != 0
    }
}

impl Default for DnstapReading {
    /// Subscribers' queries and the answers to them, however they were carried.
    fn default() -> Self {
        DnstapReading::new(Scope::ALL, &[MessageType::ClientQuery, MessageType::ClientResponse], &[])
    }
}

/// Reads data frames, from whatever connection they come.
#[derive(Debug)]
pub struct DnstapReader {
    reading: DnstapReading,
    scratch: DnsScratch,
    counters: Counters,
    counts: DnstapCounts,
}

impl DnstapReader {
    /// A reader that has counted nothing.
    pub fn new(reading: DnstapReading) -> Self {
        DnstapReader { reading, scratch: DnsScratch::new(), counters: Counters::new(), counts: DnstapCounts::new() }
    }

    /// What was counted of DNS messages and names, as a packet worker counts it; frames are packets here.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What was counted of dnstap.
    pub fn counts(&self) -> &DnstapCounts {
        &self.counts
    }

    /// For what connections count.
    pub(super) fn counts_mut(&mut self) -> &mut DnstapCounts {
        &mut self.counts
    }

    /// Takes the payload of one data frame, which came at `now`.
    #[inline]
    pub fn frame<S: ObservationSink>(&mut self, frame: &[u8], now: Timestamp, sink: &mut S) {
        self.counters.bump(Counter::Packets);
        self.counters.add(Counter::Bytes, frame.len() as u64);
        self.counts.bump(DnstapCounter::Frames);
        match parse(frame) {
            Ok(message) => self.message(&message, now, sink),
            Err(MessageError::Malformed) => self.counts.bump(DnstapCounter::RejectedMalformed),
            Err(MessageError::NoMessage) => self.counts.bump(DnstapCounter::RejectedEmpty),
        }
    }

    #[inline]
    fn message<S: ObservationSink>(&mut self, message: &Message<'_>, now: Timestamp, sink: &mut S) {
        self.counts.message(message.kind);
        let Some(kind) = message.kind.filter(|kind| self.reading.takes_type(*kind)) else {
            return self.counts.bump(DnstapCounter::SkippedType);
        };
        let protocol = carried_by(message);
        if !self.reading.takes_protocol(protocol) {
            return self.counts.bump(DnstapCounter::SkippedProtocol);
        }
        if !self.reading.scope.allows(Proto::Dns) {
            return self.counts.bump(DnstapCounter::SkippedScope);
        }
        let (octets, time) = if kind.is_query() {
            (message.query_message, message.query_time)
        } else {
            (message.response_message, message.response_time.or(message.query_time))
        };
        let Some(octets) = octets else { return self.counts.bump(DnstapCounter::RejectedNoDns) };
        // Who asked decides whether it is a subscriber's visit; without that it is nobody's.
        let Some(client) = message.query.addr else { return self.counts.bump(DnstapCounter::RejectedNoClient) };
        // The message itself says which side is the client, so it must not say otherwise than its frame. What is too
        // short to say anything is told apart by the parser.
        if octets.get(2).is_some_and(|flags| (flags & 0x80 == 0) != kind.is_query()) {
            return self.counts.bump(DnstapCounter::RejectedDirection);
        }
        self.counts.read(protocol);
        let ts = match time {
            Some(ts) if ts.nanos_since(now).max(now.nanos_since(ts)) <= CLOCK_TOLERANCE => ts,
            _ => {
                self.counts.bump(DnstapCounter::TimesReplaced);
                now
            }
        };
        let client = Endpoint::new(client, message.query.port);
        let server = Endpoint::new(message.response.addr.unwrap_or(Addr::v4([0; 4])), message.response.port);
        let (sender, receiver) = if kind.is_query() { (client, server) } else { (server, client) };
        let from = Source { ts, encap: EncapChain::default(), sender, receiver };
        dns_names(octets, &from, &mut self.scratch, &mut self.counters, sink);
    }
}

/// How a message was carried. Resolvers of some age (unbound 1.17, BIND 9.18) call everything TCP that is not UDP; the
/// port tells what it was (RFC 7858 section 3.1, RFC 8484 section 8.1).
#[inline]
fn carried_by(message: &Message<'_>) -> Option<SocketProtocol> {
    match (message.protocol, message.response.port) {
        (Some(SocketProtocol::Tcp), 853) => Some(SocketProtocol::Dot),
        (Some(SocketProtocol::Tcp), 443) => Some(SocketProtocol::Doh),
        (protocol, _) => protocol,
    }
}
