//! dnstap: the frames of a stream, the protocol buffers in them, and what is made of the messages. What must hold: the
//! same observations come out and the same end is reached wherever the stream is cut; no more octets are asked for than
//! the longest frame has; and every data frame is counted once, as read, skipped or rejected.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::capture::dnstap::{FrameStream, MAX_CONTROL, Step, StreamError, parse};
use stakeout::export::metrics::DnstapCounter;
use stakeout::model::{Counter, Observation, Timestamp};
use stakeout::pipeline::{DnstapReader, DnstapReading};
use stakeout_fuzz::{Input, cuts, split_at};

const MAX_FRAME: usize = 2048;
const NOW: Timestamp = Timestamp::from_parts(1_800_000_000, 0);

/// Everything that is seen of a stream in pieces.
fn follow<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Option<StreamError>, bool, DnstapReader) {
    let (mut stream, mut reader) = (FrameStream::new(MAX_FRAME), DnstapReader::new(DnstapReading::default()));
    let (mut held, mut seen, mut frames, mut over) = (Vec::new(), Vec::new(), 0, false);
    for piece in pieces {
        held.extend_from_slice(piece);
        loop {
            let (step, used) = match stream.next(&held) {
                Ok(next) => next,
                Err(error) => return (seen, Some(error), over, reader),
            };
            match step {
                Step::More(need) => {
                    assert!(used == 0 && need > held.len() && need <= 8 + MAX_FRAME.max(MAX_CONTROL));
                    break;
                }
                Step::Data(frame) => {
                    assert!(stream.is_open() && !frame.is_empty() && frame.len() <= MAX_FRAME);
                    if let Ok(message) = parse(frame) {
                        let parts = [message.query_message, message.response_message];
                        assert!(parts.iter().flatten().map(|m| m.len()).sum::<usize>() < frame.len());
                    }
                    frames += 1;
                    reader.frame(frame, NOW, &mut |o: &Observation<'_>| seen.push(format!("{o:?}")));
                }
                Step::Stop { .. } => over = true,
                Step::Ready | Step::Start => {}
            }
            assert!(used > 0 && used <= held.len());
            held.drain(..used);
        }
    }
    assert_eq!(reader.counts().get(DnstapCounter::Frames), frames);
    (seen, None, over, reader)
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let cuts = cuts(&mut input);
    let stream = input.0;
    let whole = follow(std::iter::once(stream));
    let pieces = follow(split_at(stream, &cuts).into_iter());
    assert_eq!((&whole.0, whole.1, whole.2), (&pieces.0, pieces.1, pieces.2));
    assert_eq!(whole.3.counts(), pieces.3.counts());

    let (counters, counts) = (whole.3.counters(), whole.3.counts());
    assert_eq!(counters.get(Counter::NamesDns), whole.0.len() as u64);
    let frames = counts.get(DnstapCounter::Frames);
    let unread: u64 = [
        DnstapCounter::SkippedType,
        DnstapCounter::SkippedProtocol,
        DnstapCounter::SkippedScope,
        DnstapCounter::RejectedMalformed,
        DnstapCounter::RejectedEmpty,
        DnstapCounter::RejectedNoDns,
        DnstapCounter::RejectedNoClient,
        DnstapCounter::RejectedDirection,
    ]
    .map(|c| counts.get(c))
    .iter()
    .sum();
    assert!(unread <= frames && counts.get(DnstapCounter::TimesReplaced) <= frames - unread);
});
