//! Putting a file in its place, whole or not at all: keys, bundles, and what a sensor notes of them.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes `path` anew: `fill` writes to a new file beside it, which is forced to the disk and then renamed. Whoever opens
/// `path` finds the old file or the whole new one, also after a kill or a power cut; a kill may leave the new file, whose
/// name begins with a dot and ends with `.new`. `mode` is that of the file, before the umask.
///
/// # Errors
/// Those of the file system and of `fill`; `path` is then as it was.
pub fn replace<E: From<io::Error>>(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    // A special file (`/dev/stdout`) cannot be replaced by renaming, and must not be.
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is something else than a file").into());
    }
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.new", std::process::id()));
    let temporary = Temporary(directory.join(hidden));
    // One that is there was left by a killed process that had our number.
    let _ = fs::remove_file(&temporary.0);
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary.0)?;
    let mut out = BufWriter::with_capacity(super::BUFFER, file);
    fill(&mut out)?;
    out.flush()?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&temporary.0, path)?;
    std::mem::forget(temporary);
    // The rename itself must survive a power cut too; where a directory cannot be synced, it will in time.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

/// A file that is removed again unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
