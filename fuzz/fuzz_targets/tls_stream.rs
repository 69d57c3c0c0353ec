//! The start of a TLS stream, as it stands or made of records from a handshake message. What must hold: however the
//! stream is cut, the result is the same; the reader without copying agrees with the one that collects; a probe that
//! said no stays at it; memory is at most twice what was received.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::extract::tls::build::records;
use stakeout::extract::tls::{HelloReader, Probe, Progress, Sni, first_record_is_short, probe, whole_hello};
use stakeout_fuzz::{Input, cuts, split_at};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let record_size = usize::from(input.u8());
    let cuts = cuts(&mut input);
    let made = if record_size > 0 { records(input.0, record_size) } else { input.0.to_vec() };
    let stream = &made[..];

    let mut reader = HelloReader::new();
    let at_once = format!("{:?}", reader.feed(stream));

    let mut reader = HelloReader::new();
    let (mut fed, mut in_pieces, mut early_name) = (0, String::new(), None::<Vec<u8>>);
    for piece in split_at(stream, &cuts) {
        let progress = reader.feed(piece);
        if let Progress::Found(hello) = &progress {
            assert!(early_name.as_deref().is_none_or(|name| Sni::Host(name) == hello.sni));
        }
        in_pieces = format!("{progress:?}");
        fed += piece.len();
        assert!(reader.buffered() <= (2 * fed).max(64));
        if let Some(Sni::Host(name)) = reader.partial().map(|hello| hello.sni) {
            early_name = Some(name.to_vec());
        }
    }
    assert_eq!(at_once, in_pieces);

    match whole_hello(stream) {
        Some(Ok(hello)) => assert_eq!(at_once, format!("Found({hello:?})")),
        Some(Err(error)) => assert_eq!(at_once, format!("Reject({error:?})")),
        None => {}
    }
    if first_record_is_short(stream) && whole_hello(stream).is_none() {
        // A header that was cut may still turn out wrong; nothing can have been found.
        assert!(!at_once.starts_with("Found"));
    }
    let mut refused = false;
    for end in 0..=stream.len().min(64) {
        refused |= probe(&stream[..end]) == Probe::No;
        assert!(!refused || probe(&stream[..end]) == Probe::No);
    }
});
