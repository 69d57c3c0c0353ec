//! The flow table: a fixed number of entries of one cache line each, found through rows of tags.
//!
//! It is set-associative like a processor's cache: a flow may live in one of four places, a new flow takes a free or
//! expired place or else that of another flow, which is counted. So it never grows, never rehashes, and needs no timer: an
//! idle flow costs nothing until its place is wanted. A set's row of tags also says when each of its flows was last seen.
//!
//! Who has to go decides what a flood can do (`docs/overload.md`). Flows that only knocked (a SYN, an Initial that no key
//! opened) lose nothing with their place, and half-read ones lose their name. So of four places two may be taken by knocks,
//! before another flow goes; two half-read flows are spared; beyond that the flow that was silent longest goes. Each kind
//! can claim half of a set and no more, whoever sends it.

use super::key::{FlowKey, HashSeed};
use super::pool::NO_BUFFER;
use crate::model::{Counter, Counters, Timestamp};

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
}

impl Entry {
    const EMPTY: Entry =
        Entry { key: FlowKey::NONE, protocol: 0, halves: [Half::Unseen; 2], next: [0; 2], buffers: [NO_BUFFER; 2] };

    /// Forgets both directions, as a new connection on old ports wants.
    pub(crate) fn reset(&mut self) {
        self.halves = [Half::Unseen; 2];
        self.next = [0; 2];
        self.buffers = [NO_BUFFER; 2];
    }
}

/// Packet time in units of 2^28 ns (268 ms), which wraps after five hours.
#[inline]
const fn tick(nanos: u64) -> u16 {
    (nanos >> 28) as u16
}

/// What is known of a set without a look at its entries.
#[derive(Clone, Copy, Default)]
#[repr(align(16))]
struct Row {
    /// Sixteen bits of hash an entry, 0 for a free place.
    tags: [u16; WAYS],
    /// When a packet of each flow was last seen, in [`tick`]s.
    seen: [u16; WAYS],
}

impl Row {
    /// Ticks by which a clock may go backwards, 18 minutes: such a step must not make a flow look ancient.
    const BACKWARDS: u16 = 0x1000;

    /// Ticks since the flow in a place was seen.
    #[inline]
    fn age(&self, way: usize, now: u16) -> u16 {
        let age = now.wrapping_sub(self.seen[way]);
        if age > u16::MAX - Self::BACKWARDS { 0 } else { age }
    }

    /// The place whose flow was silent longest, and its age.
    #[inline]
    fn oldest(&self, now: u16) -> (usize, u16) {
        // Which of two is older is a coin toss that no processor foresees: this compiles to no branch.
        (1..WAYS).fold((0, self.age(0, now)), |oldest, way| {
            let age = self.age(way, now);
            if age >= oldest.1 { (way, age) } else { oldest }
        })
    }
}

/// The table. See the module's description.
pub(crate) struct FlowTable {
    seed: HashSeed,
    rows: Vec<Row>,
    entries: Vec<Entry>,
    set_mask: usize,
    idle_ticks: u16,
    live: usize,
}

impl FlowTable {
    /// A table for at least `capacity` flows (rounded up to a power of two), each forgotten after `idle_ns` of silence
    /// when its place is wanted.
    pub(crate) fn new(capacity: usize, idle_ns: u64) -> Self {
        let sets = capacity.div_ceil(WAYS).next_power_of_two();
        FlowTable {
            seed: HashSeed::random(),
            rows: vec![Row::default(); sets],
            entries: vec![Entry::EMPTY; sets * WAYS],
            set_mask: sets - 1,
            idle_ticks: (idle_ns >> 28).clamp(1, u64::from(u16::MAX - Row::BACKWARDS)) as u16,
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

    /// Reads something of the row where the flow would be.
    #[inline]
    pub(crate) fn touch_row(&self, hash: u64) -> u64 {
        self.rows[self.place(hash).0].tags[0].into()
    }

    /// Reads something of the entry where the flow seems to be, or of those among which it would find its place.
    #[inline]
    pub(crate) fn touch_entry(&self, hash: u64) -> u64 {
        let (set, tag) = self.place(hash);
        let row = &self.rows[set];
        let at = |wanted| row.tags.iter().position(|held| *held == wanted);
        let set = &self.entries[set * WAYS..][..WAYS];
        match at(tag).or_else(|| at(0)) {
            Some(way) => set[way].protocol.into(),
            None => set.iter().map(|entry| u64::from(entry.protocol)).sum(),
        }
    }

    /// Index of the flow's entry, if it is there; its idle time starts anew.
    #[inline]
    pub(crate) fn find(&mut self, key: &FlowKey, protocol: u8, hash: u64, now: Timestamp) -> Option<usize> {
        let (set, tag) = self.place(hash);
        let row = &mut self.rows[set];
        for way in 0..WAYS {
            if row.tags[way] == tag {
                let entry = &self.entries[set * WAYS + way];
                if entry.key == *key && entry.protocol == protocol {
                    row.seen[way] = tick(now.as_nanos());
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
        let now = tick(now.as_nanos());
        let row = &mut self.rows[set];
        let (way, evicted) = match row.tags.iter().position(|tag| *tag == 0) {
            Some(free) => (free, None),
            None => {
                let (way, age) = victim(&self.entries[set * WAYS..][..WAYS], row, now, self.idle_ticks);
                let expired = age > self.idle_ticks;
                counters.bump(if expired { Counter::FlowsExpired } else { Counter::FlowsEvicted });
                self.live -= 1;
                (way, Some(self.entries[set * WAYS + way]))
            }
        };
        counters.bump(Counter::FlowsOpened);
        self.live += 1;
        row.tags[way] = tag;
        row.seen[way] = now;
        let index = set * WAYS + way;
        self.entries[index] = Entry { key, protocol, ..Entry::EMPTY };
        (index, evicted)
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
fn victim(set: &[Entry], row: &Row, now: u16, idle_ticks: u16) -> (usize, u16) {
    let any = row.oldest(now);
    if any.1 > idle_ticks {
        return any;
    }
    // Of each stake: how many there are, and the place and age of the longest silent.
    let (mut count, mut oldest) = ([0; 3], [(0, 0); 3]);
    for (way, entry) in set.iter().enumerate() {
        let age = row.age(way, now);
        let stake = entry.stake() as usize;
        if count[stake] == 0 || age >= oldest[stake].1 {
            oldest[stake] = (way, age);
        }
        count[stake] += 1;
    }
    let [knocks, known, half_read] = oldest;
    if count[Stake::Knock as usize] >= SHARE {
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
    use crate::model::{Addr, Endpoint};

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
