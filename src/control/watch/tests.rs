//! Every way in which a list is replaced in practice must be seen; nothing else must be told.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

/// Long enough for the slowest machine; the tests do not wait this long unless they fail.
const PATIENCE: Duration = Duration::from_secs(20);

const QUICK: WatchTimes = WatchTimes {
    quiet: Duration::from_millis(50),
    at_most: Duration::from_secs(2),
    // So long that only change notices can make a test pass.
    poll: Duration::from_secs(3600),
};

fn watch(path: &Path, times: WatchTimes) -> (Watch, Receiver<Trigger>) {
    let (sender, receiver) = channel();
    (Watch::start(vec![path.to_owned()], times, sender).unwrap(), receiver)
}

fn expect_change(receiver: &Receiver<Trigger>, what: &str) {
    assert_eq!(receiver.recv_timeout(PATIENCE), Ok(Trigger::RulesChanged), "{what}");
    // Late notices of the same change may tell it again; they must not count for the next step.
    while receiver.recv_timeout(Duration::from_millis(300)).is_ok() {}
}

#[test]
fn writes_renames_and_removals_are_seen() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.txt");
    fs::write(&list, "a.test\n").unwrap();
    let (_watch, receiver) = watch(&list, QUICK);

    fs::write(&list, "b.test\n").unwrap();
    expect_change(&receiver, "written in place");

    let new = dir.path().join("list.txt.new");
    fs::write(&new, "c.test\n").unwrap();
    fs::rename(&new, &list).unwrap();
    expect_change(&receiver, "renamed onto");

    fs::remove_file(&list).unwrap();
    expect_change(&receiver, "removed");

    fs::write(&list, "d.test\n").unwrap();
    expect_change(&receiver, "made again");
}

#[test]
fn links_that_point_elsewhere_are_seen() {
    let dir = tempfile::tempdir().unwrap();
    for version in ["v1", "v2", "v3"] {
        fs::create_dir(dir.path().join(version)).unwrap();
        fs::write(dir.path().join(version).join("list.txt"), "same size\n").unwrap();
    }
    symlink("v1", dir.path().join("current")).unwrap();
    let (_watch, receiver) = watch(&dir.path().join("current/list.txt"), QUICK);

    for version in ["v2", "v3"] {
        symlink(version, dir.path().join("new")).unwrap();
        fs::rename(dir.path().join("new"), dir.path().join("current")).unwrap();
        expect_change(&receiver, version);
    }
    fs::write(dir.path().join("v3/list.txt"), "written where the link leads now\n").unwrap();
    expect_change(&receiver, "the new target is watched");
}

#[test]
fn a_directory_that_is_made_later_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let (_watch, receiver) = watch(&dir.path().join("rules/list.txt"), QUICK);
    fs::create_dir(dir.path().join("rules")).unwrap();
    fs::write(dir.path().join("rules/list.txt"), "a.test\n").unwrap();
    expect_change(&receiver, "made with its directory");
}

#[test]
fn a_directory_that_is_replaced_whole_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("list.txt"), "a.test\n").unwrap();
    let (_watch, receiver) = watch(&rules.join("list.txt"), QUICK);
    fs::create_dir(dir.path().join("new")).unwrap();
    fs::write(dir.path().join("new/list.txt"), "b.test\n").unwrap();
    fs::rename(&rules, dir.path().join("old")).unwrap();
    fs::rename(dir.path().join("new"), &rules).unwrap();
    expect_change(&receiver, "replaced");
    fs::write(rules.join("list.txt"), "c.test c.test\n").unwrap();
    expect_change(&receiver, "the new directory is watched");
}

#[test]
fn the_poll_alone_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.txt");
    fs::write(&list, "a.test\n").unwrap();
    let (sender, receiver) = channel();
    let (hints, hint_receiver) = bounded(1);
    let stop = Arc::new(AtomicBool::new(false));
    let times = WatchTimes { poll: Duration::from_millis(50), ..QUICK };
    let mut looker = Looker {
        files: Files::new(vec![list.clone()]),
        notices: Notices { watcher: None, watched: Vec::new(), refused: Vec::new(), poll: times.poll },
        times,
        triggers: sender,
        hints: hint_receiver,
        stop: Arc::clone(&stop),
    };
    let thread = thread::spawn(move || looker.run());
    fs::write(&list, "ab.test\n").unwrap();
    expect_change(&receiver, "polled");
    stop.store(true, Ordering::Release);
    thread.join().unwrap();
    drop(hints);
}

#[test]
fn reading_the_list_and_writing_its_neighbours_is_no_change() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.txt");
    fs::write(&list, "a.test\n").unwrap();
    let (_watch, receiver) = watch(&list, QUICK);
    for n in 0..50 {
        assert_eq!(fs::read_to_string(&list).unwrap(), "a.test\n");
        fs::write(dir.path().join(format!("other-{n}")), "x").unwrap();
    }
    assert_eq!(receiver.recv_timeout(Duration::from_millis(500)), Err(RecvTimeoutError::Timeout));
}

#[test]
fn a_file_that_never_rests_is_told_all_the_same() {
    let times = WatchTimes { quiet: Duration::from_secs(1), at_most: Duration::from_secs(3), poll: QUICK.poll };
    let start = Instant::now();
    let mut dirty = Dirty { since: start, last: start };
    assert_eq!(dirty.due(&times), start + Duration::from_secs(1));
    dirty.last = start + Duration::from_millis(2_900);
    assert_eq!(dirty.due(&times), start + Duration::from_secs(3));
}

#[test]
fn dropping_a_watch_ends_its_thread_even_if_nobody_listens() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.txt");
    let (sender, receiver) = bounded(1);
    sender.send(Trigger::Reload).unwrap();
    let watch = Watch::start(vec![list.clone()], QUICK, sender).unwrap();
    fs::write(&list, "a").unwrap();
    // The thread may by now be waiting for room that nobody makes.
    thread::sleep(Duration::from_millis(200));
    drop(watch);
    assert_eq!(receiver.len(), 1);
}

#[test]
fn signals_become_triggers() {
    let (sender, receiver) = channel();
    let _signals = Signals::start(sender).unwrap();
    let next = || receiver.recv_timeout(PATIENCE).unwrap();
    signal_hook::low_level::raise(signal_hook::consts::SIGHUP).unwrap();
    assert_eq!([next(), next()], [Trigger::Reload, Trigger::Reopen]);
    signal_hook::low_level::raise(signal_hook::consts::SIGUSR1).unwrap();
    assert_eq!(next(), Trigger::Reopen);
    signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
    assert_eq!(next(), Trigger::Shutdown);
}
