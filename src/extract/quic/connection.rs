//! One QUIC connection as an observer sees it, from its first datagram to its ClientHello.
//!
//! Which keys open an Initial packet (RFC 9001 section 5.2, RFC 9369 section 4):
//!
//! - The first Initial of a connection: keys from its own destination connection ID.
//! - Later ones: the same keys, although the client takes over the connection ID that the server chose.
//! - After a Retry: keys from the Retry's source connection ID, which is the packet's own destination connection ID.
//! - After a change of version by compatible negotiation: keys of the new version from the *first* connection ID.
//! - A new connection on the same addresses and ports: keys from the packet's own destination connection ID.
//!
//! So a packet is tried with the keys at hand first, and then with its own; where its own fit, everything starts
//! again. The tag decides each time, so nothing is guessed.

use std::ops::Range;

use super::QuicError;
use super::assembly::Assembly;
use super::frames::CryptoFrames;
use super::header::{ConnectionId, LongPacket};
use super::keys::{InitialKeys, Side};
use super::protection::{self, Opened};
use super::version::{PacketType, Version};
use crate::extract::tls::{ClientHello, HANDSHAKE_HEADER, TlsError, message_len, walk_hello, walk_partial};
use crate::model::{Counter, Counters};

/// Buffers that a worker's connections share, so that a packet costs no allocation.
#[derive(Default)]
pub struct QuicScratch {
    /// The packet that is being opened.
    packet: Vec<u8>,
    /// The last hello that was put together, and memory for the next.
    assembly: Assembly,
}

impl QuicScratch {
    /// Empty buffers.
    pub fn new() -> Self {
        QuicScratch::default()
    }
}

impl std::fmt::Debug for QuicScratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuicScratch").finish_non_exhaustive()
    }
}

/// A ClientHello and the version of the packets that carried it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hello<'a> {
    /// The version of the packet that completed the hello.
    pub version: Version,
    /// The hello.
    pub hello: ClientHello<'a>,
}

/// What feeding a datagram led to.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The hello is not complete.
    NeedMore,
    /// The datagram completed the hello.
    Found(Hello<'a>),
    /// The datagram belongs to a connection whose hello was found or given up before; it was not opened.
    Done,
    /// The datagram gave nothing; the connection is as it was, unless the hello itself was refused.
    Reject(QuicError),
}

/// What is kept of a connection: about 200 octets, and the pieces of its hello while some are missing.
#[derive(Default)]
pub struct Connection {
    keys: Option<KnownKeys>,
    /// The keys of the version before a change of version.
    earlier: Option<Box<KnownKeys>>,
    /// The connection ID that the server chose, once a client's packet with it was opened.
    server_cid: Option<ConnectionId>,
    /// One more than the largest packet number opened.
    expected_pn: u64,
    assembly: Assembly,
    done: bool,
}

/// Client Initial keys, and what they come from.
struct KnownKeys {
    version: Version,
    dcid: ConnectionId,
    keys: InitialKeys,
}

impl KnownKeys {
    fn derive(version: Version, dcid: ConnectionId, counters: &mut Counters) -> KnownKeys {
        counters.bump(Counter::QuicKeysDerived);
        KnownKeys { version, dcid, keys: InitialKeys::derive(version, &dcid, Side::Client) }
    }
}

/// What one Initial packet led to.
enum Taken {
    /// No keys fit.
    NotOpened,
    /// Opened, or not worth opening.
    Passed,
    /// A frame holds the whole hello, here in the scratch buffer.
    InFrame(Range<usize>),
    /// The pieces are complete.
    Assembled,
    /// The message is refused.
    Refused(TlsError),
}

impl Connection {
    /// A connection of which nothing was seen.
    pub fn new() -> Self {
        Connection::default()
    }

    /// Takes a datagram, from the client as far as the caller can tell, in whatever order datagrams come.
    ///
    /// Counts the keys derived, the Initial packets that could not be opened and those with bad headers or frames; names and hellos are
    /// the caller's to count. At most one key derivation an Initial packet, two where the version changes together
    /// with the connection ID.
    pub fn feed<'s>(&mut self, datagram: &[u8], scratch: &'s mut QuicScratch, counters: &mut Counters) -> Progress<'s> {
        let was_done = self.done;
        let (mut passed, mut not_opened) = (false, false);
        let mut rest = datagram;
        let mut taken = Taken::Passed;
        while !rest.is_empty() {
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
            taken = self.take_initial(&packet, scratch, counters);
            match taken {
                Taken::Passed => passed = true,
                Taken::NotOpened => {
                    counters.bump(Counter::QuicNotDecrypted);
                    not_opened = true;
                }
                Taken::InFrame(_) | Taken::Assembled | Taken::Refused(_) => break,
            }
        }
        let message = match taken {
            Taken::Passed | Taken::NotOpened => {
                return match (not_opened && !passed, was_done && self.done) {
                    (true, _) => Progress::Reject(QuicError::NotDecrypted),
                    (false, true) => Progress::Done,
                    (false, false) => Progress::NeedMore,
                };
            }
            Taken::Refused(error) => {
                self.finish();
                return Progress::Reject(QuicError::Hello(error));
            }
            Taken::InFrame(range) => scratch.packet.get(range),
            Taken::Assembled => {
                scratch.assembly = std::mem::take(&mut self.assembly);
                scratch.assembly.message()
            }
        };
        self.finish();
        let version = self.keys.as_ref().map_or(Version::V1, |known| known.version);
        match message.ok_or(TlsError::Truncated).and_then(walk_hello) {
            Ok(hello) => Progress::Found(Hello { version, hello }),
            Err(error) => Progress::Reject(QuicError::Hello(error)),
        }
    }

    /// What an incomplete hello tells, if all of it up to the end of its server name is there: for a connection that
    /// ended or lost a datagram.
    pub fn partial(&self) -> Option<Hello<'_>> {
        let version = self.keys.as_ref()?.version;
        walk_partial(self.assembly.prefix()).map(|hello| Hello { version, hello })
    }

    /// Whether a packet was opened: before that the datagrams may be anything.
    pub fn is_confirmed(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether the hello was found or given up.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Octets of memory held beside the connection itself.
    pub fn buffered(&self) -> usize {
        self.assembly.buffered() + if self.earlier.is_some() { size_of::<KnownKeys>() } else { 0 }
    }

    fn finish(&mut self) {
        self.done = true;
        self.assembly = Assembly::default();
    }

    fn take_initial(&mut self, packet: &LongPacket<'_>, scratch: &mut QuicScratch, counters: &mut Counters) -> Taken {
        if self.done && self.owns(&packet.dcid) {
            return Taken::Passed;
        }
        let Some(opened) = self.open(packet, &mut scratch.packet, counters) else { return Taken::NotOpened };
        self.expected_pn = self.expected_pn.max(opened.packet_number + 1);
        if self.done {
            return Taken::Passed;
        }
        let start = opened.payload.start;
        let payload = scratch.packet.get(opened.payload).unwrap_or(&[]);
        for frame in CryptoFrames::new(payload) {
            let Ok(frame) = frame else {
                counters.bump(Counter::QuicMalformed);
                break;
            };
            if frame.offset == 0
                && let Some(header) = frame.data.first_chunk::<HANDSHAKE_HEADER>()
            {
                match message_len(*header) {
                    Ok(len) if len <= frame.data.len() => {
                        let at = start + (frame.data.as_ptr().addr() - payload.as_ptr().addr());
                        return Taken::InFrame(at..at + len);
                    }
                    Ok(_) => {}
                    Err(error) => return Taken::Refused(error),
                }
            }
            if self.assembly.is_unused() {
                self.assembly = std::mem::take(&mut scratch.assembly).recycled();
            }
            match self.assembly.insert(frame.offset, frame.data) {
                Ok(()) if self.assembly.message().is_some() => return Taken::Assembled,
                Ok(()) => {}
                Err(error) => return Taken::Refused(error),
            }
        }
        Taken::Passed
    }

    /// Whether this connection ID is known to lead to this connection.
    fn owns(&self, dcid: &ConnectionId) -> bool {
        self.keys.as_ref().is_some_and(|known| known.dcid == *dcid) || self.server_cid.as_ref() == Some(dcid)
    }

    /// Opens a packet with the keys at hand or with its own; see the head of this file.
    fn open(&mut self, packet: &LongPacket<'_>, buffer: &mut Vec<u8>, counters: &mut Counters) -> Option<Opened> {
        let attempt = |known: &KnownKeys, expected, buffer: &mut Vec<u8>| {
            protection::open(&known.keys, packet.bytes, packet.pn_at, expected, buffer)
        };
        if let Some(known) = &mut self.keys {
            let opened = if known.version == packet.version {
                attempt(known, self.expected_pn, buffer)
            } else {
                let mut other = match self.earlier.take() {
                    Some(earlier) if earlier.version == packet.version => earlier,
                    _ => Box::new(KnownKeys::derive(packet.version, known.dcid, counters)),
                };
                let opened = attempt(&other, self.expected_pn, buffer);
                if opened.is_some() {
                    std::mem::swap(known, &mut other);
                }
                self.earlier = Some(other);
                opened
            };
            if opened.is_some() {
                if known.dcid != packet.dcid {
                    self.server_cid = Some(packet.dcid);
                }
                return opened;
            }
            if self.owns(&packet.dcid) {
                return None;
            }
        }
        let own = KnownKeys::derive(packet.version, packet.dcid, counters);
        let opened = attempt(&own, 0, buffer)?;
        *self = Connection { keys: Some(own), ..Connection::default() };
        Some(opened)
    }
}

/// Says how far it is; keys and connection IDs are not for logs.
impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let version = self.keys.as_ref().map(|known| known.version);
        f.debug_struct("Connection").field("version", &version).field("done", &self.done).finish_non_exhaustive()
    }
}
