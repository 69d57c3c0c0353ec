//! What packet workers publish: a row of atomics each, written between batches and read when somebody asks.
//!
//! The workers' own counters are plain integers (see [`Counters`]); publishing them is one relaxed store each, so no
//! packet ever waits for a scrape. A scrape may see one counter from before a batch and the next from after it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::locked;
use super::table::{Family, Samples, Table, counter, gauge};
use crate::model::{Counter, Counters};

macro_rules! values {
    ($( $variant:ident = $make:ident $metric:literal, $help:literal; )*) => {
        /// What a worker publishes besides its [`Counters`].
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum WorkerValue { $( #[doc = $help] $variant, )* }

        impl WorkerValue {
            /// Every value, in declaration order.
            pub const ALL: &'static [WorkerValue] = &[ $( WorkerValue::$variant, )* ];

            const fn metric(self) -> &'static str {
                match self { $( WorkerValue::$variant => $metric, )* }
            }

            fn family(self) -> Family {
                match self { $( WorkerValue::$variant => $make($metric, &["interface", "worker"], $help), )* }
            }
        }
    };
}

values! {
    CaptureUp = gauge "capture_up", "Whether the worker reads its interface now.";
    CaptureReceived = counter "capture_received_total", "Packets that the capture says it received, those it dropped included where it counts them.";
    KernelDrops = counter "capture_kernel_drops_total", "Packets that the kernel dropped because the worker was too slow.";
    InterfaceDrops = counter "capture_interface_drops_total", "Packets that the interface or its driver dropped.";
    RingInUse = gauge "capture_ring_in_use", "Whether the worker reads its interface through the kernel's ring; 0 while it does so through libpcap.";
    RingFreezes = counter "capture_ring_freezes_total", "How often the ring was full to the last block and the kernel stopped filling it.";
    FlowTable = gauge "flow_table_entries", "Flows in the worker's table.";
    StreamBuffers = gauge "stream_buffers_in_use", "Half-read streams that hold a buffer.";
    FragmentsHeld = gauge "ip_fragments_held", "IP fragments that wait for the rest of their datagram.";
    HitQueueDepth = gauge "hit_queue_depth", "Matches that wait for the recorder.";
    HitsLost = counter "hits_lost_total", "Matches that the recorder could not take because its queue was full.";
    HitsShed = counter "hits_shed_total", "Matches left because their rule had most of those that waited for the recorder.";
    NamesWatched = counter "names_watched_total", "Names that only entries to watch cover: hosts of listed pages. Never findings.";
}

/// Where one packet worker publishes.
pub struct WorkerStats {
    interface: String,
    worker: String,
    counters: [AtomicU64; Counter::COUNT],
    values: [AtomicU64; WorkerValue::ALL.len()],
}

impl WorkerStats {
    /// Publishes the worker's counts so far.
    pub fn publish(&self, counters: &Counters) {
        for (slot, (_, n)) in self.counters.iter().zip(counters.iter()) {
            slot.store(n, Ordering::Relaxed);
        }
    }

    /// Publishes one value: a count so far, or the state now.
    pub fn set(&self, value: WorkerValue, n: u64) {
        self.values[value as usize].store(n, Ordering::Relaxed);
    }

    /// The last published value.
    pub fn get(&self, value: WorkerValue) -> u64 {
        self.values[value as usize].load(Ordering::Relaxed)
    }

    fn counter(&self, counter: Counter) -> u64 {
        self.counters[counter as usize].load(Ordering::Relaxed)
    }
}

/// All workers.
#[derive(Default)]
pub(super) struct State(Mutex<Vec<Arc<WorkerStats>>>);

impl State {
    pub(super) fn add(&self, interface: &str) -> Arc<WorkerStats> {
        let mut workers = locked(&self.0);
        let stats = Arc::new(WorkerStats {
            interface: interface.to_owned(),
            worker: workers.len().to_string(),
            counters: std::array::from_fn(|_| AtomicU64::new(0)),
            values: std::array::from_fn(|_| AtomicU64::new(0)),
        });
        workers.push(Arc::clone(&stats));
        stats
    }
}

/// One family for each metric in the table of counters, summed over the workers of an interface, and one for each
/// value, worker by worker.
pub(super) fn table(state: Arc<State>) -> Result<Table, prometheus::Error> {
    let mut families: Vec<Family> = Vec::new();
    for info in Counter::ALL.iter().map(|c| c.info()) {
        if families.iter().all(|f| f.name != info.metric) {
            let label = info.label.map(|(name, _)| name);
            let labels: Vec<_> = ["interface"].into_iter().chain(label).collect();
            families.push(counter(info.metric, &labels, info.help));
        }
    }
    families.extend(WorkerValue::ALL.iter().map(|v| v.family()));
    Table::new(families, move |samples| fill(&state, samples))
}

fn fill(state: &State, samples: &mut Samples) {
    let workers = locked(&state.0).clone();
    let mut interfaces: BTreeMap<&str, Vec<&WorkerStats>> = BTreeMap::new();
    for worker in &workers {
        interfaces.entry(&worker.interface).or_default().push(worker);
    }
    for (interface, workers) in interfaces {
        for &counter in Counter::ALL {
            let info = counter.info();
            let labels: Vec<_> = [interface].into_iter().chain(info.label.map(|(_, value)| value)).collect();
            let sum = workers.iter().fold(0u64, |sum, w| sum.wrapping_add(w.counter(counter)));
            samples.add(info.metric, &labels, sum);
        }
    }
    for worker in &workers {
        for &value in WorkerValue::ALL {
            samples.add(value.metric(), &[&worker.interface, &worker.worker], worker.get(value));
        }
    }
}
