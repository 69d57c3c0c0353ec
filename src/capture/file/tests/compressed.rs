//! gzip and zstd around a capture.

use super::build::{Endian, MICRO, Ng, PcapFile};
use super::{Dribble, Got, drain, error, open, read, read_clean};
use crate::capture::{CaptureError, FileReader};
use std::io::{self, Cursor, Read, Write};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("to memory");
    out.finish().expect("to memory")
}

/// With a checksum, as the `zstd` tool does.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut out = zstd::Encoder::new(Vec::new(), 3).expect("to memory");
    out.include_checksum(true).expect("to memory");
    out.write_all(bytes).expect("to memory");
    out.finish().expect("to memory")
}

/// 2,000 packets that do not compress to nothing.
fn capture() -> (Vec<u8>, Vec<Got>) {
    let mut file = PcapFile::new(Endian::Little, MICRO);
    let mut state = 1_u32;
    for i in 0..2000 {
        let data: Vec<u8> = (0..100)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8 | 1
            })
            .collect();
        file = file.record(1_700_000_000 + i, 0, 100, &data);
    }
    let all = read_clean(&file.bytes);
    assert_eq!(all.len(), 2000);
    (file.bytes, all)
}

#[test]
fn gzip_zstd_and_both() {
    let (plain, all) = capture();
    for packed in [gzip(&plain), zstd(&plain), gzip(&zstd(&plain)), zstd(&gzip(&gzip(&plain)))] {
        assert_eq!(read_clean(&packed), all);
        assert_eq!(drain(FileReader::from_reader(Dribble::new(&packed)).expect("opens")).0, all);
    }
    assert!(error(&gzip(&gzip(&gzip(&gzip(&plain))))).contains("compressed more than 3 times over"));
}

#[test]
fn members_and_frames_in_a_row_are_one_stream() {
    let (plain, all) = capture();
    let (a, b) = plain.split_at(77_777);
    assert_eq!(read_clean(&[gzip(a), gzip(b)].concat()), all);
    assert_eq!(read_clean(&[gzip(&a[..3]), gzip(&a[3..]), gzip(b""), gzip(b)].concat()), all);
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3].to_vec();
    assert_eq!(read_clean(&[skippable, zstd(a), zstd(b)].concat()), all);
}

#[test]
fn a_cut_file_gives_what_could_be_read() {
    let (plain, all) = capture();
    for (packed, step) in [(gzip(&plain), 997), (zstd(&plain), 997)] {
        let mut most = 0;
        for cut in (20..packed.len() - 1).step_by(step) {
            match open(&packed[..cut]) {
                Ok(reader) => {
                    let (got, damage) = drain(reader);
                    assert_eq!(got, all[..got.len()]);
                    assert!(damage.truncated, "cut at {cut}");
                    let said = damage.messages.iter().any(|m| m.contains("compressed data is cut short"));
                    assert!(said, "cut at {cut}: {damage:?}");
                    most = most.max(got.len());
                }
                Err(CaptureError::Compressed { reason, .. }) => assert!(reason.contains("cut short"), "{reason}"),
                Err(other) => panic!("cut at {cut}: {other}"),
            }
        }
        assert!(most > 1000, "only {most}");
    }
}

#[test]
fn damage_inside_gives_true_packets_and_a_report() {
    let (plain, all) = capture();
    for mut packed in [gzip(&plain), zstd(&plain)] {
        let middle = packed.len() / 2;
        for b in &mut packed[middle..middle + 8] {
            *b ^= 0xff;
        }
        let (got, damage) = read(&packed);
        assert!(!damage.is_clean());
        // A flipped octet may still inflate, and be noticed only by the checksum: up to the flip all must be true.
        let same = got.iter().zip(&all).take_while(|(a, b)| a == b).count();
        assert!(same > 500, "{same}");
    }
}

#[test]
fn rubbish_behind_a_member_is_reported() {
    let (plain, all) = capture();
    let (got, damage) = read(&[gzip(&plain), b"rubbish rubbish".to_vec()].concat());
    assert_eq!(got, all);
    assert!(damage.messages[0].contains("compressed data is damaged"), "{damage:?}");
}

#[test]
fn nothing_but_a_magic() {
    assert!(error(&gzip(&capture().0)[..12]).contains("is damaged gzip data"));
    assert!(error(&zstd(&capture().0)[..6]).contains("is damaged zstd data"));
    assert!(error(&[0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).contains("is damaged zstd data"));
    assert!(matches!(open(&gzip(b"")), Err(CaptureError::Empty)));
    assert!(error(&gzip(b"hello there")).contains("begins with text: \"hello there\""));
}

#[test]
fn a_bomb_takes_time_but_no_memory() {
    // 64 MiB of zeros in 64 KiB, behind a capture header: the buffer must not grow.
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(&PcapFile::new(Endian::Little, MICRO).bytes).expect("to memory");
    for _ in 0..64 {
        out.write_all(&vec![0; 1 << 20]).expect("to memory");
    }
    let mut reader = open(&out.finish().expect("to memory")).expect("opens");
    assert!(reader.next_frame().expect("reads").is_none());
    assert!(reader.damage().messages[0].starts_with("record of zeros"), "{:?}", reader.damage());
    assert!(reader.window.capacity() <= 1 << 20);
}

/// The same as one block of a pcapng file: passed over if its type is not read, refused if it is.
#[test]
fn a_bomb_in_one_block_takes_no_memory_either() {
    for kind in [0x0bad, 6] {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut start = Ng::new(Endian::Little).interface(1, 0, &[]).bytes;
        let length = (64_u32 << 20) + 12;
        start.extend([u32::to_le_bytes(kind), length.to_le_bytes()].concat());
        out.write_all(&start).expect("to memory");
        for _ in 0..64 {
            out.write_all(&vec![0; 1 << 20]).expect("to memory");
        }
        out.write_all(&length.to_le_bytes()).expect("to memory");
        let mut reader = open(&out.finish().expect("to memory")).expect("opens");
        assert!(reader.next_frame().expect("reads").is_none());
        assert_eq!(reader.damage().is_clean(), kind != 6, "{:?}", reader.damage());
        assert!(reader.window.capacity() <= 1 << 20);
    }
}

/// Fails after some octets, as a network file system may.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buf)? {
            0 => Err(io::Error::other("the disk is on fire")),
            n => Ok(n),
        }
    }
}

#[test]
fn an_error_of_the_system_is_an_error_even_below_a_decompressor() {
    let (plain, all) = capture();
    for packed in [plain[..5000].to_vec(), gzip(&plain)[..50_000].to_vec(), zstd(&plain)[..150_000].to_vec()] {
        let len = packed.len() as u64;
        let mut reader = FileReader::from_reader(Failing(Cursor::new(packed))).expect("opens");
        let mut frames = 0;
        let error = loop {
            match reader.next_frame() {
                Ok(Some(frame)) => assert_eq!(frame.data, all[frames].data),
                Ok(None) => panic!("must fail"),
                Err(e) => break e,
            }
            frames += 1;
        };
        assert!(frames > 10);
        assert!(matches!(&error, CaptureError::Read { offset, .. } if *offset == len), "{error}");
        assert!(error.to_string().contains("the disk is on fire"));
        assert!(reader.next_frame().expect("ended").is_none());
    }
}
