//! Putting an export in its place, whole or not at all, and the serial of a zone, which only goes up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::options::Serial;

/// What was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Saved {
    /// The file was written.
    Written {
        /// Its length.
        octets: u64,
        /// The serial in it, if it is a zone.
        serial: Option<u32>,
    },
    /// The file held the same already, and was not touched.
    Unchanged,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SaveExportError {
    /// The file system said no.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
    /// Secondary servers and resolvers would not take up what has changed.
    #[error("holds serial {old}, and {new} is not newer: give a higher one, or `date`")]
    Serial {
        /// That of the file.
        old: u32,
        /// The one that was given.
        new: u32,
    },
}

/// Writes what `write` makes of a serial.
pub(super) fn save(
    path: &Path,
    serial: Option<Serial>,
    write: &dyn Fn(u32, &mut dyn Write) -> io::Result<()>,
) -> Result<Saved, SaveExportError> {
    // A special file (`/dev/stdout`) cannot be replaced by renaming, and must not be.
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is something else than a file").into());
    }
    let mut new = NewFile::beside(path)?;
    let old = if serial.is_some() { serial_of(path)? } else { None };
    let number = match (serial, old) {
        (None, _) => 0,
        (Some(serial), None) => serial.number(),
        (Some(Serial::Given(given)), Some(old)) if given == old || is_newer(given, old) => given,
        (Some(Serial::Given(new)), Some(old)) => return Err(SaveExportError::Serial { old, new }),
        // As it is, first: if nothing else has changed, the serial must not either.
        (Some(Serial::Date(_)), Some(old)) => old,
    };
    let mut octets = new.fill(|out| write(number, out))?;
    if new.equals(path)? {
        return Ok(Saved::Unchanged);
    }
    let mut final_serial = serial.map(|_| number);
    match (serial, old) {
        (Some(Serial::Given(new)), Some(old)) if new == old => return Err(SaveExportError::Serial { old, new }),
        (Some(Serial::Date(date)), Some(old)) => {
            let next = if is_newer(date, old) { date } else { old.wrapping_add(1) };
            octets = new.fill(|out| write(next, out))?;
            final_serial = Some(next);
        }
        _ => {}
    }
    new.rename(path)?;
    Ok(Saved::Written { octets, serial: final_serial })
}

/// RFC 1982 section 3.2.
const fn is_newer(new: u32, old: u32) -> bool {
    new.wrapping_sub(old).cast_signed() > 0
}

/// The serial of a zone that was exported before; `None` if there is no file, or another one.
fn serial_of(path: &Path) -> io::Result<Option<u32>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    // The SOA stands in the second line.
    let head = BufReader::new(file.take(4096)).split(b'\n').take(2).collect::<io::Result<Vec<_>>>()?;
    let soa = head.get(1).and_then(|line| std::str::from_utf8(line).ok());
    Ok(soa.and_then(|line| line.strip_prefix("@ IN SOA ")?.split(' ').nth(2)?.parse().ok()))
}

/// A file that is removed again unless it takes the place of another.
struct NewFile {
    path: PathBuf,
    directory: PathBuf,
    file: File,
    kept: bool,
}

impl NewFile {
    /// Hidden, in the same folder, so that the rename cannot cross file systems.
    fn beside(path: &Path) -> io::Result<Self> {
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
    fn fill(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<u64> {
        self.file.rewind()?;
        self.file.set_len(0)?;
        let mut out = BufWriter::with_capacity(1 << 16, &self.file);
        write(&mut out)?;
        out.flush()?;
        drop(out);
        self.file.stream_position()
    }

    /// Whether the file at `path` holds the same octets.
    fn equals(&mut self, path: &Path) -> io::Result<bool> {
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

    fn rename(mut self, path: &Path) -> io::Result<()> {
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

    /// A zone of one name.
    fn zone(path: &Path, name: &str, serial: Serial) -> Result<Saved, SaveExportError> {
        save(path, Some(serial), &|serial, out| {
            write!(out, "$TTL 300\n@ IN SOA localhost. hostmaster.localhost. {serial} 1 1 1 1\n{name} CNAME .\n")
        })
    }

    #[test]
    fn a_serial_goes_up_when_something_changes_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("zone");
        let written = |result: Result<Saved, SaveExportError>| match result {
            Ok(Saved::Written { serial, .. }) => serial,
            Ok(Saved::Unchanged) => None,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(written(zone(&path, "a.example", Serial::Date(2026112400))), Some(2026112400));
        assert_eq!(written(zone(&path, "a.example", Serial::Date(2026112500))), None);
        assert_eq!(written(zone(&path, "b.example", Serial::Date(2026112400))), Some(2026112401));
        assert_eq!(written(zone(&path, "c.example", Serial::Date(2026112600))), Some(2026112600));
        // The clock was set back.
        assert_eq!(written(zone(&path, "d.example", Serial::Date(2020010100))), Some(2026112601));
        assert_eq!(written(zone(&path, "d.example", Serial::Given(2026112601))), None);
        for old in [2026112601, 2026112600, 7] {
            let refused = zone(&path, "e.example", Serial::Given(old)).unwrap_err();
            assert!(refused.to_string().starts_with("holds serial 2026112601, and"), "{refused}");
        }
        assert_eq!(written(zone(&path, "e.example", Serial::Given(u32::MAX))), Some(u32::MAX));
        assert_eq!(written(zone(&path, "f.example", Serial::Given(3))), Some(3), "RFC 1982: around the end");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a file is left over");
    }

    #[test]
    fn a_failure_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        let plain = |text: &'static str| save(&path, None, &|_, out| out.write_all(text.as_bytes()));
        assert_eq!(plain("a.example\n").unwrap(), Saved::Written { octets: 10, serial: None });
        assert_eq!(plain("a.example\n").unwrap(), Saved::Unchanged);
        let failed = save(&path, None, &|_, out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no"))
        });
        assert!(matches!(failed, Err(SaveExportError::Io(_))));
        assert_eq!(fs::read(&path).unwrap(), b"a.example\n");
        assert!(matches!(save(dir.path(), None, &|_, _| Ok(())), Err(SaveExportError::Io(_))));
        assert_eq!(plain("b.example\n").unwrap(), Saved::Written { octets: 10, serial: None });
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a file is left over");
    }
}
