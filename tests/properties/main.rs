//! Whatever way a name is cut, shuffled, repeated and wrapped on its way to the mirror, it is found, and found once.
//!
//! Everything goes through [`stakeout::pipeline::Worker`] as whole frames, so decoding, fragments, reassembly and the
//! extractors are held to it together. `PROPTEST_CASES` raises the number of cases; the default keeps the run short.

mod dns;
mod frames;
mod http;
mod mess;
mod quic;
mod tls;

use proptest::test_runner::Config;
use stakeout::flow::Reading;
use stakeout::model::{Kind, Observation, ObservationSink, Proto, Timestamp};
use stakeout::pipeline::{Limits, Worker};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

/// As many cases as `default`, unless `PROPTEST_CASES` asks for another number.
fn cases(default: u32) -> Config {
    let set = std::env::var_os("PROPTEST_CASES").is_some();
    // A counterexample is turned into a test by hand; the file of seeds would only be found in this machine.
    Config {
        cases: if set { Config::default().cases } else { default },
        failure_persistence: None,
        ..Config::default()
    }
}

/// A name as it was found.
type Found = (Proto, Kind, String);

/// Notes names, and with `DETAILS` waits for whole hellos as one that wants to see more of them.
#[derive(Default)]
struct Names<const DETAILS: bool>(Vec<Found>);

impl<const DETAILS: bool> ObservationSink for Names<DETAILS> {
    const HELLO_DETAILS: bool = DETAILS;

    fn observe(&mut self, o: &Observation<'_>) {
        self.0.push((o.proto, o.kind, o.name.to_string()));
    }
}

/// What a worker finds in these frames, a tenth of a millisecond apart, in the order of names. It is the same whether or not
/// the rest of a hello is waited for.
fn found<'f>(frames: impl IntoIterator<Item = &'f Vec<u8>> + Clone) -> Vec<Found> {
    let names = found_by(frames.clone(), Names::<true>::default());
    assert_eq!(names, found_by(frames, Names::<false>::default()), "without the details of hellos");
    names
}

/// All tables of the worker must be empty at the end.
fn found_by<'f, const DETAILS: bool>(
    frames: impl IntoIterator<Item = &'f Vec<u8>>,
    mut sink: Names<DETAILS>,
) -> Vec<Found> {
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    for (i, frame) in frames.into_iter().enumerate() {
        let ts = Timestamp::from_parts(1_700_000_000, 100_000 * i as u64);
        worker.frame(ETHERNET, ts, frame, frame.len() as u32, &mut sink);
    }
    worker.finish(&mut sink);
    let gauges = worker.gauges();
    assert_eq!((gauges.streams, gauges.stream_octets, gauges.quic_connections), (0, 0, 0), "buffers leak");
    let Names(mut names) = sink;
    names.sort_by(|a, b| (&a.2, a.0, a.1).cmp(&(&b.2, b.0, b.1)));
    names
}
