//! The metrics: what each part of the program publishes, and the text that `/metrics` serves.
//!
//! Parts publish plain numbers into shared state and never touch the registry; collectors make metrics of them when
//! somebody asks. Labels have few values by construction: interfaces, workers and lists that the operator named, and
//! reasons from this program. Never a domain, never an address. `docs/metrics.md` and the families here are held to
//! each other by a test.

mod bundles;
mod control;
mod dnstap;
mod host;
mod prefilter;
mod record;
mod table;
mod workers;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::{Registry, TextEncoder};

pub use bundles::BundleState;
pub use control::{ListState, RuleSetState};
pub use dnstap::{DnstapCounter, DnstapCounts, DnstapStats};
pub use workers::{WorkerStats, WorkerValue};

use super::QueueCounters;
use crate::capture::prefilter::Status;
use crate::model::Timestamp;
use crate::record::RecordCounters;

/// All metrics of one run. Shared by the parts that publish and the server that shows.
pub struct Metrics {
    registry: Registry,
    workers: Arc<workers::State>,
    dnstap: Arc<dnstap::State>,
    record: Arc<record::State>,
    control: Arc<control::State>,
    bundles: Arc<bundles::State>,
    prefilters: Arc<prefilter::State>,
}

impl Metrics {
    /// Registers every family.
    ///
    /// # Errors
    /// If two families are at odds, which the tests rule out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let control = Arc::new(control::State::default());
        let workers = Arc::new(workers::State::default());
        let record = Arc::new(record::State::default());
        let dnstap = Arc::new(dnstap::State::default());
        let prefilters = Arc::new(prefilter::State::default());
        let bundles = Arc::new(bundles::State::default());
        for table in [
            workers::table(Arc::clone(&workers))?,
            dnstap::table(Arc::clone(&dnstap))?,
            record::table(Arc::clone(&record), Arc::clone(&control))?,
            control::table(Arc::clone(&control))?,
            bundles::table(Arc::clone(&bundles), Arc::clone(&control))?,
            prefilter::table(Arc::clone(&prefilters))?,
            host::table(Arc::default())?,
        ] {
            registry.register(Box::new(table))?;
        }
        Ok(Metrics { registry, workers, dnstap, record, control, bundles, prefilters })
    }

    /// Where a new packet worker on `interface` publishes. Ask once a worker, also if its interface vanishes and
    /// returns: a worker keeps its number.
    pub fn worker(&self, interface: &str) -> Arc<WorkerStats> {
        self.workers.add(interface)
    }

    /// Where the dnstap source publishes what only it counts; the rest goes to a [`Metrics::worker`]. Ask once.
    pub fn dnstap(&self) -> Arc<DnstapStats> {
        self.dnstap.add()
    }

    /// The kernel prefilter of an interface, and how to ask about it.
    pub fn prefilter(&self, interface: &str, ask: impl Fn() -> Status + Send + Sync + 'static) {
        self.prefilters.add(interface, Box::new(ask));
    }

    /// Publishes what the record layer has counted.
    pub fn publish_record(&self, counters: &RecordCounters) {
        self.record.lock().record.clone_from(counters);
    }

    /// Publishes the state of the queue before the sink called `name`.
    pub fn publish_sink(&self, name: &str, counters: QueueCounters) {
        self.record.lock().sinks.insert(name.to_owned(), counters);
    }

    /// A rule set is in force from now on; counts a successful load.
    pub fn rules_loaded(&self, rules: RuleSetState) {
        let mut state = self.control.lock();
        state.rules = Some(rules);
        state.loads[0] += 1;
    }

    /// A rule set could not be loaded; the one before stays in force.
    pub fn rules_refused(&self) {
        self.control.lock().loads[1] += 1;
    }

    /// A channel of signed bundles is configured.
    pub fn bundle_channel(&self, channel: &str) {
        self.bundles.add(channel);
    }

    /// A signed bundle is in force from now on.
    pub fn bundle_in_force(&self, bundle: BundleState) {
        self.bundles.in_force(bundle);
    }

    /// A signed bundle was refused; `cause` is that of the [`BundleError`](crate::matching::bundle::BundleError).
    pub fn bundle_refused(&self, channel: &str, cause: &str) {
        self.bundles.refused(channel, cause);
    }

    /// When the legal basis is due for review. From then on `stakeout_legal_review_overdue` is 1.
    pub fn set_legal_review(&self, due: Timestamp) {
        self.control.lock().review_due = Some(due);
    }

    /// Whether the program is ready, as `/readyz` says.
    pub fn set_ready(&self, ready: bool) {
        self.control.lock().ready = ready;
    }

    /// Every metric in the Prometheus text format (version 0.0.4).
    ///
    /// # Errors
    /// If a family breaks the format, which the tests rule out.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        self.render_at(Timestamp::now())
    }

    fn render_at(&self, now: Timestamp) -> Result<String, prometheus::Error> {
        self.control.lock().now = now;
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

/// Locks what holds plain numbers: they are as good after a panic elsewhere as before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
