//! What was read, found and skipped, and why: the closing words of `scan` and `demo`.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use super::{input, usage};
use crate::flow::Gauges;
use crate::model::{Counter, Counters, Hit, Proto, Timestamp};
use crate::record::AggregateConfig;

/// A window that no capture outlasts, so that each finding is one line: a hundred years.
pub(super) const WHOLE_CAPTURE_NS: u64 = 100 * 365 * 86_400 * 1_000_000_000;

/// How findings are made of a capture file.
pub(super) fn config(sensor: &str) -> AggregateConfig {
    AggregateConfig { sensor: Arc::from(sensor), ..AggregateConfig::default() }
}

/// Gathered while a capture is read.
#[derive(Default)]
pub(super) struct Summary {
    pub(super) rules: u64,
    pub(super) lists: usize,
    pub(super) rules_cpu: Duration,
    pub(super) scan_cpu: Duration,
    pub(super) findings: u64,
    /// Names that only entries to watch cover.
    pub(super) watched: u64,
    visits: [u64; Proto::ALL.len()],
    answers: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Summary {
    /// Notes the time of a frame.
    #[inline]
    pub(super) fn span(&mut self, ts: Timestamp) {
        if self.first.is_none() {
            self.first = Some(ts);
        }
        self.last = Some(ts);
    }

    /// Notes a hit.
    pub(super) fn hit(&mut self, hit: &Hit) {
        if hit.kind.is_visit() {
            self.visits[hit.proto as usize] += 1;
        } else {
            self.answers += 1;
        }
    }

    /// The text, one fact a line.
    pub(super) fn text(&self, counters: &Counters, gauges: Gauges) -> String {
        let mut text = String::new();
        let packets = counters.get(Counter::Packets);
        let span = match (self.first, self.last) {
            (Some(first), Some(last)) => format!(", {:.1} s of traffic", last.nanos_since(first) as f64 / 1e9),
            _ => String::new(),
        };
        let names = Proto::ALL.map(|p| {
            let counter = match p {
                Proto::Dns => Counter::NamesDns,
                Proto::Tls => Counter::NamesTls,
                Proto::Quic => Counter::NamesQuic,
                Proto::Http => Counter::NamesHttp,
            };
            format!("{} {}", counters.get(counter), p.name())
        });
        let visits: u64 = self.visits.iter().sum();
        let by_proto = Proto::ALL.map(|p| format!("{} {}", self.visits[p as usize], p.name()));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nread     {packets} packets, {} octets{span}", counters.get(Counter::Bytes));
        let _ = writeln!(text, "names    {}", names.join(", "));
        let _ = writeln!(
            text,
            "found    {} findings: {visits} visits to listed names ({}), and {} DNS answers",
            self.findings,
            by_proto.join(", "),
            self.answers
        );
        if self.watched > 0 {
            let _ =
                writeln!(text, "watched  {} names of hosts with a listed page, which are no findings", self.watched);
        }
        let skipped: Vec<String> = input::skipped(counters).iter().map(|(why, n)| format!("{n} {why}")).collect();
        if !skipped.is_empty() {
            let _ = writeln!(text, "skipped  {}", skipped.join(", "));
        }
        let losses: Vec<String> = losses(counters).map(|(what, n)| format!("{n} {what}")).collect();
        if !losses.is_empty() {
            let _ = writeln!(text, "noted    {}", losses.join(", "));
        }
        let per_packet = self.scan_cpu.as_nanos() as f64 / packets.max(1) as f64;
        let _ = writeln!(
            text,
            "rules    {} in {} lists, {:.2} s of processor time to load",
            self.rules,
            self.lists,
            self.rules_cpu.as_secs_f64()
        );
        let _ = writeln!(
            text,
            "cost     {:.2} s of processor time to scan ({per_packet:.0} ns a packet), at most {} MiB of memory, {} flows held",
            self.scan_cpu.as_secs_f64(),
            usage::peak_memory() >> 20,
            gauges.flows
        );
        text
    }
}

/// Counters that tell of a name that may have been missed.
fn losses(counters: &Counters) -> impl Iterator<Item = (String, u64)> + '_ {
    const TOLD: &[Counter] = &[
        Counter::FramesDuplicate,
        Counter::SnapCut,
        Counter::FragmentsEvicted,
        Counter::FragmentsExpired,
        Counter::FragmentsInvalid,
        Counter::FlowsEvicted,
        Counter::StreamBuffersEvicted,
        Counter::StreamTooLong,
        Counter::StreamGap,
        Counter::HellosWithoutSni,
        Counter::HellosBadSni,
        Counter::HellosAddressSni,
        Counter::HellosPartial,
        Counter::DnsMalformed,
        Counter::DnsLoop,
        Counter::DnsTruncated,
        Counter::TlsMalformed,
        Counter::QuicMalformed,
        Counter::QuicNotDecrypted,
        Counter::HttpMalformed,
        Counter::HttpTooLong,
    ];
    TOLD.iter().filter_map(|c| {
        let n = counters.get(*c);
        let info = c.info();
        let name = info.metric.trim_end_matches("_total").replace('_', " ");
        let reason = info.label.map(|(_, reason)| format!(" ({reason})")).unwrap_or_default();
        (n > 0).then(|| (format!("{name}{reason}"), n))
    })
}
