//! The flow table: a fixed number of entries of one cache line each, found through one-byte-pair tags.
//!
//! It is set-associative like a processor's cache: a flow may live in one of four places, a new flow takes a free or
//! expired place or else that of another flow, which is counted. So it never grows, never rehashes, and needs no timer: an
//! idle flow costs nothing until its place is wanted.
//!
//! Who has to go decides what a flood can do (`docs/overload.md`). Flows that only knocked (a SYN, an Initial that no key
//! opened) lose nothing with their place, and half-read ones lose their name. So of four places two may be taken by knocks,
//! before another flow goes; two half-read flows are spared; beyond that the flow that was silent longest goes. Each kind
//! can claim half of a set and no more, whoever sends it.

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
        let (way, evicted) = match self.tags[set].iter().position(|tag| *tag == 0) {
            Some(way) => (way, None),
            None => {
                let (way, age) = victim(&self.entries[base..base + WAYS], now, self.idle_ticks);
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

/// What a flow loses with its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stake {
    /// Nothing: no octet of it was wanted yet.
    Knock,
    /// That its packets pass for one look-up.
    Known,
    /// Octets that may be the start of a name.
    HalfRead,
}

impl Entry {
    #[inline]
    fn stake(&self) -> Stake {
        if self.buffers != [NO_BUFFER; 2] {
            Stake::HalfRead
        } else if self.halves[0] as u8 <= Half::Expecting as u8 && self.halves[1] as u8 <= Half::Expecting as u8 {
            Stake::Knock
        } else {
            Stake::Known
        }
    }
}

/// The most places of a set that one kind of flow keeps against the others.
const SHARE: usize = WAYS / 2;

/// Which flow of a full set has to go, and how many ticks it was silent. See the module's description.
#[inline]
fn victim(set: &[Entry], now: u32, idle_ticks: u32) -> (usize, u32) {
    // Of each stake, and of all: how many there are, and the place and age of the longest silent.
    let (mut count, mut oldest, mut any) = ([0; 3], [(0, 0); 3], (0, 0));
    for (way, entry) in set.iter().enumerate() {
        // A clock that went backwards must not make an entry look ancient.
        let age = (now.wrapping_sub(entry.last_seen) as i32).max(0) as u32;
        let stake = entry.stake() as usize;
        if count[stake] == 0 || age >= oldest[stake].1 {
            oldest[stake] = (way, age);
        }
        if age >= any.1 {
            any = (way, age);
        }
        count[stake] += 1;
    }
    let [knocks, known, half_read] = oldest;
    if any.1 > idle_ticks {
        any
    } else if count[Stake::Knock as usize] >= SHARE {
        knocks
    } else if count[Stake::HalfRead as usize] > SHARE {
        half_read
    } else if count[Stake::Knock as usize] == 0 || known.1 >= knocks.1 {
        // There is one: neither of the others holds more than half of the set.
        known
    } else {
        knocks
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

    /// A table of one set, with a flow in each place: by port from 1, each a second later than the one before.
    fn full_set(stakes: [Stake; WAYS]) -> (FlowTable, Counters) {
        let (mut table, mut counters) = (FlowTable::new(4, 60_000_000_000), Counters::new());
        for (i, stake) in stakes.into_iter().enumerate() {
            let port = i as u16 + 1;
            let hash = table.hash(&key(port), 6);
            let (index, _) =
                table.insert(key(port), 6, hash, Timestamp::from_parts(100 + u64::from(port), 0), &mut counters);
            let entry = table.entry(index);
            match stake {
                Stake::Knock => entry.halves[0] = Half::Expecting,
                Stake::Known => entry.halves[0] = Half::Done,
                Stake::HalfRead => {
                    entry.halves[0] = Half::Reading;
                    entry.buffers[0] = 7;
                }
            }
        }
        (table, counters)
    }

    /// The port of the flow that has to go when another comes.
    fn who_goes(stakes: [Stake; WAYS]) -> u16 {
        let (mut table, mut counters) = full_set(stakes);
        let hash = table.hash(&key(9), 6);
        let (_, evicted) = table.insert(key(9), 6, hash, Timestamp::from_parts(110, 0), &mut counters);
        assert_eq!(counters.get(Counter::FlowsEvicted), 1);
        let gone = evicted.unwrap().key;
        (1..=4).find(|port| key(*port) == gone).unwrap()
    }

    #[test]
    fn half_read_flows_are_spared_and_knocks_go_first_each_up_to_half_of_a_set() {
        use Stake::{HalfRead, Knock, Known};
        for (set, port) in [
            ([Known, Known, Known, Known], 1),
            ([HalfRead, Known, Known, Known], 2),
            ([HalfRead, HalfRead, Known, Known], 3),
            ([HalfRead, HalfRead, HalfRead, Known], 1),
            ([HalfRead, HalfRead, HalfRead, HalfRead], 1),
            ([Known, Knock, Known, Known], 1),
            ([Known, Known, Knock, Knock], 3),
            ([HalfRead, Known, Knock, Known], 2),
            ([HalfRead, HalfRead, Knock, Knock], 3),
            ([Known, HalfRead, HalfRead, HalfRead], 2),
        ] {
            assert_eq!(who_goes(set), port);
        }
    }

    #[test]
    fn a_half_read_flow_that_has_expired_goes_like_any_other() {
        let (mut table, mut counters) = full_set([Stake::HalfRead, Stake::Knock, Stake::Knock, Stake::Known]);
        let hash = table.hash(&key(9), 6);
        let (_, evicted) = table.insert(key(9), 6, hash, Timestamp::from_parts(1000, 0), &mut counters);
        assert_eq!(evicted.map(|e| e.key), Some(key(1)));
        assert_eq!(counters.get(Counter::FlowsExpired), 1);
    }
}
