//! A network namespace for one test: the test runs this same program again inside it, with the name of an ignored test
//! that does the work. So the work itself needs neither `unsafe` nor a tool to reach into the namespace, and `ip netns
//! exec` gives it mounts of its own as well.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::skip;

/// Set for the copy of this program that runs inside.
const INSIDE: &str = "STAKEOUT_TEST_LAB";
const PATIENCE: Duration = Duration::from_secs(120);

/// The two ends of the link inside: what is sent out of the one is captured on the other.
pub(crate) const TAP: &str = "tap0";
pub(crate) const MIRROR: &str = "mirror0";

fn works(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// Removed with everything that runs in it, whatever happens.
struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        // What still runs in there was started by the test, which is over.
        if let Ok(pids) = Command::new("ip").args(["netns", "pids", &self.0]).output() {
            for pid in String::from_utf8_lossy(&pids.stdout).split_whitespace() {
                works(Command::new("kill").args(["-KILL", pid]));
            }
        }
        works(Command::new("ip").args(["netns", "del", &self.0]));
    }
}

/// Whether this process may do what only root may.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// Runs the ignored test `inside` (its whole path in this program) in a new namespace with a link in it; says that it
/// skips where that cannot be.
pub(crate) fn run_inside(inside: &str) {
    if !is_root() {
        return skip(&format!("{inside} needs root for a network namespace"));
    }
    let tag: String = inside.rsplit("::").next().unwrap_or("x").chars().filter(|c| *c != '_').take(24).collect();
    let name = format!("stakeout-{tag}-{}", std::process::id());
    if !works(Command::new("ip").args(["netns", "add", &name])) {
        return skip(&format!("{inside} needs `ip` and network namespaces"));
    }
    let namespace = Namespace(name);
    let dir = tempfile::tempdir().unwrap();
    let said = dir.path().join("said");
    let out = File::create(&said).unwrap();
    let mut child = Command::new("ip")
        .args(["netns", "exec", &namespace.0])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", inside])
        .env(INSIDE, &namespace.0)
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = String::from_utf8_lossy(&std::fs::read(&said).unwrap()).into_owned();
    assert!(status.is_some_and(|s| s.success()), "{inside}: {status:?}\n{said}");
    assert!(said.contains("1 passed"), "{inside} did not run:\n{said}");
    for line in said.lines().filter(|l| l.starts_with("SKIPPED")) {
        skip(line.trim_start_matches("SKIPPED: "));
    }
}

/// Whether this is the copy that runs inside; makes the link if it is. Every ignored test asks this first.
pub(crate) fn inside() -> bool {
    if std::env::var_os(INSIDE).is_none() {
        skip("is run by another test, in a namespace of its own");
        return false;
    }
    let ip = |args: &str| assert!(works(Command::new("ip").args(args.split(' '))), "ip {args}");
    ip("link set lo up");
    ip(&format!("link add {MIRROR} type veth peer name {TAP}"));
    for end in [TAP, MIRROR] {
        // Room for tags around full packets, and no chatter of the kernel's own.
        ip(&format!("link set {end} mtu 4000 addrgenmode none"));
        ip(&format!("link set {end} up"));
    }
    true
}

/// Sends frames past the mirror, at a rate that any machine can follow.
pub(crate) fn send(frames: &[Vec<u8>]) {
    let mut capture = pcap::Capture::from_device(TAP).unwrap().open().unwrap();
    for (n, frame) in frames.iter().enumerate() {
        capture.sendpacket(frame.as_slice()).unwrap();
        if n % 32 == 31 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
