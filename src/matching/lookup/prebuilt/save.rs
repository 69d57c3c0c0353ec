//! Putting a prebuilt rule set in its place.

use std::path::Path;

use super::super::ruleset::RuleSet;
use super::{SaveError, write};
use crate::matching::new_file::NewFile;

/// Writes `set` to `path`: to a new file beside it, which is forced to the disk and then renamed. So whoever opens
/// `path` finds the old file or the new one, and a program that reads the old one goes on reading the old one. Gives the
/// octets written.
///
/// # Errors
/// [`SaveError`]; `path` is then as it was, and the new file is gone.
pub fn save(set: &RuleSet, path: &Path) -> Result<u64, SaveError> {
    // A copy would have the seed of the first, and every file is to have its own.
    let table = set.only_table().filter(|table| !table.prebuilt).ok_or(SaveError::Prebuilt)?;
    let mut new = NewFile::beside(path)?;
    let octets = new.fill(|out| write::write(table, out))?;
    new.rename(path)?;
    Ok(octets)
}
