//! HTTP/1 requests, heads and bodies. What must hold: a scanner that sees the stream grow gives what one look at the
//! whole gives; what is a head probes as one; a body ends in the same place however it is cut; what may be skipped
//! unseen may be skipped.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::extract::http::{
    BodySkipper, HeadScanner, HttpError, Parsed, Probe, Skip, parse_head, partial_head, probe,
};
use stakeout_fuzz::{Input, cuts, split_at};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let cuts = cuts(&mut input);
    let stream = input.0;
    let whole = parse_head(stream);

    let mut scanner = HeadScanner::new();
    let mut grown = Parsed::NeedMore;
    for cut in cuts.iter().map(|cut| (*cut).min(stream.len())).chain([stream.len()]) {
        grown = scanner.parse(&stream[..cut]);
        if grown != Parsed::NeedMore {
            break;
        }
    }
    assert_eq!(grown, whole);

    match whole {
        Parsed::Head(head) => {
            assert_eq!(probe(stream), Probe::Yes);
            let partial = partial_head(&stream[..head.head_len]).unwrap();
            assert_eq!((partial.host, partial.other_host), (head.host, head.other_host));
            for host in [head.host, head.other_host].into_iter().flatten() {
                assert!(!host.text.is_empty() && !host.text.contains(&b'\n'));
                let _ = host.name();
            }
            body(BodySkipper::new(head.body), &stream[head.head_len..], &cuts);
        }
        Parsed::NeedMore => drop(partial_head(stream)),
        Parsed::Reject(HttpError::TooLong) => drop(partial_head(stream)),
        Parsed::Reject(_) => {}
    }
});

fn body(skipper: BodySkipper, octets: &[u8], cuts: &[usize]) {
    let mut at_once = skipper;
    let end = match at_once.feed(octets) {
        Skip::Done { consumed } => Ok(Some(consumed)),
        Skip::More => Ok(None),
        Skip::Lost => Err(()),
    };
    let (mut in_pieces, mut unseen) = (skipper, skipper);
    let (mut at, mut found, mut found_unseen) = (0, Ok(None), Ok(None));
    for piece in split_at(octets, cuts) {
        if found == Ok(None) {
            found = step(in_pieces.feed(piece), at);
        }
        if found_unseen == Ok(None) {
            // The capture missed the piece, if it may.
            let missed = !piece.is_empty() && piece.len() as u64 <= unseen.opaque();
            found_unseen = match missed {
                true => match unseen.feed_gap(piece.len() as u64) {
                    Skip::Done { .. } => Ok(Some(at + piece.len())),
                    skip => step(skip, at),
                },
                false => step(unseen.feed(piece), at),
            };
        }
        at += piece.len();
    }
    assert_eq!(found, end);
    assert_eq!(found_unseen, end);
}

fn step(skip: Skip, at: usize) -> Result<Option<usize>, ()> {
    match skip {
        Skip::Done { consumed } => Ok(Some(at + consumed)),
        Skip::More => Ok(None),
        Skip::Lost => Err(()),
    }
}
