//! Metrics of the control plane: the rule set in force, the legal basis, readiness, the build.

use std::sync::{Arc, Mutex, MutexGuard};

use super::locked;
use super::table::{Samples, Table, counter, gauge};
use crate::model::Timestamp;

/// The rule set in force.
#[derive(Clone, Debug)]
pub struct RuleSetState {
    /// Counts the rule sets since the start.
    pub generation: u64,
    /// When it came into force.
    pub loaded: Timestamp,
    /// The lists it was built from.
    pub lists: Vec<ListState>,
}

/// One list of the rule set in force.
#[derive(Clone, Debug)]
pub struct ListState {
    /// As the operator named it.
    pub name: Arc<str>,
    /// Rules in it.
    pub rules: u64,
    /// Entries that were rejected.
    pub rejected: u64,
}

/// What was published last.
pub(super) struct State(Mutex<Published>);

pub(super) struct Published {
    pub(super) rules: Option<RuleSetState>,
    /// Rule sets loaded, and refused.
    pub(super) loads: [u64; 2],
    pub(super) review_due: Option<Timestamp>,
    pub(super) ready: bool,
    /// The time of the scrape.
    pub(super) now: Timestamp,
    started: Timestamp,
}

impl Default for State {
    fn default() -> Self {
        let started = Timestamp::now();
        State(Mutex::new(Published {
            rules: None,
            loads: [0; 2],
            review_due: None,
            ready: false,
            now: started,
            started,
        }))
    }
}

impl State {
    pub(super) fn lock(&self) -> MutexGuard<'_, Published> {
        locked(&self.0)
    }

    /// The lists of the rule set in force.
    pub(super) fn lists(&self) -> Vec<Arc<str>> {
        let state = self.lock();
        state.rules.iter().flat_map(|r| r.lists.iter().map(|l| Arc::clone(&l.name))).collect()
    }
}

pub(super) fn table(state: Arc<State>) -> Result<Table, prometheus::Error> {
    let families = vec![
        gauge("build_info", &["version"], "Always 1; the label says which version runs."),
        gauge("start_timestamp_seconds", &[], "When the program started, in seconds since the epoch."),
        gauge("ready", &[], "Whether the program is ready, as /readyz says."),
        gauge("rule_set_generation", &[], "Which rule set since the start is in force."),
        gauge("rule_set_rules", &["list"], "Rules in force, by list."),
        gauge("rule_set_rejected", &["list"], "Entries of the list that were rejected at the last load."),
        gauge(
            "rule_set_loaded_timestamp_seconds",
            &[],
            "When the rule set came into force, in seconds since the epoch.",
        ),
        gauge("rule_set_age_seconds", &[], "How long ago the rule set came into force."),
        counter("rule_set_loads_total", &["result"], "Attempts to load a rule set, by result."),
        gauge(
            "legal_review_timestamp_seconds",
            &[],
            "When the legal basis is due for review, in seconds since the epoch.",
        ),
        gauge("legal_review_overdue", &[], "Whether the legal basis is past its review date."),
    ];
    Table::new(families, move |samples| fill(&state.lock(), samples))
}

fn fill(state: &Published, samples: &mut Samples) {
    samples.add("build_info", &[env!("CARGO_PKG_VERSION")], 1);
    samples.add_float("start_timestamp_seconds", &[], seconds(state.started.as_nanos()));
    samples.add("ready", &[], state.ready.into());
    for (result, n) in ["ok", "refused"].into_iter().zip(state.loads) {
        samples.add("rule_set_loads_total", &[result], n);
    }
    if let Some(rules) = &state.rules {
        samples.add("rule_set_generation", &[], rules.generation);
        samples.add_float("rule_set_loaded_timestamp_seconds", &[], seconds(rules.loaded.as_nanos()));
        samples.add_float("rule_set_age_seconds", &[], seconds(state.now.nanos_since(rules.loaded)));
        for list in &rules.lists {
            samples.add("rule_set_rules", &[&list.name], list.rules);
            samples.add("rule_set_rejected", &[&list.name], list.rejected);
        }
    }
    if let Some(due) = state.review_due {
        samples.add_float("legal_review_timestamp_seconds", &[], seconds(due.as_nanos()));
        samples.add("legal_review_overdue", &[], (state.now >= due).into());
    }
}

fn seconds(nanos: u64) -> f64 {
    // Milliseconds are exact in a float up to the year 2554.
    (nanos / 1_000_000) as f64 / 1_000.0
}
