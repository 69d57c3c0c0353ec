//! What the daemon must have found, and what nothing that it wrote may contain.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::Daemon;
use crate::common::events::{of_kind, text};
use crate::common::lab::{CLIENT, CLIENT6};

/// A finding: protocol, name, and the rule as `list/pattern`.
pub(crate) type Found = (String, String, String);

/// The findings that were opened. Each at most once: none of these tests lasts as long as a window.
pub(crate) fn opened(events: &[Value]) -> BTreeSet<Found> {
    let mut found = BTreeSet::new();
    for event in of_kind(events, "opened") {
        let rule = format!("{}/{}", text(&event["rule"], "list"), text(&event["rule"], "pattern"));
        let new = found.insert((text(event, "proto").to_owned(), text(event, "name").to_owned(), rule));
        assert!(new, "opened twice: {event}");
    }
    found
}

/// Fails with both differences.
pub(crate) fn assert_same(found: &BTreeSet<Found>, expected: &BTreeSet<Found>) {
    let missed: Vec<_> = expected.difference(found).collect();
    let invented: Vec<_> = found.difference(expected).collect();
    assert!(missed.is_empty() && invented.is_empty(), "missed: {missed:#?}\ninvented: {invented:#?}");
    assert!(!found.is_empty());
}

/// Every finding was closed at the end, and no event is missing or came twice.
pub(crate) fn assert_whole(events: &[Value]) {
    let ids = |kind| of_kind(events, kind).map(|e| text(e, "finding_id")).collect::<BTreeSet<_>>();
    assert_eq!(ids("opened"), ids("closed"), "findings opened and closed");
    assert_eq!(of_kind(events, "opened").count(), of_kind(events, "closed").count());
    let sequence: Vec<u64> = events.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert_eq!(sequence, (1..=sequence.len() as u64).collect::<Vec<_>>(), "seq has no gap");
    for event in of_kind(events, "closed") {
        assert_eq!(event["closed_reason"], "shutdown", "{event}");
        let (count, answers) = (event["count"].as_u64().unwrap(), event["answers"].as_u64().unwrap());
        assert!(count + answers > 0, "a finding of nothing: {event}");
        assert!(event["distinct_subscribers"].as_u64().unwrap() > 0, "{event}");
    }
}

/// What is known of a running daemon that lost nothing.
pub(crate) fn assert_nothing_lost(daemon: &Daemon<'_>) {
    assert!(daemon.metric("stakeout_packets_total", "") > 0.0);
    for lost in [
        "stakeout_capture_kernel_drops_total",
        "stakeout_capture_interface_drops_total",
        "stakeout_hits_lost_total",
        "stakeout_sink_events_lost_total",
        "stakeout_sink_errors_total",
        "stakeout_packets_snap_cut_total",
    ] {
        assert_eq!(daemon.metric(lost, ""), 0.0, "{lost}");
    }
}

/// Neither a subscriber's address nor a name that is not listed is in any output; `more` is what else was got from the
/// daemon.
pub(crate) fn assert_silent_about(daemon: &Daemon<'_>, unlisted: &[&str], more: &[String]) {
    let mut outputs = daemon.outputs();
    assert!(outputs.iter().any(|(path, _)| path.ends_with("events.jsonl")));
    outputs.extend(more.iter().map(|text| ("HTTP".into(), text.clone().into_bytes())));
    for (path, octets) in outputs {
        let text = String::from_utf8_lossy(&octets).to_lowercase();
        for word in unlisted.iter().chain(&[CLIENT, CLIENT6]) {
            assert!(!text.contains(word), "{word} is in {}", path.display());
        }
    }
}
