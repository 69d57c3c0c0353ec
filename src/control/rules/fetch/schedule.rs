//! When each source is due. Pure: it is told the time, and gives the same answer to the same question, so that the
//! daemon, `rules fetch` and `rules status` never differ.
//!
//! | after | the next attempt comes |
//! |---|---|
//! | never | at once |
//! | a success | 90 to 100 % of the schedule later |
//! | the nth failure in a row | 5 min, doubled n − 1 times, at most the schedule; 50 to 100 % of that later |
//! | a server's `Retry-After` | not before it, but at most a day later |
//!
//! The share is drawn from the source, the attempt and a seed of the installation: sensors that were started together
//! drift apart, and one that is asked twice says the same.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The wait after the first failure.
const FIRST_RETRY: Duration = Duration::from_secs(5 * 60);
/// The longest that a server may put us off.
const LONGEST_PUT_OFF: Duration = Duration::from_secs(24 * 3600);
/// How often a register is fetched whole, whatever its server says about changes.
const WHOLE_EVERY: Duration = Duration::from_secs(24 * 3600);

/// How often a source is fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// From one attempt to the next, at most. Zero: only when somebody asks.
    pub every: Duration,
}

/// What has become of a source so far. Kept in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct History {
    /// The last attempt.
    pub last_attempt: Option<Timestamp>,
    /// The last one that succeeded, "not modified" included.
    pub last_success: Option<Timestamp>,
    /// The last one that brought the register itself.
    pub last_whole: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u32,
    /// The server does not want to be asked before.
    pub not_before: Option<Timestamp>,
}

/// When to fetch a source the next time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Next {
    /// Not before this.
    pub at: Timestamp,
    /// For [`Request::whole`](super::Request): the register has not come whole for a day, and a server that says "not modified" for ever
    /// would keep an old list in force.
    pub whole: bool,
}

/// A source that is due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Due<'a> {
    /// Its id.
    pub source: &'a str,
    /// Since when, and how to ask.
    pub next: Next,
}

/// Says when sources are due.
#[derive(Clone, Copy, Debug)]
pub struct Timetable {
    seed: u64,
}

impl History {
    /// Notes an attempt that succeeded; `whole` if the register itself came.
    pub fn succeeded(&mut self, now: Timestamp, whole: bool) {
        let last_whole = if whole { Some(now) } else { self.last_whole };
        *self = History { last_attempt: Some(now), last_success: Some(now), last_whole, ..History::default() };
    }

    /// Notes one that failed, and the wait that the server asked for.
    pub fn failed(&mut self, now: Timestamp, retry_after: Option<Duration>) {
        self.last_attempt = Some(now);
        self.failures = self.failures.saturating_add(1);
        self.not_before = retry_after.map(|wait| later(now, wait.min(LONGEST_PUT_OFF)));
    }
}

impl Timetable {
    /// `seed` is any number, other on each installation and the same from start to start.
    pub fn new(seed: u64) -> Timetable {
        Timetable { seed }
    }

    /// When `source` is to be fetched the next time; `None` if only when somebody asks.
    pub fn next(&self, source: &str, plan: &Plan, history: &History, now: Timestamp) -> Option<Next> {
        if plan.every.is_zero() {
            return None;
        }
        // A clock that was wrong once must not stop the source until that time has come.
        let known = |at: Option<Timestamp>| at.filter(|at| *at <= now);
        let whole = known(history.last_whole).is_none_or(|at| later(at, WHOLE_EVERY) <= now);
        let Some(last) = known(history.last_attempt) else { return Some(Next { at: now, whole }) };
        let share = self.share(source, last);
        let wait = match history.failures {
            0 => plan.every.mul_f64(0.9 + 0.1 * share),
            n => FIRST_RETRY.saturating_mul(1 << (n - 1).min(16)).min(plan.every).mul_f64(0.5 + 0.5 * share),
        };
        let latest = later(now, LONGEST_PUT_OFF);
        let not_before = history.not_before.map_or(last, |at| at.min(latest));
        Some(Next { at: later(last, wait).max(not_before), whole })
    }

    /// The sources that are due at `now`, the longest overdue first.
    pub fn due<'a>(
        &self,
        sources: impl IntoIterator<Item = (&'a str, &'a Plan, &'a History)>,
        now: Timestamp,
    ) -> Vec<Due<'a>> {
        let mut due: Vec<_> = sources
            .into_iter()
            .filter_map(|(source, plan, history)| Some(Due { source, next: self.next(source, plan, history, now)? }))
            .filter(|due| due.next.at <= now)
            .collect();
        due.sort_by(|a, b| (a.next.at, a.source).cmp(&(b.next.at, b.source)));
        due
    }

    /// When to look again: the earliest time at which a source is due. `None` if none ever is.
    pub fn wake<'a>(
        &self,
        sources: impl IntoIterator<Item = (&'a str, &'a Plan, &'a History)>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let next = sources.into_iter().filter_map(|(source, plan, history)| self.next(source, plan, history, now));
        next.map(|next| next.at).min()
    }

    /// From 0 to 1.
    fn share(&self, source: &str, attempt: Timestamp) -> f64 {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(attempt.as_nanosecond().to_be_bytes());
        hash.update(source);
        let digest = hash.finalize();
        f64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])) / f64::from(u32::MAX)
    }
}

/// `at` and `wait` more; as late as can be said, if that is later.
fn later(at: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|wait| at.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Plan = Plan { every: Duration::from_secs(3600) };

    fn at(minutes: i64) -> Timestamp {
        "2026-11-24T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn minutes(later: Timestamp, earlier: Timestamp) -> f64 {
        later.duration_since(earlier).as_secs_f64() / 60.0
    }

    #[test]
    fn a_new_source_is_due_at_once_and_whole() {
        let next = Timetable::new(1).next("pl", &HOUR, &History::default(), at(0)).unwrap();
        assert_eq!(next, Next { at: at(0), whole: true });
        let never = Plan { every: Duration::ZERO };
        assert_eq!(Timetable::new(1).next("pl", &never, &History::default(), at(0)), None);
    }

    #[test]
    fn after_a_success_within_the_schedule_and_spread() {
        let mut history = History::default();
        history.succeeded(at(0), true);
        let mut waits: Vec<f64> = (0..200)
            .map(|seed| minutes(Timetable::new(seed).next("pl", &HOUR, &history, at(1)).unwrap().at, at(0)))
            .collect();
        waits.sort_by(f64::total_cmp);
        assert!(waits[0] >= 54.0 && waits[199] <= 60.0, "{waits:?}");
        assert!(waits[199] - waits[0] > 3.0, "not spread: {waits:?}");
        // The same question, the same answer, whenever it is asked.
        let timetable = Timetable::new(7);
        let answers: Vec<_> = (1..90).map(|m| timetable.next("pl", &HOUR, &history, at(m)).unwrap().at).collect();
        assert!(answers.iter().all(|a| *a == answers[0]));
    }

    #[test]
    fn failures_come_back_sooner_then_ever_later_never_beyond_the_schedule() {
        let mut history = History::default();
        history.succeeded(at(0), true);
        for (n, most) in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0].into_iter().enumerate() {
            history.failed(at(100), None);
            let next = Timetable::new(3).next("pl", &HOUR, &history, at(100)).unwrap();
            let wait = minutes(next.at, at(100));
            assert!(wait >= most / 2.0 && wait <= most, "failure {}: {wait} min", n + 1);
        }
        history.failures = u32::MAX;
        history.failed(at(100), None);
        assert!(Timetable::new(3).next("pl", &HOUR, &history, at(100)).unwrap().at <= at(160));
        history.succeeded(at(200), false);
        assert_eq!(history.failures, 0);
        assert_eq!(history.last_whole, Some(at(0)));
    }

    #[test]
    fn a_server_may_put_us_off_for_a_day_at_most() {
        let next = |wait: u64| {
            let mut history = History::default();
            history.failed(at(0), Some(Duration::from_secs(wait)));
            Timetable::new(3).next("pl", &HOUR, &history, at(0)).unwrap().at
        };
        assert_eq!(next(2 * 3600), at(120));
        assert_eq!(next(u64::MAX), at(24 * 60));
        assert!(next(1) <= at(5));
    }

    #[test]
    fn once_a_day_the_register_is_fetched_whole() {
        let mut history = History::default();
        history.succeeded(at(0), true);
        let whole = |history: &History, now| Timetable::new(3).next("pl", &HOUR, history, now).unwrap().whole;
        assert!(!whole(&history, at(23 * 60)));
        history.succeeded(at(23 * 60), false);
        assert!(whole(&history, at(24 * 60)));
    }

    #[test]
    fn a_clock_that_was_wrong_stops_nothing() {
        let mut history = History::default();
        history.succeeded(at(1_000_000), true);
        assert_eq!(Timetable::new(3).next("pl", &HOUR, &history, at(0)).unwrap(), Next { at: at(0), whole: true });
        // Put off by an answer that came when the clock was wrong.
        history =
            History { last_attempt: Some(at(-10)), failures: 1, not_before: Some(at(1_000_000)), ..History::default() };
        assert!(Timetable::new(3).next("pl", &HOUR, &history, at(0)).unwrap().at <= at(24 * 60));
    }

    #[test]
    fn the_longest_overdue_first() {
        let day = Plan { every: Duration::from_secs(24 * 3600) };
        let success = |minute| History { last_attempt: Some(at(minute)), ..History::default() };
        let (a, b, c, d) = (success(0), success(-600), success(50), History::default());
        let sources = [("a", &HOUR, &a), ("b", &HOUR, &b), ("c", &HOUR, &c), ("d", &day, &d), ("e", &day, &a)];
        let timetable = Timetable::new(9);
        let due: Vec<&str> = timetable.due(sources, at(61)).into_iter().map(|d| d.source).collect();
        assert_eq!(due, ["b", "a", "d"]);
        let wake = timetable.wake([("c", &HOUR, &c), ("e", &day, &a)], at(61)).unwrap();
        assert!(wake >= at(104) && wake <= at(110));
        assert_eq!(timetable.wake([], at(0)), None);
    }
}
