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
use stakeout::model::{Kind, Observation, Proto, Timestamp};
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

/// What a worker finds in these frames, a tenth of a millisecond apart, in the order of names. All its tables must be empty at
/// the end.
fn found<'f>(frames: impl IntoIterator<Item = &'f Vec<u8>>) -> Vec<Found> {
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut names: Vec<Found> = Vec::new();
    let mut sink = |o: &Observation<'_>| names.push((o.proto, o.kind, o.name.to_string()));
    for (i, frame) in frames.into_iter().enumerate() {
        let ts = Timestamp::from_parts(1_700_000_000, 100_000 * i as u64);
        worker.frame(ETHERNET, ts, frame, frame.len() as u32, &mut sink);
    }
    worker.finish(&mut sink);
    let gauges = worker.gauges();
    assert_eq!((gauges.streams, gauges.stream_octets, gauges.quic_connections), (0, 0, 0), "buffers leak");
    names.sort_by(|a, b| (&a.2, a.0, a.1).cmp(&(&b.2, b.0, b.1)));
    names
}
