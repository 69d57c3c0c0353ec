//! Metrics of findings, events and sinks, from what the recorder publishes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::table::{Samples, Table, counter, gauge};
use super::{QueueCounters, control, locked};
use crate::model::Proto;
use crate::record::{CloseReason, RecordCounters, Suppressed};

/// What was published last.
#[derive(Default)]
pub(super) struct State(Mutex<Published>);

#[derive(Default)]
pub(super) struct Published {
    pub(super) record: RecordCounters,
    pub(super) sinks: BTreeMap<String, QueueCounters>,
}

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Published> {
        locked(&self.0)
    }
}

pub(super) fn table(state: Arc<State>, control: Arc<control::State>) -> Result<Table, prometheus::Error> {
    let families = vec![
        counter("hits_total", &[], "Matches that the recorder took."),
        counter("hits_suppressed_total", &["reason"], "Matches that made no finding, by reason."),
        counter("findings_total", &["list", "protocol"], "Findings opened, by the list of their rule and protocol."),
        counter("findings_closed_total", &["reason"], "Findings closed, by reason."),
        gauge("findings_open", &[], "Findings open now."),
        counter("events_total", &["event"], "Events made of findings, by kind."),
        counter(
            "names_withheld_total",
            &[],
            "Matches whose name spelt a subscriber's address and was replaced by the rule's.",
        ),
        counter(
            "names_summarised_total",
            &[],
            "Matches told under the listed name, because very many names below it have findings open.",
        ),
        counter(
            "pseudonyms_missing_total",
            &[],
            "Matches left without a pseudonym because the system gave no random bytes.",
        ),
        counter("sink_events_total", &["sink"], "Events that the sink took."),
        counter("sink_events_lost_total", &["sink"], "Events lost because the sink's queue was full."),
        counter("sink_errors_total", &["sink"], "Failed attempts to use the sink."),
        gauge("sink_queue_depth", &["sink"], "Events that wait for the sink."),
        gauge("sink_queue_capacity", &["sink"], "Events that can wait for the sink."),
        gauge("sink_up", &["sink"], "Whether the sink's last use succeeded."),
    ];
    Table::new(families, move |samples| {
        // A list that found nothing yet is shown with zero, so that its first finding is seen as an increase.
        let lists = control.lists();
        let published = state.lock();
        findings(&published.record, &lists, samples);
        sinks(&published.sinks, samples);
    })
}

fn findings(record: &RecordCounters, lists: &[Arc<str>], samples: &mut Samples) {
    samples.add("hits_total", &[], record.hits);
    for reason in Suppressed::ALL {
        samples.add("hits_suppressed_total", &[reason.name()], record.suppressed(reason));
    }
    let silent = lists.iter().flat_map(|list| Proto::ALL.map(|proto| ((Arc::clone(list), proto), 0)));
    let mut found: BTreeMap<_, _> = silent.collect();
    found.extend(record.findings.iter().map(|(key, n)| (key.clone(), *n)));
    for ((list, proto), n) in &found {
        samples.add("findings_total", &[list, proto.name()], *n);
    }
    for (reason, n) in CloseReason::ALL.into_iter().zip(record.closed) {
        samples.add("findings_closed_total", &[reason.name()], n);
    }
    samples.add("findings_open", &[], record.open);
    for (event, n) in ["opened", "updated", "closed"].into_iter().zip(record.events) {
        samples.add("events_total", &[event], n);
    }
    samples.add("names_withheld_total", &[], record.names_withheld);
    samples.add("names_summarised_total", &[], record.names_summarised);
    samples.add("pseudonyms_missing_total", &[], record.pseudonyms_missing);
}

fn sinks(sinks: &BTreeMap<String, QueueCounters>, samples: &mut Samples) {
    for (sink, queue) in sinks {
        samples.add("sink_events_total", &[sink], queue.delivered);
        samples.add("sink_events_lost_total", &[sink], queue.lost);
        samples.add("sink_errors_total", &[sink], queue.errors);
        samples.add("sink_queue_depth", &[sink], queue.depth as u64);
        samples.add("sink_queue_capacity", &[sink], queue.capacity as u64);
        samples.add("sink_up", &[sink], queue.working.into());
    }
}
