//! What the fetcher counts; docs/rules-sources.md lists it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{FetchError, KINDS};
use super::request::Outcome;

/// Counters of all fetches since the program started. They hold no name and no address.
#[derive(Debug, Default)]
pub struct FetchCounters {
    attempts: AtomicU64,
    retries: AtomicU64,
    fetched: AtomicU64,
    bytes: AtomicU64,
    not_modified: AtomicU64,
    modification_unknown: AtomicU64,
    failed: [AtomicU64; KINDS.len()],
}

/// The values of the counters at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchCounts {
    /// Requests sent, to index pages and modification dates too, retries included.
    pub attempts: u64,
    /// How often a failed step was done again.
    pub retries: u64,
    /// Registers that came whole.
    pub fetched: u64,
    /// Their octets, unpacked.
    pub bytes: u64,
    /// Registers of which the server said that they have not changed.
    pub not_modified: u64,
    /// Modification dates that could not be had, so that the register was asked itself.
    pub modification_unknown: u64,
    /// Registers that were not fetched, by [`FetchError::kind`].
    pub failed: Vec<(&'static str, u64)>,
}

impl FetchCounters {
    pub(super) fn attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn modification_unknown(&self) {
        self.modification_unknown.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn ended(&self, result: &Result<Outcome, FetchError>) {
        match result {
            Ok(Outcome::Fetched(fetched)) => {
                self.fetched.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(fetched.bytes, Ordering::Relaxed);
            }
            Ok(Outcome::NotModified) => {
                self.not_modified.fetch_add(1, Ordering::Relaxed);
            }
            Err(e) => {
                for (kind, counter) in KINDS.iter().zip(&self.failed) {
                    if *kind == e.kind() {
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// All of them now.
    pub fn read(&self) -> FetchCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FetchCounts {
            attempts: get(&self.attempts),
            retries: get(&self.retries),
            fetched: get(&self.fetched),
            bytes: get(&self.bytes),
            not_modified: get(&self.not_modified),
            modification_unknown: get(&self.modification_unknown),
            failed: KINDS.iter().zip(&self.failed).map(|(kind, counter)| (*kind, get(counter))).collect(),
        }
    }
}
