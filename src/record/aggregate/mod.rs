//! Gathers hits into findings and tells them as events.
//!
//! All of it runs on the capture's clock. A finding's window begins at its first sight, all windows are of one
//! length, and the oldest finding is the one that is closed early when there is no room: so findings are closed in
//! the order in which they were opened, and a queue holds them. What becomes due is told with the time at which it
//! became due, so that a replay gives the same events however often the clock is advanced.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{HashMap, HashTable};

use crate::model::{DomainName, Hit, MatchedRule, Timestamp};

use crate::record::address_in_name;
use crate::record::counters::{RecordCounters, Suppressed};
use crate::record::event::{CloseReason, Event, EventKind, Subject};
use crate::record::finding::{Finding, Key};
use crate::record::ids::IdSource;
use crate::record::networks::{Networks, Role};
use crate::record::servers::SiteServer;
use crate::record::subscriber::{Pseudonym, SubscriberKeys, SubscriberPolicy};

/// How findings are made.
#[derive(Clone, Debug)]
pub struct AggregateConfig {
    /// The sensor's name, as it stands in every event.
    pub sensor: Arc<str>,
    /// How long a finding gathers sightings, in nanoseconds of packet time; at least 1.
    pub window: u64,
    /// The least time between two `updated` events of a finding, in nanoseconds of packet time.
    pub update_interval: u64,
    /// Findings open at once; at least 1. Each takes about 1 KiB, and 1 KiB more where very many subscribers visit.
    pub max_open: usize,
    /// Findings for names below a listed one that are open at once, for each rule (and each subscriber that has a
    /// pseudonym); what is beyond is gathered under the listed name itself. At least 1.
    pub max_names_per_rule: usize,
    /// Leading bits of an IPv6 address that make one subscriber, 0 to 128: hosts change the rest at will (RFC 8981).
    pub ipv6_subscriber_prefix: u8,
}

impl Default for AggregateConfig {
    fn default() -> Self {
        AggregateConfig {
            sensor: Arc::from("stakeout"),
            window: 3_600_000_000_000,
            update_interval: 60_000_000_000,
            max_open: 100_000,
            max_names_per_rule: 1_000,
            ipv6_subscriber_prefix: 64,
        }
    }
}

/// Makes findings of hits. Owned by one thread; events come out in the order of their sequence numbers.
pub struct Aggregator {
    config: AggregateConfig,
    networks: Networks,
    subscribers: SubscriberKeys,
    teller: Teller,
    /// The latest packet time seen.
    clock: Timestamp,
    /// Open findings, oldest first. A finding's serial number is its place plus `closed`.
    open: VecDeque<Finding>,
    /// How many findings have been closed: the serial number of the oldest open one.
    closed: u64,
    /// Serial numbers of the open findings by key.
    by_key: HashTable<u64>,
    /// How many open findings have a name below that of their rule, by a hash of rule and subscriber. Two that have the
    /// same hash share a limit, which does no harm.
    below: HashMap<u64, u32, foldhash::fast::RandomState>,
    hasher: foldhash::fast::RandomState,
    /// Serial numbers of findings with something untold, with the time at which it is told; in order of time.
    updates: VecDeque<(Timestamp, u64)>,
    counters: RecordCounters,
    reverse_zones: [DomainName; 2],
}

impl Aggregator {
    /// For live traffic: identities and keys are this run's own.
    ///
    /// # Errors
    /// If the operating system gives no random bytes.
    pub fn live(
        config: AggregateConfig,
        policy: SubscriberPolicy,
        networks: Networks,
    ) -> Result<Self, getrandom::Error> {
        let subscribers = SubscriberKeys::random(policy, config.ipv6_subscriber_prefix)?;
        Ok(Self::with(config, networks, subscribers, IdSource::random()?))
    }

    /// For captures: two runs over the same capture give the same events. Has no pseudonyms, whose keys are random.
    pub fn replay(config: AggregateConfig, networks: Networks) -> Self {
        let subscribers = SubscriberKeys::fixed(config.ipv6_subscriber_prefix);
        Self::with(config, networks, subscribers, IdSource::replay())
    }

    fn with(mut config: AggregateConfig, networks: Networks, subscribers: SubscriberKeys, ids: IdSource) -> Self {
        config.window = config.window.max(1);
        config.max_open = config.max_open.max(1);
        let zone = |tree: &[u8]| {
            let mut zone = DomainName::root();
            for label in [tree, b"arpa"] {
                // Two short labels fit.
                let _ = zone.push_label(label);
            }
            zone
        };
        Aggregator {
            config,
            networks,
            subscribers,
            teller: Teller { ids, seq: 0 },
            clock: Timestamp::default(),
            open: VecDeque::new(),
            closed: 0,
            by_key: HashTable::new(),
            below: HashMap::default(),
            hasher: foldhash::fast::RandomState::default(),
            updates: VecDeque::new(),
            counters: RecordCounters::default(),
            reverse_zones: [zone(b"in-addr"), zone(b"ip6")],
        }
    }

    /// Counts so far.
    pub fn counters(&self) -> &RecordCounters {
        &self.counters
    }

    /// Takes a hit; appends the events that it and the passing of packet time give.
    pub fn hit(&mut self, hit: &Hit, events: &mut Vec<Event>) {
        self.tick(hit.ts, events);
        self.counters.hits += 1;
        let role = self.networks.role(&hit.client);
        if let Some(reason) = self.reason_against(hit, role) {
            self.counters.suppress(reason);
            return;
        }
        let withheld = address_in_name::tells(&hit.name, &hit.client, &self.networks);
        let name = if withheld { hit.rule.pattern } else { hit.name };
        self.counters.names_withheld += u64::from(withheld);
        let subscriber = self.subscribers.pseudonym(&hit.client);
        if subscriber.is_none() && self.subscribers.policy() == SubscriberPolicy::Pseudonym {
            self.counters.pseudonyms_missing += 1;
        }
        let server = SiteServer::of(hit, &self.networks);

        let (mut name, mut found) =
            (name, self.find(&Key { subscriber, name: &name, rule: &hit.rule, proto: hit.proto }));
        if found.is_none() && name != hit.rule.pattern {
            let held = self.below.get(&self.below_key(subscriber, &hit.rule)).copied().unwrap_or(0);
            if held as usize >= self.config.max_names_per_rule.max(1) {
                // Random names below a listed one must neither push other findings out nor fill the disk.
                self.counters.names_summarised += 1;
                name = hit.rule.pattern;
                found = self.find(&Key { subscriber, name: &name, rule: &hit.rule, proto: hit.proto });
            }
        }
        if let Some(serial) = found {
            let Some(finding) = self.open.get_mut((serial - self.closed) as usize) else { return };
            finding.add(hit, server, || self.subscribers.sketch_item(&hit.client));
            if !finding.untold {
                finding.untold = true;
                self.updates.push_back((later(self.clock, self.config.update_interval), serial));
            }
            return;
        }

        while self.open.len() >= self.config.max_open {
            self.close_oldest(CloseReason::Evicted, self.clock, events);
        }
        self.forget_stale_updates();
        self.teller.ids.settle(hit);
        let subject = Subject {
            finding_id: self.teller.ids.next(),
            sensor: Arc::clone(&self.config.sensor),
            proto: hit.proto,
            kind: hit.kind,
            name,
            rule: hit.rule.clone(),
            subscriber,
            subscriber_role: subscriber.map(|_| role),
        };
        let mut finding = Finding::new(subject, hit, self.clock);
        finding.add(hit, server, || self.subscribers.sketch_item(&hit.client));
        self.counters.opened(&hit.rule.list.name, hit.proto);
        self.counters.events[0] += 1;
        events.push(self.teller.tell(&finding, EventKind::Opened, hit.ts));
        let serial = self.closed + self.open.len() as u64;
        let hash = self.hasher.hash_one(finding.key());
        if name != hit.rule.pattern {
            *self.below.entry(self.below_key(subscriber, &hit.rule)).or_insert(0) += 1;
        }
        self.open.push_back(finding);
        self.counters.open = self.open.len() as u64;
        let (open, closed, hasher) = (&self.open, self.closed, &self.hasher);
        self.by_key.insert_unique(hash, serial, |serial| {
            open.get((serial - closed) as usize).map_or(0, |finding| hasher.hash_one(finding.key()))
        });
    }

    /// Advances the clock to `now` (packet time in replays, the wall clock on live traffic); appends the events that
    /// became due. A clock that goes back by more than a window, as when a second capture is older than the first,
    /// closes every open finding.
    pub fn tick(&mut self, now: Timestamp, events: &mut Vec<Event>) {
        if self.clock.nanos_since(now) > self.config.window {
            self.close_all(CloseReason::Window, events);
            self.clock = now;
            self.subscribers.clock_set_back(now);
        }
        self.clock = self.clock.max(now);
        self.subscribers.advance(self.clock);
        loop {
            let window_end = self.open.front().map(|f| later(f.opened_at, self.config.window));
            let window_end = window_end.filter(|t| *t <= self.clock);
            let update = self.updates.front().copied().filter(|(t, _)| *t <= self.clock);
            match (update, window_end) {
                (Some((due, serial)), end) if end.is_none_or(|end| due < end) => {
                    self.updates.pop_front();
                    self.tell_update(serial, due, events);
                }
                (_, Some(end)) => self.close_oldest(CloseReason::Window, end, events),
                _ => return,
            }
        }
    }

    /// Closes every open finding: the end of the capture, or of the program.
    pub fn finish(&mut self, events: &mut Vec<Event>) {
        self.close_all(CloseReason::Shutdown, events);
    }

    /// The serial number of the open finding with this key.
    fn find(&self, key: &Key<'_>) -> Option<u64> {
        let is_it = |serial: &u64| {
            self.open.get((serial - self.closed) as usize).is_some_and(|finding| finding.key().same(key))
        };
        self.by_key.find(self.hasher.hash_one(key), is_it).copied()
    }

    /// Where [`Self::below`] counts a rule's names.
    fn below_key(&self, subscriber: Option<Pseudonym>, rule: &MatchedRule) -> u64 {
        self.hasher.hash_one((subscriber, &rule.pattern, &rule.list.name, rule.jurisdiction))
    }

    fn reason_against(&self, hit: &Hit, role: Role) -> Option<Suppressed> {
        if hit.rule.action.lets_be() {
            Some(Suppressed::Allowed)
        } else if self.reverse_zones.iter().any(|zone| hit.name.is_within(zone)) {
            Some(Suppressed::ReverseName)
        } else if role == Role::Resolver {
            Some(Suppressed::Resolver)
        } else if !role.is_subscriber_side() {
            Some(Suppressed::Outside)
        } else {
            None
        }
    }

    fn tell_update(&mut self, serial: u64, due: Timestamp, events: &mut Vec<Event>) {
        // A finding closed in the meantime has told its final counts.
        let Some(at) = serial.checked_sub(self.closed) else { return };
        let Some(finding) = self.open.get_mut(at as usize) else { return };
        finding.untold = false;
        self.counters.events[1] += 1;
        events.push(self.teller.tell(finding, EventKind::Updated, due));
    }

    fn close_oldest(&mut self, reason: CloseReason, ts: Timestamp, events: &mut Vec<Event>) {
        let Some(finding) = self.open.pop_front() else { return };
        let serial = self.closed;
        self.closed += 1;
        if let Ok(entry) = self.by_key.find_entry(self.hasher.hash_one(finding.key()), |s| *s == serial) {
            entry.remove();
        }
        let subject = &finding.subject;
        if subject.name != subject.rule.pattern {
            let key = self.below_key(subject.subscriber, &subject.rule);
            if let Some(held) = self.below.get_mut(&key) {
                *held -= 1;
                if *held == 0 {
                    self.below.remove(&key);
                }
            }
        }
        self.counters.open = self.open.len() as u64;
        self.counters.events[2] += 1;
        self.counters.closed[reason as usize] += 1;
        events.push(self.teller.tell(&finding, EventKind::Closed(reason), ts));
    }

    fn close_all(&mut self, reason: CloseReason, events: &mut Vec<Event>) {
        while !self.open.is_empty() {
            self.close_oldest(reason, self.clock, events);
        }
        self.updates.clear();
    }

    /// Drops updates of closed findings when they outnumber the open ones, so that findings evicted one after the
    /// other do not fill the queue with them.
    fn forget_stale_updates(&mut self) {
        if self.updates.len() > self.config.max_open.saturating_mul(2) {
            self.updates.retain(|(_, serial)| *serial >= self.closed);
        }
    }
}

/// Makes events, each with its identity and its place in the sequence.
struct Teller {
    ids: IdSource,
    seq: u64,
}

impl Teller {
    fn tell(&mut self, finding: &Finding, kind: EventKind, ts: Timestamp) -> Event {
        self.seq += 1;
        Event {
            event_id: self.ids.next(),
            seq: self.seq,
            kind,
            ts,
            subject: Arc::clone(&finding.subject),
            first_seen: finding.first_seen,
            last_seen: finding.last_seen,
            count: finding.count,
            answers: finding.answers,
            via_cname: finding.via_cname,
            distinct_subscribers: finding.distinct_subscribers(),
            rcodes: finding.rcodes.clone(),
            servers: finding.servers.as_slice().into(),
        }
    }
}

/// `from` and `nanos` later, at most the end of time.
fn later(from: Timestamp, nanos: u64) -> Timestamp {
    Timestamp::from_nanos(from.as_nanos().saturating_add(nanos))
}

#[cfg(test)]
mod tests;
