//! The buffers of streams that are still being read: a bounded pool, apart from the flow table, because only a few
//! flows need one at any moment and most never do.
//!
//! A buffer is taken when a first segment does not settle the matter and given back as soon as the name is found or
//! the stream turns out to be something else. When the pool or its memory is spent, a buffer is taken from its stream, and
//! counted: of a few, one whose stream has not shown a start goes first, one of DNS last, and among equals the one that was
//! touched longest ago. A kind that fills more than half of the pool goes before the others, so that a flood of half
//! messages sheds its own.

use super::assembly::Assembly;
use super::reader::Reader;
use crate::model::{EncapChain, Timestamp};

/// No buffer.
pub(crate) const NO_BUFFER: u32 = u32::MAX;

/// One stream that is being read.
pub(crate) struct Stream {
    /// Index of the flow's entry in the table.
    pub(crate) entry: u32,
    /// The direction of the flow that is read.
    pub(crate) direction: u8,
    /// Segments taken while the start of the stream is still unknown; see `Tracker`.
    pub(crate) unanchored: u8,
    /// When the last segment came, and what it was wrapped in.
    pub(crate) touched: Timestamp,
    pub(crate) encap: EncapChain,
    pub(crate) assembly: Assembly,
    pub(crate) reader: Reader,
    in_use: bool,
}

impl Stream {
    /// Octets held: those put in order, and what a reader keeps of them.
    fn held(&self) -> usize {
        self.assembly.held() + self.reader.held()
    }

    fn kind(&self) -> Kind {
        match self.reader {
            _ if self.unanchored > 0 => Kind::Guess,
            Reader::Dns => Kind::Dns,
            _ => Kind::Hello,
        }
    }
}

/// What a stream is held for; the lower, the sooner it has to go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    /// Its start is not known: what comes may be a name's second half, and mostly is none.
    Guess,
    /// A hello or a request.
    Hello,
    /// DNS.
    Dns,
}

/// The pool. See the module's description.
pub(crate) struct StreamPool {
    streams: Vec<Stream>,
    free: Vec<u32>,
    capacity: usize,
    octets: usize,
    octet_budget: usize,
    /// Buffers in use of each [`Kind`].
    kinds: [usize; 3],
    hand: usize,
}

impl StreamPool {
    /// How many buffers are compared when one must go.
    const SAMPLE: usize = 8;
    /// Emptied buffers whose memory is kept for the next stream.
    const KEEP_BUFFERS: usize = 512;

    /// A pool of at most `capacity` buffers holding at most `octet_budget` octets together.
    pub(crate) fn new(capacity: usize, octet_budget: usize) -> Self {
        StreamPool {
            streams: Vec::new(),
            free: Vec::new(),
            capacity: capacity.clamp(1, NO_BUFFER as usize - 1),
            octets: 0,
            octet_budget,
            kinds: [0; 3],
            hand: 0,
        }
    }

    /// Whether a buffer must be freed before another can be taken or grow.
    pub(crate) fn is_spent(&self) -> bool {
        self.is_over_budget() || (self.free.is_empty() && self.streams.len() >= self.capacity)
    }

    /// Whether the buffers hold more than they may: a stream that is being read has grown.
    pub(crate) fn is_over_budget(&self) -> bool {
        self.octets > self.octet_budget
    }

    /// The buffer to free next, of the few after the last choice. Only those few are compared, so no kind of stream can
    /// keep the others out of the whole pool.
    pub(crate) fn victim(&mut self) -> Option<u32> {
        let n = self.streams.len();
        let mut first = None;
        let mut looked_at = 0;
        for step in 0..n {
            let i = (self.hand + step) % n;
            if !self.streams[i].in_use {
                continue;
            }
            let rank = self.rank(i);
            if first.is_none_or(|(lowest, _)| rank < lowest) {
                first = Some((rank, i));
            }
            looked_at += 1;
            if looked_at == Self::SAMPLE {
                self.hand = (i + 1) % n;
                break;
            }
        }
        first.map(|(_, i)| i as u32)
    }

    /// The lower, the sooner the stream in a slot has to go.
    fn rank(&self, slot: usize) -> (Kind, Timestamp) {
        let stream = &self.streams[slot];
        let kind = stream.kind();
        let over_its_share = self.kinds[kind as usize] * 2 > self.len();
        (if over_its_share { Kind::Guess } else { kind }, stream.touched)
    }

    /// Takes a buffer for a stream whose first wanted octet has sequence number `base`. The caller makes room first
    /// (see [`Self::is_spent`]); if it did not, there is none.
    pub(crate) fn take(&mut self, entry: usize, direction: usize, base: u32) -> Option<u32> {
        let index = match self.free.pop() {
            Some(i) => i,
            None if self.streams.len() < self.capacity => {
                self.streams.push(Stream {
                    entry: 0,
                    direction: 0,
                    unanchored: 0,
                    touched: Timestamp::default(),
                    encap: EncapChain::new(),
                    assembly: Assembly::default(),
                    reader: Reader::Undecided,
                    in_use: false,
                });
                (self.streams.len() - 1) as u32
            }
            None => return None,
        };
        let stream = &mut self.streams[index as usize];
        stream.assembly.restart(base);
        stream.entry = entry as u32;
        stream.direction = direction as u8;
        stream.unanchored = 0;
        stream.reader = Reader::Undecided;
        stream.in_use = true;
        self.kinds[stream.kind() as usize] += 1;
        Some(index)
    }

    /// Gives a buffer back.
    pub(crate) fn release(&mut self, index: u32) {
        let Some(stream) = self.streams.get_mut(index as usize) else { return };
        if stream.in_use {
            self.octets -= stream.held();
            self.kinds[stream.kind() as usize] -= 1;
            if self.free.len() < Self::KEEP_BUFFERS {
                stream.assembly.restart(0);
            } else {
                // After a flood, memory goes back to the allocator.
                stream.assembly = Assembly::default();
            }
            stream.reader = Reader::Undecided;
            stream.in_use = false;
            self.free.push(index);
        }
    }

    /// Works on a stream and keeps the accounts of octets and kinds right.
    pub(crate) fn with<T>(&mut self, index: u32, work: impl FnOnce(&mut Stream) -> T) -> Option<T> {
        let stream = self.streams.get_mut(index as usize).filter(|s| s.in_use)?;
        let before = (stream.held(), stream.kind());
        let result = work(stream);
        self.octets = self.octets - before.0 + stream.held();
        self.kinds[before.1 as usize] -= 1;
        self.kinds[stream.kind() as usize] += 1;
        Some(result)
    }

    /// The stream in slot `index`, if one is being read there.
    pub(crate) fn get(&self, index: usize) -> Option<&Stream> {
        self.streams.get(index).filter(|s| s.in_use)
    }

    /// Slots that were ever used; indices for [`Self::get`] are below it.
    pub(crate) fn slots(&self) -> usize {
        self.streams.len()
    }

    /// Buffers in use.
    pub(crate) fn len(&self) -> usize {
        self.streams.len() - self.free.len()
    }

    /// Octets held by all buffers.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_more_than_it_has_and_offers_the_oldest() {
        let mut pool = StreamPool::new(3, 1000);
        let taken: Vec<u32> = (0..3).map(|i| pool.take(i, 0, 0).unwrap()).collect();
        assert!(pool.take(9, 0, 0).is_none() && pool.is_spent());
        for (age, index) in [(30, taken[0]), (10, taken[1]), (20, taken[2])] {
            pool.with(index, |s| s.touched = Timestamp::from_nanos(age));
        }
        assert_eq!(pool.victim(), Some(taken[1]));
        pool.release(taken[1]);
        pool.release(taken[1]);
        assert_eq!((pool.len(), pool.is_spent()), (2, false));
        assert!(pool.take(9, 0, 0).is_some());
    }

    #[test]
    fn the_account_of_octets_is_kept() {
        let mut pool = StreamPool::new(8, 150);
        let a = pool.take(0, 0, 0).unwrap();
        let b = pool.take(1, 0, 0).unwrap();
        pool.with(a, |s| s.assembly.insert(0, &[0; 100]));
        pool.with(b, |s| s.assembly.insert(50, &[0; 100]));
        assert_eq!((pool.octets(), pool.is_spent()), (250, true));
        pool.release(b);
        assert_eq!((pool.octets(), pool.is_spent()), (100, false));
    }

    /// Takes buffers for streams of these kinds, each touched later than the one before.
    fn fill(pool: &mut StreamPool, kinds: &[Kind]) {
        for (i, kind) in kinds.iter().enumerate() {
            let index = pool.take(i, 0, 0).unwrap();
            pool.with(index, |s| {
                s.touched = Timestamp::from_nanos(i as u64);
                s.unanchored = u8::from(*kind == Kind::Guess);
                if *kind == Kind::Dns {
                    s.reader = Reader::Dns;
                }
            });
        }
    }

    #[test]
    fn guesses_go_before_hellos_and_those_before_dns() {
        let mut pool = StreamPool::new(6, 1000);
        fill(&mut pool, &[Kind::Dns, Kind::Hello, Kind::Guess, Kind::Dns, Kind::Hello, Kind::Guess]);
        for expected in [2, 5, 1] {
            assert_eq!(pool.victim(), Some(expected));
            pool.release(expected);
        }
    }

    #[test]
    fn a_kind_that_fills_more_than_half_goes_first() {
        let mut pool = StreamPool::new(5, 1000);
        fill(&mut pool, &[Kind::Hello, Kind::Dns, Kind::Dns, Kind::Dns, Kind::Hello]);
        assert_eq!(pool.victim(), Some(1));
        pool.release(1);
        // Half is no more than its share.
        assert_eq!(pool.victim(), Some(0));
    }
}
