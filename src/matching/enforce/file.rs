//! Saving an export: not if the file holds the same already, and the serial of a zone only goes up.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use super::options::Serial;
use crate::matching::new_file::NewFile;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
        // RFC 1982: at most 2^31 - 1 ahead, and around the end.
        assert!(zone(&path, "e.example", Serial::Given(u32::MAX)).is_err());
        assert_eq!(written(zone(&path, "e.example", Serial::Given(4_100_000_000))), Some(4_100_000_000));
        assert_eq!(written(zone(&path, "f.example", Serial::Given(3))), Some(3));
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
