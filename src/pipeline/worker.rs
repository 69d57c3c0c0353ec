//! One worker: a frame goes in, the names in it come out. It owns everything it touches and shares nothing mutable.

use crate::decode::{self, Decoder, LinkType};
use crate::flow::{self, Gauges, Reading, Tracker};
use crate::model::{Counter, Counters, ObservationSink, Timestamp};

/// How much one worker may hold.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Fragments.
    pub decode: decode::Limits,
    /// Flows, half-read streams and connections.
    pub flow: flow::Limits,
}

/// Decodes frames, follows flows and hands names to an [`ObservationSink`].
pub struct Worker {
    decoder: Decoder,
    tracker: Tracker,
    counters: Counters,
    /// The link type of the last frame, so that its number is translated once and not for every frame.
    link: (u32, Option<LinkType>),
    now: Timestamp,
}

impl Worker {
    /// A worker with empty tables.
    pub fn new(limits: &Limits, reading: Reading) -> Self {
        Worker {
            decoder: Decoder::new(limits.decode),
            tracker: Tracker::new(&limits.flow, reading),
            counters: Counters::new(),
            link: (u32::MAX, None),
            now: Timestamp::default(),
        }
    }

    /// Takes one frame of the given LINKTYPE; `orig_len` is its length on the wire.
    #[inline]
    pub fn frame<S: ObservationSink>(
        &mut self,
        linktype: u32,
        ts: Timestamp,
        data: &[u8],
        orig_len: u32,
        sink: &mut S,
    ) {
        self.counters.bump(Counter::Packets);
        self.counters.add(Counter::Bytes, data.len() as u64);
        if self.link.0 != linktype {
            self.link = (linktype, LinkType::from_linktype(linktype));
        }
        let Some(link) = self.link.1 else {
            self.counters.bump(Counter::SkipLinkType);
            return;
        };
        self.now = ts;
        if let Some(packet) = self.decoder.decode(link, ts, data, orig_len, &mut self.counters) {
            self.tracker.packet(&packet, &mut self.counters, sink);
        }
    }

    /// Gives up what has been silent too long at `now`; for a live worker when no packets come.
    pub fn idle<S: ObservationSink>(&mut self, now: Timestamp, sink: &mut S) {
        self.decoder.expire(now, &mut self.counters);
        self.tracker.idle(now, &mut self.counters, sink);
    }

    /// The capture is over: reads what can be read of everything incomplete.
    pub fn finish<S: ObservationSink>(&mut self, sink: &mut S) {
        self.tracker.finish(&mut self.counters, sink);
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Sizes of the flow tables.
    pub fn gauges(&self) -> Gauges {
        self.tracker.gauges()
    }

    /// Fragments that wait for the rest of their datagrams.
    pub fn fragments_held(&self) -> usize {
        self.decoder.fragments_held()
    }

    /// Packet time of the last frame.
    pub fn now(&self) -> Timestamp {
        self.now
    }
}
