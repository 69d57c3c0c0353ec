//! An interface that returns when the process may not open a packet socket any more: as long as spare ones are left it is taken
//! up again; then the daemon writes what it has and ends with an exit code of its own, for the service manager.

use std::fs::{self, File};
use std::io::Write;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{Uid, seteuid};
use stakeout::control::check::check;
use stakeout::control::daemon::{self, DaemonError};
use stakeout::control::legal::today;

use crate::lab::daemon::{Settings, get};
use crate::lab::namespace::{MIRROR, TAP, inside, run_inside};
use crate::lab::packets::{A, query};
use crate::lab::skip;

const PATIENCE: Duration = Duration::from_secs(60);
/// Eight spare sockets for each of two workers, and a return takes one for each.
const RETURNS: usize = 8;

#[test]
fn when_no_spare_socket_is_left_the_daemon_ends_in_good_order() {
    run_inside("stuck::inside_used_up");
}

#[test]
fn the_exit_code_says_that_a_restart_is_needed() {
    run_inside("stuck::inside_exit_code");
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "no {what}: {:?}", get("/readyz"));
        thread::sleep(Duration::from_millis(20));
    }
}

/// A shell that keeps the rights which this process gives up. It ends when its input does.
struct Privileged(Child, ChildStdin);

impl Privileged {
    fn start() -> Self {
        let mut child = Command::new("sh").arg("-e").stdin(Stdio::piped()).spawn().expect("a shell");
        let input = child.stdin.take().expect("its input");
        Privileged(child, input)
    }

    fn run(&mut self, command: &str) {
        writeln!(self.1, "{command}").expect("the shell reads");
    }

    /// Makes the link, with an address on the one end so that sending takes no right.
    fn make_pair(&mut self) {
        self.run(&format!("ip link add {MIRROR} type veth peer name {TAP}"));
        self.dress();
    }

    fn dress(&mut self) {
        for end in [TAP, MIRROR] {
            self.run(&format!("ip link set {end} addrgenmode none up"));
        }
        self.run(&format!("ip addr add 10.9.0.1/24 dev {TAP}"));
        self.run(&format!("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev {TAP}"));
    }
}

impl Drop for Privileged {
    fn drop(&mut self) {
        // Rights are back by now, or the process ends and the namespace is cleared.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn events(dir: &Path, kind: &str) -> Vec<String> {
    let text = fs::read_to_string(dir.join("events.jsonl")).unwrap_or_default();
    let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    events.filter(|e| e["event"] == kind).filter_map(|e| e["name"].as_str().map(str::to_owned)).collect()
}

/// Asks for a name until that is found: the link may not carry anything yet.
fn visit(dir: &Path, name: &str) {
    wait_for(&format!("finding of {name}"), || {
        if let Ok(socket) = UdpSocket::bind("10.9.0.1:0") {
            let _ = socket.send_to(&query(1, name, A, None), "10.9.0.2:53");
        }
        events(dir, "opened").iter().any(|n| n == name)
    });
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_used_up() {
    if !inside() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { capture: "workers = 2", ..Settings::new(dir.path()) };
    let file = settings.write(dir.path());
    let report = check(&file, today(), &daemon::check_source).expect("readable");
    let config = report.config.expect("a good configuration");
    stakeout::telemetry::init(config.log.format, config.log.level).expect("a log");
    let mut outside = Privileged::start();
    outside.dress();
    let running = thread::spawn(move || daemon::run(&config, &file));
    wait_for("readiness", || get("/readyz").is_some_and(|(code, _)| code == 200));
    let (_, metrics) = get("/metrics").expect("metrics");
    assert!(metrics.contains("\nstakeout_host_softnet_dropped_total "), "{metrics}");

    // From here on no thread of this process may open a packet socket.
    seteuid(Uid::from_raw(65_534)).expect("gives rights up");
    let mut expected = Vec::new();
    for n in 0..=RETURNS {
        if n > 0 {
            outside.run(&format!("ip link del {MIRROR}"));
            wait_for("loss of the interface", || get("/readyz").is_some_and(|(code, _)| code == 503));
            outside.make_pair();
            wait_for("return of the interface", || {
                assert!(!running.is_finished(), "ended at return {n}");
                get("/readyz").is_some_and(|(code, _)| code == 200)
            });
        }
        let name = format!("visit-{n}.casino.example");
        visit(dir.path(), &name);
        expected.push(name);
    }
    outside.run(&format!("ip link del {MIRROR}"));
    wait_for("loss of the interface", || get("/readyz").is_some_and(|(code, _)| code == 503));
    assert!(!running.is_finished(), "it waits while the interface is gone");
    outside.make_pair();
    wait_for("end of the daemon", || running.is_finished());
    seteuid(Uid::from_raw(0)).expect("takes them back");
    match running.join().expect("no panic") {
        Err(DaemonError::CannotResume(interface)) => assert_eq!(interface, MIRROR),
        other => panic!("{other:?}"),
    }
    let mut closed = events(dir.path(), "closed");
    closed.sort();
    assert_eq!(closed, expected, "everything found is written to its end");
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_exit_code() {
    if !inside() {
        return;
    }
    // Without the capability from the start, and with one interface that comes later: the same state.
    let works = Command::new("setpriv").args(["--bounding-set=-net_raw", "true"]).status();
    if !works.is_ok_and(|s| s.success()) {
        return skip("setpriv is missing, or may not take a capability away");
    }
    let ip = |args: &str| assert!(Command::new("ip").args(args.split(' ')).status().is_ok_and(|s| s.success()));
    ip(&format!("link del {MIRROR}"));
    let dir = tempfile::tempdir().unwrap();
    let config = Settings::new(dir.path()).write(dir.path());
    let log = dir.path().join("log");
    let mut child = Command::new("setpriv")
        .args(["--bounding-set=-net_raw", "--inh-caps=-net_raw", "--pdeathsig=KILL", env!("CARGO_BIN_EXE_stakeout")])
        .args(["run", "--config"])
        .arg(&config)
        .stdin(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut ended = None;
    wait_for("start of the daemon", || get("/livez").is_some());
    ip(&format!("link add {MIRROR} type veth peer name {TAP}"));
    ip(&format!("link set {TAP} up"));
    ip(&format!("link set {MIRROR} up"));
    wait_for("end of the daemon", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    let log = fs::read_to_string(&log).unwrap();
    assert_eq!(ended.and_then(|status| status.code()), Some(4), "{log}");
    assert!(log.contains("capture_stuck") && log.contains(MIRROR) && log.contains("CAP_NET_RAW"), "{log}");
}

#[test]
fn the_unit_starts_it_again_after_that() {
    let unit = include_str!("../../systemd/stakeout.service");
    let setting = |name: &str| unit.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    assert_eq!(setting("Restart="), "on-failure");
    assert!(!setting("RestartPreventExitStatus=").split_whitespace().any(|code| code == "4"), "{unit}");
    assert_eq!(setting("SuccessExitStatus="), "", "a code that is success would not start it again");
}
