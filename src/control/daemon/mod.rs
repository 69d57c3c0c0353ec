//! The daemon: turns a checked configuration into running workers, a recorder and an HTTP server, and reloads rules.
//!
//! The main thread only waits for triggers. A reload loads every list anew beside the rules in force and publishes
//! them together or not at all, so that one bad file changes nothing; the packet path goes on meanwhile.

mod bundles;
mod outdated;
mod rules;
mod settings;
mod view;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};

use super::config::Config;
use super::http::{HttpServer, HttpTimes};
use super::legal::today;
use super::watch::{self, Signals, Trigger, Watch, WatchTimes};
use crate::capture::prefilter::Prefilter;
use crate::capture::{CaptureError, ReopeningSource};
use crate::export::metrics::Metrics;
use crate::export::{EventQueue, eve, jsonl};
use crate::pipeline::{DNSTAP_INTERFACE, DnstapError, DnstapWorker, LiveWorker, Recorder};
use crate::record::Aggregator;
use crate::telemetry::events;
use outdated::StartedWith;
use rules::Rules;
pub use rules::check_source;
use view::View;

/// How often the daemon looks after itself when nothing triggers it.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// How often an overdue legal review is told in the log.
const REVIEW_REMINDER: Duration = Duration::from_secs(86_400);

/// Why the daemon did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The rules cannot be loaded; there is nothing to fall back to at the start.
    #[error("the rules cannot be loaded: {0}")]
    Rules(String),
    /// An interface cannot be captured for a reason that time will not mend.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// Resolvers cannot connect.
    #[error(transparent)]
    Dnstap(#[from] DnstapError),
    /// Something of the operating system's failed.
    #[error("{what}: {source}")]
    System {
        /// What was to be done.
        what: String,
        /// What the system says.
        source: io::Error,
    },
    /// An interface has come, or come back, and this process may not open it any more. What was found until then is
    /// written.
    #[error(
        "capture on \"{0}\" cannot be resumed: no packet socket is left for it, and the process may not open another \
         (CAP_NET_RAW); start it again"
    )]
    CannotResume(String),
    /// Events were still waiting for an output that did not take them.
    #[error("{0} events could not be written before the end; see the log for why")]
    EventsLost(usize),
}

impl DaemonError {
    fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> DaemonError {
        let what = what.into();
        move |source| DaemonError::System { what, source }
    }
}

/// Runs the daemon until it is told to stop. `file` is what `config` was read from: a reload says so if it has changed, for
/// only rules and output files are taken up then.
///
/// # Errors
/// [`DaemonError`]: it could not start, it had to stop because an interface cannot be captured any more, or events were lost
/// at the end.
pub fn run(config: &Config, file: &Path) -> Result<(), DaemonError> {
    let started_with = StartedWith::new(file);
    let (sender, triggers) = watch::channel();
    let _signals = Signals::start(sender.clone()).map_err(DaemonError::system("cannot handle signals"))?;
    let lists = config.rules.iter().map(|r| r.path.clone());
    let paths = lists.chain(config.bundles.iter().map(|b| b.path.clone())).collect();
    let _watch = Watch::start(paths, WatchTimes::default(), sender)
        .map_err(DaemonError::system("cannot watch the rule files"))?;
    let metrics =
        Arc::new(Metrics::new().map_err(|e| DaemonError::System {
            what: "cannot register metrics".into(),
            source: io::Error::other(e),
        })?);
    let rules = Arc::new(Rules::load(config, Arc::clone(&metrics)).map_err(DaemonError::Rules)?);
    metrics.set_legal_review(settings::review_due(&config.legal));

    let (recorder, recorder_thread, hits) = {
        let (hits, received) = bounded(config.limits.hit_queue as usize);
        let (state, thread) = recorder(config, received, &metrics)?;
        (state, thread, hits)
    };
    let stop = Arc::new(AtomicBool::new(false));
    let mut workers = Vec::new();
    for interface in &config.capture.interfaces {
        let prefilter = Arc::new(Prefilter::prepare(settings::prefilter(config)));
        let asked = Arc::clone(&prefilter);
        metrics.prefilter(interface, move || asked.status());
        for input in settings::inputs(&config.capture, interface, &prefilter) {
            let source = match ReopeningSource::open(input.clone()) {
                Ok(source) => source,
                Err(
                    error @ (CaptureError::NotPermitted { .. }
                    | CaptureError::RingUnfit { .. }
                    | CaptureError::XdpNotPermitted { .. }
                    | CaptureError::XdpUnfit { .. }),
                ) => return Err(error.into()),
                // It may appear or come up later; readiness is off until then.
                Err(_) => ReopeningSource::waiting(input),
            };
            let cpus = &config.capture.cpus;
            let worker = LiveWorker {
                interface: interface.clone(),
                number: workers.len(),
                cpu: cpus.get(workers.len() % cpus.len().max(1)).copied(),
                limits: settings::limits(&config.limits),
                reading: settings::reading(config),
                rules: rules.reader(),
                hits: hits.clone(),
                stats: metrics.worker(interface),
            };
            let running =
                worker.start(source, Arc::clone(&stop)).map_err(DaemonError::system("cannot start a worker"))?;
            workers.push(running);
        }
    }
    if let Some(dnstap) = &config.dnstap {
        let worker = DnstapWorker {
            config: settings::dnstap(dnstap),
            reading: settings::dnstap_reading(config, dnstap),
            rules: rules.reader(),
            hits: hits.clone(),
            stats: metrics.worker(DNSTAP_INTERFACE),
            dnstap: metrics.dnstap(),
        };
        workers.push(worker.start(Arc::clone(&stop))?);
    }
    // The recorder ends when the workers' senders are gone.
    drop(hits);

    let states: Vec<_> = workers.iter().map(|w| Arc::clone(w.state())).collect();
    let parts = (Arc::clone(&metrics), Arc::clone(&rules), Arc::clone(&recorder));
    let view = Arc::new(View::new(config, parts.0, parts.1, states.clone(), parts.2));
    let _http = HttpServer::start(&config.http, HttpTimes::default(), Arc::clone(&view) as _)
        .map_err(DaemonError::system(format!("cannot listen on {} for HTTP", config.http.listen)))?;
    events::started(env!("CARGO_PKG_VERSION"), &config.sensor.name, config.capture.interfaces.len(), rules.count());

    let mut reminded: Option<Instant> = None;
    let mut housekeeping = Instant::now() + HOUSEKEEPING;
    let ended = loop {
        match triggers.recv_timeout(housekeeping.saturating_duration_since(Instant::now())) {
            Ok(trigger @ (Trigger::RulesChanged | Trigger::Reload)) => {
                if let (Trigger::Reload, Some(file)) = (trigger, started_with.changed()) {
                    events::config_not_taken_up(file);
                }
                // What the reload before this one replaced, so that no third set is held while the next is built.
                rules.collect();
                rules.reload();
            }
            Ok(Trigger::Reopen) => recorder.ask_reopen(),
            Ok(Trigger::Shutdown) | Err(RecvTimeoutError::Disconnected) => break Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        // By the clock, and not only when nothing else is to do: rules that change every second would keep every old
        // set in memory.
        if Instant::now() >= housekeeping {
            housekeeping = Instant::now() + HOUSEKEEPING;
            rules.collect();
            rules.remind();
            view.publish_readiness();
            let overdue = config.legal.is_review_overdue(today());
            if overdue && reminded.is_none_or(|at| at.elapsed() >= REVIEW_REMINDER) {
                reminded = Some(Instant::now());
                events::review_overdue(&config.legal.review_date.to_string());
            }
            // Also when other interfaces are well: a restart takes them a moment, but an interface that nobody reads any
            // more would stay unread until somebody looks.
            if let Some(stuck) = states.iter().find(|worker| worker.is_stuck()) {
                events::capture_stuck(stuck.interface());
                break Err(DaemonError::CannotResume(stuck.interface().to_owned()));
            }
        }
    };
    events::stopping();
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.join();
    }
    // A recorder that panicked has lost what it held; the panic hook has said so.
    match recorder_thread.join() {
        Ok(0) => ended,
        Ok(lost) => Err(DaemonError::EventsLost(lost)),
        Err(_) => Err(DaemonError::EventsLost(1)),
    }
}

type RecorderParts = (Arc<crate::pipeline::RecorderState>, std::thread::JoinHandle<usize>);

fn recorder(
    config: &Config,
    hits: crossbeam_channel::Receiver<crate::model::Hit>,
    metrics: &Arc<Metrics>,
) -> Result<RecorderParts, DaemonError> {
    let aggregator =
        Aggregator::live(settings::aggregate(config), settings::policy(config), settings::networks(&config.networks))
            .map_err(|e| DaemonError::System {
            what: "cannot get random keys for subscribers".into(),
            source: io::Error::other(e),
        })?;
    let capacity = config.limits.event_queue as usize;
    let file = settings::event_file(&config.output.events);
    let path = file.path.display().to_string();
    let events = jsonl::open(file)
        .map_err(|e| DaemonError::System { what: format!("cannot open {path}"), source: io::Error::other(e) })?;
    let mut queues = vec![EventQueue::new(Box::new(events), capacity)];
    if let Some(config) = &config.output.eve {
        let file = settings::event_file(config);
        let path = file.path.display().to_string();
        let sink = eve::open(file)
            .map_err(|e| DaemonError::System { what: format!("cannot open {path}"), source: io::Error::other(e) })?;
        queues.push(EventQueue::new(Box::new(sink), capacity));
    }
    Recorder { hits, aggregator, queues, metrics: Arc::clone(metrics) }
        .start()
        .map_err(DaemonError::system("cannot start the recorder"))
}
