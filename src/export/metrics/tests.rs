//! Tests that the page, the families and what is shown agree.

use std::collections::BTreeMap;

use prometheus::proto::MetricType;

use super::*;
use crate::capture::dnstap::{MessageType, SocketProtocol};
use crate::capture::prefilter::{Cause, Counts};
use crate::capture::softnet::Softnet;
use crate::matching::bundle::CAUSES;
use crate::model::{Counter, Counters, Proto};
use crate::record::{CloseReason, Suppressed};

/// Name to type and labels.
type Shape = BTreeMap<String, (String, Vec<String>)>;

/// The shape of every registered family.
fn registered() -> Shape {
    let control = Arc::new(control::State::default());
    [
        workers::table(Arc::default()).unwrap(),
        dnstap::table(Arc::default()).unwrap(),
        record::table(Arc::default(), Arc::clone(&control)).unwrap(),
        control::table(control).unwrap(),
        prefilter::table(Arc::default()).unwrap(),
        bundles::table(Arc::default(), Arc::default()).unwrap(),
        host::table(Arc::default()).unwrap(),
    ]
    .iter()
    .flat_map(table::Table::families)
    .map(|f| {
        let kind = if f.kind == MetricType::COUNTER { "counter" } else { "gauge" };
        let labels = f.labels.iter().map(|l| (*l).to_owned()).collect();
        (format!("stakeout_{}", f.name), (kind.to_owned(), labels))
    })
    .collect()
}

/// The shape of every family in the tables of the page.
fn documented() -> Shape {
    let unquote = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let mut shape = Shape::new();
    for row in include_str!("../../../docs/metrics.md").lines().filter(|l| l.starts_with("| `stakeout_")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 7, "five cells: name, type, labels, meaning, what to do: {row}");
        assert!(cells[4].len() > 10 && !cells[5].is_empty(), "{row}");
        let labels = cells[3].split(',').map(unquote).filter(|l| !l.is_empty()).collect();
        let before = shape.insert(unquote(cells[1]), (cells[2].to_owned(), labels));
        assert!(before.is_none(), "twice on the page: {row}");
    }
    shape
}

fn full() -> Metrics {
    let metrics = Metrics::new().unwrap();
    let mut counters = Counters::new();
    counters.add(Counter::Packets, 7);
    counters.add(Counter::NamesTls, 3);
    for _ in 0..2 {
        let worker = metrics.worker("eth0");
        worker.publish(&counters);
        worker.set(WorkerValue::KernelDrops, 5);
    }
    metrics.worker("eth1").publish(&counters);
    let mut dnstap = DnstapCounts::new();
    dnstap.add(DnstapCounter::EndedStop, 6);
    dnstap.message(Some(MessageType::ClientQuery));
    dnstap.message(None);
    dnstap.read(Some(SocketProtocol::Doq));
    metrics.dnstap().publish(&dnstap, 2, 3);
    let mut record = RecordCounters { hits: 9, ..RecordCounters::default() };
    record.findings.insert(("mf-pl".into(), Proto::Dns), 4);
    metrics.publish_record(&record);
    metrics.publish_sink("jsonl", QueueCounters { delivered: 8, working: true, ..QueueCounters::default() });
    let lists = ["mf-pl", "own"].map(|name| ListState { name: name.into(), rules: 41_000, rejected: 2 });
    metrics.rules_loaded(RuleSetState { generation: 1, loaded: Timestamp::from_parts(100, 0), lists: lists.into() });
    metrics.rules_refused();
    metrics.bundle_channel("absent");
    metrics.bundle_in_force(bundle(jiff::Timestamp::MAX));
    metrics.bundle_refused("national", "old");
    metrics.set_legal_review(Timestamp::from_parts(200, 0));
    metrics.set_ready(true);
    metrics.prefilter("eth0", || Status { counts: Some(Counts::default()), ..Status::default() });
    metrics
}

/// A bundle that was signed a month before it expires.
fn bundle(expires: jiff::Timestamp) -> BundleState {
    BundleState {
        channel: "national".into(),
        version: 7,
        key: "ours".into(),
        is_key_retired: true,
        created: expires - jiff::SignedDuration::from_hours(30 * 24),
        expires,
        is_copy: false,
    }
}

#[test]
fn a_bundle_is_told_of_before_it_expires() {
    let now = jiff::Timestamp::now();
    let days = |days: i64| jiff::SignedDuration::from_hours(24 * days);
    let metrics = Metrics::new().unwrap();
    let at = Timestamp::from_parts(now.as_second().try_into().unwrap(), 0);
    for (left, soon) in [(8, 0), (6, 1), (0, 1), (-400, 1)] {
        metrics.bundle_in_force(bundle(now + days(left)));
        let page = metrics.render_at(at).unwrap();
        let line = format!("stakeout_bundle_expires_soon{{channel=\"national\"}} {soon}\n");
        assert!(page.contains(&line), "{left} days: {page}");
    }
    // One that lives for a day is told of in its last six hours.
    let short = BundleState { created: now, ..bundle(now + days(1)) };
    let hours = |hours| now + jiff::SignedDuration::from_hours(hours);
    assert!(!short.expires_soon(hours(0)) && !short.expires_soon(hours(17)));
    assert!(short.expires_soon(hours(18)) && short.expires_soon(hours(25)));
}

#[test]
fn the_page_names_every_family_as_it_is_and_no_other() {
    let (registered, documented) = (registered(), documented());
    for (name, shape) in &registered {
        assert_eq!(documented.get(name), Some(shape), "docs/metrics.md on {name}");
    }
    for name in documented.keys() {
        assert!(registered.contains_key(name), "docs/metrics.md tells of {name}, which there is not");
    }
}

#[test]
fn the_page_explains_every_reason() {
    let page = include_str!("../../../docs/metrics.md");
    let labelled = Counter::ALL.iter().map(|c| c.info());
    let suppressed = Suppressed::ALL.map(|r| ("hits_suppressed_total", r.name()));
    let dnstap = DnstapCounter::ALL.iter().filter_map(|c| {
        let (metric, label, _) = c.info();
        label.map(|(_, value)| (metric, value))
    });
    let protocols = SocketProtocol::ALL.iter().map(|p| ("dnstap_messages_read_total", p.name()));
    let closed = CloseReason::ALL.map(|r| ("findings_closed_total", r.name()));
    let values = labelled.filter_map(|i| i.label.map(|(_, value)| (i.metric, value)));
    let prefilter =
        Cause::ALL.map(|c| (if c.passes() { "prefilter_passed_total" } else { "prefilter_rejected_total" }, c.name()));
    let refusals = CAUSES.map(|cause| ("bundle_refusals_total", cause));
    for (metric, value) in
        values.chain(suppressed).chain(closed).chain(dnstap).chain(protocols).chain(prefilter).chain(refusals)
    {
        let row = page.lines().find(|l| l.starts_with(&format!("| `stakeout_{metric}`"))).unwrap_or_default();
        assert!(row.contains(&format!("`{value}`")), "docs/metrics.md does not explain {metric} {value}");
    }
}

#[test]
fn every_family_is_shown_once_there_is_something_to_show() {
    let text = full().render().unwrap();
    for (name, (kind, _)) in registered() {
        assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name} is never filled:\n{text}");
    }
}

#[test]
fn values_stand_where_they_belong() {
    let text = full().render_at(Timestamp::from_parts(160, 500_000_000)).unwrap();
    for line in [
        "stakeout_packets_total{interface=\"eth0\"} 14",
        "stakeout_packets_total{interface=\"eth1\"} 7",
        "stakeout_names_total{interface=\"eth0\",protocol=\"tls\"} 6",
        "stakeout_names_total{interface=\"eth0\",protocol=\"dns\"} 0",
        "stakeout_capture_kernel_drops_total{interface=\"eth0\",worker=\"1\"} 5",
        "stakeout_dnstap_streams_ended_total{reason=\"stop\"} 6",
        "stakeout_dnstap_messages_total{type=\"client_query\"} 1",
        "stakeout_dnstap_messages_total{type=\"client_response\"} 0",
        "stakeout_dnstap_messages_total{type=\"unknown\"} 1",
        "stakeout_dnstap_messages_read_total{protocol=\"doq\"} 1",
        "stakeout_dnstap_messages_read_total{protocol=\"unknown\"} 0",
        "stakeout_dnstap_listening 2",
        "stakeout_dnstap_connections_open 3",
        "stakeout_findings_total{list=\"mf-pl\",protocol=\"dns\"} 4",
        "stakeout_findings_total{list=\"own\",protocol=\"quic\"} 0",
        "stakeout_hits_total 9",
        "stakeout_sink_events_total{sink=\"jsonl\"} 8",
        "stakeout_sink_up{sink=\"jsonl\"} 1",
        "stakeout_rule_set_rules{list=\"mf-pl\"} 41000",
        "stakeout_rule_set_age_seconds 60.5",
        "stakeout_rule_set_loads_total{result=\"refused\"} 1",
        "stakeout_legal_review_overdue 0",
        "stakeout_ready 1",
    ] {
        assert!(text.lines().any(|l| l == line), "no line {line} in\n{text}");
    }
}

#[test]
fn the_review_is_overdue_from_its_date_on() {
    let text = full().render_at(Timestamp::from_parts(200, 0)).unwrap();
    assert!(text.contains("stakeout_legal_review_overdue 1\n"), "{text}");
}

#[test]
fn names_follow_the_conventions() {
    for (name, (kind, labels)) in registered() {
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        for label in labels {
            let known = [
                "interface",
                "worker",
                "reason",
                "protocol",
                "list",
                "sink",
                "event",
                "result",
                "version",
                "type",
                "mode",
                "profile",
                "channel",
                "cause",
            ];
            assert!(known.contains(&label.as_str()), "{name} has the label {label}: are its values few and harmless?");
        }
    }
}

#[test]
fn counters_of_one_metric_agree_on_help_and_label() {
    for a in Counter::ALL.iter().map(|c| c.info()) {
        for b in Counter::ALL.iter().map(|c| c.info()).filter(|b| b.metric == a.metric) {
            assert_eq!(a.help, b.help, "{}", a.metric);
            assert_eq!(a.label.map(|(name, _)| name), b.label.map(|(name, _)| name), "{}", a.metric);
        }
    }
}

#[test]
fn the_machines_losses_are_read_at_every_scrape() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("softnet_stat");
    let registry = Registry::new();
    let text = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    std::fs::write(&file, "9 00000010 00000001 0\n").unwrap();
    let state = host::State::new(Softnet::from_file(&file));
    registry.register(Box::new(host::table(Arc::new(state)).unwrap())).unwrap();
    assert!(text().contains("stakeout_host_softnet_dropped_total 0\n"), "{}", text());
    std::fs::write(&file, "9 0000001f 00000003 0\n").unwrap();
    let after = text();
    assert!(after.contains("stakeout_host_softnet_dropped_total 15\n"), "{after}");
    assert!(after.contains("stakeout_host_softnet_squeezed_total 2\n"), "{after}");
    std::fs::remove_file(&file).unwrap();
    assert!(!text().contains("softnet_dropped_total 15"), "no figure where there is no table");
}
