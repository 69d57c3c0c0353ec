//! The immutable rule set: how listed names are stored and found.
//!
//! A lookup hashes the label-aligned suffixes of a name from the right (`hash`), asks a small filter that stays in
//! the processor's cache whether any rule can lie there (`filter`), and only then reads a bucket of the table and
//! compares the name itself (`ruleset`). So nearly every unlisted name costs one read of the filter, and no hash
//! collision ever becomes a false match.

mod build;
mod filter;
mod hash;
mod ruleset;
#[cfg(test)]
mod tests;

pub use build::{BuildError, RuleSetBuilder};
pub use ruleset::{ListMeta, RuleRef, RuleSet, Verdict};
