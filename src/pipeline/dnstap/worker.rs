//! The thread that serves resolvers: takes their connections, reads them in turn, and does between two rounds what a
//! capture's worker does between two batches.
//!
//! It reads as fast as it can and never waits for anybody. Each round reads every ready connection once, at most one
//! largest frame's worth of octets, so that a busy resolver does not silence another.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::connection::{Connection, End};
use super::reader::{DnstapReader, DnstapReading};
use super::socket::{Listener, Taken, TcpSocketConfig, UnixSocketConfig};
use crate::export::metrics::{DnstapCounter, DnstapStats, WorkerStats, WorkerValue};
use crate::matching::RuleReader;
use crate::model::{Counter, Hit, Timestamp};
use crate::pipeline::fair::Fair;
use crate::pipeline::live::{HitSink, Running, WorkerState};
use crate::telemetry::events;

/// What stands in the place of an interface, in metrics and status.
pub const INTERFACE: &str = "dnstap";

/// The longest wait for anything to come.
const WAIT_MS: u16 = 100;
/// How often counts are published while messages flow.
const PUBLISH_EVERY: Duration = Duration::from_millis(250);
/// How often sockets and overdue connections are looked after, and how long nobody is taken after that failed.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
/// The longest that connections are read on after the stop.
const DRAIN_MOST: Duration = Duration::from_secs(2);
/// Connections taken in one round.
const ACCEPT_BATCH: usize = 32;

/// Where resolvers connect, and how much they may take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DnstapConfig {
    /// The UNIX socket, if there is one.
    pub unix: Option<UnixSocketConfig>,
    /// The TCP socket, if there is one.
    pub tcp: Option<TcpSocketConfig>,
    /// Connections open at once; further ones are closed.
    pub max_connections: usize,
    /// Octets of the largest data frame. Each connection has a buffer of that size.
    pub max_frame: usize,
}

/// A socket cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("resolvers cannot connect to {place}: {source}")]
pub struct DnstapError {
    /// Path, or address and port.
    pub place: String,
    /// What the system says.
    pub source: io::Error,
}

/// What the worker needs.
pub struct DnstapWorker {
    /// Where and how much.
    pub config: DnstapConfig,
    /// What it may read.
    pub reading: DnstapReading,
    /// The rules.
    pub rules: RuleReader,
    /// The recorder's queue.
    pub hits: Sender<Hit>,
    /// Where it publishes what every worker counts.
    pub stats: Arc<WorkerStats>,
    /// Where it publishes what only it counts.
    pub dnstap: Arc<DnstapStats>,
}

impl DnstapWorker {
    /// Opens the sockets and starts the thread. It runs until `stop` is raised.
    ///
    /// # Errors
    /// A socket cannot be made, or the operating system gives no thread.
    pub fn start(self, stop: Arc<AtomicBool>) -> Result<Running, DnstapError> {
        let mut listeners = Vec::new();
        if let Some(unix) = self.config.unix.clone() {
            let place = unix.path.display().to_string();
            listeners.push(Listener::unix(unix).map_err(|source| DnstapError { place, source })?);
        }
        if let Some(tcp) = self.config.tcp.clone() {
            let place = tcp.listen.to_string();
            listeners.push(Listener::tcp(tcp).map_err(|source| DnstapError { place, source })?);
        }
        let state = Arc::new(WorkerState::new(INTERFACE));
        state.set_up(true);
        listeners.iter().for_each(|l| events::dnstap_up(&l.place()));
        let told = Arc::clone(&state);
        let service = Service {
            reader: DnstapReader::new(self.reading),
            listeners,
            connections: Vec::new(),
            lost: 0,
            watched: 0,
            fair: Fair::new(),
            accept_from: Instant::now(),
            told: None,
            worker: self,
        };
        let thread = thread::Builder::new()
            .name("dnstap".into())
            .spawn(move || service.run(&told, &stop))
            .map_err(|source| DnstapError { place: "its thread".into(), source })?;
        Ok(Running::new(state, thread))
    }
}

/// The running worker.
struct Service {
    worker: DnstapWorker,
    reader: DnstapReader,
    listeners: Vec<Listener>,
    connections: Vec<Connection>,
    /// Hits that found no room.
    lost: u64,
    watched: u64,
    /// Which hits go first when the recorder does not keep up.
    fair: Fair,
    /// Nobody is taken before this.
    accept_from: Instant,
    /// When the end of a connection was last logged.
    told: Option<Instant>,
}

impl Service {
    fn run(mut self, state: &WorkerState, stop: &AtomicBool) {
        self.publish(true);
        let (mut published, mut looked_after) = (Instant::now(), Instant::now());
        while !stop.load(Ordering::Relaxed) {
            self.worker.rules.refresh();
            let ready = self.wait();
            let idle = !ready.iter().any(|r| *r);
            let lost_before = self.lost + self.fair.shed();
            self.round(&ready);
            if self.lost + self.fair.shed() > lost_before {
                state.lost_hit();
            }
            state.progressed();
            let now = Instant::now();
            if now.duration_since(looked_after) >= HOUSEKEEPING {
                looked_after = now;
                self.look_after(state, now);
            }
            if idle || now.duration_since(published) >= PUBLISH_EVERY {
                published = now;
                self.publish(state.is_up());
            }
        }
        self.drain();
        // Nobody must connect to a socket that is not served any more.
        self.listeners.clear();
        for _ in std::mem::take(&mut self.connections) {
            self.reader.counts_mut().bump(DnstapCounter::EndedShutdown);
        }
        state.set_up(false);
        self.publish(false);
    }

    /// Waits until something can be read; tells of every listener, then of every connection, whether it can.
    fn wait(&self) -> Vec<bool> {
        let accepting = Instant::now() >= self.accept_from;
        let listeners = self.listeners.iter().map(|l| l.fd().filter(|_| accepting));
        let connections = self.connections.iter().map(|c| Some(c.socket.as_fd()));
        let fds: Vec<_> = listeners.chain(connections).collect();
        let mut polled: Vec<PollFd<'_>> = fds.iter().flatten().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
        if poll(&mut polled, PollTimeout::from(WAIT_MS)).is_err() {
            // A signal, or no memory for a moment: the next round asks again.
            return vec![false; fds.len()];
        }
        // An error or the end of a connection is found by reading it.
        let mut answers = polled.iter().map(|p| p.any().unwrap_or(true));
        fds.iter().map(|fd| fd.is_some() && answers.next().unwrap_or(false)).collect()
    }

    /// Reads the connections that are ready, then takes new ones, which are read in the next round.
    fn round(&mut self, ready: &[bool]) {
        let (listeners, connections) = ready.split_at(self.listeners.len());
        let mut ready = connections.iter();
        self.read(|_| ready.next().copied().unwrap_or(false));
        for (n, _) in listeners.iter().enumerate().filter(|(_, ready)| **ready) {
            self.accept(n);
        }
    }

    /// Reads the chosen connections once each and drops those that are over. Tells whether anything came.
    fn read(&mut self, mut chosen: impl FnMut(&Connection) -> bool) -> bool {
        let Service { worker, reader, connections, lost, watched, fair, told, .. } = self;
        let mut sink = HitSink { rules: &mut worker.rules, hits: &worker.hits, lost, watched, fair };
        let (now, mut any) = ((Instant::now(), Timestamp::now()), false);
        connections.retain_mut(|connection| {
            if !chosen(connection) {
                return true;
            }
            match connection.read(now, reader, &mut sink) {
                Ok(more) => {
                    any |= more;
                    true
                }
                Err(end) => {
                    ended(reader, end, told);
                    false
                }
            }
        });
        any
    }

    fn accept(&mut self, listener: usize) {
        for _ in 0..ACCEPT_BATCH {
            let counter = match self.listeners[listener].accept() {
                Taken::Nothing => return,
                Taken::NotAllowed => DnstapCounter::RefusedPeer,
                Taken::Connection(_) if self.connections.len() >= self.worker.config.max_connections => {
                    DnstapCounter::RefusedFull
                }
                Taken::Connection(socket) => {
                    self.connections.push(Connection::new(socket, self.worker.config.max_frame, Instant::now()));
                    DnstapCounter::Accepted
                }
                Taken::Failed => {
                    // Out of file descriptors, as a rule: it would fail again at once.
                    self.accept_from = Instant::now() + HOUSEKEEPING;
                    self.reader.counts_mut().bump(DnstapCounter::AcceptFailed);
                    return;
                }
            };
            self.reader.counts_mut().bump(counter);
        }
    }

    /// Ends what is overdue, and sees to it that resolvers can connect.
    fn look_after(&mut self, state: &WorkerState, now: Instant) {
        let Service { reader, told, .. } = self;
        self.connections.retain(|connection| match connection.overdue(now) {
            Some(end) => {
                ended(reader, end, told);
                false
            }
            None => true,
        });
        let trouble = self.listeners.iter_mut().find_map(|l| l.keep().err());
        if trouble.is_none() != state.is_up() {
            state.set_up(trouble.is_none());
            match trouble {
                Some(trouble) => events::dnstap_down(&trouble.to_string()),
                None => self.listeners.iter().for_each(|l| events::dnstap_up(&l.place())),
            }
        }
    }

    /// Reads what resolvers had sent before the stop.
    fn drain(&mut self) {
        let until = Instant::now() + DRAIN_MOST;
        while self.read(|_| true) && Instant::now() < until {}
    }

    fn publish(&self, up: bool) {
        let counters = self.reader.counters();
        self.worker.stats.publish(counters);
        for (value, n) in [
            (WorkerValue::CaptureUp, u64::from(up)),
            (WorkerValue::CaptureReceived, counters.get(Counter::Packets)),
            (WorkerValue::HitQueueDepth, self.worker.hits.len() as u64),
            (WorkerValue::HitsLost, self.lost),
            (WorkerValue::HitsShed, self.fair.shed()),
            (WorkerValue::NamesWatched, self.watched),
        ] {
            self.worker.stats.set(value, n);
        }
        let listening = self.listeners.iter().filter(|l| l.fd().is_some()).count();
        self.worker.dnstap.publish(self.reader.counts(), listening, self.connections.len());
    }
}

/// Counts the end of a connection, and logs one that somebody should look at; one a second, since anybody who may
/// connect can make as many as he likes.
fn ended(reader: &mut DnstapReader, end: End, told: &mut Option<Instant>) {
    reader.counts_mut().bump(end.counter());
    let why = match end {
        End::Stop | End::Closed => return,
        End::Stream(why) => why.to_string(),
        End::Cut => "it ended within a frame".into(),
        End::Stalled => "the rest of a frame did not come".into(),
        End::NoStart => "it did not begin as dnstap in time".into(),
        End::Failed => "the system reports an error".into(),
    };
    if told.is_none_or(|at| at.elapsed() >= HOUSEKEEPING) {
        *told = Some(Instant::now());
        events::dnstap_ended(&why);
    }
}
