//! Prebuilt rule sets: a rule set in a file, which starts without parsing.
//!
//! # The file
//! All integers are little endian, all offsets count from the start of the file, and every section starts at a multiple
//! of 64 octets, with zeros in between.
//!
//! | octets | what |
//! |---|---|
//! | 0 to 7 | [`MAGIC`] |
//! | 8 to 11 | [`VERSION`] of the format |
//! | 12 to 15 | [`BYTE_ORDER`], which reads otherwise in a file of the other byte order |
//! | 16 to 23 | length of the file |
//! | 24 to 27 | number of sections, [`SECTIONS`] |
//! | 28 to 31 | zero |
//! | 32 to 63 | SHA-256 of all other octets of the file, in their order |
//! | from 64 | for each section: its kind (4), zero (4), its offset (8), its length (8) |
//!
//! The sections, in this order: 1 the description as JSON ([`meta`]); 2 the code ([`code`]); 3 the filter; 4 the ends of
//! the buckets; 5 the table. Reader and writer of the last three are those of the structures themselves.
//!
//! # Versions
//! 2: a list says how many entries of each kind it has, and has its lines once for each kind. A file of version 1 is
//! refused: build it again from its lists.
//!
//! # What a reader trusts
//! Nothing. The checksum finds damage but not malice, since there is no signature, so every length, offset, count and
//! order is checked as well before the set is used, and what cannot be checked (whether a rule lies in the bucket of its
//! hash) can only make a rule not be found. A file is read into memory and not mapped: see docs/adr/0009.
//!
//! # The seed
//! The file holds the seed of its hash, so whoever has the file can choose names that collide: names that the filter
//! lets through, or that lie in the fullest bucket. Such a name costs a look into the table for each of its suffixes,
//! and no suffix deeper than the deepest rule is looked up, so a look-up then costs as much as one of a listed name
//! does, a few times the usual. They cannot choose what is in the table after the fact, and every build draws a fresh
//! seed, so no list can be written against it beforehand.

mod code;
mod meta;
mod read;
mod save;
#[cfg(test)]
mod tests;
mod write;

use std::io;

pub(in crate::matching) use read::is_prebuilt;
pub use read::read;
pub use save::save;
#[cfg(test)]
pub(super) use tests::octets_of;

/// The first octets: one that no text starts with, the name, and a line end that a transfer as text would change.
pub const MAGIC: [u8; 8] = *b"\x89STKSET\n";

/// Version of the format.
pub const VERSION: u32 = 2;

/// Its octets ascend in a little-endian file.
const BYTE_ORDER: u32 = 0x0403_0201;

/// Octets before the section table.
const HEADER: usize = 64;
/// The checksum in it.
const DIGEST: std::ops::Range<usize> = 32..64;
/// Octets of an entry of the section table.
const ENTRY: usize = 24;
/// Sections start at multiples of this.
const ALIGNMENT: u64 = 64;
/// How many sections there are; their kinds are 1 to this.
const SECTIONS: usize = 5;
/// Where the first section starts.
const FIRST: u64 = (HEADER as u64 + (SECTIONS * ENTRY) as u64).next_multiple_of(ALIGNMENT);

/// The largest prebuilt file that is read, in octets: some 60 million names.
pub const MAX_PREBUILT_BYTES: u64 = 1 << 30;

/// Why a prebuilt rule set cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrebuiltError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// A version of the format that this program does not know.
    #[error(
        "is a prebuilt rule set of format {found}, and this version of stakeout reads format {VERSION}: \
         build it again with this version, or use the version that built it"
    )]
    OtherFormat {
        /// The version in the file.
        found: u32,
    },
    /// Not what was written.
    #[error("is a damaged prebuilt rule set: {0}; build it again")]
    Damaged(String),
    /// The hash of this program gives other values than the builder's, so no rule would be found.
    #[error("was built by a version of stakeout, or on a kind of machine, that hashes otherwise; build it again here")]
    OtherHash,
}

/// Why a prebuilt rule set cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The file system said no.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The set holds a prebuilt one.
    #[error("only text lists can be built; a prebuilt rule set among them is built already")]
    Prebuilt,
    /// More than a reader takes.
    #[error("would be larger than {} MiB, which is not read", MAX_PREBUILT_BYTES >> 20)]
    TooLarge,
}
