//! Metrics of the kernel prefilter: which one is active, and what it passed and rejected.
//!
//! Only the eBPF filter counts; it does so in the kernel, and its counters are read when somebody asks. What a classic
//! filter rejects, the kernel tells nobody.

use std::sync::{Arc, Mutex};

use super::locked;
use super::table::{Samples, Table, counter, gauge};
use crate::capture::prefilter::{Cause, Status};

type Ask = Box<dyn Fn() -> Status + Send + Sync>;

/// The prefilters of all interfaces, which are asked when somebody wants to know.
#[derive(Default)]
pub(super) struct State(Mutex<Vec<(String, Ask)>>);

impl State {
    pub(super) fn add(&self, interface: &str, ask: Ask) {
        locked(&self.0).push((interface.to_owned(), ask));
    }
}

pub(super) fn table(state: Arc<State>) -> Result<Table, prometheus::Error> {
    let families = vec![
        gauge(
            "prefilter_active",
            &["interface", "mode", "profile"],
            "Always 1; the labels say which kernel prefilter the interface has.",
        ),
        counter(
            "prefilter_passed_total",
            &["interface", "reason"],
            "Packets that the eBPF prefilter passed in the kernel, by reason.",
        ),
        counter(
            "prefilter_rejected_total",
            &["interface", "reason"],
            "Packets that the eBPF prefilter rejected in the kernel, by reason.",
        ),
    ];
    Table::new(families, move |samples| fill(&state, samples))
}

fn fill(state: &State, samples: &mut Samples) {
    for (interface, ask) in locked(&state.0).iter() {
        let Status { active, profile, counts } = ask();
        samples.add("prefilter_active", &[interface, active.name(), profile.name()], 1);
        let Some(counts) = counts else { continue };
        for cause in Cause::ALL {
            let family = if cause.passes() { "prefilter_passed_total" } else { "prefilter_rejected_total" };
            samples.add(family, &[interface, cause.name()], counts.get(cause));
        }
    }
}
