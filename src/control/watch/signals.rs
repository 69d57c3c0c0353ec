//! Signals as triggers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};

use crossbeam_channel::Sender;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle, Signals as Incoming};

use super::Trigger;

/// Turns signals into triggers on a thread of its own, until it is dropped.
///
/// The first SIGTERM or SIGINT asks the daemon to stop; a second one stops the process at once with exit code 3, in
/// case an output hangs.
#[derive(Debug)]
pub struct Signals {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Exit code of a process that was stopped before it had written everything.
const CUT_SHORT: i32 = 3;

impl Signals {
    /// Takes over SIGHUP, SIGUSR1, SIGTERM and SIGINT for the whole process.
    ///
    /// # Errors
    /// The operating system refuses a handler or a thread.
    pub fn start(triggers: Sender<Trigger>) -> io::Result<Signals> {
        let stopping = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first signal finds the flag down and raises it, the second finds it up.
            signal_hook::flag::register_conditional_shutdown(signal, CUT_SHORT, Arc::clone(&stopping))?;
            signal_hook::flag::register(signal, Arc::clone(&stopping))?;
        }
        let mut incoming = Incoming::new([SIGHUP, SIGUSR1, SIGTERM, SIGINT])?;
        let handle = incoming.handle();
        let deliver = move || {
            for signal in incoming.forever() {
                let wanted: &[Trigger] = match signal {
                    SIGHUP => &[Trigger::Reload, Trigger::Reopen],
                    SIGUSR1 => &[Trigger::Reopen],
                    _ => &[Trigger::Shutdown],
                };
                if wanted.iter().any(|trigger| triggers.send(*trigger).is_err()) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("signals".into()).spawn(deliver)?;
        Ok(Signals { handle, thread: Some(thread) })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
        // A thread that waits for room in the channel ends with the channel, not with this: do not wait for it.
        drop(self.thread.take());
    }
}
