//! Metrics of the dnstap source: what resolvers told, what of it was not read and why, and how connections came and went.
//!
//! Names found, and messages that are no DNS, are counted where those of packets are, with `dnstap` as the interface.

use std::sync::{Arc, Mutex};

use super::locked;
use super::table::{Family, Samples, Table, counter, gauge};
use crate::capture::dnstap::{MessageType, SocketProtocol};

macro_rules! counts {
    ($( $variant:ident = $metric:literal $([$label:ident = $value:literal])?, $help:literal; )*) => {
        /// One thing that the dnstap source counts.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum DnstapCounter { $( #[doc = $help] $variant, )* }

        impl DnstapCounter {
            /// Every counter, in declaration order.
            pub const ALL: &'static [DnstapCounter] = &[ $( DnstapCounter::$variant, )* ];

            /// Metric, label name and value, help.
            pub(super) const fn info(self) -> (&'static str, Option<(&'static str, &'static str)>, &'static str) {
                match self { $( DnstapCounter::$variant => ($metric, counts!(@label $($label $value)?), $help), )* }
            }
        }
    };
    (@label) => { None };
    (@label $label:ident $value:literal) => { Some((stringify!($label), $value)) };
}

counts! {
    Octets = "dnstap_bytes_total", "Octets received from resolvers, framing included.";
    Frames = "dnstap_frames_total", "Data frames received from resolvers.";

    SkippedType = "dnstap_messages_skipped_total"[reason = "type"], "Messages left unread by configuration, by reason.";
    SkippedProtocol = "dnstap_messages_skipped_total"[reason = "protocol"], "Messages left unread by configuration, by reason.";
    SkippedScope = "dnstap_messages_skipped_total"[reason = "out-of-scope"], "Messages left unread by configuration, by reason.";

    RejectedMalformed = "dnstap_messages_rejected_total"[reason = "protobuf"], "Data frames that could not be used, by reason.";
    RejectedEmpty = "dnstap_messages_rejected_total"[reason = "no-message"], "Data frames that could not be used, by reason.";
    RejectedNoDns = "dnstap_messages_rejected_total"[reason = "no-dns"], "Data frames that could not be used, by reason.";
    RejectedNoClient = "dnstap_messages_rejected_total"[reason = "no-client"], "Data frames that could not be used, by reason.";
    RejectedDirection = "dnstap_messages_rejected_total"[reason = "direction"], "Data frames that could not be used, by reason.";
    TimesReplaced = "dnstap_times_replaced_total", "Messages whose time was missing or far from this machine's, which was taken instead.";

    Accepted = "dnstap_connections_total"[result = "accepted"], "Connections of resolvers, by result.";
    RefusedFull = "dnstap_connections_total"[result = "full"], "Connections of resolvers, by result.";
    RefusedPeer = "dnstap_connections_total"[result = "not-allowed"], "Connections of resolvers, by result.";
    AcceptFailed = "dnstap_connections_total"[result = "failed"], "Connections of resolvers, by result.";

    EndedStop = "dnstap_streams_ended_total"[reason = "stop"], "Connections that ended, by reason.";
    EndedClosed = "dnstap_streams_ended_total"[reason = "closed"], "Connections that ended, by reason.";
    EndedCut = "dnstap_streams_ended_total"[reason = "cut"], "Connections that ended, by reason.";
    EndedNoStart = "dnstap_streams_ended_total"[reason = "no-start"], "Connections that ended, by reason.";
    EndedStalled = "dnstap_streams_ended_total"[reason = "stalled"], "Connections that ended, by reason.";
    EndedControl = "dnstap_streams_ended_total"[reason = "bad-control"], "Connections that ended, by reason.";
    EndedContentType = "dnstap_streams_ended_total"[reason = "content-type"], "Connections that ended, by reason.";
    EndedTooLong = "dnstap_streams_ended_total"[reason = "too-long"], "Connections that ended, by reason.";
    EndedFailed = "dnstap_streams_ended_total"[reason = "failed"], "Connections that ended, by reason.";
    EndedShutdown = "dnstap_streams_ended_total"[reason = "shutdown"], "Connections that ended, by reason.";
}

const MESSAGES: &str = "dnstap_messages_total";
const READ: &str = "dnstap_messages_read_total";
const LISTENING: &str = "dnstap_listening";
const OPEN: &str = "dnstap_connections_open";

/// Counts of the source since it started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DnstapCounts {
    counters: [u64; DnstapCounter::ALL.len()],
    /// By message type; at the end those of an unknown type.
    types: [u64; MessageType::ALL.len() + 1],
    /// Messages read, by protocol; at the end those without one that is known.
    protocols: [u64; SocketProtocol::ALL.len() + 1],
}

impl DnstapCounts {
    /// All zero.
    pub const fn new() -> Self {
        DnstapCounts {
            counters: [0; DnstapCounter::ALL.len()],
            types: [0; MessageType::ALL.len() + 1],
            protocols: [0; SocketProtocol::ALL.len() + 1],
        }
    }

    /// Counts one.
    #[inline]
    pub fn bump(&mut self, counter: DnstapCounter) {
        self.add(counter, 1);
    }

    /// Counts `n`.
    #[inline]
    pub fn add(&mut self, counter: DnstapCounter, n: u64) {
        let slot = &mut self.counters[counter as usize];
        *slot = slot.wrapping_add(n);
    }

    /// Counts a message of this type.
    #[inline]
    pub fn message(&mut self, kind: Option<MessageType>) {
        // The numbers begin at 1.
        self.types[kind.map_or(MessageType::ALL.len(), |k| k as usize - 1)] += 1;
    }

    /// Counts a message read that came by this protocol.
    #[inline]
    pub fn read(&mut self, protocol: Option<SocketProtocol>) {
        self.protocols[protocol.map_or(SocketProtocol::ALL.len(), |p| p as usize - 1)] += 1;
    }

    /// The count so far.
    pub fn get(&self, counter: DnstapCounter) -> u64 {
        self.counters[counter as usize]
    }

    /// Messages of this type so far.
    pub fn messages(&self, kind: Option<MessageType>) -> u64 {
        self.types[kind.map_or(MessageType::ALL.len(), |k| k as usize - 1)]
    }
}

impl Default for DnstapCounts {
    fn default() -> Self {
        Self::new()
    }
}

/// Where the source publishes, a few times a second and as a whole, so that counts seen together belong together.
#[derive(Debug, Default)]
pub struct DnstapStats(Mutex<Published>);

#[derive(Clone, Debug, Default)]
struct Published {
    counts: DnstapCounts,
    listening: usize,
    open: usize,
}

impl DnstapStats {
    /// Publishes the counts so far, how many sockets listen and how many connections are open.
    pub fn publish(&self, counts: &DnstapCounts, listening: usize, open: usize) {
        *locked(&self.0) = Published { counts: counts.clone(), listening, open };
    }
}

/// The source, if there is one.
#[derive(Default)]
pub(super) struct State(Mutex<Option<Arc<DnstapStats>>>);

impl State {
    pub(super) fn add(&self) -> Arc<DnstapStats> {
        let stats = Arc::new(DnstapStats::default());
        *locked(&self.0) = Some(Arc::clone(&stats));
        stats
    }
}

pub(super) fn table(state: Arc<State>) -> Result<Table, prometheus::Error> {
    let mut families: Vec<Family> = Vec::new();
    for (metric, label, help) in DnstapCounter::ALL.iter().map(|c| c.info()) {
        if families.iter().all(|f| f.name != metric) {
            let labels: Vec<_> = label.map(|(name, _)| name).into_iter().collect();
            families.push(counter(metric, &labels, help));
        }
    }
    families.push(counter(MESSAGES, &["type"], "Messages that resolvers told of, by type, read or not."));
    families.push(counter(READ, &["protocol"], "Messages of which the DNS message was read, by how it was carried."));
    families.push(gauge(LISTENING, &[], "Sockets on which resolvers can connect."));
    families.push(gauge(OPEN, &[], "Connections of resolvers that are open."));
    Table::new(families, move |samples| fill(&state, samples))
}

fn fill(state: &State, samples: &mut Samples) {
    let Some(stats) = locked(&state.0).clone() else { return };
    let Published { counts, listening, open } = locked(&stats.0).clone();
    for counter in DnstapCounter::ALL {
        let (metric, label, _) = counter.info();
        let labels: Vec<_> = label.map(|(_, value)| value).into_iter().collect();
        samples.add(metric, &labels, counts.get(*counter));
    }
    let types = MessageType::ALL.iter().map(|t| t.name()).chain(["unknown"]);
    for (name, value) in types.zip(counts.types) {
        samples.add(MESSAGES, &[name], value);
    }
    let protocols = SocketProtocol::ALL.iter().map(|p| p.name()).chain(["unknown"]);
    for (name, value) in protocols.zip(counts.protocols) {
        samples.add(READ, &[name], value);
    }
    samples.add(LISTENING, &[], listening as u64);
    samples.add(OPEN, &[], open as u64);
}
