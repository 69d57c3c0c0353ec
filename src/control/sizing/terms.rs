//! Every figure that a sizing rests on: its value, where the value comes from, and what may take its place.
//!
//! One table, so that no figure hides in the arithmetic: each can be replaced by its name, and each says whether it was
//! measured. `docs/sizing.md` tells how to measure them; a test holds that page and this table to each other.

use std::ops::RangeInclusive;

use crate::control::config::{CaptureConfig, FindingsConfig, LimitsConfig};

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// Measured with this program or on the traffic that it is measured with.
    Measured,
    /// Follows from the program's source or from measured figures.
    Derived,
    /// The default of a setting.
    Setting,
    /// Nobody measured it: an estimate, or a bar that is yet to be reached.
    Assumed,
    /// The user's own.
    Given,
}

impl Basis {
    /// In words for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Basis::Measured => "measured",
            Basis::Derived => "derived",
            Basis::Setting => "setting",
            Basis::Assumed => "assumed",
            Basis::Given => "given",
        }
    }

    /// Whether the value is an estimate.
    pub const fn is_unmeasured(self) -> bool {
        matches!(self, Basis::Assumed)
    }
}

macro_rules! terms {
    ($($(#[$doc:meta])* $term:ident = $name:literal, $value:expr, $unit:literal, $range:expr, $basis:ident, $why:literal;)*) => {
        /// A figure that a sizing rests on.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Term { $($(#[$doc])* $term,)* }

        impl Term {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [Term] = &[$(Term::$term,)*];

            fn row(self) -> Row {
                match self {
                    $(Term::$term => Row {
                        name: $name, value: $value, unit: $unit, range: $range, basis: Basis::$basis, why: $why,
                    },)*
                }
            }
        }
    };
}

const MIB: f64 = (1 << 20) as f64;

terms! {
    /// See its row; so everywhere below.
    Utilisation = "utilisation", 0.3, "of the links", 0.001..=1.0, Assumed,
        "downstream traffic in the busy hour, as a share of what the links can carry downstream";
    /// Octets upstream for each one downstream.
    UpstreamShare = "upstream-share", 0.12, "of downstream", 0.0..=10.0, Assumed,
        "octets upstream for each octet downstream";
    /// Mean packet downstream.
    DownstreamPacket = "downstream-packet", 1000.0, "octets", 64.0..=65_535.0, Assumed,
        "mean packet downstream; 814 in both directions together in the invented mix `isp`";
    /// Mean packet upstream.
    UpstreamPacket = "upstream-packet", 250.0, "octets", 64.0..=65_535.0, Assumed,
        "mean packet upstream: acknowledgements for the most part";
    /// DNS questions.
    DnsRate = "dns-rate", 0.15, "1/s a subscriber", 0.0..=1_000.0, Assumed,
        "DNS questions in the busy hour";
    /// Connections that begin with a name.
    ConnectionRate = "connection-rate", 0.3, "1/s a subscriber", 0.0..=1_000.0, Assumed,
        "new TLS, QUIC and HTTP connections in the busy hour";
    /// Flows of all kinds.
    FlowRate = "flow-rate", 0.6, "1/s a subscriber", 0.0..=1_000.0, Assumed,
        "new flows of any kind in the busy hour that take a place in the flow table";
    /// Packets over which a name is spread.
    NamePackets = "name-packets", 2.0, "a connection", 1.0..=100.0, Derived,
        "packets that hold a connection's name: hellos with post-quantum keys take two";
    /// Mean packet that holds a name.
    NamePacket = "name-packet", 532.0, "octets", 64.0..=65_535.0, Measured,
        "mean packet that holds a name, in the invented mix `meta`";
    /// What a broker lets through.
    BrokerPass = "broker-pass", 0.08, "of packets", 0.000_1..=1.0, Measured,
        "packets of the mix `isp` that a filter passes which looks through tags; see \"What the broker must do\"";
    /// Messages of a resolver for a question.
    DnstapMessages = "dnstap-messages", 1.0, "a question", 0.1..=10.0, Derived,
        "messages for each question: `client response` alone holds question and answer";
    /// The kernel's part of a packet.
    KernelNs = "kernel-ns", 440.0, "ns a packet", 0.0..=100_000.0, Measured,
        "kernel: delivers a packet and copies it to a ring, on a virtual link; a network card and its driver differ";
    /// Taking a packet from the ring.
    RingNs = "ring-ns", 270.0, "ns a packet", 0.0..=100_000.0, Measured,
        "takes a packet off the ring and touches it for the first time: 210 to 330 in a bare loop";
    /// Our work on a packet without a name.
    PacketNs = "packet-ns", 104.0, "ns a packet", 0.0..=100_000.0, Measured,
        "a packet of the mix `provider` in `scan`; reading the file is in it, which falls away on a ring";
    /// Our work on a packet with a name.
    NameNs = "name-ns", 406.0, "ns a packet", 0.0..=1_000_000.0, Measured,
        "a packet of the mix `names` in `scan`: DNS, hellos and QUIC Initials, reading the file included";
    /// Our work on a dnstap message.
    DnstapNs = "dnstap-ns", 170.0, "ns a message", 0.0..=1_000_000.0, Measured,
        "takes and reads a dnstap message, the whole daemon, one name in a hundred listed";
    /// How far a core is filled.
    CoreLoad = "core-load", 0.6, "of a core", 0.05..=1.0, Assumed,
        "how far a core is filled in the mean of the busy hour: the rest is for bursts";
    /// What several workers do of what as many single ones do.
    WorkerEfficiency = "worker-efficiency", 0.9, "of one alone", 0.1..=1.0, Assumed,
        "what each of several workers does of what one does alone: the bar, which two workers on one core meet";
    /// Names on the lists.
    Rules = "rules", 500_000.0, "names", 1.0..=100_000_000.0, Assumed,
        "names on all lists together";
    /// Memory of a rule.
    RuleOctets = "rule-octets", 15.3, "octets a name", 1.0..=10_000.0, Measured,
        "rule set, at names of the usual length";
    /// Rule sets in memory at once.
    RuleCopies = "rule-copies", 3.0, "at once", 1.0..=10.0, Derived,
        "while lists are replaced: the old set, the new one and the parsed lists";
    /// Memory of the program as it starts.
    BaseMemory = "base-memory", 8.0 * MIB, "octets", 0.0..=1e12, Measured,
        "the program without rules, tables and queues";
    /// Memory of a flow.
    FlowOctets = "flow-octets", 66.0, "octets a flow", 1.0..=10_000.0, Measured,
        "a place in the flow table: one cache line and its tag";
    /// How long a flow keeps its place.
    FlowSeconds = "flow-seconds", LimitsConfig::default().flow_timeout.duration().as_secs_f64(), "s", 1.0..=3_600.0, Setting,
        "how long a flow keeps its place after its packets: `flow_timeout`";
    /// Streams that are half read.
    StreamMemory = "stream-memory", LimitsConfig::default().stream_memory.bytes() as f64, "octets a worker", 0.0..=1e12, Setting,
        "hellos and requests that are not complete yet: `stream_memory`";
    /// QUIC connections that are half read.
    QuicMemory = "quic-memory", 16.0 * MIB, "octets a worker", 0.0..=1e12, Assumed,
        "QUIC hellos that are not complete yet: at most 8,192 of them";
    /// Fragments.
    FragmentMemory = "fragment-memory", LimitsConfig::default().fragment_memory.bytes() as f64, "octets a worker", 0.0..=1e12, Setting,
        "IP datagrams that are not complete yet: `fragment_memory`";
    /// The kernel's buffer.
    CaptureMemory = "capture-memory", CaptureConfig::default().buffer.bytes() as f64, "octets a worker", 0.0..=1e12, Setting,
        "the kernel's buffer: `buffer`";
    /// Findings that are open.
    OpenFindings = "open-findings", f64::from(FindingsConfig::default().max_open), "findings", 0.0..=1e9, Setting,
        "findings open at once: `max_open`";
    /// Memory of an open finding.
    FindingOctets = "finding-octets", 2048.0, "octets a finding", 0.0..=1e6, Derived,
        "an open finding, with a sketch of its subscribers";
    /// Hits and events that wait.
    QueueMemory = "queue-memory",
        f64::from(LimitsConfig::default().hit_queue) * 614.0 + f64::from(LimitsConfig::default().event_queue) * 1024.0,
        "octets", 0.0..=1e12, Derived,
        "full queues of hits and, for one output, of events: `hit_queue`, `event_queue`";
    /// Visits to listed names.
    ListedVisits = "listed-visits", 0.05, "a day, subscriber", 0.0..=10_000.0, Assumed,
        "visits to listed names";
    /// Findings that one visit makes.
    FindingsPerVisit = "findings-per-visit", 2.0, "a visit", 1.0..=10.0, Assumed,
        "its DNS question and its hello; one where only DNS is seen";
    /// Events that a finding makes.
    EventsPerFinding = "events-per-finding", 2.5, "a finding", 1.0..=1_000.0, Assumed,
        "`opened`, `closed`, and at times `updated`";
    /// The size of an event.
    EventOctets = "event-octets", 625.0, "octets", 1.0..=100_000.0, Measured,
        "an event as a JSON line, mean over a scan of `isp`; one output, not compressed";
}

/// One row of the table.
struct Row {
    name: &'static str,
    value: f64,
    unit: &'static str,
    range: RangeInclusive<f64>,
    basis: Basis,
    why: &'static str,
}

impl Term {
    /// Its name in [`Terms::replace`] and in reports.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The unit of its value.
    pub fn unit(self) -> &'static str {
        self.row().unit
    }

    /// What it is, and where its own value comes from.
    pub fn why(self) -> &'static str {
        self.row().why
    }
}

/// The values in force: the table's own, or the user's.
#[derive(Clone, Debug)]
pub struct Terms(Vec<(f64, Basis)>);

impl Default for Terms {
    fn default() -> Self {
        Terms(Term::ALL.iter().map(|term| (term.row().value, term.row().basis)).collect())
    }
}

impl Terms {
    /// The value and where it comes from.
    pub fn get(&self, term: Term) -> (f64, Basis) {
        self.0[term as usize]
    }

    /// Puts the user's own value in the place of the table's, if it is within bounds.
    pub fn set(&mut self, term: Term, value: f64) -> Result<(), String> {
        let row = term.row();
        if !row.range.contains(&value) {
            let (least, most) = row.range.into_inner();
            return Err(format!("{} is from {least} to {most} ({}), not {value}", row.name, row.unit));
        }
        self.0[term as usize] = (value, Basis::Given);
        Ok(())
    }

    /// The same by name, written `NAME=NUMBER`.
    pub fn replace(&mut self, text: &str) -> Result<(), String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("{text:?}: write NAME=NUMBER, as in dns-rate=0.2"))?;
        let (name, value) = (name.trim(), value.trim());
        let term = Term::ALL.iter().find(|term| term.name() == name).ok_or_else(|| {
            let near = Term::ALL.iter().map(|t| t.name()).filter(|n| shares_a_word(n, name)).collect::<Vec<_>>();
            let hint = if near.is_empty() { "the report lists all names".to_owned() } else { near.join(" or ") };
            format!("there is no assumption {name:?}; {hint}")
        })?;
        let number = value.parse::<f64>().map_err(|_| format!("{name}: {value:?} is no number"))?;
        self.set(*term, number)
    }
}

/// Whether two names have a word between hyphens in common.
fn shares_a_word(a: &str, b: &str) -> bool {
    a.split('-').any(|word| b.split('-').any(|other| other == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_own_value_is_within_its_bounds_and_every_name_is_its_own() {
        let mut names: Vec<_> = Term::ALL.iter().map(|t| t.name()).collect();
        for term in Term::ALL {
            assert!(term.row().range.contains(&term.row().value), "{}", term.name());
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Term::ALL.len());
    }

    #[test]
    fn a_value_is_replaced_by_name_and_then_is_the_users() {
        let mut terms = Terms::default();
        assert_eq!(terms.get(Term::NameNs).1, Basis::Measured);
        terms.replace(" name-ns = 750.5 ").unwrap();
        assert_eq!(terms.get(Term::NameNs), (750.5, Basis::Given));
    }

    #[test]
    fn what_cannot_be_a_value_is_refused_with_a_reason() {
        for (text, words) in [
            ("name-ns", "write NAME=NUMBER"),
            ("name-ns=", "is no number"),
            ("name-ns=fast", "\"fast\" is no number"),
            ("name-ns=NaN", "is from 0 to 1000000"),
            ("name-ns=-1", "is from 0 to 1000000"),
            ("core-load=0", "is from 0.05 to 1"),
            ("core-load=1.1", "is from 0.05 to 1"),
            ("name-nsec=1", "name-packets or name-packet or name-ns"),
            ("banana=1", "the report lists all names"),
        ] {
            let error = Terms::default().replace(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn docs_list_every_term_with_its_value_and_its_basis() {
        let page = include_str!("../../../docs/sizing.md");
        for term in Term::ALL {
            let (value, basis) = Terms::default().get(*term);
            let row =
                format!("| `{}` | {} | {} | {} |", term.name(), super::super::show(value), term.unit(), basis.name());
            assert!(page.contains(&row), "docs/sizing.md lacks a row that begins with: {row}");
        }
    }
}
