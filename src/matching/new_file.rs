//! Putting a file in the place of another, whole or not at all: whoever opens the path finds the old file or the new
//! one, and a program that reads the old one goes on reading the old one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

/// A file beside another that is removed again unless it takes the place of that.
pub(super) struct NewFile {
    path: PathBuf,
    directory: PathBuf,
    file: File,
    kept: bool,
}

impl NewFile {
    /// Hidden, in the same folder, so that the rename cannot cross file systems.
    ///
    /// # Errors
    /// Those of the file system, and if `path` is a folder or a special file (`/dev/stdout`), which cannot be replaced by
    /// renaming, and must not be.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is something else than a file"));
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.new", std::process::id()));
        let (path, directory) = (directory.join(hidden), directory.to_owned());
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        Ok(NewFile { path, directory, file, kept: false })
    }

    /// Writes it from the start. Gives the octets.
    ///
    /// # Errors
    /// Those of `write`, and of the file system.
    pub(super) fn fill<E: From<io::Error>>(
        &mut self,
        write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
    ) -> Result<u64, E> {
        self.file.rewind()?;
        self.file.set_len(0)?;
        let mut out = BufWriter::with_capacity(1 << 16, &self.file);
        write(&mut out)?;
        out.flush()?;
        drop(out);
        Ok(self.file.metadata()?.len())
    }

    /// Whether the file at `path` holds the same octets.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn equals(&mut self, path: &Path) -> io::Result<bool> {
        let other = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other?,
        };
        if other.metadata()?.len() != self.file.metadata()?.len() {
            return Ok(false);
        }
        self.file.rewind()?;
        let (mut own, mut other) = (BufReader::new(&self.file), BufReader::new(other));
        loop {
            let (a, b) = (own.fill_buf()?, other.fill_buf()?);
            let len = a.len().min(b.len());
            if len == 0 {
                return Ok(a.len() == b.len());
            }
            if a[..len] != b[..len] {
                return Ok(false);
            }
            own.consume(len);
            other.consume(len);
        }
    }

    /// Forces it to the disk and puts it in the place of `path`.
    ///
    /// # Errors
    /// Those of the file system; `path` is then as it was.
    pub(super) fn rename(mut self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.kept = true;
        // The rename itself must survive a power cut too; where a directory cannot be synced, it will in time.
        let _ = File::open(&self.directory).and_then(|directory| directory.sync_all());
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_the_place_of_the_old_file_or_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut new = NewFile::beside(&path).unwrap();
        assert!(!new.equals(&path).unwrap(), "there is none yet");
        assert_eq!(new.fill(|out| out.write_all(b"longer than what follows")).unwrap(), 24);
        assert_eq!(new.fill(|out| out.write_all(b"one")).unwrap(), 3);
        new.rename(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");

        let mut new = NewFile::beside(&path).unwrap();
        for (octets, same) in [(&b"one"[..], true), (b"two", false), (b"one ", false), (b"", false)] {
            new.fill(|out| out.write_all(octets)).unwrap();
            assert_eq!(new.equals(&path).unwrap(), same, "{octets:?}");
        }
        drop(new);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a file is left over");
        assert!(NewFile::beside(dir.path()).is_err() && NewFile::beside(Path::new("/dev/null")).is_err());
    }
}
