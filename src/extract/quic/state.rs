//! One connection: the keys that open its client's Initials, and the pieces of its hello.
//!
//! Which keys open an Initial packet (RFC 9001 section 5.2, RFC 9369 section 4):
//!
//! - The first one of a connection: keys from its own destination connection ID.
//! - Later ones: the same keys, although the client takes over the connection ID that the server chose.
//! - After a Retry: keys from the Retry's source connection ID, which is the packet's own destination connection ID.
//! - After a change of version by compatible negotiation: keys of the new version from the *first* connection ID.
//!
//! So a packet is tried with the keys at hand first, and then with its own; where its own fit, another connection
//! begins. The tag decides each time, so nothing is guessed.

use std::ops::Range;

use super::assembly::Assembly;
use super::connection::QuicScratch;
use super::frames::CryptoFrames;
use super::header::{ConnectionId, LongPacket};
use super::keys::{InitialKeys, Side};
use super::protection::{self, Opened};
use super::version::Version;
use crate::extract::tls::{HANDSHAKE_HEADER, TlsError, message_len};
use crate::model::{Counter, Counters};

/// Client Initial keys, and what they come from.
pub(super) struct KnownKeys {
    version: Version,
    dcid: ConnectionId,
    keys: InitialKeys,
}

impl KnownKeys {
    pub(super) fn derive(version: Version, dcid: ConnectionId, counters: &mut Counters) -> KnownKeys {
        counters.bump(Counter::QuicKeysDerived);
        KnownKeys { version, dcid, keys: InitialKeys::derive(version, &dcid, Side::Client) }
    }

    pub(super) fn open(&self, packet: &LongPacket<'_>, expected_pn: u64, buffer: &mut Vec<u8>) -> Option<Opened> {
        protection::open(&self.keys, packet.bytes, packet.pn_at, expected_pn, buffer)
    }
}

/// What one Initial packet led to.
pub(super) enum Taken {
    /// No keys fit.
    NotOpened,
    /// Of a connection whose hello was found or given up.
    Finished,
    /// Opened; pieces of the hello are missing.
    NeedMore,
    /// A frame holds the whole hello, here in the scratch packet.
    InFrame(Range<usize>),
    /// The pieces are complete.
    Assembled,
    /// The message is refused.
    Refused(TlsError),
}

/// One connection. Without keys nothing was opened yet.
#[derive(Default)]
pub(super) struct State {
    keys: Option<KnownKeys>,
    /// The keys of the version before or after the current one, where the version changed.
    other_version: Option<Box<KnownKeys>>,
    /// The connection ID that the server chose, once a client's packet with it was opened.
    server_cid: Option<ConnectionId>,
    /// One more than the largest packet number opened.
    expected_pn: u64,
    assembly: Assembly,
    finished: bool,
}

impl State {
    /// A connection that these keys opened.
    pub(super) fn new(keys: KnownKeys) -> State {
        State { keys: Some(keys), ..State::default() }
    }

    /// Whether any packet was opened.
    pub(super) fn was_opened(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether the hello was found or given up.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// The hello was found or is given up: its memory is returned.
    pub(super) fn finish(&mut self) {
        self.finished = true;
        self.assembly = Assembly::default();
    }

    /// The memory of the pieces.
    pub(super) fn into_assembly(self) -> Assembly {
        self.assembly
    }

    /// Takes the pieces out.
    pub(super) fn take_assembly(&mut self) -> Assembly {
        std::mem::take(&mut self.assembly)
    }

    /// Version and beginning of a hello that is not complete.
    pub(super) fn unfinished(&self) -> Option<(Version, &[u8])> {
        let known = self.keys.as_ref().filter(|_| !self.finished)?;
        Some((known.version, self.assembly.prefix()))
    }

    /// Octets of memory held beside the state itself.
    pub(super) fn buffered(&self) -> usize {
        self.assembly.buffered() + self.other_version.as_ref().map_or(0, |_| size_of::<KnownKeys>())
    }

    /// Whether this connection ID is known to lead to this connection.
    pub(super) fn owns(&self, dcid: &ConnectionId) -> bool {
        self.keys.as_ref().is_some_and(|known| known.dcid == *dcid) || self.server_cid.as_ref() == Some(dcid)
    }

    /// Opens a packet with the keys at hand, or with keys of its version from the same connection ID.
    pub(super) fn open(
        &mut self,
        packet: &LongPacket<'_>,
        buffer: &mut Vec<u8>,
        counters: &mut Counters,
    ) -> Option<Opened> {
        let known = self.keys.as_mut()?;
        let opened = if known.version == packet.version {
            known.open(packet, self.expected_pn, buffer)
        } else {
            let other = match &mut self.other_version {
                Some(other) if other.version == packet.version => other,
                slot => slot.insert(Box::new(KnownKeys::derive(packet.version, known.dcid, counters))),
            };
            let opened = other.open(packet, self.expected_pn, buffer);
            if opened.is_some() {
                std::mem::swap(known, other);
            }
            opened
        }?;
        if known.dcid != packet.dcid {
            self.server_cid = Some(packet.dcid);
        }
        Some(opened)
    }

    /// Takes the frames of a packet that lies opened in the scratch packet.
    pub(super) fn take_opened(&mut self, opened: Opened, scratch: &mut QuicScratch, counters: &mut Counters) -> Taken {
        self.expected_pn = self.expected_pn.max(opened.packet_number + 1);
        if self.finished {
            return Taken::Finished;
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
                        let at = start + frame.at;
                        return Taken::InFrame(at..at + len);
                    }
                    Ok(_) => {}
                    Err(error) => return Taken::Refused(error),
                }
            }
            if self.assembly.is_unused() {
                self.assembly = scratch.spare.pop().unwrap_or_default();
            }
            match self.assembly.insert(frame.offset, frame.data) {
                Ok(()) if self.assembly.message().is_some() => return Taken::Assembled,
                Ok(()) => {}
                Err(error) => return Taken::Refused(error),
            }
        }
        Taken::NeedMore
    }
}
