//! Metrics of the machine as a whole: what its kernel lost before any interface's counters.
//!
//! The kernel counts by processor, not by interface or network namespace, so these have no label. The table is read when
//! somebody asks; where there is none, there are no figures.

use std::sync::{Arc, Mutex};

use super::locked;
use super::table::{Samples, Table, counter};
use crate::capture::softnet::Softnet;

/// The machine's counters, from the start of the program on.
pub(super) struct State(Mutex<Softnet>);

impl State {
    pub(super) fn new(softnet: Softnet) -> Self {
        State(Mutex::new(softnet))
    }
}

impl Default for State {
    fn default() -> Self {
        State::new(Softnet::new())
    }
}

pub(super) fn table(state: Arc<State>) -> Result<Table, prometheus::Error> {
    let families = vec![
        counter(
            "host_softnet_dropped_total",
            &[],
            "Packets that this machine's kernel dropped from full backlogs, of all interfaces together.",
        ),
        counter(
            "host_softnet_squeezed_total",
            &[],
            "How often this machine's kernel broke off receiving with packets still waiting.",
        ),
    ];
    Table::new(families, move |samples| fill(&state, samples))
}

fn fill(state: &State, samples: &mut Samples) {
    let Ok(counts) = locked(&state.0).counts() else { return };
    samples.add("host_softnet_dropped_total", &[], counts.dropped);
    samples.add("host_softnet_squeezed_total", &[], counts.squeezed);
}
