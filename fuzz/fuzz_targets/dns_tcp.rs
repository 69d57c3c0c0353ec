//! DNS over TCP. What must hold: the same messages come out wherever the stream is cut, and a probe does not change its
//! mind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::extract::dns::{self, DnsScratch, tcp};
use stakeout_fuzz::{Input, cuts, split_at};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let cuts = cuts(&mut input);
    let stream = input.0;
    let whole: Vec<&[u8]> = tcp::messages(stream).collect();

    let (mut held, mut got) = (Vec::new(), Vec::new());
    for piece in split_at(stream, &cuts) {
        held.extend_from_slice(piece);
        let mut messages = tcp::messages(&held);
        got.extend(messages.by_ref().map(<[u8]>::to_vec));
        let (consumed, missing) = (messages.consumed(), messages.missing());
        assert!(missing <= tcp::MAX_FRAMED && (missing == 0) == (consumed == held.len()));
        held.drain(..consumed);
    }
    assert_eq!(got, whole);
    if let Some(verdict) = cuts.iter().find_map(|cut| tcp::probe(&stream[..(*cut).min(stream.len())])) {
        assert_eq!(tcp::probe(stream), Some(verdict));
    }
    let mut scratch = DnsScratch::new();
    for message in whole.into_iter().chain(tcp::messages(&held).partial()) {
        let _ = dns::parse(message, &mut scratch);
    }
});
