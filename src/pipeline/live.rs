//! A worker on a live interface, or one of several that share it: a thread of its own that reads packets, matches names and
//! hands hits to the recorder.
//!
//! Between two batches it takes a newer rule set if there is one, publishes what it counted, and tells that it makes
//! progress. It never waits for anybody: a hit that the recorder's queue cannot take is counted as lost, and before the
//! queue is full those of a rule that floods it are shed ([`super::fair`]).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::fair::Fair;
use super::{Limits, Worker, find_hit_and_count};
use crate::capture::{
    CaptureError, CaptureStats, InputConfig, InputSource, LinkState, PacketSource, Poll, ReopeningSource,
};
use crate::decode::LinkType;
use crate::export::metrics::{WorkerStats, WorkerValue};
use crate::flow::Reading;
use crate::matching::RuleReader;
use crate::model::{Hit, Observation, ObservationSink, Timestamp};
use crate::telemetry::events;

/// Frames taken between two looks at everything else.
const BATCH: usize = 512;
/// How often counts are published while packets flow.
const PUBLISH_EVERY: Duration = Duration::from_millis(250);
/// Idle polls after which nothing is left of what came before the stop: the kernel hands over a block that is not full
/// at the second end of its timeout at the latest.
const DRAIN_IDLE: u32 = 2;
/// The longest that this goes on, beyond the poll that is under way.
const DRAIN_MOST: Duration = Duration::from_secs(2);

/// What others may know of a live worker.
#[derive(Debug)]
pub struct WorkerState {
    interface: String,
    up: AtomicBool,
    /// The interface cannot be opened again by this process.
    stuck: AtomicBool,
    /// Milliseconds after `started` at which the worker last finished a batch or an idle wait.
    progress_ms: AtomicU64,
    /// Milliseconds after `started` at which a hit was last lost, plus one; 0 for never.
    lost_ms: AtomicU64,
    started: Instant,
}

impl WorkerState {
    pub(super) fn new(interface: &str) -> Self {
        WorkerState {
            interface: interface.to_owned(),
            up: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            progress_ms: AtomicU64::new(0),
            lost_ms: AtomicU64::new(0),
            started: Instant::now(),
        }
    }

    /// The interface that it reads.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Whether packets can come at present.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Whether its interface was lost and this process may not open it again, so that only another start helps.
    pub fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// How long ago it last made progress.
    pub fn silent_for(&self) -> Duration {
        self.since(self.progress_ms.load(Ordering::Relaxed))
    }

    /// How long ago a hit was last lost, if ever.
    pub fn lost_ago(&self) -> Option<Duration> {
        let at = self.lost_ms.load(Ordering::Relaxed);
        (at > 0).then(|| self.since(at - 1))
    }

    /// Notes whether anything can come.
    pub(super) fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Relaxed);
    }

    /// Notes that it makes progress.
    pub(super) fn progressed(&self) {
        self.progress_ms.store(self.now_ms(), Ordering::Relaxed);
    }

    /// Notes that a hit was lost.
    pub(super) fn lost_hit(&self) {
        self.lost_ms.store(self.now_ms().saturating_add(1), Ordering::Relaxed);
    }

    fn since(&self, ms: u64) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(ms))
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What a live worker needs.
pub struct LiveWorker {
    /// The interface that it reads.
    pub interface: String,
    /// Its number, as in the metrics.
    pub number: usize,
    /// The processor on which it runs; `None` for wherever the kernel puts it.
    pub cpu: Option<u32>,
    /// How much it may hold.
    pub limits: Limits,
    /// What it may read.
    pub reading: Reading,
    /// The rules.
    pub rules: RuleReader,
    /// The recorder's queue.
    pub hits: Sender<Hit>,
    /// Where it publishes.
    pub stats: Arc<WorkerStats>,
}

/// A running worker.
pub struct Running {
    state: Arc<WorkerState>,
    thread: JoinHandle<()>,
}

impl Running {
    pub(super) fn new(state: Arc<WorkerState>, thread: JoinHandle<()>) -> Self {
        Running { state, thread }
    }

    /// What others may know of it.
    pub fn state(&self) -> &Arc<WorkerState> {
        &self.state
    }

    /// Waits for its end, after the stop flag was raised.
    pub fn join(self) {
        // A panic was reported by the panic hook; the other workers' hits must still be written.
        let _ = self.thread.join();
    }
}

impl LiveWorker {
    /// Starts the worker on its source. It runs until `stop` is raised, at most one capture timeout longer.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(self, source: ReopeningSource<InputConfig>, stop: Arc<AtomicBool>) -> io::Result<Running> {
        let state = Arc::new(WorkerState::new(&self.interface));
        let told = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name(format!("{}-{}", self.number, self.interface))
            .spawn(move || self.run(source, &told, &stop))?;
        Ok(Running { state, thread })
    }

    fn run(mut self, mut source: ReopeningSource<InputConfig>, state: &WorkerState, stop: &AtomicBool) {
        self.pin();
        let mut worker = Worker::new(&self.limits, self.reading.clone());
        let mut capture = CaptureStats::default();
        let (mut lost, mut watched, mut fair) = (0, 0, Fair::new());
        let mut published: Option<Instant> = None;
        let mut was_up = None;
        let mut unread_link: Option<u32> = None;
        while !stop.load(Ordering::Relaxed) {
            self.rules.refresh();
            let (rules, hits) = (&mut self.rules, &self.hits);
            let mut sink = HitSink { rules, hits, lost: &mut lost, watched: &mut watched, fair: &mut fair };
            let lost_before = sink.not_taken();
            let polled = source.poll_batches(BATCH, &mut |frames| {
                // A live source has one kind of frame at a time.
                if let Some(frame) = frames.first().filter(|f| LinkType::from_linktype(f.linktype).is_none()) {
                    unread_link = unread_link.or(Some(frame.linktype));
                }
                worker.frames(frames.iter().copied(), &mut sink);
            });
            let idle = !matches!(polled, Ok(Poll::Frames(_)));
            if idle {
                worker.idle(Timestamp::now(), &mut sink);
            }
            if sink.not_taken() > lost_before {
                state.lost_hit();
            }
            state.progressed();
            let up = source.state() == LinkState::Up;
            if was_up != Some(up) {
                was_up = Some(up);
                state.set_up(up);
                if up {
                    if let Some(why) = source.source().and_then(InputSource::why_not_ring) {
                        events::capture_fallback(&self.interface, why);
                    }
                    events::capture_up(&self.interface, self.number);
                } else {
                    let why = source.trouble().map_or_else(String::new, ToString::to_string);
                    events::capture_down(&self.interface, self.number, &why);
                }
            }
            if !up && matches!(source.trouble(), Some(CaptureError::NotPermitted { .. })) {
                state.stuck.store(true, Ordering::Relaxed);
            }
            if let Some(number) = unread_link.filter(|n| *n != u32::MAX) {
                events::link_type_unread(&self.interface, &LinkType::name(number));
                // Said once; the counter goes on.
                unread_link = Some(u32::MAX);
            }
            if idle || published.is_none_or(|at| at.elapsed() >= PUBLISH_EVERY) {
                capture += source.stats();
                let ring = source.source().is_some_and(InputSource::is_ring);
                self.publish(&worker, capture, [lost, fair.shed(), watched], Reads { up, ring });
                published = Some(Instant::now());
            }
        }
        let (rules, hits) = (&mut self.rules, &self.hits);
        let mut sink = HitSink { rules, hits, lost: &mut lost, watched: &mut watched, fair: &mut fair };
        drain(&mut source, &mut worker, &mut sink);
        worker.finish(&mut sink);
        capture += source.stats();
        self.publish(&worker, capture, [lost, fair.shed(), watched], Reads { up: false, ring: false });
        state.set_up(false);
    }

    /// Binds the thread to its processor. Where that fails, the work is done all the same.
    fn pin(&self) {
        let Some(cpu) = self.cpu else { return };
        let mut set = CpuSet::new();
        let pinned = set.set(cpu as usize).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set));
        if let Err(why) = pinned {
            events::worker_not_pinned(&self.interface, self.number, cpu, &why.to_string());
        }
    }

    fn publish(&self, worker: &Worker, capture: CaptureStats, [lost, shed, watched]: [u64; 3], reads: Reads) {
        let gauges = worker.gauges();
        self.stats.publish(worker.counters());
        for (value, n) in [
            (WorkerValue::CaptureUp, u64::from(reads.up)),
            (WorkerValue::RingInUse, u64::from(reads.ring)),
            (WorkerValue::RingFreezes, capture.freezes),
            (WorkerValue::CaptureReceived, capture.received),
            (WorkerValue::KernelDrops, capture.dropped_kernel),
            (WorkerValue::InterfaceDrops, capture.dropped_interface),
            (WorkerValue::FlowTable, gauges.flows as u64),
            (WorkerValue::StreamBuffers, (gauges.streams + gauges.quic_connections) as u64),
            (WorkerValue::FragmentsHeld, worker.fragments_held() as u64),
            (WorkerValue::HitQueueDepth, self.hits.len() as u64),
            (WorkerValue::HitsLost, lost),
            (WorkerValue::HitsShed, shed),
            (WorkerValue::NamesWatched, watched),
        ] {
            self.stats.set(value, n);
        }
    }
}

/// How the worker reads now.
#[derive(Clone, Copy)]
struct Reads {
    up: bool,
    ring: bool,
}

/// Reads what the kernel had taken before the stop and has not handed over yet.
fn drain(source: &mut ReopeningSource<InputConfig>, worker: &mut Worker, sink: &mut HitSink<'_>) {
    let stopped = Timestamp::now();
    let until = Instant::now() + DRAIN_MOST;
    let (mut idle, mut newer) = (0, false);
    // Where frames are stamped as they are read, all of them would be newer.
    let mut waiting = source.source_mut().and_then(InputSource::waiting);
    while idle < DRAIN_IDLE && !newer && waiting != Some(0) && source.state() == LinkState::Up && Instant::now() < until
    {
        let polled = source.poll_batches(BATCH, &mut |frames| {
            newer |= waiting.is_none() && frames.last().is_some_and(|frame| frame.ts > stopped);
            worker.frames(frames.iter().copied(), sink);
        });
        match polled {
            Ok(Poll::Frames(frames)) => waiting = waiting.map(|waiting| waiting.saturating_sub(frames)),
            _ => idle += 1,
        }
    }
}

/// Matches names and queues the hits.
pub(super) struct HitSink<'w> {
    pub(super) rules: &'w mut RuleReader,
    pub(super) hits: &'w Sender<Hit>,
    pub(super) lost: &'w mut u64,
    pub(super) watched: &'w mut u64,
    pub(super) fair: &'w mut Fair,
}

impl HitSink<'_> {
    /// Hits that the recorder did not get, for whatever reason.
    pub(super) fn not_taken(&self) -> u64 {
        *self.lost + self.fair.shed()
    }
}

impl ObservationSink for HitSink<'_> {
    // A hit has none.
    const HELLO_DETAILS: bool = false;

    #[inline]
    fn observe(&mut self, observation: &Observation<'_>) {
        // Here and not only between two polls: a poll may have begun to wait long before the rules came into force, and
        // what arrives after that is theirs.
        self.rules.refresh();
        if let Some(hit) = find_hit_and_count(self.rules.rules(), observation, self.watched) {
            let capacity = self.hits.capacity().unwrap_or(usize::MAX);
            if !self.fair.admits(&hit.rule.pattern, self.hits.len(), capacity) {
                return;
            }
            match self.hits.try_send(hit) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => *self.lost += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{Format, ListMeta, RuleHandle, RuleSet, RuleSetBuilder, parse};
    use crate::model::{Action, Addr, Detail, DomainName, EncapChain, Endpoint, Kind, Proto};
    use std::net::IpAddr;

    fn rules(list: &str) -> Arc<RuleSet> {
        let parsed = parse(list.as_bytes(), Format::Plain, 1 << 20).expect("a list");
        let meta = ListMeta { name: "test".into(), action: Action::Block };
        let mut builder = RuleSetBuilder::new();
        builder.add_list(meta, parsed);
        Arc::new(builder.build().expect("a rule set"))
    }

    #[test]
    fn new_rules_hold_for_the_next_name_even_within_a_poll() {
        let handle = RuleHandle::new(rules("old.example"));
        let (hits, found) = crossbeam_channel::bounded(8);
        let (mut reader, mut lost, mut watched, mut fair) = (handle.reader(), 0, 0, Fair::new());
        let mut sink =
            HitSink { rules: &mut reader, hits: &hits, lost: &mut lost, watched: &mut watched, fair: &mut fair };
        let name = DomainName::from_text(b"new.example").expect("a name");
        let end = Endpoint { addr: Addr::from(IpAddr::from([192, 0, 2, 1])), port: 443 };
        let seen = Observation {
            ts: Timestamp::from_parts(1, 0),
            proto: Proto::Http,
            kind: Kind::Host,
            name: &name,
            client: end,
            server: end,
            encap: EncapChain::default(),
            detail: Detail::Http { version: 11 },
        };
        sink.observe(&seen);
        assert!(found.is_empty());
        handle.publish(rules("new.example"));
        sink.observe(&seen);
        assert_eq!(found.len(), 1);
        handle.publish(rules("https://new.example/a/page"));
        sink.observe(&seen);
        assert_eq!((found.len(), watched), (1, 1), "a name that is watched is counted and is no hit");
    }

    /// A recorder that takes nothing meanwhile, and a flood of queries under one listed name: the others get through.
    #[test]
    fn a_flood_of_one_rule_does_not_push_out_the_hits_of_others() {
        let list: String = (0..40).map(|n| format!("rule{n}.example\n")).collect();
        let handle = RuleHandle::new(rules(&list));
        let (hits, found) = crossbeam_channel::bounded(2_048);
        let (mut reader, mut lost, mut watched, mut fair) = (handle.reader(), 0, 0, Fair::new());
        let mut sink =
            HitSink { rules: &mut reader, hits: &hits, lost: &mut lost, watched: &mut watched, fair: &mut fair };
        let visit = |sink: &mut HitSink<'_>, name: &str| {
            let name = DomainName::from_text(name.as_bytes()).expect("a name");
            let end = Endpoint { addr: Addr::from(IpAddr::from([192, 0, 2, 1])), port: 443 };
            let detail = Detail::Http { version: 11 };
            let (ts, encap) = (Timestamp::from_parts(1, 0), EncapChain::default());
            let (proto, kind) = (Proto::Http, Kind::Host);
            sink.observe(&Observation { ts, proto, kind, name: &name, client: end, server: end, encap, detail });
        };
        for n in 0..10_000 {
            visit(&mut sink, &format!("x{n}.rule0.example"));
        }
        (1..40).for_each(|n| visit(&mut sink, &format!("rule{n}.example")));
        let shed = sink.fair.shed();
        let taken = found.len() as u64;
        assert_eq!((taken + shed, lost), (10_039, 0), "what is not taken is counted");
        let others = found.try_iter().filter(|hit| !hit.rule.pattern.to_string().starts_with("rule0.")).count();
        assert!(others >= 35, "{others} of 39: a few may share the flood's account");
    }
}
