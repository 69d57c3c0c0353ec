//! The recorder: one thread that makes findings of hits and drives the outputs.
//!
//! It is the only place where a subscriber's address is looked at after the packet path, and nothing that leaves it
//! holds one (see `record`). An output that does not take events makes it hold them, as far as there is room.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::export::metrics::Metrics;
use crate::export::{EventQueue, Health};
use crate::model::{Hit, Timestamp};
use crate::record::Aggregator;
use crate::telemetry::events;

/// The longest wait for a hit before due events are told.
const IDLE: Duration = Duration::from_millis(100);
/// Hits taken between two looks at everything else.
const BATCH: usize = 1024;
/// How often what was written is made to outlive a power failure.
const FLUSH_EVERY: Duration = Duration::from_secs(2);
/// How often counts are published.
const PUBLISH_EVERY: Duration = Duration::from_millis(250);

/// What others may ask of a running recorder and know of it.
#[derive(Debug, Default)]
pub struct RecorderState {
    reopen: AtomicBool,
    troubles: Mutex<Vec<String>>,
}

impl RecorderState {
    /// Asks for the outputs to be opened anew, as after their files were moved away.
    pub fn ask_reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// What keeps outputs from working, in words; empty if they all do.
    pub fn troubles(&self) -> Vec<String> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a recorder needs.
pub struct Recorder {
    /// Hits from every worker. The recorder ends when all their senders are gone.
    pub hits: Receiver<Hit>,
    /// Makes findings.
    pub aggregator: Aggregator,
    /// The outputs.
    pub queues: Vec<EventQueue>,
    /// Where it publishes.
    pub metrics: Arc<Metrics>,
}

impl Recorder {
    /// Starts the thread. Joined, it tells how many events could not be written.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(self) -> io::Result<(Arc<RecorderState>, JoinHandle<usize>)> {
        let state = Arc::new(RecorderState::default());
        let told = Arc::clone(&state);
        let thread = thread::Builder::new().name("recorder".into()).spawn(move || self.run(&told))?;
        Ok((state, thread))
    }

    fn run(mut self, state: &RecorderState) -> usize {
        let mut events = Vec::new();
        let (mut flushed, mut published) = (Instant::now(), None);
        loop {
            let open = match self.hits.recv_timeout(IDLE) {
                Ok(hit) => {
                    self.aggregator.hit(&hit, &mut events);
                    for hit in self.hits.try_iter().take(BATCH) {
                        self.aggregator.hit(&hit, &mut events);
                    }
                    true
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => false,
            };
            self.aggregator.tick(Timestamp::now(), &mut events);
            if !open {
                self.aggregator.finish(&mut events);
            }
            let now = Instant::now();
            let reopen = state.reopen.swap(false, Ordering::Relaxed);
            for queue in &mut self.queues {
                queue.take(&events, now);
                if reopen {
                    queue.reopen(now);
                }
                queue.pump(now);
            }
            events.clear();
            if now.duration_since(flushed) >= FLUSH_EVERY {
                flushed = now;
                self.queues.iter_mut().for_each(EventQueue::flush);
            }
            if !open {
                let given_up = self.queues.iter_mut().map(|q| q.finish(now)).sum();
                self.publish(state);
                return given_up;
            }
            if published.is_none_or(|at: Instant| now.duration_since(at) >= PUBLISH_EVERY) {
                published = Some(now);
                self.publish(state);
            }
        }
    }

    fn publish(&self, state: &RecorderState) {
        self.metrics.publish_record(self.aggregator.counters());
        let mut troubles = Vec::new();
        for queue in &self.queues {
            self.metrics.publish_sink(queue.name(), queue.counters());
            match queue.health() {
                Health::Failing(why) => troubles.push(format!("output {}: {why}", queue.name())),
                Health::Working if !queue.is_ready() => {
                    troubles.push(format!("output {}: its queue is full and events are lost", queue.name()));
                }
                Health::Working => {}
            }
        }
        let mut told = state.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_empty() != troubles.is_empty() {
            match troubles.first() {
                Some(first) => events::output_failed("events", first),
                None => events::output_recovered("events"),
            }
        }
        *told = troubles;
    }
}
