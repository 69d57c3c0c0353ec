//! What the daemon shows of itself over HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::rules::Rules;
use crate::control::config::Config;
use crate::control::http::{DaemonView, InterfaceStatus, LegalStatus, Status};
use crate::control::legal::{LegalBlock, today};
use crate::export::metrics::Metrics;
use crate::model::Timestamp;
use crate::pipeline::{DNSTAP_INTERFACE, RecorderState, WorkerState};

/// A worker that has made no progress for this long, beyond the capture's own waits, is stuck.
const STALLED_AFTER: Duration = Duration::from_secs(20);
/// Readiness stays off for this long after a hit was lost.
const LOSS_REMEMBERED: Duration = Duration::from_secs(10);

/// Shared with the HTTP server.
pub(super) struct View {
    sensor: String,
    legal: LegalBlock,
    started: Timestamp,
    up_since: Instant,
    longest_wait: Duration,
    metrics: Arc<Metrics>,
    rules: Arc<Rules>,
    workers: Vec<Arc<WorkerState>>,
    recorder: Arc<RecorderState>,
}

impl View {
    pub(super) fn new(
        config: &Config,
        metrics: Arc<Metrics>,
        rules: Arc<Rules>,
        workers: Vec<Arc<WorkerState>>,
        recorder: Arc<RecorderState>,
    ) -> Self {
        View {
            sensor: config.sensor.name.clone(),
            legal: config.legal.clone(),
            started: Timestamp::now(),
            up_since: Instant::now(),
            longest_wait: STALLED_AFTER + config.capture.timeout.duration() * 2,
            metrics,
            rules,
            workers,
            recorder,
        }
    }

    /// Brings the readiness metric up to date.
    pub(super) fn publish_readiness(&self) {
        self.metrics.set_ready(self.unready().is_empty());
    }
}

impl DaemonView for View {
    fn metrics(&self) -> String {
        self.publish_readiness();
        // The tests rule a failure out; an empty answer would be seen by Prometheus as missing series.
        self.metrics.render().unwrap_or_default()
    }

    fn stalled(&self) -> Vec<String> {
        let stuck = self.workers.iter().filter(|w| w.silent_for() > self.longest_wait);
        stuck
            .map(|w| format!("the worker on {} made no progress for {} s", w.interface(), w.silent_for().as_secs()))
            .collect()
    }

    fn unready(&self) -> Vec<String> {
        let mut reasons = self.recorder.troubles();
        for worker in &self.workers {
            if !worker.is_up() {
                reasons.push(match worker.interface() {
                    DNSTAP_INTERFACE => "resolvers cannot connect: a socket of [dnstap] cannot be made".into(),
                    interface => format!("interface {interface} cannot be read"),
                });
            }
            if worker.lost_ago().is_some_and(|ago| ago < LOSS_REMEMBERED) {
                reasons
                    .push(format!("the worker on {} lost matches: the recorder does not keep up", worker.interface()));
            }
        }
        // Several workers of one interface have the same to say; they stand side by side.
        reasons.dedup();
        reasons
    }

    fn status(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION"),
            sensor: self.sensor.clone(),
            started: self.started.to_string(),
            uptime_seconds: self.up_since.elapsed().as_secs(),
            legal: LegalStatus::new(&self.legal, today()),
            rules: self.rules.status(),
            interfaces: self
                .workers
                .chunk_by(|a, b| a.interface() == b.interface())
                .map(|workers| InterfaceStatus {
                    name: workers[0].interface().to_owned(),
                    up: workers.iter().all(|w| w.is_up()),
                })
                .collect(),
        }
    }
}
