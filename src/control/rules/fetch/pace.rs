//! Time and chance for retries, as something that a test can replace.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// The ceiling of the wait before the first retry; it doubles with each.
const FIRST: Duration = Duration::from_secs(2);
/// The highest ceiling.
const MOST: Duration = Duration::from_secs(60);
/// The longest `Retry-After` that is waited for within one fetch; a longer one is for the schedule.
pub(super) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

/// A clock, a die and a bed.
pub trait Pace: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;
    /// A length of time from zero to `most`, each as likely as the others.
    fn up_to(&self, most: Duration) -> Duration;
    /// Waits.
    fn sleep(&self, how_long: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The real ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealPace;

impl Pace for RealPace {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn up_to(&self, most: Duration) -> Duration {
        // Without randomness the wait is in the middle: worse spread, but no failure.
        let random = getrandom::u32().unwrap_or(u32::MAX / 2);
        most.mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    fn sleep(&self, how_long: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(how_long))
    }
}

/// How long to wait before retry number `retry`, counted from 0: anything up to a ceiling that doubles ("full jitter"),
/// so that many sensors that failed together do not come back together. `None` if the server wants a longer wait.
pub(super) fn wait(pace: &dyn Pace, retry: u32, retry_after: Option<Duration>) -> Option<Duration> {
    let ceiling = FIRST.saturating_mul(1 << retry.min(16)).min(MOST);
    let jitter = pace.up_to(ceiling);
    match retry_after {
        None => Some(jitter),
        Some(asked) if asked <= LONGEST_RETRY_AFTER => Some(asked + jitter),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always draws the longest.
    struct Longest;

    impl Pace for Longest {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }

        fn up_to(&self, most: Duration) -> Duration {
            most
        }

        fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(std::future::ready(()))
        }
    }

    #[test]
    fn the_ceiling_doubles_to_its_bound() {
        let waits: Vec<u64> = (0..8).map(|n| wait(&Longest, n, None).unwrap().as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(wait(&Longest, u32::MAX, None), Some(MOST));
    }

    #[test]
    fn a_server_may_ask_for_a_bounded_wait() {
        assert_eq!(wait(&Longest, 0, Some(Duration::from_secs(120))), Some(Duration::from_secs(122)));
        assert_eq!(wait(&Longest, 0, Some(Duration::from_secs(121))), None);
    }

    #[test]
    fn chance_stays_in_bounds() {
        for _ in 0..1000 {
            assert!(RealPace.up_to(FIRST) <= FIRST);
        }
    }
}
