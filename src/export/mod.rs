//! Where events and metrics go.
//!
//! Every kind of destination is a [`Sink`] with a folder of its own; an [`EventQueue`] stands before each, so that a
//! full disk delays events instead of losing them, and so that one sink's trouble is not another's.

pub mod eve;
pub mod jsonl;
mod lines;
pub mod metrics;
mod queue;

use std::io;

pub use lines::{FileConfig, LineSink};
pub use queue::{EventQueue, QueueCounters};

use crate::record::Event;

/// A destination for events.
pub trait Sink: Send {
    /// What the operator calls it; a label in metrics.
    fn name(&self) -> &str;

    /// Takes events, in order, all or as many from the front as it can.
    ///
    /// # Errors
    /// [`SinkError::delivered`] says how many it took; the caller keeps the rest and tries again later.
    fn deliver(&mut self, events: &[Event]) -> Result<(), SinkError>;

    /// Lets go of what it holds open and opens it anew, as after SIGHUP when a file was moved away.
    ///
    /// # Errors
    /// If it cannot be opened; the next `deliver` tries again.
    fn reopen(&mut self) -> Result<(), SinkError>;

    /// Makes what was delivered outlive a power failure, and does what is due by time, such as rotation.
    ///
    /// # Errors
    /// If that cannot be promised.
    fn flush(&mut self) -> Result<(), SinkError>;

    /// Whether it works, as far as its last use shows.
    fn health(&self) -> Health;
}

/// Why a sink could not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {source}")]
pub struct SinkError {
    /// How many events from the front were taken all the same.
    pub delivered: usize,
    doing: String,
    source: io::Error,
}

impl SinkError {
    /// An error while `doing`, which is a phrase such as `cannot write /var/lib/stakeout/events.jsonl`.
    pub fn new(delivered: usize, doing: impl Into<String>, source: io::Error) -> Self {
        SinkError { delivered, doing: doing.into(), source }
    }

    /// What the operating system said.
    pub fn io(&self) -> &io::Error {
        &self.source
    }
}

/// State of a sink.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// The last use succeeded, or there was none.
    Working,
    /// The last use failed, with what it said.
    Failing(String),
}
