//! A disk that fills up under the running daemon, and is cleared again: a small file system in memory, mounted in the
//! test's own mount namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::daemon::{Daemon, Settings};
use crate::lab::namespace::{inside, run_inside, send};
use crate::lab::packets::{A, Maker, query};
use crate::lab::skip;

#[test]
fn what_was_accepted_survives_a_full_disk() {
    run_inside("disk::inside_full");
}

#[test]
fn what_cannot_be_accepted_is_counted_and_turns_readiness_off() {
    run_inside("disk::inside_overflow");
}

#[test]
fn more_findings_than_the_queue_holds_are_all_told_at_the_end() {
    run_inside("disk::inside_many_at_the_end");
}

/// A small disk, gone with the process that mounted it.
fn small_disk(at: &Path) -> bool {
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"]).arg(at).status();
    let mounted = mount.is_ok_and(|s| s.success());
    if !mounted {
        skip("cannot mount a tmpfs here");
    }
    mounted
}

/// Questions for as many different listed names, each of which opens a finding.
fn questions(names: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    let mut maker = Maker::default();
    for n in names {
        let from = std::net::SocketAddr::new([100, 64, (n >> 8) as u8, n as u8].into(), 4_000);
        maker.udp(from, "203.0.113.53:53".parse().unwrap(), &query(n as u16, &format!("n{n}.casino.example"), A, None));
    }
    maker.frames
}

/// Takes all room that is left.
fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let full = fs::write(&filler, vec![b'x'; 16 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    filler
}

/// The sequence numbers of all events in the files, rotated ones included, in order. Fails if any line is torn.
fn seqs(disk: &Path) -> Vec<u64> {
    let mut seqs = Vec::new();
    for entry in fs::read_dir(disk).unwrap() {
        let path = entry.unwrap().path();
        if !path.file_name().unwrap().to_string_lossy().starts_with("events.jsonl") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "torn: {:?}", text.lines().last());
        for line in text.lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            seqs.push(event["seq"].as_u64().unwrap());
        }
    }
    seqs.sort_unstable();
    seqs
}

fn unready(daemon: &Daemon) -> bool {
    daemon.get("/readyz").is_some_and(|(code, why)| code == 503 && why.contains("output jsonl"))
}

fn ready(daemon: &Daemon) -> bool {
    daemon.get("/readyz").is_some_and(|(code, _)| code == 200)
}

/// A daemon that writes to a small disk and waits for little; where it runs, and the disk.
fn start(work: &Path, queue: &str) -> Option<(Daemon, PathBuf)> {
    let disk = work.join("disk");
    fs::create_dir(&disk).unwrap();
    if !small_disk(&disk) {
        return None;
    }
    let settings = Settings { sections: queue.to_owned(), ..Settings::new(&disk) };
    let config = settings.write(work);
    Some((Daemon::start(&config, work), disk))
}

fn jsonl(daemon: &Daemon, metric: &str) -> f64 {
    daemon.metric(metric, "sink=\"jsonl\"")
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_full() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let Some((mut daemon, disk)) = start(temp.path(), "") else { return };
    send(&questions(0..200));
    daemon.wait_for("first events", |d| jsonl(d, "stakeout_sink_events_total") >= 200.0);
    let filler = fill(&disk);
    send(&questions(200..600));
    daemon.wait_for("a full disk", |d| unready(d) && jsonl(d, "stakeout_sink_queue_depth") > 200.0);
    assert_eq!(daemon.metric("stakeout_ready", ""), 0.0);
    assert_eq!(jsonl(&daemon, "stakeout_sink_up"), 0.0);
    assert!(daemon.log().contains("output_failed") && daemon.log().contains("No space left"), "{}", daemon.log());
    // What is there is whole, now too.
    assert!(seqs(&disk).len() >= 200);
    fs::remove_file(filler).unwrap();
    daemon.wait_for("room again", |d| ready(d) && jsonl(d, "stakeout_sink_queue_depth") == 0.0);
    assert_eq!(jsonl(&daemon, "stakeout_sink_events_lost_total"), 0.0);
    assert_eq!(jsonl(&daemon, "stakeout_sink_events_total"), daemon.metric("stakeout_events_total", ""));
    assert!(daemon.log().contains("output_recovered"), "{}", daemon.log());
    assert!(daemon.stop().success(), "{}", daemon.log());
    // Each finding was opened and closed.
    assert_eq!(seqs(&disk), (1..=1_200).collect::<Vec<_>>());
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_overflow() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let Some((mut daemon, disk)) = start(temp.path(), "[limits]\nevent_queue = 1024\n") else { return };
    let filler = fill(&disk);
    send(&questions(0..1_500));
    daemon.wait_for("lost events", |d| jsonl(d, "stakeout_sink_events_lost_total") > 0.0 && unready(d));
    daemon.wait_for("all findings", |d| d.metric("stakeout_events_total", "opened") >= 1_500.0);
    assert_eq!(jsonl(&daemon, "stakeout_sink_queue_depth"), 1_024.0);
    assert!(daemon.log().contains("events are lost"), "{}", daemon.log());
    fs::remove_file(filler).unwrap();
    daemon.wait_for("room again", |d| ready(d) && jsonl(d, "stakeout_sink_queue_depth") == 0.0);
    let lost = jsonl(&daemon, "stakeout_sink_events_lost_total");
    let kept = jsonl(&daemon, "stakeout_sink_events_total");
    assert_eq!(kept + lost, 1_500.0);
    assert!(daemon.stop().success(), "{}", daemon.log());
    // Every event that was not counted as lost is there, those of the end included.
    let seqs = seqs(&disk);
    assert_eq!(seqs.len() as f64 + lost, 3_000.0);
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_many_at_the_end() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let Some((mut daemon, disk)) = start(temp.path(), "[limits]\nevent_queue = 1024\n") else { return };
    send(&questions(0..2_500));
    daemon.wait_for("events", |d| jsonl(d, "stakeout_sink_events_total") >= 2_500.0);
    assert!(daemon.stop().success(), "{}", daemon.log());
    assert_eq!(seqs(&disk), (1..=5_000).collect::<Vec<_>>());
}
