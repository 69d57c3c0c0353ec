//! The daemon's life: its socket's permissions, a start after a crash, reload and stop.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::Command;

use crate::common::wait::wait_until;
use crate::daemon::{Daemon, Settings};
use crate::sender::{Sender, visit};

#[test]
fn the_socket_has_the_mode_and_group_that_were_asked_for() {
    for (settings, mode) in [("", 0o660), ("socket_mode = \"0600\"", 0o600)] {
        let mut daemon = Daemon::start(Settings { dnstap: settings, ..Settings::default() });
        let meta = fs::metadata(daemon.socket()).unwrap();
        assert!(meta.file_type().is_socket());
        assert_eq!(meta.permissions().mode() & 0o777, mode);
        assert_eq!(daemon.stop(), Some(0));
    }
    let own = fs::metadata("/proc/self").unwrap();
    if own.uid() == 0 {
        let mut daemon = Daemon::start(Settings { dnstap: "socket_group = \"daemon\"", ..Settings::default() });
        assert_eq!(fs::metadata(daemon.socket()).unwrap().gid(), stakeout::pipeline::group_id("daemon").unwrap());
        assert_eq!(daemon.stop(), Some(0));
    }
}

#[test]
fn a_socket_left_by_a_crash_is_no_hindrance() {
    let dir = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(dir.path().join("tap.sock")).unwrap());
    let mut daemon = Daemon::start_in(dir, Settings::default());
    Sender::unix(&daemon.socket()).greet().finish();
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_socket_in_use_is_left_to_its_owner() {
    let mut daemon = Daemon::start(Settings::default());
    let mut second = Command::new(env!("CARGO_BIN_EXE_stakeout"));
    let config = fs::read_to_string(daemon.dir().join("stakeout.toml")).unwrap().replace("out/", "");
    fs::write(daemon.dir().join("second.toml"), config).unwrap();
    second.args(["run", "--config"]).arg(daemon.dir().join("second.toml"));
    let output = second.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("another process listens there"), "{said}");
    Sender::unix(&daemon.socket()).greet().finish();
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_socket_that_was_removed_is_made_again() {
    let daemon = Daemon::start(Settings::default());
    fs::remove_file(daemon.socket()).unwrap();
    wait_until("a new socket", || daemon.socket().exists());
    Sender::unix(&daemon.socket()).greet().finish();
    // Something else in its place: not ready, and told.
    fs::remove_file(daemon.socket()).unwrap();
    fs::create_dir(daemon.socket()).unwrap();
    wait_until("readiness to go", || !daemon.is_ready());
    assert!(daemon.log().contains("dnstap_down"), "{}", daemon.log());
    let (_, why) = daemon.get("/readyz").unwrap();
    assert!(why.contains("resolvers cannot connect"), "{why}");
    fs::remove_dir(daemon.socket()).unwrap();
    wait_until("readiness to return", || daemon.is_ready());
    Sender::unix(&daemon.socket()).greet().finish();
}

#[test]
fn new_rules_hold_from_the_next_message_on_and_cost_no_connection() {
    let mut daemon = Daemon::start(Settings::default());
    let mut sender = Sender::unix(&daemon.socket()).greet();
    sender.query(&visit("www.newcomer.example"));
    sender.query(&visit("www.casino.example"));
    daemon.wait_metric("stakeout_dnstap_frames_total", "", 2);
    fs::write(daemon.dir().join("new.txt"), "newcomer.example\n").unwrap();
    fs::rename(daemon.dir().join("new.txt"), daemon.dir().join("block.txt")).unwrap();
    daemon.wait_metric("stakeout_rule_set_generation", "", 2);
    sender.query(&visit("www.newcomer.example"));
    sender.query(&visit("www.casino.example"));
    sender.finish();
    let found = daemon.findings();
    let visits: Vec<_> = found.iter().map(|((_, name), (visits, ..))| (name.as_str(), *visits)).collect();
    assert_eq!(visits, [("www.casino.example", 1), ("www.newcomer.example", 1)]);
}

#[test]
fn what_was_sent_before_the_stop_is_found() {
    const VISITS: usize = 2000;
    let sections = "[findings]\nmax_names_per_rule = 100000\n";
    let mut daemon = Daemon::start(Settings { sections, ..Settings::default() });
    let mut sender = Sender::unix(&daemon.socket()).greet();
    // Once the first is taken, the others are in the socket when the signal comes, or on their way.
    sender.query(&visit("first.casino.example"));
    daemon.wait_metric("stakeout_dnstap_frames_total", "", 1);
    for n in 0..VISITS {
        sender.query(&visit(&format!("v{n}.casino.example")));
    }
    let found = daemon.findings();
    assert_eq!(found.len(), VISITS + 1);
    sender.is_closed();
}
