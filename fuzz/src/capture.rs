//! Reading a capture from memory, for the targets of the file formats.

use std::io::{Cursor, Read};

use stakeout::capture::{DamageReport, FileReader};

use crate::Trickle;

/// Frames read of one file, at most; a compressed file may hold more than anyone wants to wait for.
const MAX_FRAMES: usize = 5_000;

/// A frame in owned form: time, link type, interface, length on the wire, octets.
type Frame = (u64, u32, u32, u32, Vec<u8>);

/// Every frame, and what was damaged; none if it is not a capture.
pub fn frames(reader: impl Read + Send + 'static) -> Option<(Vec<Frame>, DamageReport)> {
    let mut reader = FileReader::from_reader(reader).ok()?;
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().expect("memory can be read") {
        frames.push((frame.ts.as_nanos(), frame.linktype, frame.interface, frame.orig_len, frame.data.to_vec()));
        if frames.len() == MAX_FRAMES {
            break;
        }
    }
    Some((frames, reader.damage().clone()))
}

/// What must hold for any octets: no frame is longer than the file, and how the octets arrive does not matter.
pub fn check(file: &[u8]) {
    let at_once = frames(Cursor::new(file.to_vec()));
    let in_pieces = frames(Trickle::new(file));
    if let Some((frames, damage)) = &at_once {
        assert!(frames.iter().map(|frame| frame.4.len()).sum::<usize>() <= file.len());
        assert!(damage.bytes_skipped <= file.len() as u64);
        assert!(damage.messages.len() <= DamageReport::MAX_MESSAGES);
    }
    let told = |found: Option<(Vec<Frame>, DamageReport)>| {
        found.map(|(frames, damage)| (frames, damage.records_skipped, damage.truncated))
    };
    assert_eq!(told(at_once), told(in_pieces));
}
