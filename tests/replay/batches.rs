//! Packets in batches, whose memory is asked for together, say the same as packets one by one.

use std::io::Cursor;

use stakeout::capture::FileReader;
use stakeout::flow::Reading;
use stakeout::model::{Counters, Observation};
use stakeout::pipeline::{Limits, Worker};
use stakeout::traffic::Profile;

use super::{pcap, traffic};

fn replay(file: &[u8], batches: bool) -> (Vec<String>, Counters) {
    let mut reader = FileReader::from_reader(Cursor::new(file.to_vec())).unwrap();
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut seen = Vec::new();
    let mut sink = |o: &Observation<'_>| seen.push(format!("{} {} {} {}", o.ts, o.proto.name(), o.kind.name(), o.name));
    if batches {
        loop {
            let frames = reader.next_frames().unwrap();
            if frames.is_empty() {
                break;
            }
            worker.frames(frames.iter(), &mut sink);
        }
    } else {
        while let Some(frame) = reader.next_frame().unwrap() {
            worker.frame(frame.linktype, frame.ts, frame.data, frame.orig_len, &mut sink);
        }
    }
    worker.finish(&mut sink);
    (seen, worker.counters().clone())
}

#[test]
fn batches_change_nothing() {
    for profile in [Profile::provider(), Profile::names()] {
        // The tables have room for all, so that no seed decides what is forgotten.
        let (mut frames, _) = traffic(profile.frames(4_000), 11);
        // Frames that the fast lane leaves to the walk, and of which it is not the first: one cut, one of nothing.
        for at in [7, 300, 301] {
            frames[at].1.truncate(40);
        }
        frames[500].1.clear();
        let file = pcap(&frames);
        let (one_by_one, counters) = replay(&file, false);
        assert!(one_by_one.len() > 50, "{} names", one_by_one.len());
        assert_eq!(replay(&file, true), (one_by_one, counters));
    }
}
