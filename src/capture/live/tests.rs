//! On real interfaces, in a network namespace of our own. Needs root and `ip`; elsewhere these tests say that they skip.

// A test that skips says so.
#![allow(clippy::print_stderr)]

use super::{
    LinkState, LiveConfig, LiveSource, ReopeningSource, counter_delta, linktype_of_dlt, open_error, run_error,
};
use crate::capture::{CaptureError, CaptureStats, Frame, PacketSource, Poll};
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Set for the copy of this program that runs inside.
const INSIDE: &str = "STAKEOUT_TEST_NAMESPACE";
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn counters_wrap_and_never_run_backwards() {
    assert_eq!(counter_delta(10, 25), 15);
    assert_eq!(counter_delta(u32::MAX - 4, 5), 10);
    assert_eq!(counter_delta(1000, 0), 0);
}

#[test]
fn link_types_are_those_of_files() {
    assert_eq!([1, 12, 113, 276].map(linktype_of_dlt), [1, 101, 113, 276]);
}

#[test]
fn reasons_are_told_apart() {
    let open = |text: &str| open_error("x", pcap::Error::PcapError(text.to_owned()));
    for text in [
        "Attempt to create packet socket failed - CAP_NET_RAW may be required",
        "You don't have permission to perform this capture on that device",
        "socket: Operation not permitted",
    ] {
        assert!(matches!(open(text), CaptureError::NotPermitted { .. }), "{text}");
    }
    assert!(matches!(open("No such device exists"), CaptureError::NoSuchInterface { .. }));
    assert!(matches!(open("That device is not up"), CaptureError::InterfaceDown { .. }));
    assert!(matches!(open("else"), CaptureError::Live { .. }));
    for text in ["The interface disappeared", "The interface went down", "recvfrom failed: Network is down"] {
        let error = run_error("x", &pcap::Error::PcapError(text.to_owned()));
        assert!(matches!(error, CaptureError::InterfaceGone { .. }), "{text}");
    }
}

#[test]
fn no_such_interface_says_so() {
    let error = LiveSource::open(&LiveConfig::new("stakeout-none")).err().expect("must fail");
    assert!(matches!(error, CaptureError::NoSuchInterface { .. }), "{error}");
    assert!(error.to_string().contains("\"stakeout-none\""));
}

#[test]
fn source_can_move_to_a_thread() {
    fn is_send<T: Send>() {}
    is_send::<ReopeningSource>();
}

fn run(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn ip(args: &str) {
    assert!(run(Command::new("ip").args(args.split(' '))), "ip {args}");
}

/// A namespace that is removed with its interfaces, whatever happens.
struct Namespace(String);

impl Namespace {
    /// `None`, with a word of why, where one cannot be made.
    fn new(of: &str) -> Option<Self> {
        if !nix_is_root() {
            eprintln!("SKIPPED: live capture tests need root");
            return None;
        }
        let name = format!("stakeout-{of}-{}", std::process::id());
        if !run(Command::new("ip").args(["netns", "add", &name]).stderr(Stdio::null())) {
            eprintln!("SKIPPED: live capture tests need `ip` and network namespaces");
            return None;
        }
        Some(Namespace(name))
    }

    /// Runs one of the ignored tests of this program inside, for a bounded time. `before` stands in front of it.
    fn run_test(&self, before: &[&str], test: &str) {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.0])
            .args(before)
            .arg(program)
            .args(["--ignored", "--exact", "--nocapture", &format!("capture::live::tests::{test}")])
            .env(INSIDE, &self.0)
            .stdin(Stdio::null())
            .spawn()
            .expect("ip runs");
        let deadline = Instant::now() + PATIENCE * 4;
        loop {
            if let Some(status) = child.try_wait().expect("a child") {
                assert!(status.success(), "{test} failed inside the namespace");
                return;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                panic!("{test} did not end");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        run(Command::new("ip").args(["netns", "del", &self.0]));
    }
}

fn nix_is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

#[test]
fn captures_and_survives_an_interface_that_vanishes() {
    if let Some(ns) = Namespace::new("veth") {
        ns.run_test(&[], "inside_veth");
    }
}

#[test]
fn without_the_capability_it_says_which() {
    let Some(ns) = Namespace::new("cap") else { return };
    if !run(Command::new("setpriv").arg("--version").stdout(Stdio::null()).stderr(Stdio::null())) {
        eprintln!("SKIPPED: needs `setpriv`");
        return;
    }
    ns.run_test(&["setpriv", "--bounding-set=-net_raw"], "inside_without_capability");
}

fn inside() -> bool {
    let inside = std::env::var_os(INSIDE).is_some();
    if !inside {
        eprintln!("SKIPPED: is run by another test, in a namespace of its own");
    }
    inside
}

/// A pair of interfaces: what is sent out of `tap0` to 10.99.0.2 is seen on `mirror0`.
fn make_pair() {
    ip("link add mirror0 type veth peer name tap0");
    ip("addr add 10.99.0.1/24 dev tap0");
    ip("link set tap0 up");
    ip("link set mirror0 up");
    ip("neigh replace 10.99.0.2 lladdr 02:00:00:00:00:02 dev tap0");
}

fn send(text: &str) {
    let socket = UdpSocket::bind("10.99.0.1:0").expect("an address of tap0");
    socket.send_to(text.as_bytes(), "10.99.0.2:9").expect("sent");
}

/// Polls until a frame holds `text`.
fn await_text(source: &mut ReopeningSource, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    let mut found = None;
    while found.is_none() {
        assert!(Instant::now() < deadline, "{text:?} was not captured");
        let mut look = |f: Frame<'_>| {
            if f.data.windows(text.len()).any(|w| w == text.as_bytes()) {
                found = Some((f.ts.as_nanos(), f.linktype, f.orig_len as usize == f.data.len()));
            }
        };
        source.poll(100, &mut look).expect("does not fail");
    }
    let (nanos, linktype, whole) = found.expect("found");
    assert_eq!((linktype, whole), (1, true));
    let now = crate::model::Timestamp::now().as_nanos();
    assert!(now.abs_diff(nanos) < 3_600_000_000_000, "nanoseconds, not microseconds: {nanos}");
}

fn await_state(source: &mut ReopeningSource, state: LinkState) {
    let deadline = Instant::now() + PATIENCE;
    while source.state() != state {
        assert!(Instant::now() < deadline, "never {state:?}; trouble: {:?}", source.trouble());
        let before = Instant::now();
        source.poll(100, &mut |_| {}).expect("does not fail");
        assert!(before.elapsed() < PATIENCE / 2, "a poll comes back");
    }
}

#[test]
#[ignore = "run by captures_and_survives_an_interface_that_vanishes, in a namespace"]
fn inside_veth() {
    if !inside() {
        return;
    }
    make_pair();
    let config = LiveConfig { buffer_bytes: 4 << 20, timeout: Duration::from_millis(50), ..LiveConfig::new("mirror0") };
    let mut source = ReopeningSource::open(config.clone()).expect("opens");
    let mut total = CaptureStats::default();
    send("first light");
    await_text(&mut source, "first light");
    total += source.stats();
    assert!(total.received >= 1);

    // A quiet link: the poll comes back all the same.
    let quiet_by = Instant::now() + PATIENCE;
    while source.poll(100, &mut |_| {}).expect("polls") != Poll::Idle {
        assert!(Instant::now() < quiet_by, "never idle");
    }

    // Deleted and made again.
    ip("link del mirror0");
    await_state(&mut source, LinkState::Down);
    assert!(matches!(source.trouble(), Some(CaptureError::InterfaceGone { .. })), "{:?}", source.trouble());
    let before = total.received;
    total += source.stats();
    assert!(total.received >= before && total.dropped_interface < 1000);
    make_pair();
    await_state(&mut source, LinkState::Up);
    send("second light");
    await_text(&mut source, "second light");
    let before = total.received;
    total += source.stats();
    assert!(total.received > before);
    assert_eq!(source.outages(), 1);

    // Taken down and up again, the interface itself staying.
    ip("link set mirror0 down");
    await_state(&mut source, LinkState::Down);
    let down = LiveSource::open(&config).err().expect("is down");
    assert!(matches!(down, CaptureError::InterfaceDown { .. }), "{down}");
    ip("link set mirror0 up");
    await_state(&mut source, LinkState::Up);
    send("third light");
    await_text(&mut source, "third light");
    assert_eq!(source.outages(), 2);

    // All interfaces at once, cooked.
    let mut any = LiveSource::open(&LiveConfig::new(LiveConfig::ANY)).expect("opens");
    assert!(matches!(any.linktype(), 113 | 276), "{}", any.linktype());
    any.poll(1, &mut |_| {}).expect("polls");
}

#[test]
#[ignore = "run by without_the_capability_it_says_which, in a namespace"]
fn inside_without_capability() {
    if !inside() {
        return;
    }
    ip("link set lo up");
    let error = LiveSource::open(&LiveConfig::new("lo")).err().expect("must fail");
    assert!(matches!(error, CaptureError::NotPermitted { .. }), "{error}");
    assert!(error.to_string().contains("CAP_NET_RAW"));
}
