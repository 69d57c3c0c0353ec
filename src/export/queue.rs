//! The bounded queue before a sink: what was accepted is delivered sooner or later, what cannot be accepted is
//! counted, and says so by readiness.
//!
//! Driven by the thread that records; it has no thread of its own. Events in the queue are in memory only: they
//! outlive a full disk, not a kill.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Health, Sink, SinkError};
use crate::record::Event;

/// A queue's counts since the start.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct QueueCounters {
    /// Events that the sink took.
    pub delivered: u64,
    /// Events that could not be accepted, or were still waiting at the end.
    pub lost: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// Events waiting now.
    pub depth: usize,
    /// Events that can wait.
    pub capacity: usize,
    /// The sink's last use succeeded.
    pub working: bool,
}

/// Events on their way to one sink.
pub struct EventQueue {
    sink: Box<dyn Sink>,
    waiting: VecDeque<Event>,
    capacity: usize,
    delivered: u64,
    lost: u64,
    errors: u64,
    /// Events were lost since the queue was last empty.
    overflowed: bool,
    /// No attempt before this; doubles with every failure in a row.
    retry: Option<(Instant, Duration)>,
}

impl EventQueue {
    const FIRST_PAUSE: Duration = Duration::from_millis(250);
    const LONGEST_PAUSE: Duration = Duration::from_secs(30);
    /// Events given to the sink at once.
    const BATCH: usize = 256;

    /// A queue of at most `capacity` events (at least 1) before `sink`.
    pub fn new(sink: Box<dyn Sink>, capacity: usize) -> Self {
        EventQueue {
            sink,
            waiting: VecDeque::new(),
            capacity: capacity.max(1),
            delivered: 0,
            lost: 0,
            errors: 0,
            overflowed: false,
            retry: None,
        }
    }

    /// The sink's name.
    pub fn name(&self) -> &str {
        self.sink.name()
    }

    /// Accepts any number of events: delivers in between, so that only a sink that does not take them makes any lost.
    /// `now` is the time of the call.
    pub fn take(&mut self, events: &[Event], now: Instant) {
        let mut rest = events;
        loop {
            let room = self.capacity.saturating_sub(self.waiting.len());
            if rest.len() <= room {
                break;
            }
            let (fitting, others) = rest.split_at(room);
            self.push(fitting);
            rest = others;
            self.pump(now);
            if self.waiting.len() >= self.capacity {
                break;
            }
        }
        self.push(rest);
    }

    /// Accepts events as far as there is room; counts the rest as lost.
    pub fn push(&mut self, events: &[Event]) {
        let room = self.capacity.saturating_sub(self.waiting.len()).min(events.len());
        self.waiting.extend(events[..room].iter().cloned());
        let lost = events.len() - room;
        if lost > 0 {
            self.lost += lost as u64;
            if !self.overflowed {
                tracing::error!(sink = self.sink.name(), "the event queue is full: events are lost until it drains");
            }
            self.overflowed = true;
        }
    }

    /// Delivers what waits, unless the sink failed a moment ago. `now` is the time of the call.
    pub fn pump(&mut self, now: Instant) {
        if self.retry.is_none_or(|(at, _)| now >= at) {
            self.deliver(now);
        }
    }

    /// The last attempt, without regard to pauses, and a flush. Returns how many events are given up, which are then
    /// counted as lost.
    pub fn finish(&mut self, now: Instant) -> usize {
        self.deliver(now);
        self.flush();
        let given_up = self.waiting.len();
        self.waiting.clear();
        self.lost += given_up as u64;
        given_up
    }

    /// Has the sink put on the disk what it took.
    pub fn flush(&mut self) {
        if let Err(error) = self.sink.flush() {
            self.failed("flush", &error);
        }
    }

    /// Has the sink reopen what it holds open, and tries again at once.
    pub fn reopen(&mut self, now: Instant) {
        match self.sink.reopen() {
            Ok(()) => self.deliver(now),
            Err(error) => self.failed("reopen", &error),
        }
    }

    /// Whether another event can be accepted, and none was lost since the queue was last empty.
    pub fn is_ready(&self) -> bool {
        !self.overflowed && self.waiting.len() < self.capacity
    }

    /// State of the sink.
    pub fn health(&self) -> Health {
        self.sink.health()
    }

    /// Counts so far.
    pub fn counters(&self) -> QueueCounters {
        QueueCounters {
            delivered: self.delivered,
            lost: self.lost,
            errors: self.errors,
            depth: self.waiting.len(),
            capacity: self.capacity,
            working: self.sink.health() == Health::Working,
        }
    }

    fn deliver(&mut self, now: Instant) {
        while !self.waiting.is_empty() {
            let (front, _) = self.waiting.as_slices();
            let batch = &front[..front.len().min(Self::BATCH)];
            let (taken, error) = match self.sink.deliver(batch) {
                Ok(()) => (batch.len(), None),
                Err(error) => (error.delivered.min(batch.len()), Some(error)),
            };
            self.waiting.drain(..taken);
            self.delivered += taken as u64;
            if let Some(error) = error {
                let pause = match self.retry {
                    Some((_, pause)) if taken == 0 => (pause * 2).min(Self::LONGEST_PAUSE),
                    _ => Self::FIRST_PAUSE,
                };
                self.failed("deliver", &error);
                self.retry = Some((now + pause, pause));
                return;
            }
            if self.retry.take().is_some() {
                tracing::info!(sink = self.sink.name(), waiting = self.waiting.len(), "the sink works again");
            }
        }
        self.overflowed = false;
    }

    fn failed(&mut self, doing: &str, error: &SinkError) {
        self.errors += 1;
        if self.retry.is_none() {
            tracing::warn!(sink = self.sink.name(), doing, %error, waiting = self.waiting.len(), "the sink failed; events wait");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Addr, DomainName, Hit, Kind, ListOrigin, MatchedRule, Proto, Timestamp};
    use crate::record::{AggregateConfig, Aggregator, Networks};
    use std::sync::{Arc, Mutex};

    /// A sink that takes so many events more, and remembers which.
    #[derive(Clone, Default)]
    struct Weary(Arc<Mutex<(usize, Vec<u64>)>>);

    impl Weary {
        fn allow(&self, n: usize) {
            self.0.lock().unwrap().0 = n;
        }

        fn took(&self) -> Vec<u64> {
            self.0.lock().unwrap().1.clone()
        }
    }

    impl Sink for Weary {
        fn name(&self) -> &str {
            "weary"
        }

        fn deliver(&mut self, events: &[Event]) -> Result<(), SinkError> {
            let mut state = self.0.lock().unwrap();
            let n = events.len().min(state.0);
            state.0 -= n;
            state.1.extend(events[..n].iter().map(|e| e.seq));
            if n == events.len() {
                Ok(())
            } else {
                Err(SinkError::new(n, "no", std::io::ErrorKind::StorageFull.into()))
            }
        }

        fn reopen(&mut self) -> Result<(), SinkError> {
            Ok(())
        }

        fn flush(&mut self) -> Result<(), SinkError> {
            Ok(())
        }

        fn health(&self) -> Health {
            Health::Working
        }
    }

    fn events(n: u64) -> Vec<Event> {
        let mut aggregator = Aggregator::replay(AggregateConfig::default(), Networks::unknown());
        let mut events = Vec::new();
        for n in 0..n {
            let name = DomainName::from_text(format!("n{n}.casino.example").as_bytes()).unwrap();
            let hit = Hit {
                ts: Timestamp::from_parts(1_795_513_595, 0),
                proto: Proto::Dns,
                kind: Kind::Query,
                name,
                via_cname: false,
                rule: MatchedRule {
                    pattern: name,
                    action: Action::Block,
                    list: Arc::new(ListOrigin::bare("demo")),
                    line: 1,
                    jurisdiction: None,
                },
                client: Addr::v4([192, 0, 2, 7]),
                server: Addr::v4([192, 0, 2, 53]),
                rcode: None,
            };
            aggregator.hit(&hit, &mut events);
        }
        events
    }

    #[test]
    fn what_was_accepted_is_delivered_once_and_in_order() {
        let sink = Weary::default();
        let mut queue = EventQueue::new(Box::new(sink.clone()), 1_000);
        let mut now = Instant::now();
        queue.push(&events(1_000));
        for _ in 0..50 {
            sink.allow(37);
            queue.pump(now);
            now += EventQueue::LONGEST_PAUSE;
        }
        assert_eq!(sink.took(), (1..=1_000).collect::<Vec<_>>());
        assert_eq!(queue.counters().delivered, 1_000);
        assert_eq!(queue.counters().lost, 0);
    }

    #[test]
    fn more_events_at_once_than_fit_are_lost_only_if_the_sink_fails() {
        let sink = Weary::default();
        let mut queue = EventQueue::new(Box::new(sink.clone()), 4);
        let now = Instant::now();
        let all = events(50);
        sink.allow(100);
        queue.take(&all[..23], now);
        queue.pump(now);
        assert_eq!(sink.took(), (1..=23).collect::<Vec<_>>());
        assert!(queue.is_ready());
        assert_eq!(queue.counters().lost, 0);
        sink.allow(10);
        queue.take(&all[23..], now);
        assert_eq!((queue.counters().delivered, queue.counters().depth, queue.counters().lost), (33, 4, 13));
        assert!(!queue.is_ready());
    }

    #[test]
    fn a_failing_sink_is_left_alone_for_longer_and_longer() {
        let sink = Weary::default();
        let mut queue = EventQueue::new(Box::new(sink), 10);
        let start = Instant::now();
        queue.push(&events(1));
        for ms in 0..10_000 {
            queue.pump(start + Duration::from_millis(ms));
        }
        // At 0, 250, 750, 1750, 3750 and 7750 ms.
        assert_eq!(queue.counters().errors, 6);
        assert!(queue.is_ready(), "there is room");
    }

    #[test]
    fn what_cannot_be_accepted_is_counted_and_turns_readiness_off_until_the_queue_is_empty() {
        let sink = Weary::default();
        let mut queue = EventQueue::new(Box::new(sink.clone()), 4);
        let now = Instant::now();
        let all = events(6);
        queue.push(&all[..3]);
        assert!(queue.is_ready());
        queue.push(&all[3..]);
        assert!(!queue.is_ready());
        assert_eq!((queue.counters().depth, queue.counters().lost), (4, 2));
        sink.allow(2);
        queue.pump(now);
        assert!(!queue.is_ready(), "events were lost and some still wait");
        sink.allow(100);
        queue.pump(now + EventQueue::FIRST_PAUSE);
        assert!(queue.is_ready());
        assert_eq!(sink.took(), [1, 2, 3, 4]);
    }

    #[test]
    fn what_still_waits_at_the_end_is_counted() {
        let sink = Weary::default();
        sink.allow(1);
        let mut queue = EventQueue::new(Box::new(sink.clone()), 4);
        queue.push(&events(3));
        assert_eq!(queue.finish(Instant::now()), 2);
        assert_eq!((queue.counters().delivered, queue.counters().lost), (1, 2));
    }
}
