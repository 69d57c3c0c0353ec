//! Names found in packets, with everything that is said of them, to be compared.

use std::collections::BTreeMap;

use stakeout::flow::Reading;
use stakeout::model::{Observation, ObservationSink, Timestamp};
use stakeout::pipeline::{Limits, Worker};

/// One captured packet.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) linktype: u32,
    pub(crate) ts: Timestamp,
    pub(crate) orig_len: u32,
    pub(crate) data: Vec<u8>,
}

/// Behind the time in the words for what was found.
const SEPARATOR: &str = " | ";

/// What was found, how often.
pub(crate) type Found = BTreeMap<String, usize>;

#[derive(Default)]
struct Notes(Found);

impl ObservationSink for Notes {
    fn observe(&mut self, o: &Observation<'_>) {
        let what = format!(
            "{}{SEPARATOR}{} {} {} {:?} {}->{} {:?}",
            o.ts,
            o.proto.name(),
            o.kind.name(),
            o.name,
            o.encap.as_slice(),
            o.client.in_clear(),
            o.server.in_clear(),
            o.detail
        );
        *self.0.entry(what).or_insert(0) += 1;
    }
}

/// Runs packets through a worker.
pub(crate) struct Observer {
    worker: Worker,
    notes: Notes,
}

impl Observer {
    pub(crate) fn new() -> Observer {
        Observer { worker: Worker::new(&Limits::default(), Reading::default()), notes: Notes::default() }
    }

    pub(crate) fn packet(&mut self, packet: &Packet) {
        let Packet { linktype, ts, orig_len, data } = packet;
        self.worker.frame(*linktype, *ts, data, *orig_len, &mut self.notes);
    }

    pub(crate) fn finish(mut self) -> Found {
        self.worker.finish(&mut self.notes);
        self.notes.0
    }
}

/// What the first has and the second lacks.
fn missing<'f>(all: &'f Found, some: &Found) -> Vec<&'f str> {
    all.iter().filter(|(what, n)| some.get(*what).unwrap_or(&0) < *n).map(|(what, _)| what.as_str()).collect()
}

/// The same without the times.
pub(crate) fn without_times(found: &Found) -> Found {
    let mut timeless = Found::new();
    for (what, n) in found {
        let what = what.split_once(SEPARATOR).map_or(what.as_str(), |(_, what)| what);
        *timeless.entry(what.to_owned()).or_insert(0) += n;
    }
    timeless
}

/// What is found in all packets.
pub(crate) fn unfiltered(packets: &[Packet]) -> Found {
    let mut observer = Observer::new();
    packets.iter().for_each(|packet| observer.packet(packet));
    observer.finish()
}

/// Every name that only one of the two has, with `-` for what the second lacks.
pub(crate) fn differences(all: &Found, some: &Found) -> Vec<String> {
    let lost = missing(all, some).into_iter().map(|what| format!("- {what}"));
    let more = missing(some, all).into_iter().map(|what| format!("+ {what}"));
    lost.chain(more).collect()
}
