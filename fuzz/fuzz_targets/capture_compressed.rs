//! Compressed captures. The first octet says how: the fuzzer's own compressed octets as they stand, or its plain octets
//! compressed here, so that what is inside is reached too. What must hold: a file reads the same plain and compressed,
//! unless that makes one layer too many.
#![no_main]

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use stakeout::capture::{CaptureError, FileReader};
use stakeout_fuzz::capture::frames;

fuzz_target!(|data: &[u8]| {
    let Some((how, file)) = data.split_first() else { return };
    let compressed = match how % 4 {
        0 => return drop(frames(Cursor::new(file.to_vec()))),
        1 => gzip(file),
        2 => zstd::encode_all(file, 1).unwrap(),
        _ => gzip(&zstd::encode_all(file, 1).unwrap()),
    };
    if let Err(CaptureError::TooManyLayers(_)) = FileReader::from_reader(Cursor::new(compressed.clone())) {
        return;
    }
    let (plain, compressed) = (frames(Cursor::new(file.to_vec())), frames(Cursor::new(compressed)));
    assert_eq!(plain.map(|(frames, _)| frames), compressed.map(|(frames, _)| frames));
});

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}
