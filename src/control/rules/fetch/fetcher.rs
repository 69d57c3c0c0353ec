//! The fetcher as others see it: one register, or many at once, until it is told to stop.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinSet, LocalSet};

use super::counters::FetchCounters;
use super::error::FetchError;
use super::pace::{Pace, RealPace};
use super::request::{Outcome, Request};
use super::shared::Shared;

/// Fetches registers. Keep one for the whole program: it is what keeps two requests to one host apart.
///
/// Its methods wait; call them from a thread that may, never from within an async runtime.
pub struct Fetcher {
    shared: Arc<Shared>,
}

impl Fetcher {
    /// One that keeps at most `concurrency` connections at once; 0 counts as 1.
    pub fn new(concurrency: usize) -> Fetcher {
        Fetcher::with_pace(concurrency, Arc::new(RealPace))
    }

    /// The same with a clock of the caller's.
    pub fn with_pace(concurrency: usize, pace: Arc<dyn Pace>) -> Fetcher {
        Fetcher { shared: Arc::new(Shared::new(concurrency.clamp(1, 64), pace)) }
    }

    /// Fetches one register into a new file in `dir`, which must exist. Nothing is left there unless it is whole.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub fn fetch(&self, request: &Request, dir: &Path) -> Result<Outcome, FetchError> {
        let runtime = runtime(dir)?;
        let result = runtime.block_on(self.shared.until_stopped(request, dir));
        // A name that is still being looked up must not hold up the caller.
        runtime.shutdown_background();
        result
    }

    /// Fetches several at once. `done` hears of each as it ends, by its place in `requests`.
    ///
    /// # Errors
    /// None could be begun. What becomes of each is told to `done`.
    pub fn fetch_all(
        &self,
        requests: Vec<Request>,
        dir: &Path,
        mut done: impl FnMut(usize, Result<Outcome, FetchError>),
    ) -> Result<(), FetchError> {
        let runtime = runtime(dir)?;
        let all = async {
            let mut running = JoinSet::new();
            for (n, request) in requests.into_iter().enumerate() {
                let (shared, dir) = (Arc::clone(&self.shared), dir.to_owned());
                running.spawn_local(async move { (n, shared.until_stopped(&request, &dir).await) });
            }
            while let Some(ended) = running.join_next().await {
                match ended {
                    Ok((n, result)) => done(n, result),
                    // Nobody cancels them, so it is a panic, which is the caller's to see.
                    Err(e) => resume_unwind(e.into_panic()),
                }
            }
        };
        LocalSet::new().block_on(&runtime, all);
        runtime.shutdown_background();
        Ok(())
    }

    /// Ends everything that is under way, and all that is asked for later, with [`FetchError::Stopped`].
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// What it has done so far.
    pub fn counters(&self) -> &FetchCounters {
        self.shared.counters()
    }
}

fn runtime(dir: &Path) -> Result<Runtime, FetchError> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|e| FetchError::Disk { dir: dir.to_owned(), reason: format!("cannot start: {e}") })
}
