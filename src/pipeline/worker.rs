//! One worker: a frame goes in, the names in it come out. It owns everything it touches and shares nothing mutable.

use crate::capture::Frame;
use crate::decode::{self, Decoder, LinkType};
use crate::flow::{self, Foreseen, Gauges, Reading, Tracker};
use crate::model::{Counter, Counters, ObservationSink, Packet, Timestamp};

/// Packets whose memory is asked for together.
const BATCH: usize = 16;

/// A frame of a batch that may matter.
struct Slot<'f> {
    /// The packet in it, and what is known of it; unless it is odd.
    packet: Packet<'f>,
    foreseen: Foreseen,
    /// It is not plain, or damaged: the frame itself.
    odd: Option<(LinkType, Frame<'f>)>,
}

impl Slot<'_> {
    const EMPTY: Slot<'static> = Slot { packet: Packet::NONE, foreseen: Foreseen::NONE, odd: None };
}

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
        let Some(link) = self.count(linktype, data) else { return };
        self.now = ts;
        if let Some(packet) = self.decoder.decode(link, ts, data, orig_len, &mut self.counters) {
            self.tracker.packet(&packet, &mut self.counters, sink);
        }
    }

    /// Takes frames, in order. The same as one after the other, but the memory that they want is asked for together, so
    /// that they wait for it once and not each for itself: best with some dozens.
    #[inline]
    pub fn frames<'f, S: ObservationSink>(&mut self, frames: impl IntoIterator<Item = Frame<'f>>, sink: &mut S) {
        let mut batch = [const { Slot::EMPTY }; BATCH];
        let mut held = 0;
        for frame in frames {
            let Some(slot) = batch.get_mut(held) else { continue };
            held += usize::from(self.first_look(&frame, slot));
            if held == BATCH {
                self.take(&batch, sink);
                held = 0;
            }
        }
        self.take(batch.get(..held).unwrap_or_default(), sink);
        self.tracker.time(self.now, &mut self.counters, sink);
    }

    /// Puts the frame into the slot, unless it cannot matter.
    #[inline(always)]
    fn first_look<'f>(&mut self, frame: &Frame<'f>, slot: &mut Slot<'f>) -> bool {
        let Some(link) = self.count(frame.linktype, frame.data) else { return false };
        self.now = frame.ts;
        if !Decoder::plain(link, frame.ts, frame.data, &mut slot.packet) {
            slot.odd = Some((link, *frame));
            return true;
        }
        slot.odd = None;
        self.tracker.foresee(&slot.packet, &mut slot.foreseen, &mut self.counters)
    }

    fn take<S: ObservationSink>(&mut self, batch: &[Slot<'_>], sink: &mut S) {
        self.tracker.touch(batch.iter().filter(|slot| slot.odd.is_none()).map(|slot| &slot.foreseen));
        for slot in batch {
            match &slot.odd {
                None => {
                    self.tracker.take(&slot.packet, &slot.foreseen, &mut self.counters, sink);
                    self.tracker.time(slot.packet.ts, &mut self.counters, sink);
                }
                Some((link, frame)) => {
                    let found = self.decoder.any(*link, frame.ts, frame.data, frame.orig_len, &mut self.counters);
                    if let Some(packet) = found {
                        self.tracker.packet(&packet, &mut self.counters, sink);
                    }
                }
            }
        }
    }

    /// Counts a frame and gives its link type, if that is read.
    #[inline]
    fn count(&mut self, linktype: u32, data: &[u8]) -> Option<LinkType> {
        self.counters.bump(Counter::Packets);
        self.counters.add(Counter::Bytes, data.len() as u64);
        if self.link.0 != linktype {
            self.link = (linktype, LinkType::from_linktype(linktype));
        }
        if self.link.1.is_none() {
            self.counters.bump(Counter::SkipLinkType);
        }
        self.link.1
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
