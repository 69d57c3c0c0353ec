//! One open finding: what has been seen of (subscriber or none, name, rule and jurisdiction, protocol) since its window began.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datasketches::hll::{HllSketch, HllType};

use crate::model::{DomainName, Hit, MatchedRule, Proto, Timestamp};

use super::event::{RcodeCounts, Subject};
use super::servers::{SiteServer, SiteServers};
use super::subscriber::Pseudonym;

/// What makes two hits one finding. The rule is its pattern and list, and the place for which it is the
/// verdict: its line may move when the file is edited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) subscriber: Option<Pseudonym>,
    pub(super) name: &'a DomainName,
    pub(super) rule: &'a MatchedRule,
    pub(super) proto: Proto,
}

impl Key<'_> {
    pub(super) fn same(&self, other: &Key<'_>) -> bool {
        self.subscriber == other.subscriber
            && self.proto == other.proto
            && self.name == other.name
            && self.rule.pattern == other.rule.pattern
            && self.rule.list.name == other.rule.list.name
            && self.rule.jurisdiction == other.rule.jurisdiction
    }
}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.subscriber, self.name, &self.rule.pattern, &self.rule.list.name, self.rule.jurisdiction, self.proto)
            .hash(state);
    }
}

/// An open finding.
pub(super) struct Finding {
    pub(super) subject: Arc<Subject>,
    /// The aggregator's clock when it was opened; its window ends a window later.
    pub(super) opened_at: Timestamp,
    pub(super) first_seen: Timestamp,
    pub(super) last_seen: Timestamp,
    pub(super) count: u64,
    pub(super) answers: u64,
    pub(super) via_cname: bool,
    pub(super) rcodes: RcodeCounts,
    pub(super) servers: SiteServers,
    /// Which subscribers, as far as a count needs it; none where the finding is one subscriber's.
    sketch: Option<HllSketch>,
    /// Something changed since the last event; an update is on its way.
    pub(super) untold: bool,
}

impl Finding {
    /// Registers of a sketch, as a power of two: 1 KiB at most a finding, a standard error of 2.3 %, and counts of up
    /// to some two hundred subscribers exact.
    const SKETCH_LG_K: u8 = 11;

    pub(super) fn new(subject: Subject, hit: &Hit, opened_at: Timestamp) -> Self {
        let by_sketch = subject.subscriber.is_none();
        Finding {
            subject: Arc::new(subject),
            opened_at,
            first_seen: hit.ts,
            last_seen: hit.ts,
            count: 0,
            answers: 0,
            via_cname: true,
            rcodes: RcodeCounts::default(),
            servers: SiteServers::default(),
            // The size is in range, so there always is a sketch.
            sketch: by_sketch.then(|| HllSketch::new(Self::SKETCH_LG_K, HllType::Hll4).ok()).flatten(),
            untold: false,
        }
    }

    pub(super) fn key(&self) -> Key<'_> {
        let s = &*self.subject;
        Key { subscriber: s.subscriber, name: &s.name, rule: &s.rule, proto: s.proto }
    }

    /// Adds a sighting; `sketch_item` stands for the subscriber and is asked for only if it is needed.
    pub(super) fn add(&mut self, hit: &Hit, server: Option<SiteServer>, sketch_item: impl FnOnce() -> [u8; 16]) {
        self.first_seen = self.first_seen.min(hit.ts);
        self.last_seen = self.last_seen.max(hit.ts);
        if hit.kind.is_visit() {
            self.count += 1;
        } else {
            self.answers += 1;
        }
        self.via_cname &= hit.via_cname;
        if let Some(rcode) = hit.rcode {
            self.rcodes.add(rcode);
        }
        if let Some(server) = server {
            self.servers.note(server);
        }
        if let Some(sketch) = &mut self.sketch {
            sketch.update(u128::from_be_bytes(sketch_item()));
        }
    }

    /// Estimate of the distinct subscribers.
    pub(super) fn distinct_subscribers(&self) -> u64 {
        self.sketch.as_ref().map_or(1, |s| s.estimate().round() as u64)
    }
}
