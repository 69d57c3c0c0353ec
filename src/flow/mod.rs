//! From packets to names: the bounded flow table, the first octets of streams put in order, QUIC connections.
//!
//! A [`Tracker`] belongs to one worker and is told every packet. It hands each name to the worker's
//! [`ObservationSink`] the moment the last missing octet arrives, and forgets a stream as soon as it has given its
//! name or shown that it has none. Nothing grows with the length of the capture: the table, the stream buffers and
//! the QUIC connections have fixed limits ([`Limits`]), and whatever has to go is counted.

mod assembly;
mod duplicates;
mod emit;
mod foresight;
mod key;
mod pool;
mod quic;
mod reader;
mod table;
mod tcp;
mod udp;

#[cfg(test)]
mod tests;

use crate::extract::dns::DnsScratch;
use crate::model::{Counter, Counters, DomainName, ObservationSink, Packet, Proto, Scope, Timestamp, Transport};
use duplicates::Duplicates;
pub(crate) use emit::dns_names;
pub(crate) use foresight::Foreseen;
use foresight::What;
use pool::StreamPool;
use quic::Connections;
pub(crate) use reader::Source;
use table::{Entry, FlowTable};
use tcp::Streams;

/// How much a tracker may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows in the table; 64 octets each, and 4 for its tag and time. Rounded up to a power of two.
    pub flows: usize,
    /// Nanoseconds of silence after which a flow's place counts as free.
    pub flow_idle_ns: u64,
    /// Streams that may be half read at once.
    pub streams: usize,
    /// Octets that half-read streams may hold together, and half-read QUIC connections as many again.
    pub stream_octets: usize,
    /// Nanoseconds of silence after which a half-read stream is given up.
    pub stream_timeout_ns: u64,
    /// QUIC connections that may be half read at once.
    pub quic_connections: usize,
}

impl Default for Limits {
    /// For one worker: about 50 MiB when every table is full.
    fn default() -> Self {
        Limits {
            flows: 1 << 17,
            flow_idle_ns: 60_000_000_000,
            streams: 16_384,
            stream_octets: 16 << 20,
            stream_timeout_ns: 10_000_000_000,
            quic_connections: 8_192,
        }
    }
}

/// What is read, and where DNS is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Protocols that may be inspected.
    pub scope: Scope,
    /// Ports on which DNS is read, over UDP and TCP. At most a few.
    pub dns_ports: Vec<u16>,
}

impl Default for Reading {
    fn default() -> Self {
        Reading { scope: Scope::ALL, dns_ports: vec![53] }
    }
}

impl Reading {
    #[inline]
    fn is_dns_port(&self, ports: [u16; 2]) -> bool {
        let [a, b] = ports;
        self.dns_ports.iter().any(|p| *p == a || *p == b)
    }

    /// Whether any protocol over TCP other than DNS may be inspected.
    #[inline]
    fn reads_streams(&self) -> bool {
        self.scope.allows(Proto::Tls) || self.scope.allows(Proto::Http)
    }
}

/// Sizes of the tables, for metrics.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Gauges {
    /// Flows in the table.
    pub flows: usize,
    /// Flows that fit.
    pub flow_capacity: usize,
    /// Half-read streams.
    pub streams: usize,
    /// Octets that they hold.
    pub stream_octets: usize,
    /// Half-read QUIC connections.
    pub quic_connections: usize,
    /// Octets that they hold.
    pub quic_octets: usize,
}

/// Follows flows and finds the names in them. See the module's description.
pub struct Tracker {
    table: FlowTable,
    streams: Streams,
    connections: Connections,
    duplicates: Duplicates,
    dns_scratch: DnsScratch,
    name_scratch: DomainName,
    evicted: Vec<Entry>,
    reading: Reading,
    swept: Timestamp,
}

/// What the parts of a tracker need while they work on one packet.
pub(crate) struct Context<'c, S> {
    pub(crate) counters: &'c mut Counters,
    pub(crate) sink: &'c mut S,
    pub(crate) dns_scratch: &'c mut DnsScratch,
    /// Where a hello's name is put.
    pub(crate) name_scratch: &'c mut DomainName,
    pub(crate) scope: Scope,
    reading: &'c Reading,
    evicted: &'c mut Vec<Entry>,
}

/// Gives `$cx`, a [`Context`] that borrows the parts of `$tracker` which are not named.
macro_rules! context {
    ($tracker:ident, $counters:expr, $sink:expr) => {
        Context {
            counters: $counters,
            sink: $sink,
            dns_scratch: &mut $tracker.dns_scratch,
            name_scratch: &mut $tracker.name_scratch,
            scope: $tracker.reading.scope,
            reading: &$tracker.reading,
            evicted: &mut $tracker.evicted,
        }
    };
}

impl Tracker {
    /// How often, in packet time, silent streams are looked for.
    const SWEEP_EVERY_NS: u64 = 100_000_000;

    /// An empty tracker.
    pub fn new(limits: &Limits, reading: Reading) -> Self {
        Tracker {
            table: FlowTable::new(limits.flows, limits.flow_idle_ns),
            streams: Streams::new(StreamPool::new(limits.streams, limits.stream_octets), limits.stream_timeout_ns),
            connections: Connections::new(limits.quic_connections, limits.stream_octets, limits.stream_timeout_ns),
            duplicates: Duplicates::new(),
            dns_scratch: DnsScratch::default(),
            name_scratch: DomainName::root(),
            evicted: Vec::new(),
            reading,
            swept: Timestamp::default(),
        }
    }

    /// Takes one packet; every name that it completes goes to `sink`.
    #[inline]
    pub fn packet<S: ObservationSink>(&mut self, packet: &Packet<'_>, counters: &mut Counters, sink: &mut S) {
        let mut foreseen = Foreseen::NONE;
        if self.foresee(packet, &mut foreseen, counters) {
            self.take(packet, &foreseen, counters, sink);
        }
        self.time(packet.ts, counters, sink);
    }

    /// Takes one packet that may matter.
    #[inline]
    pub(crate) fn take<S: ObservationSink>(
        &mut self,
        packet: &Packet<'_>,
        foreseen: &Foreseen,
        counters: &mut Counters,
        sink: &mut S,
    ) {
        let mut cx = context!(self, counters, sink);
        match (&packet.transport, foreseen.what) {
            (Transport::Tcp(segment), What::Segment { dns }) => {
                self.streams.segment(&mut self.table, packet, segment, dns, foreseen, &mut cx);
            }
            (Transport::Udp(datagram), _) => {
                if self.duplicates.is_copy(foreseen.identity, packet.ts) {
                    cx.counters.bump(Counter::FramesDuplicate);
                } else if foreseen.what == What::Quic {
                    self.connections.datagram(&mut self.table, packet, datagram, foreseen, &mut cx);
                } else {
                    udp::dns(packet, datagram, &mut cx);
                }
            }
            (Transport::Tcp(_), _) => {}
        }
        // A TCP flow that took a QUIC flow's place, or the other way round.
        while let Some(old) = cx.evicted.pop() {
            if old.protocol == tcp::TCP {
                self.streams.release(&old, &mut cx);
            } else {
                self.connections.release(&old, &mut cx);
            }
        }
    }

    /// Packet time goes on: now and then, gives up what has been silent too long.
    #[inline]
    pub(crate) fn time<S: ObservationSink>(&mut self, now: Timestamp, counters: &mut Counters, sink: &mut S) {
        if now.nanos_since(self.swept) >= Self::SWEEP_EVERY_NS {
            self.idle(now, counters, sink);
        }
    }

    /// Gives up what has been silent too long at `now`. Called by itself as packet time goes on; a live worker also
    /// calls it when no packets come.
    pub fn idle<S: ObservationSink>(&mut self, now: Timestamp, counters: &mut Counters, sink: &mut S) {
        self.swept = now;
        let mut cx = context!(self, counters, sink);
        self.streams.sweep(&mut self.table, now, &mut cx);
        self.connections.sweep(&mut self.table, now, &mut cx);
    }

    /// The capture is over: reads what can be read of everything incomplete.
    pub fn finish<S: ObservationSink>(&mut self, counters: &mut Counters, sink: &mut S) {
        let mut cx = context!(self, counters, sink);
        self.streams.finish(&mut self.table, &mut cx);
        self.connections.finish(&mut self.table, &mut cx);
    }

    /// Sizes of the tables.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            flows: self.table.len(),
            flow_capacity: self.table.capacity(),
            streams: self.streams.pool.len(),
            stream_octets: self.streams.pool.octets(),
            quic_connections: self.connections.len(),
            quic_octets: self.connections.octets(),
        }
    }
}
