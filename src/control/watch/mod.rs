//! When to look again: rule files that changed, and signals.
//!
//! Change notices of the kernel are only a hint here. What counts is the file's identity, size and times, compared on
//! every hint and, in case hints get lost (a full queue, a network file system), at a slow poll as well. A change is
//! told once the files have been quiet for a moment, so that a list is not loaded half written; a file that never
//! comes to rest is told all the same after a bound. The writer who renames a finished file into place is always safe.

mod files;
mod signals;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::telemetry::events;
use files::{Directory, Files};
pub use signals::Signals;

/// What the daemon should do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trigger {
    /// A rule file changed: load the rules again.
    RulesChanged,
    /// SIGHUP: load the rules again, whether they changed or not. [`Trigger::Reopen`] follows.
    Reload,
    /// SIGHUP or SIGUSR1: close the output files and open them anew under their names.
    Reopen,
    /// SIGTERM or SIGINT: write what is open and stop.
    Shutdown,
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub struct WatchTimes {
    /// Files must be unchanged for this long before a change is told.
    pub quiet: Duration,
    /// A change is told after this long even if the files are still changing.
    pub at_most: Duration,
    /// Files are looked at this often without any hint.
    pub poll: Duration,
}

impl Default for WatchTimes {
    fn default() -> Self {
        WatchTimes { quiet: Duration::from_millis(500), at_most: Duration::from_secs(5), poll: Duration::from_secs(30) }
    }
}

/// Triggers that may wait. Signals and changes that find the channel full wait too, and are joined while they do, so
/// a slow daemon loses none and hoards none.
const CHANNEL: usize = 8;

/// A channel for triggers, to be handed to [`Watch::start`] and [`Signals::start`].
pub fn channel() -> (Sender<Trigger>, Receiver<Trigger>) {
    bounded(CHANNEL)
}

/// Hints that may wait; one is as good as many.
const HINTS: usize = 256;

/// In a busy directory hints come in thousands a second. The files are looked at no more often than this.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Watches rule files on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    hints: Sender<Hint>,
    thread: Option<JoinHandle<()>>,
}

/// Something that may have changed a file.
#[derive(Debug)]
enum Hint {
    /// These paths were written, made, moved or removed.
    Touched(Vec<PathBuf>),
    /// Notices were lost, or it is time to stop: look.
    Look,
}

impl Watch {
    /// Watches the files at `paths` and sends [`Trigger::RulesChanged`] when any of them changed: by writing, by a
    /// rename onto it, by a symbolic link anywhere on its path that was made to point elsewhere, or because it appeared
    /// or vanished. Their state at this call is what later states are compared with, so call it before loading them.
    ///
    /// # Errors
    /// The thread could not be started. Where the kernel gives no change notices, the poll alone does the work and the
    /// log says so.
    pub fn start(paths: Vec<PathBuf>, times: WatchTimes, triggers: Sender<Trigger>) -> std::io::Result<Watch> {
        let stop = Arc::new(AtomicBool::new(false));
        let (hints, hint_receiver) = bounded(HINTS);
        let mut looker = Looker {
            files: Files::new(paths),
            notices: Notices::new(hints.clone(), times.poll),
            times,
            triggers,
            hints: hint_receiver,
            stop: Arc::clone(&stop),
        };
        // Before the thread runs, so that no change after this call is missed.
        looker.look();
        let thread = thread::Builder::new().name("rule-watch".into()).spawn(move || looker.run())?;
        Ok(Watch { stop, hints, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // If the queue is full the thread wakes anyway.
        let _ = self.hints.try_send(Hint::Look);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The change notices of the kernel, as far as it gives them.
struct Notices {
    watcher: Option<RecommendedWatcher>,
    watched: Vec<Directory>,
    /// Directories about which the log has already said that they are only polled.
    refused: Vec<PathBuf>,
    poll: Duration,
}

impl Notices {
    fn new(hints: Sender<Hint>, poll: Duration) -> Self {
        let handler = move |event: notify::Result<notify::Event>| {
            let hint = match event {
                Ok(event) if event.need_rescan() => Hint::Look,
                Ok(event) if is_change(&event.kind) => Hint::Touched(event.paths),
                Ok(_) => return,
                Err(_) => Hint::Look,
            };
            // A full queue already makes the thread look at everything.
            let _ = hints.try_send(hint);
        };
        Notices { watcher: notify::recommended_watcher(handler).ok(), watched: Vec::new(), refused: Vec::new(), poll }
    }

    /// Makes the watched directories those in which a change can alter what the paths of `files` lead to.
    fn watch(&mut self, files: &Files) {
        let wanted = files.directories();
        let Some(watcher) = &mut self.watcher else {
            for directory in wanted {
                refuse(&mut self.refused, directory.path, "the kernel gives none", self.poll);
            }
            return;
        };
        self.watched.retain(|old| {
            let keep = wanted.contains(old);
            if !keep {
                // It may be gone already.
                let _ = watcher.unwatch(&old.path);
            }
            keep
        });
        for directory in wanted {
            if self.watched.contains(&directory) {
                continue;
            }
            match watcher.watch(&directory.path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.refused.retain(|r| *r != directory.path);
                    self.watched.push(directory);
                }
                Err(e) => refuse(&mut self.refused, directory.path, &e.to_string(), self.poll),
            }
        }
    }
}

/// Says once for each directory that it is only polled.
fn refuse(refused: &mut Vec<PathBuf>, directory: PathBuf, reason: &str, poll: Duration) {
    if !refused.contains(&directory) {
        events::watch_degraded(&directory, reason, poll);
        refused.push(directory);
    }
}

/// Reading a file is no change; without this our own loading of a list would trigger the next.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(access) => *access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// The thread's state.
struct Looker {
    files: Files,
    notices: Notices,
    times: WatchTimes,
    triggers: Sender<Trigger>,
    hints: Receiver<Hint>,
    stop: Arc<AtomicBool>,
}

impl Looker {
    fn run(&mut self) {
        let mut dirty: Option<Dirty> = None;
        let mut next_poll = Instant::now() + self.times.poll;
        while !self.stop.load(Ordering::Acquire) {
            let until = dirty.as_ref().map_or(next_poll, |d| d.due(&self.times).min(next_poll));
            let mut touched = match self.hints.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(hint) => self.is_touched(hint),
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            while let Ok(hint) = self.hints.try_recv() {
                touched |= self.is_touched(hint);
            }
            let now = Instant::now();
            if now >= next_poll {
                next_poll = now + self.times.poll;
            }
            if self.look() || touched {
                dirty = Some(dirty.map_or(Dirty { since: now, last: now }, |d| Dirty { last: now, ..d }));
            }
            if dirty.as_ref().is_some_and(|d| now >= d.due(&self.times)) {
                dirty = None;
                if !self.tell() {
                    return;
                }
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Whether the files are not as they were; and watches where they are now.
    fn look(&mut self) -> bool {
        // Watch, then look: what changes between the two is seen by looking, what changes later gives a notice. A
        // changed path may lead through directories that were not watched, so do both again until it rests; a path
        // that is changed faster than it can be looked at is looked at again with the next notice.
        let mut changed = false;
        for _ in 0..4 {
            self.notices.watch(&self.files);
            if !self.files.refresh() {
                break;
            }
            changed = true;
        }
        changed
    }

    fn is_touched(&self, hint: Hint) -> bool {
        match hint {
            Hint::Touched(paths) => paths.iter().any(|p| self.files.concerns(p)),
            Hint::Look => false,
        }
    }

    /// Sends the trigger; false if nobody wants it any more.
    fn tell(&self) -> bool {
        let mut trigger = Trigger::RulesChanged;
        while !self.stop.load(Ordering::Acquire) {
            match self.triggers.send_timeout(trigger, Duration::from_millis(200)) {
                Ok(()) => return true,
                Err(SendTimeoutError::Timeout(t)) => trigger = t,
                Err(SendTimeoutError::Disconnected(_)) => return false,
            }
        }
        false
    }
}

/// A change that was not told yet.
#[derive(Clone, Copy)]
struct Dirty {
    since: Instant,
    last: Instant,
}

impl Dirty {
    fn due(&self, times: &WatchTimes) -> Instant {
        (self.last + times.quiet).min(self.since + times.at_most)
    }
}
