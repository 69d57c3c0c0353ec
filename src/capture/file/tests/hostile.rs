//! What is no capture, and what wants to be a bad one.

use super::build::{Endian, MICRO, Ng, PcapFile};
use super::{Dribble, drain, error, open};
use crate::capture::{CaptureError, FileReader};
use proptest::prelude::*;
use std::io::Write;
use std::path::Path;

#[test]
fn says_what_a_file_looks_like() {
    for (bytes, part) in [
        (b"\xfd7zXZ\0\0\x04".as_slice(), "xz-compressed data"),
        (b"BZh91AY&SY", "bzip2-compressed data"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"snoop\0\0\0\0\0\0\x02", "a snoop capture"),
        (b"<!DOCTYPE html>\n<html>", "text: \"<!DOCTYPE html>\\n\""),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "the octets 00 01 02 03 04 05 06 07"),
        (&[0xd4], "the octets d4"),
    ] {
        let said = error(bytes);
        assert!(said.starts_with(&format!("not a capture file: begins with {part}")), "{said}");
        assert!(said.ends_with("; expected pcap or pcapng, optionally gzip or zstd"), "{said}");
    }
    assert!(error(&MICRO.to_le_bytes()).contains("ends within its pcap file header, after 4 octets"));
    assert!(matches!(open(b""), Err(CaptureError::Empty)));
}

#[test]
fn paths_that_are_no_file() {
    let dir = tempfile::tempdir().expect("a directory");
    assert!(matches!(FileReader::open(dir.path()), Err(CaptureError::Directory)));
    assert!(matches!(FileReader::open(&dir.path().join("none")), Err(CaptureError::Open(_))));
    let path = dir.path().join("some.pcap");
    let bytes = PcapFile::new(Endian::Little, MICRO).record(1, 1, 1, b"x").bytes;
    std::fs::File::create(&path).and_then(|mut f| f.write_all(&bytes)).expect("written");
    let reader = FileReader::open(&path).expect("opens");
    assert_eq!(reader.input_len(), Some(bytes.len() as u64));
    assert_eq!(drain(reader).0.len(), 1);
    assert!(matches!(FileReader::open(Path::new("/dev/null")), Err(CaptureError::Empty)));
}

#[test]
fn what_follows_damage_is_counted_to_the_end_of_a_plain_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("long.pcapng");
    let mut ng = Ng::new(Endian::Little).interface(1, 0, &[]).enhanced(0, 1, 1, b"x");
    let good = ng.bytes.len();
    ng.bytes.resize(good + 3_000_000, 0xee);
    std::fs::write(&path, &ng.bytes).expect("written");
    let (got, damage) = drain(FileReader::open(&path).expect("opens"));
    assert_eq!((got.len(), damage.bytes_skipped), (1, 3_000_000));
}

#[test]
fn reader_can_move_to_a_thread() {
    fn is_send<T: Send>() {}
    is_send::<FileReader>();
}

/// Damage and two sound records in turn, over 2 MiB: each pair is found, in time linear in the length.
#[test]
fn a_file_made_of_damage_is_read_once() {
    let mut file = PcapFile::new(Endian::Little, MICRO);
    let mut pairs = 0;
    while file.bytes.len() < 2 << 20 {
        file = file.header(9, 9, u32::MAX, 1).record(1_700_000_000, 0, 1, b"a").record(1_700_000_000, 0, 1, b"b");
        pairs += 1;
    }
    let reader = FileReader::from_reader(Dribble::new(&file.bytes)).expect("opens");
    let (got, damage) = drain(reader);
    assert_eq!((got.len(), damage.records_skipped), (pairs * 2, pairs as u64));
    assert_eq!(damage.messages_suppressed, pairs as u64 - 16);
}

fn starts() -> impl Strategy<Value = Vec<u8>> {
    let ng = |e| Ng::new(e).interface(1, 0, &[]).bytes;
    prop_oneof![
        Just(PcapFile::new(Endian::Little, MICRO).bytes),
        Just(PcapFile::new(Endian::Big, MICRO).bytes),
        Just(ng(Endian::Little)),
        Just(ng(Endian::Big)),
        Just(vec![0x1f, 0x8b, 8]),
        Just(vec![0x28, 0xb5, 0x2f, 0xfd]),
        Just(vec![]),
    ]
}

/// Reads to the end; a small input must not make the buffer grow.
fn drain_bounded(bytes: &[u8]) {
    if let Ok(mut reader) = open(bytes) {
        let mut frames = 0;
        while let Some(frame) = reader.next_frame().expect("memory does not fail") {
            assert!(frame.data.len() <= 1 << 20);
            frames += 1;
        }
        assert!(frames <= bytes.len().max(1 << 20), "more packets than octets");
        assert!(reader.window.capacity() <= 1 << 20);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(start in starts(), tail in prop::collection::vec(any::<u8>(), 0..3000)) {
        drain_bounded(&[start, tail].concat());
    }

    /// Small numbers make lengths that nearly fit, which random octets do not.
    #[test]
    fn small_numbers_never_panic(start in starts(), tail in prop::collection::vec(0_u8..48, 0..3000)) {
        drain_bounded(&[start, tail].concat());
    }

    #[test]
    fn flipped_octets_never_panic_and_never_add_packets(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        pcapng in any::<bool>(),
    ) {
        let mut bytes = if pcapng {
            let mut ng = Ng::new(Endian::Little).interface(1, 0, &[]);
            for i in 0..30 {
                ng = ng.enhanced(0, i, 40, &[0xcc; 40]);
            }
            ng.bytes
        } else {
            let mut file = PcapFile::new(Endian::Little, MICRO);
            for i in 0..30 {
                file = file.record(1_700_000_000 + i, 0, 40, &[0xcc; 40]);
            }
            file.bytes
        };
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(reader) = open(&bytes) {
            // A length that now is too small makes the rest of its packet be read as records: those are few and small.
            let (got, _) = drain(reader);
            prop_assert!(got.len() <= 30 + 6 * 3, "{}", got.len());
        }
    }
}
