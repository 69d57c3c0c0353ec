//! What a file of lines asks of the operating system, as a trait, so that the tests can fill the disk at any octet.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

/// An open file that is only appended to.
pub(super) trait LogFile: Send {
    /// Appends some of `bytes` and says how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Its length now, which may be less than was written if somebody truncated it.
    fn len(&self) -> io::Result<u64>;
    /// Whether it was deleted: what is written to it now is lost.
    fn is_deleted(&self) -> bool;
    /// When it was begun, where the file system knows.
    fn begun(&self) -> Option<SystemTime>;
    /// Reads exactly `to.len()` octets from `offset`.
    fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<()>;
    /// Cuts it to `len` octets.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Returns when the content is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// Opens or creates a file.
pub(super) type Opener = Box<dyn FnMut(&Path) -> io::Result<Box<dyn LogFile>> + Send>;

impl LogFile for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn is_deleted(&self) -> bool {
        self.metadata().is_ok_and(|m| m.nlink() == 0)
    }

    fn begun(&self) -> Option<SystemTime> {
        self.metadata().ok()?.created().ok()
    }

    fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(to, offset)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Opens a file of the real file system and holds it for this process alone.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn LogFile>> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Box::new(file)),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::WouldBlock, "another process writes this file; give each its own"))
        }
        // Some file systems have no locks: then the operator's care has to do.
        Err(TryLockError::Error(_)) => Ok(Box::new(file)),
    }
}
