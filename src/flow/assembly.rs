//! Puts the first octets of a TCP stream in order: segments may come in any order, twice, or overlapping.
//!
//! One buffer covers a bounded window from the stream's first wanted octet; a short sorted list tells which parts are
//! filled. Where segments disagree, the octets that came first stay, as a receiver would have taken them already.

/// A window onto a stream's first octets.
#[derive(Default, Debug)]
pub(crate) struct Assembly {
    base: u32,
    octets: Vec<u8>,
    /// Filled parts of `octets`: sorted, disjoint, not touching.
    filled: Vec<(u32, u32)>,
}

/// What became of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Inserted {
    /// At least one octet was new.
    New {
        /// Some octets were held already.
        overlap: bool,
    },
    /// All of it was held already, or lies before the window.
    Nothing,
    /// It begins beyond the window, or leaves more holes than are kept.
    Outside,
}

impl Assembly {
    /// Octets from the first wanted one: the largest hello with its record headers, or the longest DNS message.
    pub(crate) const WINDOW: u32 = 68 * 1024;
    /// Most separate filled parts. A sender that leaves more holes is not sending a hello.
    const MAX_PARTS: usize = 48;
    /// A recycled buffer larger than this is given back to the allocator.
    const KEEP_CAPACITY: usize = 8 * 1024;

    /// Empties it for a stream whose first wanted octet has sequence number `base`.
    pub(crate) fn restart(&mut self, base: u32) {
        self.base = base;
        self.octets.clear();
        if self.octets.capacity() > Self::KEEP_CAPACITY {
            self.octets = Vec::new();
        }
        self.filled.clear();
    }

    /// Sequence number of the first octet of the window.
    pub(crate) fn base(&self) -> u32 {
        self.base
    }

    /// Octets of memory in use.
    pub(crate) fn held(&self) -> usize {
        self.octets.len()
    }

    /// Whether some octets wait behind a hole.
    pub(crate) fn has_hole(&self) -> bool {
        self.filled.len() > 1 || self.filled.first().is_some_and(|(start, _)| *start > 0)
    }

    /// The octets from the first wanted one up to the first hole.
    pub(crate) fn prefix(&self) -> &[u8] {
        match self.filled.first() {
            Some((0, end)) => &self.octets[..*end as usize],
            _ => &[],
        }
    }

    /// The contiguous parts that wait behind holes.
    pub(crate) fn behind_holes(&self) -> impl Iterator<Item = &[u8]> {
        let parts = self.filled.iter().filter(|(start, _)| *start > 0);
        parts.filter_map(|(start, end)| self.octets.get(*start as usize..*end as usize))
    }

    /// Adds a segment.
    pub(crate) fn insert(&mut self, seq: u32, payload: &[u8]) -> Inserted {
        let offset = seq.wrapping_sub(self.base) as i32;
        let (start, payload) = if offset < 0 {
            match payload.get(offset.unsigned_abs() as usize..) {
                Some(rest) if !rest.is_empty() => (0, rest),
                _ => return Inserted::Nothing,
            }
        } else {
            (offset as u32, payload)
        };
        if start >= Self::WINDOW {
            return Inserted::Outside;
        }
        let end = start.saturating_add(payload.len() as u32).min(Self::WINDOW);
        if end <= start {
            return Inserted::Nothing;
        }
        // The parts that this segment touches or bridges; they become one.
        let first = self.filled.partition_point(|(_, e)| *e < start);
        let after = self.filled.partition_point(|(s, _)| *s <= end);
        if first == after && self.filled.len() >= Self::MAX_PARTS {
            return Inserted::Outside;
        }
        if self.octets.len() < end as usize {
            self.octets.resize(end as usize, 0);
        }
        let (mut at, mut fresh, mut overlap) = (start, false, false);
        for &(held_start, held_end) in &self.filled[first..after] {
            if at < held_start {
                copy(&mut self.octets, at, held_start.min(end), payload, start);
                fresh = true;
            }
            overlap |= held_start.max(start) < held_end.min(end);
            at = at.max(held_end);
        }
        if at < end {
            copy(&mut self.octets, at, end, payload, start);
            fresh = true;
        }
        let merged = match (self.filled.get(first), after.checked_sub(1).and_then(|i| self.filled.get(i))) {
            (Some((s, _)), Some((_, e))) if first < after => (start.min(*s), end.max(*e)),
            _ => (start, end),
        };
        self.filled.splice(first..after, [merged]);
        if fresh { Inserted::New { overlap } } else { Inserted::Nothing }
    }

    /// Drops the first `n` octets of the prefix: they are read.
    pub(crate) fn consume(&mut self, n: usize) {
        let n = n.min(self.prefix().len());
        self.octets.drain(..n);
        self.base = self.base.wrapping_add(n as u32);
        let n = n as u32;
        self.filled.retain_mut(|(start, end)| {
            *start = start.saturating_sub(n);
            *end = end.saturating_sub(n);
            *end > *start
        });
    }

    /// Moves the window so that it begins at `base`: octets before it are dropped, octets after it kept if they fit.
    pub(crate) fn rebase(&mut self, base: u32) {
        let shift = base.wrapping_sub(self.base) as i32;
        if shift >= 0 {
            let n = (shift as usize).min(self.octets.len());
            self.octets.drain(..n);
            let n = n as u32;
            self.filled.retain_mut(|(start, end)| {
                *start = start.saturating_sub(n);
                *end = end.saturating_sub(n);
                *end > *start
            });
        } else {
            let room = shift.unsigned_abs();
            if room.saturating_add(self.octets.len() as u32) > Self::WINDOW {
                self.octets.clear();
                self.filled.clear();
            } else {
                self.octets.splice(..0, std::iter::repeat_n(0, room as usize));
                for (start, end) in &mut self.filled {
                    *start += room;
                    *end += room;
                }
            }
        }
        self.base = base;
    }
}

/// Copies the part of `payload` that belongs to window offsets `from..to`; `payload` begins at `start`.
fn copy(octets: &mut [u8], from: u32, to: u32, payload: &[u8], start: u32) {
    let source = payload.get((from - start) as usize..(to - start) as usize);
    if let (Some(target), Some(source)) = (octets.get_mut(from as usize..to as usize), source) {
        target.copy_from_slice(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_octets_seen_stay() {
        let mut a = Assembly::default();
        a.restart(u32::MAX - 1);
        assert_eq!(a.insert(2, b"EFGH"), Inserted::New { overlap: false });
        assert!(a.prefix().is_empty() && a.has_hole());
        assert_eq!(a.insert(u32::MAX - 1, b"abcdxxxxi"), Inserted::New { overlap: true });
        assert_eq!(a.prefix(), b"abcdEFGHi");
        assert_eq!(a.insert(0, b"zzz"), Inserted::Nothing);
        a.consume(4);
        assert_eq!((a.prefix(), a.base()), (&b"EFGHi"[..], 2));
    }

    #[test]
    fn the_window_can_move_back_for_a_late_start() {
        let mut a = Assembly::default();
        a.restart(100);
        a.insert(100, b"tail");
        a.rebase(96);
        assert_eq!(a.insert(96, b"head"), Inserted::New { overlap: false });
        assert_eq!(a.prefix(), b"headtail");
        a.rebase(98);
        assert_eq!(a.prefix(), b"adtail");
    }

    #[test]
    fn holes_and_window_are_bounded() {
        let mut a = Assembly::default();
        a.restart(0);
        assert_eq!(a.insert(Assembly::WINDOW, b"x"), Inserted::Outside);
        let kept = (0..200u32).filter(|i| a.insert(i * 2 + 1, b"x") != Inserted::Outside).count();
        assert_eq!(kept, Assembly::MAX_PARTS);
        assert_eq!(a.insert(0, &[b'y'; 300]), Inserted::New { overlap: true });
        assert_eq!(a.prefix().len(), 300);
    }

    proptest! {
        #[test]
        fn any_order_gives_the_stream(
            stream in proptest::collection::vec(any::<u8>(), 1..600),
            cuts in proptest::collection::vec((any::<prop::sample::Index>(), 1usize..90), 1..60),
            base in any::<u32>(),
        ) {
            let mut a = Assembly::default();
            a.restart(base);
            let mut seen = vec![false; stream.len()];
            for (at, len) in &cuts {
                let from = at.index(stream.len());
                let to = (from + len).min(stream.len());
                if a.insert(base.wrapping_add(from as u32), &stream[from..to]) != Inserted::Outside {
                    seen[from..to].fill(true);
                }
            }
            let expected = seen.iter().take_while(|s| **s).count();
            prop_assert_eq!(a.prefix(), &stream[..expected]);
        }
    }
}
