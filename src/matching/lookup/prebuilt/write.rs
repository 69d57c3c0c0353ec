//! Writing a rule set as a prebuilt file.

use std::io::{self, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

use super::super::table::Table;
use super::meta::Meta;
use super::{
    ALIGNMENT, BYTE_ORDER, DIGEST, FIRST, HEADER, MAGIC, MAX_PREBUILT_BYTES, SECTIONS, SaveError, VERSION, code,
};

/// Writes the file from where `out` stands, which must be its start.
pub(super) fn write(table: &Table, out: &mut (impl Write + Seek)) -> Result<(), SaveError> {
    let meta = serde_json::to_vec(&Meta::of(table)).map_err(io::Error::from)?;
    let code = code::to_octets(&table.code);
    let (ends, _) = table.ends.to_octets();
    let filter: Vec<u8> = table.filter.to_octets().collect();
    let sections: [&[u8]; SECTIONS] = [&meta, &code, &filter, &ends, &table.rules];

    let mut head = vec![0; FIRST as usize];
    let mut end = FIRST;
    let mut entries = Vec::new();
    for (kind, section) in (1_u32..).zip(sections) {
        let (start, len) = (end.next_multiple_of(ALIGNMENT), section.len() as u64);
        entries.extend_from_slice(&kind.to_le_bytes());
        entries.extend_from_slice(&[0; 4]);
        entries.extend_from_slice(&start.to_le_bytes());
        entries.extend_from_slice(&len.to_le_bytes());
        end = start + len;
    }
    if end > MAX_PREBUILT_BYTES {
        return Err(SaveError::TooLarge);
    }
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(&MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&BYTE_ORDER.to_le_bytes());
    header.extend_from_slice(&end.to_le_bytes());
    header.extend_from_slice(&(SECTIONS as u32).to_le_bytes());
    head.iter_mut().zip(header).for_each(|(to, from)| *to = from);
    head.iter_mut().skip(HEADER).zip(entries).for_each(|(to, from)| *to = from);

    let mut hash = Sha256::new();
    let (before, rest) = head.split_at(DIGEST.start);
    hash.update(before);
    hash.update(rest.get(DIGEST.len()..).unwrap_or_default());
    out.write_all(&head)?;
    let mut at = FIRST;
    for section in sections {
        let gap = vec![0; (at.next_multiple_of(ALIGNMENT) - at) as usize];
        for octets in [&gap, section] {
            hash.update(octets);
            out.write_all(octets)?;
            at += octets.len() as u64;
        }
    }
    out.seek(SeekFrom::Start(DIGEST.start as u64))?;
    out.write_all(&hash.finalize())?;
    out.flush()?;
    Ok(())
}
