//! QUIC connections: who is the client, which datagrams are opened, and what is kept until the hello is complete.
//!
//! A flow's entry remembers two connection IDs (as hashes) that lead to the connection already read: the client's
//! first choice, and the server's, learnt from a long header that the server sent or from an Initial that no keys
//! opened. So after the hello was found, the rest of the handshake is passed over without deriving keys, while a new
//! connection on the same addresses and ports, which has another ID, is read.

use super::Context;
use super::emit;
use super::foresight::Foreseen;
use super::key::{Direction, HashSeed};
use super::pool::NO_BUFFER;
use super::reader::Source;
use super::table::{Entry, FlowTable, Half};
use super::udp::UDP;
use crate::extract::quic::{self, Connection, Progress, QuicError, QuicScratch};
use crate::model::{Counter, EncapChain, ObservationSink, Packet, Proto, Timestamp, UdpDatagram};

/// A connection whose hello is not complete.
struct Pending {
    connection: Connection,
    entry: u32,
    direction: u8,
    touched: Timestamp,
    encap: EncapChain,
}

/// The connections whose hello is not complete: a bounded number, the longest silent given up first.
pub(super) struct Connections {
    slots: Vec<Option<Pending>>,
    free: Vec<u32>,
    capacity: usize,
    /// Octets that the connections hold, and may hold.
    octets: usize,
    octet_budget: usize,
    timeout_ns: u64,
    scratch: QuicScratch,
    seed: HashSeed,
    sweep_at: usize,
}

impl Connections {
    /// Slots looked at in one sweep.
    const SWEEP_SLOTS: usize = 1024;
    /// Slots compared when one must go.
    const SAMPLE: usize = 8;

    pub(super) fn new(capacity: usize, octet_budget: usize, timeout_ns: u64) -> Self {
        Connections {
            slots: Vec::new(),
            free: Vec::new(),
            capacity: capacity.clamp(1, NO_BUFFER as usize - 1),
            octets: 0,
            octet_budget,
            timeout_ns,
            scratch: QuicScratch::new(),
            seed: HashSeed::random(),
            sweep_at: 0,
        }
    }

    /// Connections held.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Octets of memory that they hold.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// One datagram that begins with a long header of a version that is read.
    pub(super) fn datagram<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        packet: &Packet<'_>,
        datagram: &UdpDatagram<'_>,
        &Foreseen { key, direction, hash, .. }: &Foreseen,
        cx: &mut Context<'_, S>,
    ) {
        let Some((dcid, scid)) = quic::connection_ids(datagram.payload) else { return };
        let index = match table.find(&key, UDP, hash, packet.ts) {
            Some(index) => index,
            // Only an Initial can begin a connection that is worth an entry.
            None if !quic::probe(datagram.payload) => return,
            None => {
                let (index, evicted) = table.insert(key, UDP, hash, packet.ts, cx.counters);
                match evicted {
                    Some(old) if old.protocol == UDP => self.release(&old, cx),
                    Some(old) => cx.evicted.push(old),
                    None => {}
                }
                index
            }
        };
        let entry = table.entry(index);
        let (halves, next) = (entry.halves, entry.next);
        let client = halves.iter().position(|h| matches!(h, Half::Reading | Half::Done));
        if client.is_some_and(|c| c != direction) {
            // The server: from now on its connection ID stands in the client's packets.
            table.entry(index).next[1] = self.id_hash(scid);
            return;
        }
        let id = self.id_hash(dcid);
        match halves[direction] {
            Half::Reading => self.go_on(table, index, direction, packet, datagram.payload, cx),
            Half::Done if next.contains(&id) => {}
            Half::Unseen if next[1] == id => {}
            _ if quic::probe(datagram.payload) => {
                self.begin(table, index, direction, id, packet, datagram.payload, cx);
            }
            _ => {}
        }
    }

    /// Never 0, which stands for no connection ID.
    fn id_hash(&self, id: &[u8]) -> u32 {
        (self.seed.hash_bytes(id) as u32).max(1)
    }

    /// An Initial that may be a connection's first.
    #[allow(clippy::too_many_arguments, reason = "one private call site; a struct would only rename them")]
    fn begin<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        index: usize,
        direction: Direction,
        id: u32,
        packet: &Packet<'_>,
        payload: &[u8],
        cx: &mut Context<'_, S>,
    ) {
        let mut connection = Connection::new();
        let found = match connection.feed(payload, &mut self.scratch, cx.counters) {
            Progress::Found(found) => {
                emit::hello(&found.hello, Proto::Quic, found.version.wire(), &source(packet), cx);
                true
            }
            Progress::NeedMore if connection.is_confirmed() => early(&connection, packet, cx),
            Progress::NeedMore | Progress::Done | Progress::Reject(_) => {
                if connection.is_done() {
                    cx.counters.bump(Counter::TlsMalformed);
                }
                // A server's Initial, or one that is damaged: it need not be tried again.
                table.entry(index).next[1] = id;
                return;
            }
        };
        let slot = if found {
            self.scratch.take_back(connection);
            NO_BUFFER
        } else {
            self.keep(table, connection, index, direction, packet, cx)
        };
        let entry = table.entry(index);
        entry.halves[direction] = if found { Half::Done } else { Half::Reading };
        entry.halves[1 - direction] = Half::DoneAnywhere;
        entry.next[0] = id;
        entry.buffers[0] = slot;
        if !found && slot == NO_BUFFER {
            entry.halves[direction] = Half::Done;
        }
    }

    /// Another datagram of a connection whose hello is not complete.
    fn go_on<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        index: usize,
        direction: Direction,
        packet: &Packet<'_>,
        payload: &[u8],
        cx: &mut Context<'_, S>,
    ) {
        let slot = table.entry(index).buffers[0];
        let Some(Some(pending)) = self.slots.get_mut(slot as usize) else {
            table.entry(index).halves[direction] = Half::Done;
            return;
        };
        pending.touched = packet.ts;
        let before = pending.connection.buffered();
        let progress = pending.connection.feed(payload, &mut self.scratch, cx.counters);
        self.octets = self.octets - before + pending.connection.buffered();
        match progress {
            Progress::NeedMore if early(&pending.connection, packet, cx) => {}
            Progress::NeedMore => {
                self.make_room(table, 0, cx);
                return;
            }
            Progress::Found(found) => {
                emit::hello(&found.hello, Proto::Quic, found.version.wire(), &source(packet), cx);
            }
            Progress::Reject(QuicError::Hello(_)) => cx.counters.bump(Counter::TlsMalformed),
            Progress::Reject(_) => {
                self.make_room(table, 0, cx);
                return;
            }
            Progress::Done => {}
        }
        self.drop_slot(slot);
        let entry = table.entry(index);
        entry.halves[direction] = Half::Done;
        entry.buffers[0] = NO_BUFFER;
    }

    /// Puts a connection into a slot, another's if need be.
    fn keep<S: ObservationSink>(
        &mut self,
        table: &mut FlowTable,
        connection: Connection,
        index: usize,
        direction: Direction,
        packet: &Packet<'_>,
        cx: &mut Context<'_, S>,
    ) -> u32 {
        let octets = connection.buffered();
        self.make_room(table, octets, cx);
        if self.octets + octets > self.octet_budget {
            cx.counters.bump(Counter::StreamBuffersEvicted);
            return NO_BUFFER;
        }
        if self.free.is_empty()
            && self.slots.len() >= self.capacity
            && let Some(oldest) = self.oldest()
        {
            cx.counters.bump(Counter::StreamBuffersEvicted);
            self.give_up(table, oldest, cx);
        }
        self.octets += octets;
        let pending = Some(Pending {
            connection,
            entry: index as u32,
            direction: direction as u8,
            touched: packet.ts,
            encap: packet.encap,
        });
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = pending;
                slot
            }
            None => {
                self.slots.push(pending);
                (self.slots.len() - 1) as u32
            }
        }
    }

    /// Ends connections before their time until `wanted` more octets fit.
    fn make_room<S: ObservationSink>(&mut self, table: &mut FlowTable, wanted: usize, cx: &mut Context<'_, S>) {
        while self.octets + wanted > self.octet_budget
            && let Some(oldest) = self.oldest()
        {
            cx.counters.bump(Counter::StreamBuffersEvicted);
            self.give_up(table, oldest, cx);
        }
    }

    /// Of a few connections the one that was silent longest.
    fn oldest(&mut self) -> Option<usize> {
        let n = self.slots.len();
        let from = self.sweep_at;
        self.sweep_at = (from + Self::SAMPLE) % n.max(1);
        let held = (0..n).map(|step| (from + step) % n);
        let touched = held.filter_map(|slot| Some((self.slots[slot].as_ref()?.touched, slot)));
        touched.take(Self::SAMPLE).min().map(|(_, slot)| slot)
    }

    fn drop_slot(&mut self, slot: u32) {
        if let Some(pending) = self.slots.get_mut(slot as usize).and_then(Option::take) {
            self.octets -= pending.connection.buffered();
            self.scratch.take_back(pending.connection);
            self.free.push(slot);
        }
    }

    /// Ends the connection in a slot before its hello is complete.
    fn give_up<S: ObservationSink>(&mut self, table: &mut FlowTable, slot: usize, cx: &mut Context<'_, S>) {
        let Some(Some(pending)) = self.slots.get(slot) else { return };
        let entry = table.entry(pending.entry as usize);
        if entry.protocol == UDP && entry.buffers[0] == slot as u32 {
            entry.halves[usize::from(pending.direction)] = Half::Done;
            entry.buffers[0] = NO_BUFFER;
            let entry = *entry;
            read_partial(pending, &entry, cx);
        }
        self.drop_slot(slot as u32);
    }

    /// Gives back the connection of a flow that lost its place in the table.
    pub(super) fn release<S: ObservationSink>(&mut self, old: &Entry, cx: &mut Context<'_, S>) {
        if let Some(Some(pending)) = self.slots.get(old.buffers[0] as usize) {
            read_partial(pending, old, cx);
        }
        self.drop_slot(old.buffers[0]);
    }

    /// Gives up the connections that have been silent too long, a part of the slots at a time.
    pub(super) fn sweep<S: ObservationSink>(&mut self, table: &mut FlowTable, now: Timestamp, cx: &mut Context<'_, S>) {
        let n = self.slots.len();
        for _ in 0..Self::SWEEP_SLOTS.min(n) {
            self.sweep_at = (self.sweep_at + 1) % n;
            if self.slots[self.sweep_at].as_ref().is_some_and(|p| now.nanos_since(p.touched) > self.timeout_ns) {
                self.give_up(table, self.sweep_at, cx);
            }
        }
    }

    /// Reads what can be read of every incomplete hello: the capture is over.
    pub(super) fn finish<S: ObservationSink>(&mut self, table: &mut FlowTable, cx: &mut Context<'_, S>) {
        for slot in 0..self.slots.len() {
            self.give_up(table, slot, cx);
        }
    }
}

/// Tells of the name of a hello that is not whole, if the name is and the sink wants no more.
fn early<S: ObservationSink>(connection: &Connection, packet: &Packet<'_>, cx: &mut Context<'_, S>) -> bool {
    if S::HELLO_DETAILS {
        return false;
    }
    let Some(found) = connection.partial() else { return false };
    emit::hello(&found.hello, Proto::Quic, found.version.wire(), &source(packet), cx);
    true
}

fn read_partial<S: ObservationSink>(pending: &Pending, entry: &Entry, cx: &mut Context<'_, S>) {
    if let Some(found) = pending.connection.partial() {
        let (sender, receiver) = entry.key.ends(usize::from(pending.direction));
        let from = Source { ts: pending.touched, encap: pending.encap, sender, receiver };
        cx.counters.bump(Counter::HellosPartial);
        emit::hello(&found.hello, Proto::Quic, found.version.wire(), &from, cx);
    }
}

fn source(packet: &Packet<'_>) -> Source {
    let (sender, receiver) = packet.endpoints();
    Source { ts: packet.ts, encap: packet.encap, sender, receiver }
}
