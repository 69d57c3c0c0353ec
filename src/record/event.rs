//! The events that tell a finding, and their JSON: `docs/event-schema.md` in code.
//!
//! An event never changes once it is made, and holds nothing from which a subscriber's address could be had. The
//! fields of [`Wire`] are the published schema: adding one is a minor change, any other needs a new [`SCHEMA`].

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::model::{DomainName, Jurisdiction, Kind, MatchedRule, Proto, Provenance, Timestamp};

use super::ids::Id;
use super::networks::Role;
use super::servers::SiteServer;
use super::subscriber::Pseudonym;

/// Name and version of the schema that [`Event`] serialises to.
pub const SCHEMA: &str = "stakeout.event.v1";

/// Why a finding was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// Its time window ended, or the capture's clock was set back by more than a window.
    Window,
    /// The program ended, or the capture did.
    Shutdown,
    /// The table of open findings was full and this was the oldest.
    Evicted,
}

impl CloseReason {
    /// Every reason.
    pub const ALL: [CloseReason; 3] = [CloseReason::Window, CloseReason::Shutdown, CloseReason::Evicted];

    /// The name in output and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            CloseReason::Window => "window",
            CloseReason::Shutdown => "shutdown",
            CloseReason::Evicted => "evicted",
        }
    }
}

/// What an event tells of its finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// First sight.
    Opened,
    /// More was seen since the last event.
    Updated,
    /// The end, with the final counts.
    Closed(CloseReason),
}

impl EventKind {
    /// The name in output and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::Opened => "opened",
            EventKind::Updated => "updated",
            EventKind::Closed(_) => "closed",
        }
    }
}

/// What stays the same in all events of a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject {
    /// Shared by the finding's events.
    pub finding_id: Id,
    /// The sensor, as the operator named it.
    pub sensor: Arc<str>,
    /// The protocol.
    pub proto: Proto,
    /// The kind of message at first sight.
    pub kind: Kind,
    /// The name that matched: the listed name or one below it.
    pub name: DomainName,
    /// The rule, as it stood at first sight.
    pub rule: MatchedRule,
    /// Who, if the policy allows a pseudonym.
    pub subscriber: Option<Pseudonym>,
    /// Whether the pseudonym stands for one subscriber or for an address that many share.
    pub subscriber_role: Option<Role>,
}

/// How DNS answers ended, by RCODE: at most [`RcodeCounts::MAX`] of them, and the rest together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RcodeCounts {
    counts: Vec<(u16, u64)>,
    other: u64,
}

impl RcodeCounts {
    /// Codes counted apart.
    pub const MAX: usize = 8;

    pub(super) fn add(&mut self, rcode: u16) {
        if let Some((_, n)) = self.counts.iter_mut().find(|(code, _)| *code == rcode) {
            *n += 1;
        } else if self.counts.len() < Self::MAX {
            self.counts.push((rcode, 1));
            self.counts.sort_unstable();
        } else {
            self.other += 1;
        }
    }
}

/// An object from the code's mnemonic (IANA, DNS RCODEs) in lower case, or `rcode-N`, to its count.
impl Serialize for RcodeCounts {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        for (code, n) in &self.counts {
            match code {
                0 => map.serialize_entry("noerror", n)?,
                1 => map.serialize_entry("formerr", n)?,
                2 => map.serialize_entry("servfail", n)?,
                3 => map.serialize_entry("nxdomain", n)?,
                4 => map.serialize_entry("notimp", n)?,
                5 => map.serialize_entry("refused", n)?,
                _ => map.serialize_entry(&format_args!("rcode-{code}").to_string(), n)?,
            }
        }
        if self.other > 0 {
            map.serialize_entry("other", &self.other)?;
        }
        map.end()
    }
}

/// One immutable statement about a finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Unique.
    pub event_id: Id,
    /// 1, 2, 3 … within one run of the program: a gap is a lost event.
    pub seq: u64,
    /// What it tells.
    pub kind: EventKind,
    /// When what it tells was true, by the capture's clock.
    pub ts: Timestamp,
    /// What the finding is about.
    pub subject: Arc<Subject>,
    /// Packet time of the earliest sighting so far.
    pub first_seen: Timestamp,
    /// Packet time of the latest sighting so far.
    pub last_seen: Timestamp,
    /// Visits so far: queries, hellos, requests.
    pub count: u64,
    /// DNS answers so far.
    pub answers: u64,
    /// So far the name was only ever the target of a CNAME: nobody asked for it by itself.
    pub via_cname: bool,
    /// Estimate of the distinct subscriber addresses so far (1 with a pseudonym).
    pub distinct_subscribers: u64,
    /// How the answers ended.
    pub rcodes: RcodeCounts,
    /// The site's addresses, where they are known to be no subscriber's.
    pub servers: Box<[SiteServer]>,
}

impl Event {
    /// Appends the event as one line of JSON, with its line feed.
    pub fn write_json_line(&self, to: &mut Vec<u8>) {
        // Every part serialises, and writing to a vector cannot fail; an empty line would be seen by the tests.
        let _ = serde_json::to_writer(&mut *to, self);
        to.push(b'\n');
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    schema: &'a str,
    event_id: Text<Id>,
    finding_id: Text<Id>,
    seq: u64,
    event: &'a str,
    ts: Text<Timestamp>,
    sensor: &'a str,
    proto: &'a str,
    kind: &'a str,
    name: Text<&'a DomainName>,
    rule: WireRule<'a>,
    first_seen: Text<Timestamp>,
    last_seen: Text<Timestamp>,
    count: u64,
    answers: u64,
    via_cname: bool,
    subscriber: Option<Text<Pseudonym>>,
    subscriber_role: Option<&'a str>,
    distinct_subscribers: u64,
    rcodes: &'a RcodeCounts,
    servers: &'a [SiteServer],
    closed_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct WireRule<'a> {
    pattern: Text<&'a DomainName>,
    action: &'a str,
    list: &'a str,
    line: u32,
    jurisdiction: Option<&'a str>,
    authority: Option<&'a str>,
    legal_basis: Option<&'a str>,
    reference: Option<&'a str>,
}

/// Serialises as the string that `Display` gives.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let about = &*self.subject;
        let provenance = about.rule.list.provenance.as_deref();
        Wire {
            schema: SCHEMA,
            event_id: Text(self.event_id),
            finding_id: Text(about.finding_id),
            seq: self.seq,
            event: self.kind.name(),
            ts: Text(self.ts),
            sensor: &about.sensor,
            proto: about.proto.name(),
            kind: about.kind.name(),
            name: Text(&about.name),
            rule: WireRule {
                pattern: Text(&about.rule.pattern),
                action: about.rule.action.name(),
                list: &about.rule.list.name,
                line: about.rule.line,
                jurisdiction: about.rule.jurisdiction.as_ref().map(Jurisdiction::as_str),
                authority: provenance.map(Provenance::authority),
                legal_basis: provenance.map(Provenance::legal_basis),
                reference: provenance.map(Provenance::reference),
            },
            first_seen: Text(self.first_seen),
            last_seen: Text(self.last_seen),
            count: self.count,
            answers: self.answers,
            via_cname: self.via_cname,
            subscriber: about.subscriber.map(Text),
            subscriber_role: about.subscriber_role.map(Role::name),
            distinct_subscribers: self.distinct_subscribers,
            rcodes: &self.rcodes,
            servers: &self.servers,
            closed_reason: match self.kind {
                EventKind::Closed(reason) => Some(reason.name()),
                _ => None,
            },
        }
        .serialize(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rcodes_are_bounded_and_all_counted() {
        let mut rcodes = RcodeCounts::default();
        for code in [3, 0, 3, 16].into_iter().chain(100..120) {
            rcodes.add(code);
        }
        let json = serde_json::to_value(&rcodes).unwrap();
        assert_eq!(json["nxdomain"], 2);
        assert_eq!(json["rcode-16"], 1);
        assert_eq!(json["other"], 15);
        let sum: u64 = json.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(sum, 24);
    }
}
