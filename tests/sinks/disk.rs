//! Full disks, real ones: `/dev/full`, and a small file system in memory where the test may mount one.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use stakeout::export::{EventQueue, FileConfig, Health, jsonl};
use stakeout::model::{Kind, Proto};
use stakeout::record::{Event, SubscriberPolicy};

use super::{aggregator, hit};

fn events(n: usize) -> Vec<Event> {
    let mut aggregator = aggregator(SubscriberPolicy::None);
    let mut events = Vec::new();
    for n in 0..n {
        let site = format!("n{n}.casino.example");
        aggregator.hit(&hit(Proto::Dns, Kind::Query, &site, "203.0.113.77", 0), &mut events);
    }
    events
}

fn queue(path: &Path, capacity: usize) -> EventQueue {
    let config = FileConfig { path: path.to_owned(), max_bytes: None, max_age: None, keep: 0 };
    EventQueue::new(Box::new(jsonl::open(config).unwrap()), capacity)
}

/// The sequence numbers in the file; fails if a line is not whole.
fn seqs(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "a torn line: {:?}", text.lines().last());
    let seq = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap();
    text.lines().map(seq).collect()
}

#[test]
fn a_disk_that_is_full_from_the_start_keeps_events_waiting() {
    let mut queue = queue(Path::new("/dev/full"), 10);
    let now = Instant::now();
    queue.push(&events(10)[..8]);
    queue.pump(now);
    let Health::Failing(why) = queue.health() else { panic!("the disk is full") };
    assert!(why.contains("/dev/full") && why.contains("No space left"), "{why}");
    assert_eq!((queue.counters().depth, queue.counters().lost, queue.counters().errors), (8, 0, 1));
    assert!(queue.is_ready());
    queue.push(&events(5));
    assert!(!queue.is_ready());
    assert_eq!((queue.counters().depth, queue.counters().lost), (10, 3));
}

/// A file system that is unmounted in the end.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new(size: &str) -> Option<Mounted> {
        let dir = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .output();
        mount.is_ok_and(|o| o.status.success()).then_some(Mounted(dir))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn a_disk_that_fills_up_and_is_cleared_loses_nothing() {
    let Some(mounted) = Mounted::new("256k") else {
        eprintln!(
            "SKIPPED: cannot mount a tmpfs here (needs root); the faulty writer in src/export/lines/tests.rs stands in"
        );
        return;
    };
    let (path, filler) = (mounted.0.path().join("events.jsonl"), mounted.0.path().join("filler"));
    let all = events(300);
    let mut queue = queue(&path, 1_000);
    let mut now = Instant::now();
    queue.push(&all[..10]);
    queue.pump(now);
    assert_eq!(queue.counters().depth, 0);

    let full = fs::write(&filler, vec![b'x'; 300 << 10]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    queue.push(&all[10..]);
    for _ in 0..5 {
        queue.pump(now);
        now += Duration::from_secs(60);
        seqs(&path);
    }
    assert!(queue.counters().depth > 200, "{:?}", queue.counters());
    assert_eq!(queue.counters().lost, 0);

    fs::remove_file(&filler).unwrap();
    queue.pump(now);
    assert_eq!(queue.counters().depth, 0);
    assert_eq!(queue.health(), Health::Working);
    assert_eq!(seqs(&path), (1..=300).collect::<Vec<_>>());
}

#[test]
fn a_file_may_be_moved_away_and_is_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("events.jsonl"), dir.path().join("events.jsonl.1"));
    let all = events(20);
    let mut queue = queue(&path, 100);
    let now = Instant::now();
    queue.push(&all[..5]);
    queue.pump(now);
    fs::rename(&path, &moved).unwrap();
    queue.push(&all[5..10]);
    queue.pump(now);
    queue.reopen(now);
    queue.push(&all[10..]);
    assert_eq!(queue.finish(now), 0);
    assert_eq!(seqs(&moved), (1..=10).collect::<Vec<_>>());
    assert_eq!(seqs(&path), (11..=20).collect::<Vec<_>>());
}

#[test]
fn rotation_keeps_every_event_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.jsonl");
    let config = FileConfig { path: path.clone(), max_bytes: Some(10_000), max_age: None, keep: 0 };
    let mut queue = EventQueue::new(Box::new(jsonl::open(config).unwrap()), 1_000);
    queue.push(&events(200));
    assert_eq!(queue.finish(Instant::now()), 0);
    let mut files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.retain(|f| *f != path);
    assert!(files.len() >= 10, "{files:?}");
    let told: Vec<u64> = files.iter().chain([&path]).flat_map(|f| seqs(f)).collect();
    assert_eq!(told, (1..=200).collect::<Vec<_>>());
}
