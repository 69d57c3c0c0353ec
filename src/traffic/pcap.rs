//! Writes the traffic as a capture file: classic pcap, little-endian, Ethernet
//! (draft-ietf-opsawg-pcap).

use std::io::{self, Write};

use super::{Generator, Stats};

/// Writes all that is left of the generator's traffic, with times in nanoseconds or microseconds.
///
/// The writer is asked for two small pieces a frame: give it a buffer. Endless without
/// [`Profile::frames`](super::Profile::frames).
///
/// # Errors
/// Whatever the writer says.
pub fn write_pcap(generator: &mut Generator, mut out: impl Write, ns: bool) -> io::Result<Stats> {
    let (magic, unit): (u32, u64) = if ns { (0xa1b2_3c4d, 1) } else { (0xa1b2_c3d4, 1_000) };
    let mut header = Vec::with_capacity(24);
    header.extend_from_slice(&magic.to_le_bytes());
    header.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    header.extend_from_slice(&65_535u32.to_le_bytes());
    header.extend_from_slice(&1u32.to_le_bytes());
    out.write_all(&header)?;
    let mut frame = Vec::with_capacity(2_048);
    while let Some(ts) = generator.next_frame(&mut frame) {
        let (seconds, fraction) = (ts.as_nanos() / 1_000_000_000, ts.as_nanos() % 1_000_000_000 / unit);
        let mut record = [0; 16];
        record[..4].copy_from_slice(&(seconds as u32).to_le_bytes());
        record[4..8].copy_from_slice(&(fraction as u32).to_le_bytes());
        record[8..12].copy_from_slice(&(frame.len() as u32).to_le_bytes());
        record[12..].copy_from_slice(&(frame.len() as u32).to_le_bytes());
        out.write_all(&record)?;
        out.write_all(&frame)?;
    }
    out.flush()?;
    Ok(generator.stats())
}
