//! TCP: which octets of which stream are read, and when a stream is left alone.
//!
//! A stream's start is known from its SYN (or the SYN-ACK's acknowledgement); otherwise the first segment seen that
//! begins like a hello or a request is taken for it. A hello's second half may come before its first, even when no
//! SYN was seen: a few unexplained segments of an unknown stream are therefore kept until a start turns up
//! ("unanchored"), and dropped soon after. A stream that is none of the protocols keeps its place in the flow table,
//! so that the rest of it passes at the price of one look-up, but holds no buffer; a hello (STARTTLS) or a request that
//! begins one of its later segments is read all the same. Octets behind a gap are read when the gap is given up, if
//! something begins right there.

use super::Context;
use super::assembly::{Assembly, Inserted};
use super::foresight::Foreseen;
use super::key::Direction;
use super::pool::{NO_BUFFER, Stream, StreamPool};
use super::reader::{self, Reader, Source, Start, Step, Then};
use super::table::{Entry, FlowTable, Half};
use crate::model::{Counter, ObservationSink, Packet, TcpFlags, TcpSegment, Timestamp};

/// IP protocol number of TCP.
pub(super) const TCP: u8 = 6;

/// Segments of an unknown stream that are kept in the hope that its start comes late.
const MAX_UNANCHORED: u8 = 4;

/// The TCP half of a tracker: the table that it shares with QUIC, and the stream buffers.
pub(super) struct Streams {
    pub(super) pool: StreamPool,
    /// A buffer untouched for this long is given up, in nanoseconds.
    pub(super) timeout_ns: u64,
    sweep_at: usize,
}

/// Where a segment stands: its flow's entry, its direction, and what emission needs.
#[derive(Clone, Copy)]
struct At<'p> {
    entry: usize,
    direction: Direction,
    packet: &'p Packet<'p>,
    dns: bool,
}

impl Streams {
    /// Slots looked at in one sweep: ten sweeps a second see the whole default pool in about a second.
    const SWEEP_SLOTS: usize = 2048;

    pub(super) fn new(pool: StreamPool, timeout_ns: u64) -> Self {
        Streams { pool, timeout_ns, sweep_at: 0 }
    }

    /// One segment.
    pub(super) fn segment<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        packet: &Packet<'_>,
        segment: &TcpSegment<'_>,
        dns: bool,
        &Foreseen { key, direction, hash, .. }: &Foreseen,
        cx: &mut Context<'_, S>,
    ) {
        let flags = segment.flags;
        let marks = flags.has(TcpFlags::SYN | TcpFlags::RST | TcpFlags::FIN);
        let found = table.find(&key, TCP, hash, packet.ts);
        if let Some(index) = found
            && !marks
            && matches!(table.entry(index).halves[direction], Half::Done | Half::DoneAnywhere)
            && !reader::begins(segment.payload, cx.scope)
        {
            // Bulk data, the most of all segments: nothing is held of this direction, and nothing begins here.
            return;
        }
        if found.is_none() && segment.payload.is_empty() && !flags.has(TcpFlags::SYN) {
            return;
        }
        let entry = match found {
            Some(index) => index,
            None => {
                let (index, evicted) = table.insert(key, TCP, hash, packet.ts, cx.counters);
                match evicted {
                    // At once: the buffer must not be given to another stream first.
                    Some(old) if old.protocol == TCP => self.release(&old, cx),
                    Some(old) => cx.evicted.push(old),
                    None => {}
                }
                index
            }
        };
        let at = At { entry, direction, packet, dns };

        let mut seq = segment.seq;
        if flags.has(TcpFlags::SYN) {
            self.open(table, at, segment, cx);
            seq = seq.wrapping_add(1);
        }
        if !segment.payload.is_empty() {
            self.payload(table, at, seq, segment.payload, cx);
        }
        // Octets make a stream grow, and so does a SYN that puts its start further back.
        self.make_room(table, StreamPool::is_over_budget, cx);
        let closes = flags.has(TcpFlags::FIN | TcpFlags::RST);
        if packet.truncated || closes {
            let end = seq.wrapping_add(segment.payload.len() as u32);
            self.cut(table, at, end, flags.has(TcpFlags::RST), cx);
        }
    }

    /// Gives back the buffers of a flow that lost its place in the table, reading what can still be read.
    pub(super) fn release<S: ObservationSink>(&mut self, old: &Entry, cx: &mut Context<'_, S>) {
        for direction in 0..2 {
            self.finish_stream(old, direction, cx);
        }
    }

    /// A SYN or SYN-ACK tells where the streams begin.
    fn open<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        segment: &TcpSegment<'_>,
        cx: &mut Context<'_, S>,
    ) {
        let first = segment.seq.wrapping_add(1);
        let entry = *table.entry(at.entry);
        let from_server = segment.flags.has(TcpFlags::ACK);
        self.anchor(&entry, at.direction, first);
        if from_server {
            self.anchor(&entry, 1 - at.direction, segment.ack);
        }
        if entry.halves[at.direction] != Half::Unseen && self.begins_at(&entry, at.direction, first) {
            return;
        }
        if !from_server || matches!(entry.halves[1 - at.direction], Half::Unseen) {
            // A new connection, on ports that an older one may have used.
            if entry.halves != [Half::Unseen; 2] {
                for direction in 0..2 {
                    self.finish_stream(&entry, direction, cx);
                }
                table.entry(at.entry).reset();
            }
        } else {
            // A server's new beginning while the client's goes on: what is held of the server's belongs to neither.
            self.finish_stream(&entry, at.direction, cx);
        }
        let entry = table.entry(at.entry);
        let (own, other) = (at.direction, 1 - at.direction);
        entry.next[own] = first;
        entry.buffers[own] = NO_BUFFER;
        entry.halves[own] = if from_server && !at.dns { Half::DoneAnywhere } else { Half::Expecting };
        if entry.halves[other] == Half::Unseen {
            if from_server {
                entry.halves[other] = Half::Expecting;
                entry.next[other] = segment.ack;
            } else if !at.dns {
                entry.halves[other] = Half::DoneAnywhere;
            }
        }
    }

    /// A start that comes after segments of its stream: they were kept in this hope.
    fn anchor(&mut self, entry: &Entry, direction: Direction, first: u32) {
        if entry.halves[direction] == Half::Reading {
            self.pool.with(entry.buffers[direction], |s| {
                if s.unanchored > 0 && s.assembly.base().wrapping_sub(first) <= Assembly::WINDOW {
                    s.assembly.rebase(first);
                    s.unanchored = 0;
                }
            });
        }
    }

    /// Whether the direction's stream is the one whose first octet is `first`: then a SYN is a repetition.
    fn begins_at(&self, entry: &Entry, direction: Direction, first: u32) -> bool {
        match entry.halves[direction] {
            Half::Unseen => false,
            Half::DoneAnywhere => entry.next[direction] == first,
            Half::Expecting => entry.next[direction] == first,
            Half::Reading => self
                .pool
                .get(entry.buffers[direction] as usize)
                .is_some_and(|s| s.assembly.base().wrapping_sub(first) <= Assembly::WINDOW),
            Half::BetweenRequests | Half::BetweenMessages | Half::BeforeTunnel | Half::Done => {
                entry.next[direction].wrapping_sub(first) <= Assembly::WINDOW
            }
        }
    }

    fn payload<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        seq: u32,
        payload: &[u8],
        cx: &mut Context<'_, S>,
    ) {
        let entry = table.entry(at.entry);
        let next = entry.next[at.direction];
        let ahead = seq.wrapping_sub(next) as i32;
        match entry.halves[at.direction] {
            Half::Done | Half::DoneAnywhere => {
                // Octets from before `next` are a repetition, unless they are so far away that they cannot be.
                let new = ahead >= 0 || ahead.unsigned_abs() > Assembly::WINDOW;
                if (new || entry.halves[at.direction] == Half::DoneAnywhere) && reader::begins(payload, cx.scope) {
                    self.start(table, at, seq, payload, Reader::Undecided, cx);
                }
            }
            Half::Reading => self.extend(table, at, seq, payload, cx),
            Half::Unseen => self.unknown(table, at, seq, payload, cx),
            Half::Expecting | Half::BetweenMessages | Half::BetweenRequests | Half::BeforeTunnel => {
                let reader = match entry.halves[at.direction] {
                    Half::BetweenMessages => Reader::Dns,
                    Half::Expecting if at.dns => Reader::Dns,
                    _ => Reader::Undecided,
                };
                if ahead < 0 {
                    // Repeated octets; what goes beyond them is new.
                    let Some(rest) = payload.get(ahead.unsigned_abs() as usize..).filter(|r| !r.is_empty()) else {
                        return;
                    };
                    self.in_order(table, at, next, rest, reader, cx);
                } else if ahead == 0 {
                    self.in_order(table, at, seq, payload, reader, cx);
                } else if (ahead as u32) < Assembly::WINDOW {
                    self.hold(table, at, next, seq, payload, reader, 0, cx);
                } else {
                    self.unknown(table, at, seq, payload, cx);
                }
            }
        }
    }

    /// The next octets of a stream with nothing held.
    fn in_order<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        seq: u32,
        payload: &[u8],
        reader: Reader,
        cx: &mut Context<'_, S>,
    ) {
        let entry = table.entry(at.entry);
        if entry.halves[at.direction] == Half::BetweenRequests && !reader::may_begin_request(payload) {
            // The body of a request whose length was not told, or something that took over the connection.
            entry.next[at.direction] = seq.wrapping_add(payload.len() as u32);
            if reader::begins(payload, cx.scope) {
                self.start(table, at, seq, payload, Reader::Undecided, cx);
            }
            return;
        }
        self.start(table, at, seq, payload, reader, cx);
    }

    /// Payload of a flow whose start was not seen.
    fn unknown<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        seq: u32,
        payload: &[u8],
        cx: &mut Context<'_, S>,
    ) {
        if at.dns {
            if reader::begins_dns(payload) {
                self.start(table, at, seq, payload, Reader::Dns, cx);
            }
            return;
        }
        match reader::classify(payload, cx.scope) {
            Start::Tls | Start::Http => {
                let other = &mut table.entry(at.entry).halves[1 - at.direction];
                if *other == Half::Unseen {
                    *other = Half::DoneAnywhere;
                }
                self.start(table, at, seq, payload, Reader::Undecided, cx);
            }
            Start::Unclear | Start::Nothing => self.hold(table, at, seq, seq, payload, Reader::Undecided, 1, cx),
        }
    }

    /// Octets that begin a stream (or its next message) at `seq`: read straight from the packet if they suffice.
    fn start<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        seq: u32,
        payload: &[u8],
        mut reader: Reader,
        cx: &mut Context<'_, S>,
    ) {
        let step = reader::read(&mut reader, payload, &source(at), cx);
        match step {
            Step::More => self.hold(table, at, seq, seq, payload, reader, 0, cx),
            Step::Read { octets, then } => {
                let next = seq.wrapping_add(octets);
                let rest = payload.get(octets as usize..).filter(|r| !r.is_empty());
                match (rest, then) {
                    (_, Then::RestOfBody) => self.hold(table, at, next, next, &[], reader, 0, cx),
                    (Some(rest), Then::NextMessage) => self.hold(table, at, next, next, rest, Reader::Dns, 0, cx),
                    (Some(rest), Then::NextRequest) => self.hold(table, at, next, next, rest, reader, 0, cx),
                    _ => set(table, at, then.half(), next),
                }
            }
            Step::Not(reason) => {
                if let Some(reason) = reason {
                    cx.counters.bump(reason);
                }
                set(table, at, Half::Done, seq.wrapping_add(payload.len() as u32));
            }
        }
    }

    /// Ends streams before their time for as long as the pool `lacks` room.
    fn make_room<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        lacks: impl Fn(&StreamPool) -> bool,
        cx: &mut Context<'_, S>,
    ) {
        while lacks(&self.pool) {
            let Some(victim) = self.pool.victim() else { break };
            cx.counters.bump(Counter::StreamBuffersEvicted);
            self.give_up(table, victim, cx);
        }
    }

    /// Takes a buffer for a stream whose first wanted octet is `base`, and puts a segment in it.
    #[allow(clippy::too_many_arguments, reason = "one private call site a case; a struct would only rename them")]
    fn hold<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        base: u32,
        seq: u32,
        payload: &[u8],
        reader: Reader,
        unanchored: u8,
        cx: &mut Context<'_, S>,
    ) {
        self.make_room(table, StreamPool::is_spent, cx);
        let Some(index) = self.pool.take(at.entry, at.direction, base) else {
            cx.counters.bump(Counter::StreamBuffersEvicted);
            set(table, at, Half::DoneAnywhere, seq);
            return;
        };
        let entry = table.entry(at.entry);
        entry.halves[at.direction] = Half::Reading;
        entry.buffers[at.direction] = index;
        self.pool.with(index, |s| {
            s.reader = reader;
            s.unanchored = unanchored;
            s.touched = at.packet.ts;
            s.encap = at.packet.encap;
            s.assembly.insert(seq, payload);
        });
    }

    /// Another segment of a stream that is being read.
    fn extend<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        seq: u32,
        payload: &[u8],
        cx: &mut Context<'_, S>,
    ) {
        let index = table.entry(at.entry).buffers[at.direction];
        let from = source(at);
        let scope = cx.scope;
        let advanced = self.pool.with(index, |s| {
            s.touched = at.packet.ts;
            s.encap = at.packet.encap;
            if s.unanchored > 0 {
                if matches!(reader::classify(payload, scope), Start::Tls | Start::Http) {
                    s.assembly.rebase(seq);
                    s.unanchored = 0;
                } else if (seq.wrapping_sub(s.assembly.base()) as i32) < 0 {
                    s.assembly.rebase(seq);
                }
            }
            let before = s.assembly.prefix().len();
            match s.assembly.insert(seq, payload) {
                Inserted::Outside => return Advanced::Leave(Some(Counter::StreamTooLong)),
                Inserted::Nothing => {
                    cx.counters.bump(Counter::TcpOverlap);
                    return Advanced::Wait;
                }
                Inserted::New { overlap } => {
                    if overlap {
                        cx.counters.bump(Counter::TcpOverlap);
                    }
                }
            }
            if s.unanchored > 0 {
                match reader::classify(s.assembly.prefix(), scope) {
                    Start::Tls | Start::Http => s.unanchored = 0,
                    // A start in very small segments, which become clear soon.
                    Start::Unclear if s.assembly.prefix().len() > before => return Advanced::Wait,
                    _ if s.unanchored < MAX_UNANCHORED => {
                        s.unanchored += 1;
                        return Advanced::Wait;
                    }
                    _ => return Advanced::Leave(Some(Counter::StreamUnknown)),
                }
            } else if s.assembly.prefix().len() == before {
                return Advanced::Wait;
            }
            advance(s, &from, cx)
        });
        let too_long = matches!(advanced, Some(Advanced::Leave(Some(Counter::StreamTooLong))));
        self.settle(table, at, advanced.unwrap_or(Advanced::Leave(None)), cx);
        if too_long && !at.dns && reader::begins(payload, cx.scope) {
            self.start(table, at, seq, payload, Reader::Undecided, cx);
        }
    }

    /// Acts on what became of a stream's buffer.
    fn settle<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        advanced: Advanced,
        cx: &mut Context<'_, S>,
    ) {
        match advanced {
            Advanced::Wait => {}
            Advanced::Done { half, next } => {
                self.pool.release(table.entry(at.entry).buffers[at.direction]);
                set(table, at, half, next);
            }
            Advanced::Leave(reason) => {
                let entry = *table.entry(at.entry);
                match reason {
                    Some(Counter::StreamTooLong) => self.finish_stream(&entry, at.direction, cx),
                    _ => self.pool.release(entry.buffers[at.direction]),
                }
                if let Some(reason) = reason {
                    cx.counters.bump(reason);
                }
                set(table, at, abandoned(at.dns), 0);
            }
        }
    }

    /// No more octets will come after the one before `end`: a FIN, a reset, or a packet that the snap length cut.
    fn cut<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        at: At<'_>,
        end: u32,
        reset: bool,
        cx: &mut Context<'_, S>,
    ) {
        let directions = if reset { 0..2 } else { at.direction..at.direction + 1 };
        for direction in directions {
            let entry = *table.entry(at.entry);
            if entry.halves[direction] != Half::Reading {
                continue;
            }
            // After a FIN the octets before it may still arrive out of order, and so may the start.
            let waits = self.pool.get(entry.buffers[direction] as usize).is_some_and(|s| {
                let missing = end.wrapping_sub(s.assembly.base()) as i32 - s.assembly.prefix().len() as i32;
                s.unanchored > 0 || s.assembly.has_hole() || missing > 0
            });
            if reset || !waits {
                self.finish_stream(&entry, direction, cx);
                set(table, At { direction, ..at }, abandoned(at.dns), 0);
            }
        }
    }

    /// Reads what can be read of an incomplete stream, then gives its buffer back. The entry is not touched.
    fn finish_stream<S: ObservationSink>(&mut self, entry: &Entry, direction: Direction, cx: &mut Context<'_, S>) {
        if entry.halves[direction] != Half::Reading {
            return;
        }
        let index = entry.buffers[direction];
        self.pool.with(index, |s| {
            if s.unanchored == 0 {
                if s.assembly.has_hole() {
                    cx.counters.bump(Counter::StreamGap);
                }
                let (sender, receiver) = entry.key.ends(direction);
                let from = Source { ts: s.touched, encap: s.encap, sender, receiver };
                reader::read_partial(&s.reader, s.assembly.prefix(), &from, cx);
                let dns = cx.reading.is_dns_port(entry.key.ports());
                for part in s.assembly.behind_holes() {
                    reader::read_behind_gap(part, dns, &from, cx);
                }
            }
        });
        self.pool.release(index);
    }

    /// Ends the stream in a pool slot before its time.
    fn give_up<S: ObservationSink>(&mut self, table: &mut FlowTable, index: u32, cx: &mut Context<'_, S>) {
        let Some((entry_index, direction)) =
            self.pool.get(index as usize).map(|s| (s.entry as usize, usize::from(s.direction)))
        else {
            return;
        };
        let entry = *table.entry(entry_index);
        if entry.protocol == TCP && entry.buffers[direction] == index {
            self.finish_stream(&entry, direction, cx);
            let half = abandoned(cx.reading.is_dns_port(entry.key.ports()));
            let entry = table.entry(entry_index);
            entry.halves[direction] = half;
            entry.buffers[direction] = NO_BUFFER;
        } else {
            self.pool.release(index);
        }
    }

    /// Gives up the streams that have been silent too long, a part of the pool at a time.
    pub(super) fn sweep<S: ObservationSink>(&mut self, table: &mut FlowTable, now: Timestamp, cx: &mut Context<'_, S>) {
        let slots = self.pool.slots();
        for _ in 0..Self::SWEEP_SLOTS.min(slots) {
            self.sweep_at = (self.sweep_at + 1) % slots;
            let late = self.pool.get(self.sweep_at).is_some_and(|s| now.nanos_since(s.touched) > self.timeout_ns);
            if late {
                self.give_up(table, self.sweep_at as u32, cx);
            }
        }
    }

    /// Reads what can be read of every incomplete stream: the capture is over.
    pub(super) fn finish<S: ObservationSink>(&mut self, table: &mut FlowTable, cx: &mut Context<'_, S>) {
        for index in 0..self.pool.slots() {
            self.give_up(table, index as u32, cx);
        }
    }
}

/// What became of a buffer after a segment.
enum Advanced {
    Wait,
    Done { half: Half, next: u32 },
    Leave(Option<Counter>),
}

/// Reads on in a stream's contiguous octets.
fn advance<S: ObservationSink>(s: &mut Stream, from: &Source, cx: &mut Context<'_, S>) -> Advanced {
    loop {
        let (octets, then) = match reader::read(&mut s.reader, s.assembly.prefix(), from, cx) {
            Step::More => return Advanced::Wait,
            Step::Not(reason) => {
                if let Some(reason) = reason {
                    cx.counters.bump(reason);
                }
                return Advanced::Leave(None);
            }
            Step::Read { octets, then } => (octets, then),
        };
        let next = s.assembly.base().wrapping_add(octets);
        if then == Then::Nothing {
            return Advanced::Done { half: Half::Done, next };
        }
        let all_was_read = octets as usize <= s.assembly.prefix().len();
        if all_was_read {
            s.assembly.consume(octets as usize);
        } else {
            s.assembly.rebase(next);
        }
        let is_empty = s.assembly.prefix().is_empty();
        if is_empty && !s.assembly.has_hole() && then != Then::RestOfBody {
            return Advanced::Done { half: then.half(), next };
        }
        if all_was_read || is_empty {
            return Advanced::Wait;
        }
        // A hole lay in a body, which does not matter, and what is behind the body is there already.
    }
}

/// The state of a direction whose buffer was given up. A DNS stream goes on with its next message; anything else may
/// only begin anew.
fn abandoned(dns: bool) -> Half {
    if dns { Half::Unseen } else { Half::DoneAnywhere }
}

fn set(table: &mut FlowTable, at: At<'_>, half: Half, next: u32) {
    let entry = table.entry(at.entry);
    entry.halves[at.direction] = half;
    entry.next[at.direction] = next;
    entry.buffers[at.direction] = NO_BUFFER;
}

fn source(at: At<'_>) -> Source {
    let (sender, receiver) = at.packet.endpoints();
    Source { ts: at.packet.ts, encap: at.packet.encap, sender, receiver }
}
