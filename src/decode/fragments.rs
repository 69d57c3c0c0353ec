//! The bounded table in which IP fragments wait for each other.
//!
//! A datagram keeps the octets that arrived, in the order in which they arrived, and a sorted list of where they belong;
//! memory therefore follows what was received and not what a header claims. Where fragments overlap, the octets seen
//! first are kept and the event is counted, whichever policy the two ends have: what differs between the copies cannot
//! be told from here. When the table is full the oldest datagram goes; when one has waited too long in packet time it
//! goes too. Both are counted in fragments.

use crate::model::{Addr, Counter, Counters, Timestamp};
use hashbrown::HashMap;

/// Bounds of the fragment table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Datagrams that may be incomplete at once; at least 1.
    pub max_datagrams: usize,
    /// Octets of fragments held at once.
    pub max_bytes: usize,
    /// How long the first fragment waits for the last, in nanoseconds of packet time.
    pub timeout_ns: u64,
}

impl Default for Limits {
    /// 4,096 datagrams, 16 MiB, 30 seconds (Linux's default; RFC 8200 allows 60).
    fn default() -> Self {
        Limits { max_datagrams: 4096, max_bytes: 16 << 20, timeout_ns: 30_000_000_000 }
    }
}

/// Separate stretches of octets in one datagram. 64 KiB in fragments of 1,400 octets has 47 of them, and as many
/// stretches only if every other one comes first.
const MAX_PIECES: usize = 128;
/// The largest datagram (RFC 791 section 3.1).
const MAX_DATAGRAM: u32 = 65_535;
/// Buffers kept for the next datagrams, and the largest worth keeping.
const MAX_SPARE_BUFFERS: usize = 64;
const MAX_SPARE_CAPACITY: usize = 16 << 10;
/// No entry, in the list by age.
const NONE: usize = usize::MAX;

/// What fragments of one datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5), and the context of VLANs
/// and tunnels in which they were seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) id: u32,
    pub(super) protocol: u8,
    pub(super) context: u32,
}

/// One fragment.
#[derive(Debug)]
pub(super) struct Fragment<'a> {
    pub(super) key: Key,
    /// The protocol its own header tells; the one at offset zero counts.
    pub(super) protocol: u8,
    /// Where it belongs, in octets.
    pub(super) offset: u32,
    /// Whether it is not the last.
    pub(super) more: bool,
    pub(super) octets: &'a [u8],
}

/// What became of a fragment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// It was stored, or refused and counted.
    Waiting,
    /// It was the missing one: [`Fragments::take_assembled`] has the datagram's payload, and this is its protocol.
    Complete(u8),
}

/// A stretch of octets that have arrived: `start..end` in the datagram, from `at` in the buffer.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    end: u32,
    at: u32,
}

/// An incomplete datagram.
#[derive(Debug)]
struct Datagram {
    key: Key,
    first_seen: Timestamp,
    /// Known once the fragment at offset zero has come.
    protocol: Option<u8>,
    /// Known once the last fragment has come.
    total: Option<u32>,
    /// Octets in order of arrival.
    buffer: Vec<u8>,
    /// Where they belong: sorted, not overlapping.
    pieces: Vec<Piece>,
    fragments: u32,
    older: usize,
    newer: usize,
}

/// The table.
#[derive(Debug)]
pub(super) struct Fragments {
    limits: Limits,
    index: HashMap<Key, usize, foldhash::fast::RandomState>,
    datagrams: Vec<Datagram>,
    /// Places in `datagrams` that are not in use.
    free: Vec<usize>,
    oldest: usize,
    newest: usize,
    bytes: usize,
    fragments: usize,
    assembled: Vec<u8>,
    spare_buffers: usize,
}

impl Fragments {
    pub(super) fn new(limits: Limits) -> Fragments {
        Fragments {
            limits,
            index: HashMap::default(),
            datagrams: Vec::new(),
            free: Vec::new(),
            oldest: NONE,
            newest: NONE,
            bytes: 0,
            fragments: 0,
            assembled: Vec::new(),
            spare_buffers: 0,
        }
    }

    pub(super) fn datagrams(&self) -> usize {
        self.index.len()
    }

    pub(super) fn fragments(&self) -> usize {
        self.fragments
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Swaps the datagram that was completed last into `into`, whose own buffer is used for the next.
    pub(super) fn take_assembled(&mut self, into: &mut Vec<u8>) {
        std::mem::swap(&mut self.assembled, into);
    }

    /// Adds a fragment.
    pub(super) fn insert(&mut self, now: Timestamp, fragment: Fragment<'_>, counters: &mut Counters) -> Outcome {
        self.expire(now, counters);
        let length = fragment.octets.len();
        let end = u32::try_from(length).unwrap_or(u32::MAX).saturating_add(fragment.offset);
        let uneven = fragment.more && !length.is_multiple_of(8);
        if length == 0 || uneven || end > MAX_DATAGRAM || length > self.limits.max_bytes {
            counters.bump(Counter::FragmentsInvalid);
            return Outcome::Waiting;
        }
        while self.bytes + length > self.limits.max_bytes {
            self.remove(self.oldest, Some(Counter::FragmentsEvicted), counters);
        }
        let at = match self.index.get(&fragment.key) {
            Some(at) => *at,
            None => self.begin(fragment.key, now, counters),
        };
        let Some(datagram) = self.datagrams.get_mut(at) else { return Outcome::Waiting };
        let before = datagram.buffer.len();
        match datagram.add(&fragment, end) {
            Ok(overlapped) => {
                if overlapped {
                    counters.bump(Counter::FragmentsOverlap);
                }
                self.fragments += 1;
                self.bytes += datagram.buffer.len() - before;
            }
            Err(Refused) => {
                counters.bump(Counter::FragmentsInvalid);
                return Outcome::Waiting;
            }
        }
        match datagram.complete() {
            Some(protocol) => {
                datagram.assemble(&mut self.assembled);
                self.remove(at, None, counters);
                counters.bump(Counter::FragmentsReassembled);
                Outcome::Complete(protocol)
            }
            None => Outcome::Waiting,
        }
    }

    /// Gives up the datagrams whose first fragment came too long before `now`.
    pub(super) fn expire(&mut self, now: Timestamp, counters: &mut Counters) {
        while let Some(datagram) = self.datagrams.get(self.oldest) {
            if now.nanos_since(datagram.first_seen) <= self.limits.timeout_ns {
                break;
            }
            self.remove(self.oldest, Some(Counter::FragmentsExpired), counters);
        }
    }

    /// Makes an empty entry, which is the newest; the oldest goes if there is no place.
    fn begin(&mut self, key: Key, now: Timestamp, counters: &mut Counters) -> usize {
        while self.index.len() >= self.limits.max_datagrams.max(1) {
            self.remove(self.oldest, Some(Counter::FragmentsEvicted), counters);
        }
        let at = self.free.pop().unwrap_or(self.datagrams.len());
        match self.datagrams.get_mut(at) {
            Some(reused) => {
                if reused.buffer.capacity() > 0 {
                    self.spare_buffers -= 1;
                }
                reused.restart(key, now, self.newest);
            }
            None => self.datagrams.push(Datagram::new(key, now, self.newest)),
        }
        match self.datagrams.get_mut(self.newest) {
            Some(before) => before.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
        self.index.insert(key, at);
        at
    }

    /// Takes an entry out of the table and, if a reason is given, counts its fragments as lost.
    fn remove(&mut self, at: usize, lost: Option<Counter>, counters: &mut Counters) {
        let Some(datagram) = self.datagrams.get_mut(at) else { return };
        if let Some(reason) = lost {
            counters.add(reason, u64::from(datagram.fragments));
        }
        self.index.remove(&datagram.key);
        self.bytes -= datagram.buffer.len();
        self.fragments -= datagram.fragments as usize;
        datagram.buffer.clear();
        datagram.pieces.clear();
        if self.spare_buffers >= MAX_SPARE_BUFFERS || datagram.buffer.capacity() > MAX_SPARE_CAPACITY {
            datagram.buffer = Vec::new();
            datagram.pieces = Vec::new();
        } else if datagram.buffer.capacity() > 0 {
            self.spare_buffers += 1;
        }
        let (older, newer) = (datagram.older, datagram.newer);
        match self.datagrams.get_mut(older) {
            Some(d) => d.newer = newer,
            None => self.oldest = newer,
        }
        match self.datagrams.get_mut(newer) {
            Some(d) => d.older = older,
            None => self.newest = older,
        }
        self.free.push(at);
    }
}

/// A fragment that contradicts those before it, or is one too many.
struct Refused;

impl Datagram {
    fn new(key: Key, now: Timestamp, older: usize) -> Datagram {
        Datagram {
            key,
            first_seen: now,
            protocol: None,
            total: None,
            buffer: Vec::new(),
            pieces: Vec::new(),
            fragments: 0,
            older,
            newer: NONE,
        }
    }

    /// A new datagram in an old one's place, with its empty buffers.
    fn restart(&mut self, key: Key, now: Timestamp, older: usize) {
        let (buffer, pieces) = (std::mem::take(&mut self.buffer), std::mem::take(&mut self.pieces));
        *self = Datagram { buffer, pieces, ..Datagram::new(key, now, older) };
    }

    /// Stores those octets of a fragment that nobody sent before. Tells whether there were others.
    fn add(&mut self, fragment: &Fragment<'_>, end: u32) -> Result<bool, Refused> {
        let start = fragment.offset;
        let reached = self.pieces.last().map_or(0, |p| p.end);
        let beyond = self.total.is_some_and(|total| end > total);
        let another_end = !fragment.more && (reached > end || self.total.is_some_and(|total| end != total));
        if beyond || another_end || self.pieces.len() >= MAX_PIECES {
            return Err(Refused);
        }
        if !fragment.more {
            self.total = Some(end);
        }
        if start == 0 && self.protocol.is_none() {
            self.protocol = Some(fragment.protocol);
        }
        self.fragments += 1;
        let mut overlapped = false;
        let mut cursor = start;
        let mut i = self.pieces.partition_point(|p| p.end <= start);
        while cursor < end {
            match self.pieces.get(i) {
                Some(piece) if piece.start <= cursor => {
                    overlapped = true;
                    cursor = piece.end;
                    i += 1;
                }
                next => {
                    let stop = next.map_or(end, |piece| piece.start.min(end));
                    self.store(i, cursor, stop, fragment);
                    i = self.pieces.partition_point(|p| p.end <= stop);
                    cursor = stop;
                }
            }
        }
        Ok(overlapped)
    }

    /// Stores the octets `start..stop`, which nobody holds, before the piece at `i`; as part of the piece before that if
    /// they follow it both in the datagram and in the buffer.
    fn store(&mut self, i: usize, start: u32, stop: u32, fragment: &Fragment<'_>) {
        let at = self.buffer.len() as u32;
        let (from, to) = ((start - fragment.offset) as usize, (stop - fragment.offset) as usize);
        self.buffer.extend_from_slice(fragment.octets.get(from..to).unwrap_or_default());
        let before = i.checked_sub(1).and_then(|before| self.pieces.get_mut(before));
        match before {
            Some(piece) if piece.end == start && piece.at + (piece.end - piece.start) == at => piece.end = stop,
            _ => self.pieces.insert(i, Piece { start, end: stop, at }),
        }
    }

    /// The protocol, if every octet is there.
    fn complete(&self) -> Option<u8> {
        // Pieces do not overlap and none lies beyond the total, so counting octets is enough.
        let total = self.total?;
        self.protocol.filter(|_| self.buffer.len() == total as usize)
    }

    /// Writes the payload in order.
    fn assemble(&self, into: &mut Vec<u8>) {
        into.clear();
        into.reserve(self.buffer.len());
        for piece in &self.pieces {
            let (from, length) = (piece.at as usize, (piece.end - piece.start) as usize);
            into.extend_from_slice(self.buffer.get(from..from + length).unwrap_or_default());
        }
    }
}
