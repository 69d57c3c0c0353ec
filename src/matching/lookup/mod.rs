//! The immutable rule set: how listed names are stored and found.
//!
//! A lookup hashes the label-aligned suffixes of a name from the right (`hash`), asks a small filter that stays in
//! the processor's cache whether any rule can lie there (`filter`), and only then writes the name as the table writes
//! it (`code`, `encoder`), reads a bucket of the table (`ends`, `table`) and compares. So nearly every unlisted name
//! costs one read of the filter, and no hash collision ever becomes a false match.

mod build;
mod code;
mod encoder;
mod ends;
mod filter;
mod hash;
mod learn;
pub mod prebuilt;
mod ruleset;
mod table;
#[cfg(test)]
mod tests;

pub use build::{BuildError, RuleSetBuilder};
pub use ruleset::{ListMeta, Place, RuleRef, RuleSet, TooManyPlaces, Verdict};
