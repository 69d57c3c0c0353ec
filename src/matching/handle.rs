//! How packet workers see a new rule set: a published `Arc` with a generation number.
//!
//! Between batches a worker reads one atomic integer ([`RuleReader::refresh`]); only when it has changed does it take
//! the lock and the new `Arc`. A worker that sees no packets must still be woken to refresh, or it keeps the old set
//! in memory. The handle keeps every replaced set until no reader holds it and frees it in [`RuleHandle::collect`], so
//! that giving back the memory (milliseconds for a large list) is never a packet worker's work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::RuleSet;

/// What the control side and the readers share.
#[derive(Debug)]
struct Shared {
    generation: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    current: Arc<RuleSet>,
    published: Instant,
    retired: Vec<Arc<RuleSet>>,
}

impl Shared {
    /// A panic elsewhere cannot leave the state half changed, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The control side's end: publishes rule sets. Clones share the same state.
#[derive(Clone, Debug)]
pub struct RuleHandle(Arc<Shared>);

impl RuleHandle {
    /// Publishes the first set, as generation 1.
    pub fn new(rules: Arc<RuleSet>) -> Self {
        let state = State { current: rules, published: Instant::now(), retired: Vec::new() };
        RuleHandle(Arc::new(Shared { generation: AtomicU64::new(1), state: Mutex::new(state) }))
    }

    /// Replaces the set and gives the new generation. Readers see it at their next [`RuleReader::refresh`].
    pub fn publish(&self, rules: Arc<RuleSet>) -> u64 {
        let mut state = self.0.lock();
        let old = std::mem::replace(&mut state.current, rules);
        state.retired.push(old);
        state.published = Instant::now();
        // After the set and before the lock is given back: who sees the number finds at least that set.
        self.0.generation.fetch_add(1, Ordering::Release) + 1
    }

    /// The set in force.
    pub fn current(&self) -> Arc<RuleSet> {
        Arc::clone(&self.0.lock().current)
    }

    /// How many sets have been published so far.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// How long the set has been in force.
    pub fn age(&self) -> Duration {
        self.0.lock().published.elapsed()
    }

    /// Frees replaced sets that no reader holds any more, and tells how many are still held. Call it from the control
    /// side's periodic work until it gives 0; what stays above 0 is memory that a sleeping worker keeps.
    pub fn collect(&self) -> usize {
        let mut state = self.0.lock();
        // Nobody can take a new reference to a retired set, so a count of one can only be ours.
        let free: Vec<_> = state.retired.extract_if(.., |set| Arc::strong_count(set) == 1).collect();
        let held = state.retired.len();
        drop(state);
        drop(free);
        held
    }

    /// A new reader, which sees the set in force.
    pub fn reader(&self) -> RuleReader {
        let state = self.0.lock();
        // Under the lock, so that number and set belong together.
        let generation = self.0.generation.load(Ordering::Acquire);
        RuleReader { generation, rules: Arc::clone(&state.current), shared: Arc::clone(&self.0) }
    }
}

/// A worker's end: holds one set and looks for a newer one when told to.
#[derive(Debug)]
pub struct RuleReader {
    shared: Arc<Shared>,
    generation: u64,
    rules: Arc<RuleSet>,
}

impl RuleReader {
    /// Takes the newest set if there is one; true if it did. One atomic load when there is none.
    #[inline]
    pub fn refresh(&mut self) -> bool {
        if self.shared.generation.load(Ordering::Acquire) == self.generation {
            return false;
        }
        self.take();
        true
    }

    #[cold]
    fn take(&mut self) {
        let state = self.shared.lock();
        self.generation = self.shared.generation.load(Ordering::Acquire);
        self.rules = Arc::clone(&state.current);
    }

    /// The set that this reader holds.
    #[inline]
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The generation of that set.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_keeps_its_set_until_it_refreshes() {
        let handle = RuleHandle::new(Arc::new(RuleSet::empty()));
        let mut reader = handle.reader();
        assert!(!reader.refresh());
        let first = std::ptr::from_ref(reader.rules());

        assert_eq!(handle.publish(Arc::new(RuleSet::empty())), 2);
        assert_eq!(std::ptr::from_ref(reader.rules()), first);
        assert_eq!(handle.collect(), 1, "the reader still holds the first set");

        assert!(reader.refresh());
        assert_eq!((reader.generation(), handle.generation()), (2, 2));
        assert!(std::ptr::eq(reader.rules(), &*handle.current()));
        assert_eq!(handle.collect(), 0);
    }

    #[test]
    fn a_replaced_set_is_freed_when_the_last_reader_has_moved_on() {
        let first = Arc::new(RuleSet::empty());
        let watch = Arc::downgrade(&first);
        let handle = RuleHandle::new(first);
        let (mut busy, mut idle) = (handle.reader(), handle.reader());
        handle.publish(Arc::new(RuleSet::empty()));
        handle.publish(Arc::new(RuleSet::empty()));
        assert!(busy.refresh());
        assert_eq!(handle.collect(), 1, "the second set is free, the idle reader holds the first");
        assert!(watch.upgrade().is_some());
        assert!(idle.refresh());
        assert!(watch.upgrade().is_some(), "a reader never frees a set");
        assert_eq!(handle.collect(), 0);
        assert!(watch.upgrade().is_none());
    }

    #[test]
    fn readers_on_other_threads_see_the_last_set() {
        let handle = RuleHandle::new(Arc::new(RuleSet::empty()));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let mut reader = handle.reader();
                scope.spawn(move || {
                    let mut seen = reader.generation();
                    while seen < 51 {
                        reader.refresh();
                        assert!(reader.generation() >= seen);
                        seen = reader.generation();
                        std::thread::yield_now();
                    }
                });
            }
            for _ in 0..50 {
                handle.publish(Arc::new(RuleSet::empty()));
            }
        });
        assert_eq!(handle.collect(), 0);
    }
}
