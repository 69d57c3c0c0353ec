//! What the endpoint counts; docs/rules-sources.md lists it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::refusal::Cause;

/// Counters since the program started. They hold no name and no address.
#[derive(Debug, Default)]
pub struct PushCounters {
    connections: AtomicU64,
    accepted: AtomicU64,
    bytes: AtomicU64,
    refused: [AtomicU64; Cause::ALL.len()],
}

/// The values of the counters at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushCounts {
    /// Connections that came, refused ones included.
    pub connections: u64,
    /// Pushes that the receiver took.
    pub accepted: u64,
    /// Their octets.
    pub bytes: u64,
    /// Connections and pushes that came to nothing, by [`Cause::word`].
    pub refused: Vec<(&'static str, u64)>,
}

impl PushCounters {
    pub(super) fn connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn accepted(&self, bytes: u64) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, cause: Cause) {
        // As many counters as causes, in the same order.
        self.refused[cause as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// All of them now.
    pub fn read(&self) -> PushCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PushCounts {
            connections: get(&self.connections),
            accepted: get(&self.accepted),
            bytes: get(&self.bytes),
            refused: Cause::ALL.into_iter().map(|c| (c.word(), get(&self.refused[c as usize]))).collect(),
        }
    }
}
