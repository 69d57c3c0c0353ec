//! Registers that lie on this machine: a file, or the newest of a directory that somebody else fills.
//!
//! A file is copied, so that what is checked later is what was read; one that is still being written is not taken.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::error::{FetchError, IndexFault};
use super::index;
use super::page;
use super::pattern::NamePattern;
use crate::control::rules::part::{Fault, PartFile, WholeFile};

/// How long a file must not have changed before it is taken for whole.
const SETTLED: Duration = Duration::from_secs(10);
/// Names in a directory that are looked at.
const MAX_NAMES: usize = 100_000;

/// Copies `path` into `dir`, if it is a file of at most `max_bytes` octets that is whole.
pub(super) fn copy(path: &Path, dir: &Path, max_bytes: u64, now: Timestamp) -> Result<WholeFile, FetchError> {
    let local = |reason: String| FetchError::Local { path: path.to_owned(), reason, wait: None };
    let unreadable = |e: io::Error| local(format!("cannot be read: {e}; correct the path or its permissions"));
    // Without waiting for somebody to write into it, if it is a pipe.
    let mut file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(unreadable)?;
    let before = file.metadata().map_err(unreadable)?;
    if !before.is_file() {
        return Err(local("not a file; give the path of a file, or `directory` for a directory".to_owned()));
    }
    if let Some(wait) = unsettled(&before, now) {
        let reason = format!("changed less than {} s ago, so it may not be whole; try again", SETTLED.as_secs());
        return Err(FetchError::Local { path: path.to_owned(), reason, wait: Some(wait) });
    }
    let disk = |e: &io::Error| FetchError::Disk { dir: dir.to_owned(), reason: e.to_string() };
    let too_large = || FetchError::TooLarge { url: path.display().to_string(), limit: max_bytes, packed: false };
    if before.len() > max_bytes {
        return Err(too_large());
    }
    let mut part = PartFile::create(dir, max_bytes).map_err(|e| disk(&e))?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(unreadable(e)),
        };
        if let Err(e) = part.write_all(&buffer[..n]) {
            return Err(match part.take_fault() {
                Some(Fault::TooLarge(_)) => too_large(),
                Some(Fault::Disk(e)) => disk(&e),
                None => disk(&e),
            });
        }
    }
    let after = file.metadata().map_err(unreadable)?;
    if changed(&before, &after) || part.written() != after.len() {
        let reason = "changed while it was read; try again when it is whole".to_owned();
        return Err(FetchError::Local { path: path.to_owned(), reason, wait: Some(SETTLED) });
    }
    if part.written() == 0 {
        return Err(FetchError::Empty { url: path.display().to_string() });
    }
    if let Some(said) = page::begins_like_page(part.head()) {
        return Err(FetchError::Page { url: path.display().to_string(), said });
    }
    Ok(part.keep())
}

/// The file of `directory` that `pattern` takes, and its name.
pub(super) fn pick(
    directory: &Path,
    pattern: &NamePattern,
    last: Option<&str>,
    now: Timestamp,
) -> Result<(String, PathBuf), FetchError> {
    let local = |reason: String| FetchError::Local { path: directory.to_owned(), reason, wait: None };
    let unreadable = |e: io::Error| local(format!("cannot be read: {e}; correct the path or its permissions"));
    if !pattern.is_one_segment() {
        let reason = "a pattern for a directory has no `/`".to_owned();
        return Err(FetchError::BadSetting { setting: "pattern", reason });
    }
    let latest = latest_date(now);
    let mut candidates = Vec::new();
    for (n, entry) in fs::read_dir(directory).map_err(unreadable)?.enumerate() {
        if n >= MAX_NAMES {
            return Err(local(format!("more than {MAX_NAMES} files; move old ones away")));
        }
        let name = entry.map_err(unreadable)?.file_name();
        // What is not UTF-8 matches no pattern.
        if let Some(matched) = name.to_str().and_then(|name| pattern.matches(name, latest)) {
            let path = directory.join(&matched.name);
            candidates.push((matched, path));
        }
    }
    match index::choose(candidates, pattern, last, latest) {
        Ok((matched, path)) => Ok((matched.name, path)),
        Err(fault) => Err(index_error(directory.display().to_string(), pattern, fault)),
    }
}

/// The last date that a name may bear at `now`: two days ahead, for clocks and time zones that differ.
pub(super) fn latest_date(now: Timestamp) -> jiff::civil::Date {
    let ahead = now.checked_add(SignedDuration::from_hours(48)).unwrap_or(now);
    TimeZone::UTC.to_datetime(ahead).date()
}

/// The error for `fault` of the page or directory `at`.
pub(super) fn index_error(at: String, pattern: &NamePattern, fault: IndexFault) -> FetchError {
    FetchError::Index { at, pattern: pattern.to_string(), fault }
}

/// How long to wait until the file has settled.
fn unsettled(file: &Metadata, now: Timestamp) -> Option<Duration> {
    let changed = Timestamp::from_second(file.mtime()).ok()?;
    // A time in the future says that the clocks differ, not that somebody writes.
    let age = u64::try_from(now.duration_since(changed).as_secs()).ok()?;
    SETTLED.checked_sub(Duration::from_secs(age)).filter(|left| !left.is_zero())
}

fn changed(before: &Metadata, after: &Metadata) -> bool {
    let state = |m: &Metadata| (m.len(), m.mtime(), m.mtime_nsec());
    state(before) != state(after)
}

/// Reads a small file that we ourselves have just fetched.
pub(super) fn read_back(whole: &WholeFile) -> Result<Vec<u8>, FetchError> {
    let read = || {
        let mut data = Vec::new();
        File::open(&whole.path)?.read_to_end(&mut data)?;
        fs::remove_file(&whole.path)?;
        Ok(data)
    };
    read().map_err(|e: io::Error| FetchError::Disk { dir: whole.path.clone(), reason: e.to_string() })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A minute from now, so that what a test has just written has settled.
    fn later() -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(60)
    }

    #[test]
    fn a_file_is_copied_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.txt");
        let content = "casino.example\n".repeat(10_000);
        fs::write(&path, &content).unwrap();
        let out = tempfile::tempdir().unwrap();
        let whole = copy(&path, out.path(), 1 << 20, later()).unwrap();
        assert_eq!(fs::read_to_string(&whole.path).unwrap(), content);
        assert_eq!(whole.bytes, content.len() as u64);
    }

    #[test]
    fn what_may_not_be_whole_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.txt");
        fs::write(&path, "casino.example\n").unwrap();
        let wait = |now| match copy(&path, dir.path(), 100, now) {
            Err(FetchError::Local { wait, .. }) => wait,
            other => panic!("{other:?}"),
        };
        assert!(wait(Timestamp::now()).is_some_and(|w| w <= SETTLED));
        assert!(copy(&path, dir.path(), 100, later()).is_ok());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |name: &str, content: &str| {
            let path = dir.path().join(name);
            fs::write(&path, content).unwrap();
            copy(&path, dir.path(), 100, later()).unwrap_err().kind()
        };
        assert_eq!(refused("empty", ""), "empty");
        assert_eq!(refused("page", "<html>please log in</html>"), "page");
        assert_eq!(refused("long", &"x".repeat(101)), "too-large");
        assert_eq!(copy(dir.path(), dir.path(), 100, later()).unwrap_err().kind(), "local");
        assert_eq!(copy(&dir.path().join("none"), dir.path(), 100, later()).unwrap_err().kind(), "local");
        let pipe = dir.path().join("pipe");
        if Command::new("mkfifo").arg(&pipe).status().is_ok_and(|s| s.success()) {
            assert_eq!(copy(&pipe, dir.path(), 100, later()).unwrap_err().kind(), "local");
        }
        let path = dir.path().join("list");
        fs::write(&path, "x").unwrap();
        assert_eq!(copy(&path, &dir.path().join("none"), 100, later()).unwrap_err().kind(), "disk");
        // Nothing is left of what was refused.
        let left = fs::read_dir(dir.path()).unwrap().filter(|e| e.as_ref().unwrap().path().extension().is_some());
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn the_newest_of_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["l_20250101.txt", "l_20250301.txt", "l_20250201.txt", "l_99991231.txt", "l_20250401.txt.part"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let pattern: NamePattern = "l_{date}.txt".parse().unwrap();
        let (name, path) = pick(dir.path(), &pattern, Some("l_20250201.txt"), later()).unwrap();
        assert_eq!(name, "l_20250301.txt");
        assert!(path.is_file());
        assert_eq!(pick(dir.path(), &pattern, Some("l_20250302.txt"), later()).unwrap_err().kind(), "index");
        assert_eq!(pick(dir.path(), &"*".parse().unwrap(), None, later()).unwrap_err().kind(), "index");
        assert_eq!(pick(dir.path(), &"a/b".parse().unwrap(), None, later()).unwrap_err().kind(), "setting");
    }
}
