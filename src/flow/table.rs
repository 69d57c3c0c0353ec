//! The flow table: a fixed number of entries of one cache line each, found through one-byte-pair tags.
//!
//! It is set-associative like a processor's cache: a flow may live in one of four places, a new flow takes a free or
//! expired place or else the place of the flow that was silent longest, which is counted. So it never grows, never
//! rehashes, and needs no timer: an idle flow costs nothing until its place is wanted.

use super::key::{FlowKey, HashSeed};
use super::pool::NO_BUFFER;
use crate::model::{Addr, Counter, Counters, Endpoint, Timestamp};

const WAYS: usize = 4;

/// What is known of one direction of a flow. The meaning of `next` is the state's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(crate) enum Half {
    /// Nothing seen in this direction yet.
    #[default]
    Unseen,
    /// The SYN was seen; `next` is the sequence number of the first octet of payload.
    Expecting,
    /// Octets are held in a pool buffer until a name is found or the stream is given up.
    Reading,
    /// Between two HTTP requests; `next` is where the next request should start.
    BetweenRequests,
    /// DNS over TCP with nothing held; `next` is where the next message should start.
    BetweenMessages,
    /// A proxy was asked for a tunnel; `next` is where another protocol should start.
    BeforeTunnel,
    /// Nothing more is wanted, except a hello or a request that starts a segment at `next` or later.
    Done,
    /// Nothing more is wanted, except a hello or a request that starts a segment.
    DoneAnywhere,
}

/// One flow. For QUIC, `next` holds hashes of connection IDs and `buffers[0]` the connection.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Entry {
    pub(crate) key: FlowKey,
    pub(crate) protocol: u8,
    pub(crate) halves: [Half; 2],
    /// Per direction, see [`Half`].
    pub(crate) next: [u32; 2],
    /// Pool indices per direction, or [`NO_BUFFER`].
    pub(crate) buffers: [u32; 2],
    /// When a packet of this flow was last seen, in [`tick`]s.
    last_seen: u32,
}

impl Entry {
    const EMPTY: Entry = Entry {
        key: FlowKey { low: Endpoint::new(Addr::v6([0; 16]), 0), high: Endpoint::new(Addr::v6([0; 16]), 0) },
        protocol: 0,
        halves: [Half::Unseen; 2],
        next: [0; 2],
        buffers: [NO_BUFFER; 2],
        last_seen: 0,
    };

    /// Forgets both directions, as a new connection on old ports wants.
    pub(crate) fn reset(&mut self) {
        self.halves = [Half::Unseen; 2];
        self.next = [0; 2];
        self.buffers = [NO_BUFFER; 2];
    }
}

/// Packet time in units of 2^26 ns (67 ms), wrapping after nine years: fine enough for timeouts of seconds.
#[inline]
pub(crate) fn tick(ts: Timestamp) -> u32 {
    (ts.as_nanos() >> 26) as u32
}

/// The table. See the module's description.
pub(crate) struct FlowTable {
    seed: HashSeed,
    /// Sixteen bits of hash an entry, 0 for a free place.
    tags: Vec<[u16; WAYS]>,
    entries: Vec<Entry>,
    set_mask: usize,
    idle_ticks: u32,
    live: usize,
}

impl FlowTable {
    /// A table for at least `capacity` flows (rounded up to a power of two), each forgotten after `idle_ns` of silence
    /// when its place is wanted.
    pub(crate) fn new(capacity: usize, idle_ns: u64) -> Self {
        let sets = capacity.div_ceil(WAYS).next_power_of_two();
        FlowTable {
            seed: HashSeed::random(),
            tags: vec![[0; WAYS]; sets],
            entries: vec![Entry::EMPTY; sets * WAYS],
            set_mask: sets - 1,
            idle_ticks: tick(Timestamp::from_nanos(idle_ns)).max(1),
            live: 0,
        }
    }

    /// The table's hash of a flow; see [`Self::find`] and [`Self::insert`].
    #[inline]
    pub(crate) fn hash(&self, key: &FlowKey, protocol: u8) -> u64 {
        self.seed.hash(key, protocol)
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u16) {
        ((hash as usize) & self.set_mask, ((hash >> 48) as u16).max(1))
    }

    /// Index of the flow's entry, if it is there; its idle time starts anew.
    #[inline]
    pub(crate) fn find(&mut self, key: &FlowKey, protocol: u8, hash: u64, now: Timestamp) -> Option<usize> {
        let (set, tag) = self.place(hash);
        for (way, held) in self.tags[set].iter().enumerate() {
            if *held == tag {
                let entry = &mut self.entries[set * WAYS + way];
                if entry.key == *key && entry.protocol == protocol {
                    entry.last_seen = tick(now);
                    return Some(set * WAYS + way);
                }
            }
        }
        None
    }

    /// Makes an entry for a flow that [`Self::find`] did not have. Gives its index, and the entry that had to go
    /// (whose buffers the caller must release), if any.
    pub(crate) fn insert(
        &mut self,
        key: FlowKey,
        protocol: u8,
        hash: u64,
        now: Timestamp,
        counters: &mut Counters,
    ) -> (usize, Option<Entry>) {
        let (set, tag) = self.place(hash);
        let now = tick(now);
        let base = set * WAYS;
        let mut oldest = (0, 0);
        let mut free = None;
        for way in 0..WAYS {
            if self.tags[set][way] == 0 {
                free = Some(way);
                break;
            }
            // A clock that went backwards must not make an entry look ancient.
            let age = now.wrapping_sub(self.entries[base + way].last_seen) as i32;
            let age = age.max(0) as u32;
            if age >= oldest.1 {
                oldest = (way, age);
            }
        }
        let (way, evicted) = match free {
            Some(way) => (way, None),
            None => {
                let (way, age) = oldest;
                let expired = age > self.idle_ticks;
                counters.bump(if expired { Counter::FlowsExpired } else { Counter::FlowsEvicted });
                self.live -= 1;
                (way, Some(self.entries[base + way]))
            }
        };
        counters.bump(Counter::FlowsOpened);
        self.live += 1;
        self.tags[set][way] = tag;
        self.entries[base + way] = Entry { key, protocol, last_seen: now, ..Entry::EMPTY };
        (base + way, evicted)
    }

    /// The entry at an index that [`Self::find`] or [`Self::insert`] gave.
    #[inline]
    pub(crate) fn entry(&mut self, index: usize) -> &mut Entry {
        &mut self.entries[index]
    }

    /// Flows held, idle ones included.
    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Most flows that fit.
    pub(crate) fn capacity(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16) -> FlowKey {
        let c = Endpoint::new(Addr::v4([10, 0, 0, 9]), port);
        FlowKey::new(c, Endpoint::new(Addr::v4([10, 0, 0, 1]), 443)).0
    }

    #[test]
    fn an_entry_is_one_cache_line() {
        assert_eq!(size_of::<Entry>(), 64);
    }

    #[test]
    fn finds_what_it_holds_and_nothing_else() {
        let (mut table, mut counters) = (FlowTable::new(1024, 1), Counters::new());
        let now = Timestamp::from_parts(1000, 0);
        for port in 1..200 {
            let hash = table.hash(&key(port), 6);
            assert_eq!(table.find(&key(port), 6, hash, now), None);
            table.insert(key(port), 6, hash, now, &mut counters);
        }
        let held = (1..200).filter(|p| table.find(&key(*p), 6, table.hash(&key(*p), 6), now).is_some()).count();
        assert_eq!(held as u64 + counters.get(Counter::FlowsEvicted), 199);
        let hash = table.hash(&key(1), 17);
        assert_eq!(table.find(&key(1), 17, hash, now), None);
    }

    #[test]
    fn a_full_table_gives_up_the_longest_silent_and_counts_it() {
        let (mut table, mut counters) = (FlowTable::new(4, 60_000_000_000), Counters::new());
        let at = |s| Timestamp::from_parts(s, 0);
        for (i, port) in (1..=4).enumerate() {
            let hash = table.hash(&key(port), 6);
            table.insert(key(port), 6, hash, at(100 + i as u64), &mut counters);
        }
        let hash = table.hash(&key(1), 6);
        assert!(table.find(&key(1), 6, hash, at(110)).is_some());
        let hash = table.hash(&key(5), 6);
        let (_, evicted) = table.insert(key(5), 6, hash, at(111), &mut counters);
        assert_eq!(evicted.map(|e| e.key), Some(key(2)));
        let hash = table.hash(&key(6), 6);
        table.insert(key(6), 6, hash, at(1000), &mut counters);
        assert_eq!((counters.get(Counter::FlowsEvicted), counters.get(Counter::FlowsExpired)), (1, 1));
        assert_eq!((table.len(), table.capacity()), (4, 4));
    }
}
