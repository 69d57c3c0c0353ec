//! The QUIC connections between one pair of addresses and ports, as an observer sees them: from a client's first
//! datagram to its ClientHello.
//!
//! Mostly that is one connection. A second one begins after a Retry, where keys change, when a client uses its port
//! again, and when an endpoint has several connections on one socket. The one before is set aside then, since its
//! datagrams may still come.

use std::ops::Range;

use super::QuicError;
use super::assembly::Assembly;
use super::header::LongPacket;
use super::state::{KnownKeys, State, Taken};
use super::version::{PacketType, Version};
use crate::extract::tls::{ClientHello, TlsError, walk_hello, walk_partial};
use crate::model::{Counter, Counters};

/// Buffers that a worker's connections share, so that a packet costs no allocation.
#[derive(Default)]
pub struct QuicScratch {
    /// The packet that is being opened.
    pub(super) packet: Vec<u8>,
    /// The last hello that was put together.
    pub(super) assembly: Assembly,
    /// Memory for the next ones.
    pub(super) spare: Vec<Assembly>,
}

/// Memory kept for hellos in pieces, of at most 9 KiB each.
const MAX_SPARE: usize = 32;

impl QuicScratch {
    /// Empty buffers.
    pub fn new() -> Self {
        QuicScratch::default()
    }

    /// Takes back the memory of a connection that is given up or needs no more of its hello.
    pub fn take_back(&mut self, connection: Connection) {
        self.keep(connection.current.into_assembly());
    }

    fn keep(&mut self, assembly: Assembly) {
        if self.spare.len() < MAX_SPARE {
            self.spare.extend(assembly.recycled());
        }
    }
}

impl std::fmt::Debug for QuicScratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuicScratch").finish_non_exhaustive()
    }
}

/// A ClientHello and what carried it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hello<'a> {
    /// The version of the packet that completed the hello.
    pub version: Version,
    /// The hello.
    pub hello: ClientHello<'a>,
    /// The hello with the same random was found before: it was sent again, as after a Retry (RFC 9000 section 17.2.5).
    pub repeated: bool,
}

/// What feeding a datagram led to.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The hello is not complete.
    NeedMore,
    /// The datagram completed the hello.
    Found(Hello<'a>),
    /// The datagram belongs to a connection whose hello was found or given up before; nothing in it was read.
    Done,
    /// The datagram gave nothing.
    Reject(QuicError),
}

/// Initial packets of one datagram that may fail before the rest of it is left alone, so that a datagram of many
/// false ones costs no more than a few real ones. Real datagrams have one or two.
const MAX_FAILURES: usize = 4;

/// What is kept of the connections between one pair of addresses and ports: 200 octets, and the pieces of a hello
/// while some are missing.
#[derive(Default)]
pub struct Connection {
    current: State,
    /// The connection before the current one.
    previous: Option<Box<State>>,
    /// The start of the random of the hello found last.
    found: Option<[u8; 8]>,
}

impl Connection {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Connection::default()
    }

    /// Takes a datagram, from the client as far as the caller can tell, in whatever order datagrams come.
    ///
    /// Counts the keys derived, the Initial packets that no keys open, and those with damaged headers or frames;
    /// names and hellos are the caller's to count. An Initial packet costs at most one key derivation, two where the
    /// version changes together with the connection ID; one of a finished connection costs none and is not opened.
    pub fn feed<'s>(&mut self, datagram: &[u8], scratch: &'s mut QuicScratch, counters: &mut Counters) -> Progress<'s> {
        let (mut opened, mut skipped, mut failures) = (false, false, 0);
        let mut rest = datagram;
        while !rest.is_empty() && failures < MAX_FAILURES {
            let (packet, after) = match LongPacket::split(rest) {
                Ok(split) => split,
                // 1-RTT packets, padding or junk may follow.
                Err(_) if rest.len() < datagram.len() => break,
                Err(error) => {
                    if error == QuicError::Malformed {
                        counters.bump(Counter::QuicMalformed);
                    }
                    return Progress::Reject(error);
                }
            };
            rest = after;
            if packet.packet_type != PacketType::Initial {
                continue;
            }
            match self.take_initial(&packet, scratch, counters) {
                Taken::NotOpened => {
                    counters.bump(Counter::QuicNotDecrypted);
                    failures += 1;
                }
                Taken::Finished => skipped = true,
                Taken::NeedMore => opened = true,
                Taken::InFrame(range) => return self.found(packet.version, Some(range), scratch),
                Taken::Assembled => {
                    let before = std::mem::replace(&mut scratch.assembly, self.current.take_assembly());
                    scratch.keep(before);
                    return self.found(packet.version, None, scratch);
                }
                Taken::Refused(error) => {
                    self.current.finish();
                    return Progress::Reject(error.into());
                }
            }
        }
        if opened {
            Progress::NeedMore
        } else if skipped {
            Progress::Done
        } else if failures > 0 {
            Progress::Reject(QuicError::NotDecrypted)
        } else if self.current.is_finished() {
            Progress::Done
        } else {
            Progress::NeedMore
        }
    }

    /// What an incomplete hello tells, if all of it up to the end of its server name is there: for a connection that
    /// ended or lost a datagram.
    pub fn partial(&self) -> Option<Hello<'_>> {
        let (version, prefix) = self.current.unfinished()?;
        let hello = walk_partial(prefix)?;
        Some(Hello { version, hello, repeated: self.found.is_some() && self.found == random(prefix) })
    }

    /// Whether a packet was ever opened: before that the datagrams may be anything.
    pub fn is_confirmed(&self) -> bool {
        self.current.was_opened()
    }

    /// Whether the hello of the current connection was found or given up.
    pub fn is_done(&self) -> bool {
        self.current.is_finished()
    }

    /// Octets of memory held beside the connection itself.
    pub fn buffered(&self) -> usize {
        let previous = self.previous.as_ref().map_or(0, |state| size_of::<State>() + state.buffered());
        self.current.buffered() + previous
    }

    fn take_initial(&mut self, packet: &LongPacket<'_>, scratch: &mut QuicScratch, counters: &mut Counters) -> Taken {
        if !self.current.owns(&packet.dcid)
            && let Some(previous) = &mut self.previous
            && previous.owns(&packet.dcid)
        {
            std::mem::swap(&mut self.current, previous);
        }
        let owned = self.current.owns(&packet.dcid);
        if owned && self.current.is_finished() {
            return Taken::Finished;
        }
        let mut opened = self.current.open(packet, &mut scratch.packet, counters);
        if opened.is_none() && !owned {
            let own = KnownKeys::derive(packet.version, packet.dcid, counters);
            opened = own.open(packet, 0, &mut scratch.packet);
            if opened.is_some() {
                let before = std::mem::replace(&mut self.current, State::new(own));
                self.previous = before.was_opened().then(|| Box::new(before));
            }
        }
        match opened {
            Some(opened) => self.current.take_opened(opened, scratch, counters),
            None => Taken::NotOpened,
        }
    }

    /// Reads the hello that lies in the scratch buffers: there in the packet, or put together.
    fn found<'s>(
        &mut self,
        version: Version,
        in_packet: Option<Range<usize>>,
        scratch: &'s QuicScratch,
    ) -> Progress<'s> {
        self.current.finish();
        let message = match in_packet {
            Some(range) => scratch.packet.get(range),
            None => scratch.assembly.message(),
        };
        match message.ok_or(TlsError::Truncated).and_then(|message| Ok((walk_hello(message)?, random(message)))) {
            Ok((hello, random)) => {
                let repeated = self.found.is_some() && self.found == random;
                self.found = random;
                Progress::Found(Hello { version, hello, repeated })
            }
            Err(error) => Progress::Reject(error.into()),
        }
    }
}

/// The start of a ClientHello's random, which follows the message's header and the version.
fn random(message: &[u8]) -> Option<[u8; 8]> {
    message.get(6..)?.first_chunk().copied()
}

/// Says how far it is; keys and connection IDs are not for logs.
impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("confirmed", &self.is_confirmed())
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}
