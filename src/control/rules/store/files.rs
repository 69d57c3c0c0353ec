//! The small files of a store, its format, and its lock.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::StoreError;
use super::{Access, FORMAT};

/// The longest wait for another command to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Writes a small file whole or not at all.
pub(in crate::control::rules) fn place(path: &Path, text: &str) -> Result<(), StoreError> {
    use std::io::Write;
    crate::matching::bundle::replace::<std::io::Error>(path, 0o640, |file| file.write_all(text.as_bytes()))
        .map_err(StoreError::io(path))
}

/// The format of a store.
pub(super) fn format_of(dir: &Path) -> Result<u32, StoreError> {
    let path = dir.join("format");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(StoreError::Absent(dir.to_owned())),
        Err(error) => return Err(StoreError::Io { path, error }),
    };
    let newer =
        || StoreError::Newer { path: dir.to_owned(), found: text.trim().chars().take(20).collect(), known: FORMAT };
    let found = text.trim().parse().map_err(|_| newer())?;
    if found > FORMAT { Err(newer()) } else { Ok(found) }
}

pub(super) fn check_format(dir: &Path) -> Result<(), StoreError> {
    match format_of(dir)? {
        FORMAT => Ok(()),
        found => Err(StoreError::Older { path: dir.to_owned(), found, known: FORMAT }),
    }
}

/// Holds the store until the file is closed: by one that writes, or by any number that read.
pub(super) fn lock(dir: &Path, access: Access) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let file = match File::options().create(true).truncate(false).write(true).open(&path) {
        Ok(file) => file,
        // Who may only read can still look.
        Err(_) if access == Access::Read => File::open(&path).map_err(StoreError::io(&path))?,
        Err(error) => return Err(StoreError::Io { path, error }),
    };
    let start = Instant::now();
    loop {
        let locked = match access {
            Access::Read => file.try_lock_shared(),
            Access::Write => file.try_lock(),
        };
        match locked {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::Busy(dir.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(StoreError::Io { path, error }),
        }
    }
}
