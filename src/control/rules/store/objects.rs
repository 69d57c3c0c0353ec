//! Objects: whatever the journal speaks of, each in a file that is named by the SHA-256 of what is in it.
//!
//! `objects/ab/cdef…` holds the octets themselves, `objects/ab/cdef….zst` the same in zstd. A file is written beside its
//! place, forced to the disk and renamed, so that whatever has a name is whole; and every reading checks the hash, so
//! that a changed object is never taken for what it was.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::error::{StoreError, object};
use super::hash::{Hash, Hashing};

/// What is shorter is not compressed.
const SMALL: u64 = 512;

/// The objects of a store.
#[derive(Clone, Debug)]
pub struct Objects {
    dir: PathBuf,
}

impl Objects {
    pub(super) fn new(store: &Path) -> Objects {
        Objects { dir: store.join("objects") }
    }

    /// Where an object is, in either form.
    fn paths(&self, hash: &Hash) -> [PathBuf; 2] {
        let text = hash.to_string();
        let (first, rest) = text.split_at(2);
        let plain = self.dir.join(first).join(rest);
        let mut packed = plain.clone().into_os_string();
        packed.push(".zst");
        [plain, packed.into()]
    }

    /// Keeps what `from` gives, at most `limit` octets. Gives its hash and length.
    ///
    /// # Errors
    /// Those of the file system; [`StoreError::Refused`] beyond the limit.
    pub fn put(&self, from: &mut dyn Read, limit: u64) -> Result<(Hash, u64), StoreError> {
        fs::create_dir_all(&self.dir).map_err(StoreError::io(&self.dir))?;
        let temporary = Temporary(self.dir.join(format!(".{}.new", std::process::id())));
        // One that is there was left by a killed process that had our number.
        let _ = fs::remove_file(&temporary.0);
        let failed = |error| StoreError::Io { path: temporary.0.clone(), error };
        let file = File::options().write(true).create_new(true).open(&temporary.0).map_err(failed)?;
        let mut from = Hashing::new(from.take(limit.saturating_add(1)));
        let mut head = Vec::new();
        from.by_ref().take(SMALL).read_to_end(&mut head).map_err(failed)?;
        let packed = head.len() as u64 >= SMALL;
        if packed {
            let mut out = zstd::Encoder::new(file, 3).map_err(failed)?;
            out.write_all(&head).map_err(failed)?;
            io::copy(&mut from, &mut out).map_err(failed)?;
            out.finish().and_then(|file| file.sync_all()).map_err(failed)?;
        } else {
            let mut file = file;
            file.write_all(&head).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        let (hash, octets) = (from.hash(), from.octets);
        if octets > limit {
            return Err(StoreError::refused(format!("it is larger than {limit} octets")));
        }
        if self.has(&hash) && self.check(&hash).is_ok() {
            return Ok((hash, octets));
        }
        let [plain, zst] = self.paths(&hash);
        let (path, other) = if packed { (zst, plain) } else { (plain, zst) };
        let parent = path.parent().unwrap_or(&self.dir).to_owned();
        fs::create_dir_all(&parent).map_err(StoreError::io(&parent))?;
        fs::rename(&temporary.0, &path).map_err(StoreError::io(&path))?;
        std::mem::forget(temporary);
        let _ = fs::remove_file(other);
        sync(&parent);
        sync(&self.dir);
        Ok((hash, octets))
    }

    /// Keeps some octets.
    ///
    /// # Errors
    /// As [`Objects::put`].
    pub fn put_octets(&self, mut octets: &[u8]) -> Result<Hash, StoreError> {
        Ok(self.put(&mut octets, u64::MAX - 1)?.0)
    }

    /// A reader of an object. Whoever reads it to the end must compare the hash, as [`Objects::read`] does and as a list's
    /// facts allow.
    ///
    /// # Errors
    /// There is no such object.
    pub fn open(&self, hash: &Hash) -> Result<Box<dyn Read>, StoreError> {
        let [plain, packed] = self.paths(hash);
        match File::open(&plain) {
            Ok(file) => return Ok(Box::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::Io { path: plain, error }),
        }
        match File::open(&packed) {
            Ok(file) => zstd::Decoder::new(file)
                .map(|reader| Box::new(reader) as Box<dyn Read>)
                .map_err(StoreError::io(&packed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::Object { path: plain, what: format!("{} is not there", object(hash)) })
            }
            Err(error) => Err(StoreError::Io { path: packed, error }),
        }
    }

    /// All of an object, if it is at most `limit` octets long.
    ///
    /// # Errors
    /// It is not there, is not what its name says, or is longer.
    pub fn read(&self, hash: &Hash, limit: u64) -> Result<Vec<u8>, StoreError> {
        let mut octets = Vec::new();
        let mut reader = Hashing::new(self.open(hash)?.take(limit.saturating_add(1)));
        let read = reader.read_to_end(&mut octets);
        if reader.octets > limit {
            return Err(StoreError::refused(format!("{} is longer than {limit} octets", object(hash))));
        }
        if read.is_err() || reader.hash() != *hash {
            return Err(self.damaged(hash));
        }
        Ok(octets)
    }

    /// An object that is text.
    ///
    /// # Errors
    /// As [`Objects::read`]; and it is no text.
    pub fn text(&self, hash: &Hash, limit: u64) -> Result<String, StoreError> {
        String::from_utf8(self.read(hash, limit)?).map_err(|_| self.damaged(hash))
    }

    /// What to say of an object that is not what its name says.
    pub(super) fn damaged(&self, hash: &Hash) -> StoreError {
        let [plain, packed] = self.paths(hash);
        let path = if plain.exists() { plain } else { packed };
        StoreError::Object { path, what: format!("{} was changed since it was kept", object(hash)) }
    }

    /// Reads an object only to see that it is whole.
    ///
    /// # Errors
    /// It is not there, or not what its name says.
    pub fn check(&self, hash: &Hash) -> Result<(), StoreError> {
        let mut reader = Hashing::new(self.open(hash)?);
        match io::copy(&mut reader, &mut io::sink()) {
            Ok(_) if reader.hash() == *hash => Ok(()),
            _ => Err(self.damaged(hash)),
        }
    }

    /// Whether there is such an object.
    pub fn has(&self, hash: &Hash) -> bool {
        self.paths(hash).iter().any(|path| path.is_file())
    }

    /// Removes every object that is not in `needed`, and what kills left behind. Gives the number and the octets on disk.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn sweep(&self, needed: &BTreeSet<Hash>) -> Result<(u64, u64), StoreError> {
        let (mut count, mut octets) = (0, 0);
        let list = |dir: &Path| -> Result<Vec<PathBuf>, StoreError> {
            let entries = fs::read_dir(dir).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
            entries.map_err(StoreError::io(dir))
        };
        if !self.dir.is_dir() {
            return Ok((0, 0));
        }
        for path in list(&self.dir)? {
            let files = if path.is_dir() { list(&path)? } else { vec![path] };
            for file in files {
                if hash_of(&file).is_some_and(|hash| needed.contains(&hash)) {
                    continue;
                }
                octets += fs::metadata(&file).map_or(0, |metadata| metadata.len());
                fs::remove_file(&file).map_err(StoreError::io(&file))?;
                count += 1;
            }
        }
        Ok((count, octets))
    }
}

/// The hash that a path names.
fn hash_of(path: &Path) -> Option<Hash> {
    let first = path.parent()?.file_name()?.to_str()?;
    let rest = path.file_name()?.to_str()?;
    format!("{first}{}", rest.strip_suffix(".zst").unwrap_or(rest)).parse().ok()
}

/// Forces a directory's names to the disk; where that cannot be done it happens in time.
pub(super) fn sync(dir: &Path) {
    let _ = File::open(dir).and_then(|dir| dir.sync_all());
}

/// A file that is removed again unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_back_and_changes_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::new(dir.path());
        let long = "casino.example\n".repeat(1_000);
        for text in ["", "short", &long] {
            let hash = objects.put_octets(text.as_bytes()).unwrap();
            assert_eq!(hash, Hash::of(text.as_bytes()));
            assert_eq!(objects.text(&hash, 1 << 20).unwrap(), text);
            assert_eq!(objects.put_octets(text.as_bytes()).unwrap(), hash);
        }
        let hash = Hash::of(long.as_bytes());
        let path = objects.paths(&hash).into_iter().find(|path| path.exists()).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < 1_000, "it was compressed");
        assert!(matches!(objects.read(&hash, 100), Err(StoreError::Refused(_))));
        fs::write(&path, zstd::encode_all(&b"other.example\n"[..], 3).unwrap()).unwrap();
        assert!(objects.read(&hash, 1 << 20).unwrap_err().to_string().contains("was changed"));
        // Whoever brings it again mends it.
        objects.put_octets(long.as_bytes()).unwrap();
        objects.check(&hash).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(objects.read(&hash, 1 << 20).unwrap_err().to_string().contains("is not there"));
    }

    #[test]
    fn what_is_too_large_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::new(dir.path());
        assert!(objects.put(&mut &[7; 2_000][..], 1_999).is_err());
        assert_eq!(fs::read_dir(dir.path().join("objects")).unwrap().count(), 0);
        let (hash, octets) = objects.put(&mut &[7; 2_000][..], 2_000).unwrap();
        assert!(octets == 2_000 && objects.has(&hash));
    }

    #[test]
    fn only_what_is_needed_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let objects = Objects::new(dir.path());
        let kept = objects.put_octets(b"kept").unwrap();
        let lost = objects.put_octets(b"lost").unwrap();
        fs::write(dir.path().join("objects/.77.new"), "left by a kill").unwrap();
        assert_eq!(objects.sweep(&BTreeSet::from([kept])).unwrap().0, 2);
        assert_eq!((objects.has(&kept), objects.has(&lost)), (true, false));
    }
}
