//! Tests of files of lines against disks that fill up at any octet, crashes, other hands, and the passing of time.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use proptest::prelude::*;

use super::disk::{self, LogFile};
use super::file::LineFile;
use super::*;
use crate::model::Timestamp;

/// A disk with so many octets left, which may also refuse to truncate.
#[derive(Clone, Default)]
struct Disk {
    left: Arc<AtomicU64>,
    stubborn: Arc<AtomicBool>,
}

struct Slow {
    file: Box<dyn LogFile>,
    disk: Disk,
}

impl LogFile for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.disk.left.load(Ordering::Relaxed);
        let n = left.min(bytes.len() as u64).min(7);
        if n == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.left.store(left - n, Ordering::Relaxed);
        self.file.write(&bytes[..n as usize])
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn is_deleted(&self) -> bool {
        self.file.is_deleted()
    }

    fn begun(&self) -> Option<SystemTime> {
        None
    }

    fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(to, offset)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        if self.disk.stubborn.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.file.truncate(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

fn on(disk: &Disk, config: FileConfig) -> LineFile {
    let disk = disk.clone();
    let open =
        move |path: &Path| Ok(Box::new(Slow { file: disk::open(path)?, disk: disk.clone() }) as Box<dyn LogFile>);
    LineFile::with(config, Box::new(open), now)
}

static CLOCK: Mutex<u64> = Mutex::new(1_000);

fn now() -> Timestamp {
    Timestamp::from_parts(*CLOCK.lock().unwrap(), 0)
}

fn plain(path: &Path) -> FileConfig {
    FileConfig { path: path.to_owned(), max_bytes: None, max_age: None, keep: 0 }
}

fn batch(lines: &[String]) -> Batch {
    let mut batch = Batch::default();
    for line in lines {
        batch.bytes.extend_from_slice(line.as_bytes());
        batch.ends.push(batch.bytes.len());
    }
    batch
}

fn lines(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("{{\"n\":{n}}}\n")).collect()
}

/// Every line of the rotated files and the current one, in order.
fn read_all(path: &Path) -> String {
    let mut paths: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let current = paths.iter().position(|p| p == path).map(|at| paths.remove(at));
    paths.iter().chain(&current).map(|p| fs::read_to_string(p).unwrap()).collect()
}

#[test]
fn a_line_torn_by_a_crash_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    for (before, after) in [("{\"n\":1}\n{\"n\":", "{\"n\":1}\n"), ("{\"n", ""), ("{\"n\":1}\n", "{\"n\":1}\n")] {
        fs::write(&path, before).unwrap();
        LineFile::new(plain(&path)).append(&batch(&lines(1))).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{after}{{\"n\":0}}\n"));
    }
}

#[test]
fn a_file_that_is_not_ours_is_not_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    fs::write(&path, "hello\nworld").unwrap();
    let error = LineFile::new(plain(&path)).reopen().unwrap_err().to_string();
    assert!(error.contains("notes.txt") && error.contains("move it away"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "hello\nworld");
}

#[test]
fn a_folder_or_a_missing_one_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert!(LineFile::new(plain(dir.path())).reopen().is_err());
    let missing = dir.path().join("no/events.jsonl");
    let error = LineFile::new(plain(&missing)).reopen().unwrap_err();
    assert_eq!(error.io().kind(), io::ErrorKind::NotFound);
}

#[test]
fn two_writers_do_not_share_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut first = LineFile::new(plain(&path));
    first.reopen().unwrap();
    let error = LineFile::new(plain(&path)).reopen().unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
    first.reopen().unwrap();
}

#[test]
fn others_do_not_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    LineFile::new(plain(&path)).reopen().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
}

#[test]
fn after_a_move_the_new_file_is_written_once_reopened() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("events.jsonl"), dir.path().join("moved"));
    let mut file = LineFile::new(plain(&path));
    let all = lines(3);
    file.append(&batch(&all[..1])).unwrap();
    fs::rename(&path, &moved).unwrap();
    file.append(&batch(&all[1..2])).unwrap();
    file.reopen().unwrap();
    file.append(&batch(&all[2..])).unwrap();
    assert_eq!(fs::read_to_string(&moved).unwrap(), all[..2].concat());
    assert_eq!(fs::read_to_string(&path).unwrap(), all[2]);
}

#[test]
fn a_deleted_file_is_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut file = LineFile::new(plain(&path));
    file.append(&batch(&lines(2))).unwrap();
    fs::remove_file(&path).unwrap();
    file.append(&batch(&lines(1))).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), lines(1)[0]);
}

#[test]
fn a_file_truncated_by_others_gets_no_hole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let disk = Disk::default();
    disk.left.store(100, Ordering::Relaxed);
    let mut file = on(&disk, plain(&path));
    file.append(&batch(&lines(5))).unwrap();
    fs::write(&path, "").unwrap();
    disk.left.store(12, Ordering::Relaxed);
    file.append(&batch(&lines(5))).unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), lines(1)[0]);
}

#[test]
fn it_rotates_by_size_and_keeps_what_it_should() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let mut file = LineFile::new(FileConfig { max_bytes: Some(20), keep: 3, ..plain(&path) });
    // Lines of 8 and 9 octets, two a file; then one that is longer than a file may be.
    file.append(&batch(&lines(20))).unwrap();
    file.append(&batch(&[format!("{{\"long\":\"{}\"}}\n", "x".repeat(40))])).unwrap();
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap()).collect();
    assert_eq!(names.len(), 4);
    for entry in &names {
        let text = fs::read_to_string(entry.path()).unwrap();
        assert!(text.ends_with('\n') && (text.len() <= 20 || text.lines().count() == 1), "{text}");
    }
    assert!(read_all(&path).starts_with("{\"n\":14}\n"), "{}", read_all(&path));
    assert_eq!(file.rotation_trouble(), None);
}

#[test]
fn it_rotates_by_age_but_never_an_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let disk = Disk::default();
    disk.left.store(1_000, Ordering::Relaxed);
    let mut file = on(&disk, FileConfig { max_age: Some(Duration::from_secs(60)), ..plain(&path) });
    let files = || fs::read_dir(dir.path()).unwrap().count();
    file.reopen().unwrap();
    *CLOCK.lock().unwrap() += 100;
    file.flush().unwrap();
    assert_eq!(files(), 1);
    file.append(&batch(&lines(1))).unwrap();
    file.append(&batch(&lines(1))).unwrap();
    file.reopen().unwrap();
    *CLOCK.lock().unwrap() += 60;
    file.flush().unwrap();
    file.append(&batch(&lines(1))).unwrap();
    assert_eq!(files(), 2);
    assert_eq!(fs::read_to_string(&path).unwrap(), lines(1)[0]);
}

proptest! {
    /// A disk that fills at any octet, once with a truncation that fails too, loses no line, tears none, repeats none.
    #[test]
    fn a_full_disk_loses_tears_and_repeats_nothing(
        batches in prop::collection::vec(prop::collection::vec((0..30usize, any::<bool>()), 0..6), 1..6),
        refills in prop::collection::vec((0..60u64, any::<bool>()), 0..12),
        max_bytes in prop_oneof![Just(None), (1..200u64).prop_map(Some)],
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let disk = Disk::default();
        let mut file = on(&disk, FileConfig { max_bytes, ..plain(&path) });
        let mut refills = refills.into_iter();
        let mut expected = String::new();
        for (b, sizes) in batches.iter().enumerate() {
            // An event without a line, as EVE has for updates, is an empty string.
            let mut waiting: Vec<String> = sizes.iter().enumerate().map(|(n, (size, any))| {
                if *any { format!("{{\"b\":{b},\"n\":{n},\"x\":\"{}\"}}\n", "x".repeat(*size)) } else { String::new() }
            }).collect();
            expected.extend(waiting.iter().map(String::as_str));
            while let Err(error) = file.append(&batch(&waiting)) {
                waiting.drain(..error.delivered);
                let whole = read_all(&path);
                let stubborn = disk.stubborn.load(Ordering::Relaxed);
                prop_assert!(stubborn || whole.is_empty() || whole.ends_with('\n'));
                let (more, stubborn) = refills.next().unwrap_or((10_000, false));
                disk.left.store(more, Ordering::Relaxed);
                disk.stubborn.store(stubborn, Ordering::Relaxed);
            }
        }
        drop(file);
        disk.stubborn.store(false, Ordering::Relaxed);
        on(&disk, plain(&path)).reopen().unwrap();
        prop_assert_eq!(read_all(&path), expected);
    }
}
