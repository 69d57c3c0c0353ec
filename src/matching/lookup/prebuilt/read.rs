//! Reading a prebuilt file: in one go, each section straight into the memory that it keeps, and checked throughout.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::super::ends::Ends;
use super::super::filter::Filter;
use super::super::hash::SuffixHasher;
use super::super::ruleset::RuleSet;
use super::super::table::{Member, SLACK, Table, position_of, split_length};
use super::meta::Meta;
use super::{
    ALIGNMENT, BYTE_ORDER, DIGEST, ENTRY, FIRST, HEADER, MAGIC, MAX_PREBUILT_BYTES, PrebuiltError, SECTIONS, VERSION,
    code,
};

/// Rules in a bucket, at most, for each list: chance makes no bucket so full, a hostile builder could.
const FULLEST_BUCKET: u64 = 64;

/// Whether a file that starts like this is a prebuilt rule set.
pub(in crate::matching) fn is_prebuilt(head: &[u8]) -> bool {
    head.starts_with(&MAGIC)
}

/// Reads a rule set from a prebuilt file, whose length is `size` octets if that is known. A lying length takes no memory.
///
/// # Errors
/// [`PrebuiltError`].
pub fn read(reader: impl Read, size: Option<u64>) -> Result<RuleSet, PrebuiltError> {
    let mut input = Input { inner: reader, hash: Sha256::new(), at: 0 };
    let (digest, len) = header(&mut input)?;
    if len > MAX_PREBUILT_BYTES {
        return Err(damaged(format!("it says that it has {len} octets, more than any has")));
    }
    if let Some(size) = size.filter(|size| *size != len) {
        return Err(damaged(format!("it has {size} octets in place of {len}")));
    }
    let lengths = section_table(&mut input, len)?;
    let mut sections: [Vec<u8>; SECTIONS] = Default::default();
    for (section, len) in sections.iter_mut().zip(lengths) {
        *section = input.section(len)?;
    }
    input.end()?;
    if *input.hash.finalize() != digest {
        return Err(damaged("its checksum does not fit what is in it"));
    }
    let [meta, code, filter, ends, rules] = sections;
    table(&meta, &code, &filter, &ends, rules).map(|table| RuleSet::from_tables(vec![table]))
}

fn damaged(what: impl Into<String>) -> PrebuiltError {
    PrebuiltError::Damaged(what.into())
}

/// A file that is read from front to back and hashed on the way.
struct Input<R> {
    inner: R,
    hash: Sha256,
    at: u64,
}

impl<R: Read> Input<R> {
    /// Exactly so many octets, not hashed yet. Memory is taken as they come, since their number is only a claim.
    fn take(&mut self, len: u64) -> Result<Vec<u8>, PrebuiltError> {
        let mut octets = Vec::new();
        // One reservation for what is no large claim; beyond that it grows, and a large file is rare.
        octets.reserve_exact(len.min(64 << 20) as usize);
        self.inner.by_ref().take(len).read_to_end(&mut octets).map_err(PrebuiltError::Io)?;
        if octets.len() as u64 != len {
            return Err(damaged(format!("it ends after {} octets", self.at + octets.len() as u64)));
        }
        self.at += len;
        Ok(octets)
    }

    fn hashed(&mut self, len: u64) -> Result<Vec<u8>, PrebuiltError> {
        let octets = self.take(len)?;
        self.hash.update(&octets);
        Ok(octets)
    }

    /// The section that starts at the next multiple of the alignment.
    fn section(&mut self, len: u64) -> Result<Vec<u8>, PrebuiltError> {
        let gap = self.hashed(self.at.next_multiple_of(ALIGNMENT) - self.at)?;
        if gap.iter().any(|octet| *octet != 0) {
            return Err(damaged("there is something between its sections"));
        }
        self.hashed(len)
    }

    /// Nothing may follow.
    fn end(&mut self) -> Result<(), PrebuiltError> {
        match self.inner.by_ref().take(1).read_to_end(&mut Vec::new()).map_err(PrebuiltError::Io)? {
            0 => Ok(()),
            _ => Err(damaged("there is something behind its end")),
        }
    }
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    octets.get(at..).and_then(|octets| octets.first_chunk()).map_or(0, |octets| u32::from_le_bytes(*octets))
}

fn u64_at(octets: &[u8], at: usize) -> u64 {
    octets.get(at..).and_then(|octets| octets.first_chunk()).map_or(0, |octets| u64::from_le_bytes(*octets))
}

/// The checksum and the length that the file should have.
fn header(input: &mut Input<impl Read>) -> Result<([u8; 32], u64), PrebuiltError> {
    let head = input.take(HEADER as u64)?;
    if !is_prebuilt(&head) {
        return Err(damaged("it does not begin as one"));
    }
    if u32_at(&head, 12) != BYTE_ORDER {
        return Err(damaged("its octets are in another order"));
    }
    let found = u32_at(&head, 8);
    if found != VERSION {
        return Err(PrebuiltError::OtherFormat { found });
    }
    if u32_at(&head, 24) != SECTIONS as u32 || u32_at(&head, 28) != 0 {
        return Err(damaged("it has another number of sections"));
    }
    input.hash.update(head.get(..DIGEST.start).unwrap_or_default());
    let digest = head.get(DIGEST).and_then(|digest| digest.try_into().ok()).unwrap_or_default();
    Ok((digest, u64_at(&head, 16)))
}

/// The lengths of the sections, which must lie one behind the other and fill the file.
fn section_table(input: &mut Input<impl Read>, len: u64) -> Result<[u64; SECTIONS], PrebuiltError> {
    let octets = input.hashed(FIRST - HEADER as u64)?;
    let (mut lengths, mut end) = ([0; SECTIONS], FIRST);
    for (index, length) in lengths.iter_mut().enumerate() {
        let at = index * ENTRY;
        *length = u64_at(&octets, at + 16);
        let start = end.next_multiple_of(ALIGNMENT);
        let fits = u32_at(&octets, at) == index as u32 + 1
            && u32_at(&octets, at + 4) == 0
            && u64_at(&octets, at + 8) == start
            && length.checked_add(start).is_some_and(|end| end <= len);
        if !fits {
            return Err(damaged(format!("section {} does not lie where it should", index + 1)));
        }
        end = start + *length;
    }
    if end != len {
        return Err(damaged("its sections do not fill it"));
    }
    Ok(lengths)
}

fn table(meta: &[u8], code: &[u8], filter: &[u8], ends: &[u8], rules: Vec<u8>) -> Result<Table, PrebuiltError> {
    let meta: Meta =
        serde_json::from_slice(meta).map_err(|error| damaged(format!("its description cannot be read ({error})")))?;
    let members = meta.members().map_err(damaged)?;
    let hasher = SuffixHasher::with_seeds(meta.seeds);
    if hasher.sample() != meta.hash_sample {
        return Err(PrebuiltError::OtherHash);
    }
    let code = code::from_octets(code, &hasher).ok_or_else(|| damaged("its code is none"))?;
    let filter = Filter::from_octets(filter).ok_or_else(|| damaged("its filter has no possible size"))?;
    let ends = Ends::from_octets(ends, meta.buckets, meta.grouped_ends)
        .ok_or_else(|| damaged("it has another number of buckets"))?;
    let table = Table {
        hasher,
        filter,
        code,
        ends,
        rules: rules.into_boxed_slice(),
        position_bits: meta.position_bits,
        members,
        min_depth: meta.min_depth,
        max_depth: meta.max_depth,
        len: meta.rules,
        prebuilt: true,
    };
    check_rules(&table)?;
    Ok(table)
}

/// Buckets must lie one behind the other and fill the table, rules must fill their buckets, and every list must have
/// as many rules as it says, on lines that it has.
fn check_rules(table: &Table) -> Result<(), PrebuiltError> {
    let wrong = |bucket: usize| damaged(format!("bucket {bucket} is not whole"));
    let Some(end_of_rules) = table.rules.len().checked_sub(SLACK) else { return Err(damaged("it has no table")) };
    let mut counts = vec![0_u64; table.members.len()];
    let fullest = FULLEST_BUCKET * counts.len() as u64;
    let mut at = 0;
    for bucket in 0..table.ends.buckets() {
        let (start, end) = table.ends.bucket(bucket);
        if start != at || end < start || end > end_of_rules {
            return Err(wrong(bucket));
        }
        let mut rules = 0;
        while at < end {
            let (len, rule) = table.rules.get(at..).and_then(split_length).ok_or_else(|| wrong(bucket))?;
            let position = position_of(rule, len, table.position_bits).ok_or_else(|| wrong(bucket))?;
            let member = member_of(&table.members, position).ok_or_else(|| wrong(bucket))?;
            if let Some(count) = counts.get_mut(member) {
                *count += 1;
            }
            at = table.rules.len() - rule.len() + len;
            rules += 1;
        }
        if at != end || rules > fullest {
            return Err(wrong(bucket));
        }
    }
    let agree = table.members.iter().zip(&counts).all(|(member, count)| member.rules == *count);
    if at != end_of_rules || !agree {
        return Err(damaged("its table has another number of rules"));
    }
    Ok(())
}

/// The list of a position, if the list has such a line.
fn member_of(members: &[Member], position: u32) -> Option<usize> {
    let index = members.partition_point(|m| m.base <= position).checked_sub(1)?;
    let member = members.get(index)?;
    (position - member.base <= member.facts.lines).then_some(index)
}

impl From<io::Error> for PrebuiltError {
    fn from(error: io::Error) -> Self {
        PrebuiltError::Io(error)
    }
}
