//! Putting a prebuilt rule set in its place, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::super::ruleset::RuleSet;
use super::{SaveError, write};

/// Writes `set` to `path`: to a new file beside it, which is forced to the disk and then renamed. So whoever opens
/// `path` finds the old file or the new one, and a program that reads the old one goes on reading the old one. Gives the
/// octets written.
///
/// # Errors
/// [`SaveError`]; `path` is then as it was, and the new file is gone.
pub fn save(set: &RuleSet, path: &Path) -> Result<u64, SaveError> {
    // A copy would have the seed of the first, and every file is to have its own.
    let table = set.only_table().filter(|table| !table.prebuilt).ok_or(SaveError::Prebuilt)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    // A special file (`/dev/stdout`) cannot be replaced by renaming, and must not be.
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is something else than a file").into());
    }
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.new", std::process::id()));
    let temporary = Temporary(directory.join(hidden));
    let file = OpenOptions::new().write(true).create_new(true).open(&temporary.0)?;
    let mut out = BufWriter::new(file);
    write::write(table, &mut out)?;
    out.flush()?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    let octets = file.metadata()?.len();
    fs::rename(&temporary.0, path)?;
    std::mem::forget(temporary);
    // The rename itself must survive a power cut too; where a directory cannot be synced, it will in time.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(octets)
}

/// A file that is removed again unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
