//! Waiting with an end.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a test waits for what must come. Generous, since it costs nothing where all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(40);

/// Asks until the answer is there; panics with `what` was awaited if it does not come.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        sleep(PAUSE);
    }
}

/// The same for a condition.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    wait_for(what, || holds().then_some(()));
}
