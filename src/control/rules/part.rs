//! A file that is still coming in: bounded, hashed as it is written, and gone again unless somebody keeps it.
//!
//! Both ways in which registers reach us, fetched and pushed, write into one of these, so that neither can fill the disk
//! and a transfer that ends anywhere leaves nothing behind.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::mem;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

/// Octets of the beginning that are kept in memory, to tell a page from a list.
const HEAD: usize = 1024;

/// How the names of parts begin and end; what stands between is random, so that a part which a killed process left
/// never stands in the way of the next.
const NAME: (&str, &str) = ("incoming-", ".part");

/// Why a part took no more.
#[derive(Debug)]
pub enum Fault {
    /// More came than the limit, which is given in octets.
    TooLarge(u64),
    /// The file cannot be written.
    Disk(io::Error),
}

/// A file that is being received. Removed when dropped; [`PartFile::keep`] prevents that.
#[derive(Debug)]
pub struct PartFile {
    path: PathBuf,
    file: File,
    hash: Sha256,
    written: u64,
    limit: u64,
    head: Vec<u8>,
    fault: Option<Fault>,
}

/// A file that came in whole; whoever has it must move or remove it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WholeFile {
    /// Where it lies: in the directory that was given, readable by this user only.
    pub path: PathBuf,
    /// Its length in octets.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
}

impl PartFile {
    /// A new, empty file in `dir`, which must exist, for at most `limit` octets.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(dir: &Path, limit: u64) -> io::Result<PartFile> {
        let random = getrandom::u64().map_err(io::Error::other)?;
        let path = dir.join(format!("{}{random:016x}{}", NAME.0, NAME.1));
        // Never a file, nor the end of a link, that somebody else has put there.
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(PartFile { path, file, hash: Sha256::new(), written: 0, limit, head: Vec::new(), fault: None })
    }

    /// Octets so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The first octets, 1024 at most.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Why the last write failed, if the reason lay here.
    pub fn take_fault(&mut self) -> Option<Fault> {
        self.fault.take()
    }

    /// Keeps the file: it is whole. It is not on the disk for certain until somebody calls `fsync`.
    pub fn keep(mut self) -> WholeFile {
        let sha256 = mem::take(&mut self.hash).finalize().into();
        WholeFile { path: mem::take(&mut self.path), bytes: self.written, sha256 }
    }
}

impl Write for PartFile {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let grown = self.written.saturating_add(data.len() as u64);
        if grown > self.limit {
            self.fault = Some(Fault::TooLarge(self.limit));
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if let Err(e) = self.file.write_all(data) {
            let kind = e.kind();
            self.fault = Some(Fault::Disk(e));
            return Err(kind.into());
        }
        self.hash.update(data);
        self.written = grown;
        let wanted = (HEAD - self.head.len()).min(data.len());
        self.head.extend_from_slice(&data[..wanted]);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // It may be gone already, with its directory.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Removes the parts in `dir` that have not changed for `age`: a process that was killed left them. Tells how many.
///
/// # Errors
/// The directory cannot be read, or a part not be removed.
pub fn sweep(dir: &Path, age: Duration) -> io::Result<usize> {
    let now = SystemTime::now();
    let mut removed = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let is_part = entry.file_name().to_str().is_some_and(|n| n.starts_with(NAME.0) && n.ends_with(NAME.1));
        // A time in the future is no age.
        let old = |changed: SystemTime| now.duration_since(changed).is_ok_and(|passed| passed >= age);
        if is_part && entry.metadata()?.modified().is_ok_and(old) {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A hash as people write it: 64 lower-case hexadecimal digits.
pub fn hex(hash: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(64), |mut text, octet| {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_removed_unless_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut part = PartFile::create(dir.path(), 10).unwrap();
        part.write_all(b"abc").unwrap();
        drop(part);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

        let mut part = PartFile::create(dir.path(), 10).unwrap();
        part.write_all(b"abc").unwrap();
        let whole = part.keep();
        assert_eq!(std::fs::read(&whole.path).unwrap(), b"abc");
        assert_eq!(whole.bytes, 3);
        assert_eq!(hex(&whole.sha256), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_a_killed_process_left_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let part = PartFile::create(dir.path(), 10).unwrap();
        std::fs::write(dir.path().join("incoming-letter.txt"), "x").unwrap();
        assert_eq!(sweep(dir.path(), Duration::from_secs(3600)).unwrap(), 0);
        assert!(part.path.exists());
        assert_eq!(sweep(dir.path(), Duration::ZERO).unwrap(), 1);
        assert!(!part.path.exists());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_limit_holds_to_the_octet() {
        let dir = tempfile::tempdir().unwrap();
        let mut part = PartFile::create(dir.path(), 4).unwrap();
        part.write_all(b"abcd").unwrap();
        assert!(part.write_all(b"e").is_err());
        assert!(matches!(part.take_fault(), Some(Fault::TooLarge(4))));
        assert_eq!(part.written(), 4);
    }

    #[test]
    fn the_head_is_the_beginning_however_it_comes() {
        let dir = tempfile::tempdir().unwrap();
        let mut part = PartFile::create(dir.path(), 1 << 20).unwrap();
        let data: Vec<u8> = (0..3000u32).map(|n| n as u8).collect();
        for piece in data.chunks(7) {
            part.write_all(piece).unwrap();
        }
        assert_eq!(part.head(), &data[..HEAD]);
    }
}
