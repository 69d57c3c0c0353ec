//! AF_XDP on a link of the test's own: every frame comes as it was sent, whatever is lost is counted, the interface may come
//! and go, nothing stays attached, and an interface that the machine needs is left alone.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::unistd::{Uid, seteuid};
use stakeout::capture::ring::xdp::{Port, XdpConfig, XdpSource};
use stakeout::capture::{CaptureError, CaptureStats, LinkState, LiveConfig, PacketSource, Poll, ReopeningSource};
use stakeout::model::Timestamp;

use crate::frames::{corpus, frame};
use crate::lab::daemon::Settings;
use crate::lab::namespace::{MIRROR, TAP, inside, run_inside, send};
use crate::lab::packets::ethernet;
use crate::lab::skip;
use crate::tool::{PATIENCE, assert_same, ip, live, pcap, program_attached, take};

#[test]
fn every_frame_comes_as_it_was_sent_and_as_libpcap_shows_it() {
    run_inside("xdp::inside_same");
}

#[test]
fn large_frames_are_joined_and_cut() {
    run_inside("xdp::inside_large");
}

#[test]
fn full_memory_counts_what_it_loses_and_goes_on() {
    run_inside("xdp::inside_full");
}

#[test]
fn each_queue_has_its_worker_and_what_nobody_reads_is_counted() {
    run_inside("xdp::inside_queues");
}

#[test]
fn an_interface_that_returns_is_read_again() {
    run_inside("xdp::inside_returns");
}

#[test]
fn an_interface_that_is_needed_is_left_alone() {
    run_inside("xdp::inside_refused");
}

/// Whether this is the copy inside, and AF_XDP works in this kernel at all: it does where the simplest case does.
fn inside_with_xdp() -> bool {
    if !inside() {
        return false;
    }
    match XdpSource::open(&alone(live())) {
        Ok(_) => true,
        Err(CaptureError::XdpUnfit { reason, .. }) if reason.contains("Linux 6.6") => {
            skip(&format!("this kernel lacks AF_XDP: {reason}"));
            false
        }
        Err(error) => panic!("{error}"),
    }
}

fn alone(live: LiveConfig) -> XdpConfig {
    XdpConfig { live, port: Arc::new(Port::new(1)), queue: 0 }
}

fn open(live: LiveConfig) -> XdpSource {
    XdpSource::open(&alone(live)).expect("opens")
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_same() {
    if !inside_with_xdp() {
        return;
    }
    let frames = corpus();
    let sent: Vec<_> = frames.iter().map(|f| (1, f.len() as u32, f.clone())).collect();
    for at_once in [1 << 20, 1] {
        let by_pcap = {
            let mut pcap = pcap(&live());
            send(&frames);
            take(&mut pcap, frames.len(), at_once)
        };
        let mut source = open(live());
        assert!(program_attached());
        let before = Timestamp::now();
        send(&frames);
        let seen = take(&mut source, frames.len(), at_once);
        assert_same(&seen, &sent);
        assert_same(&seen, &by_pcap);
        let all = frames.len() as u64;
        assert_eq!(source.stats(), CaptureStats { received: all, ..CaptureStats::default() });
        assert_eq!(source.stats(), CaptureStats::default(), "counts are deltas");
        send(&frames[..1]);
        let mut at = None;
        while at.is_none() {
            source.poll(9, &mut |f| at = Some(f.ts)).expect("polls");
        }
        assert!(at.is_some_and(|at| at > before && at <= Timestamp::now()));
        drop(source);
        assert!(!program_attached(), "detached with its source");
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_large() {
    if !inside_with_xdp() {
        return;
    }
    for end in [TAP, MIRROR] {
        ip(&format!("link set {end} mtu 65535"));
    }
    // Around the room of one buffer, and up to what the kernel joins segments to.
    let lengths = [3_839, 3_840, 3_841, 4_096, 7_680, 7_681, 9_000, 32_768, 60_000];
    let frames: Vec<_> = lengths.iter().map(|len| frame(&[0x08, 0x00], *len, *len as u16)).collect();
    for snaplen in [262_144, 5_000, 1_000] {
        let mut source = open(LiveConfig { snaplen, ..live() });
        send(&frames);
        let expected: Vec<_> =
            frames.iter().map(|f| (1, f.len() as u32, f[..f.len().min(snaplen as usize)].to_vec())).collect();
        assert_same(&take(&mut source, frames.len(), 2), &expected);
        assert_eq!(source.stats(), CaptureStats { received: frames.len() as u64, ..CaptureStats::default() });
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_full() {
    if !inside_with_xdp() {
        return;
    }
    let mut source = open(LiveConfig { buffer_bytes: 1 << 20, ..live() });
    let frames: Vec<_> = (0..2_000).map(|n| frame(&[0x08, 0x00], 600, n)).collect();
    send(&frames);
    std::thread::sleep(Duration::from_millis(200));
    assert!(source.waiting() > 0);
    let mut seen = Vec::new();
    while source.poll(100, &mut |f| seen.push(f.data.to_vec())).expect("polls") != Poll::Idle {}
    let stats = source.stats();
    assert_eq!((stats.received, stats.dropped_kernel), (2_000, 2_000 - seen.len() as u64));
    assert!(stats.dropped_kernel > 0);
    assert!(seen.iter().zip(&frames).all(|(a, b)| a == b), "what fitted is as it was");
    send(&frames[..50]);
    assert_eq!(take(&mut source, 50, 7).len(), 50);
    assert_eq!(source.stats(), CaptureStats { received: 50, ..CaptureStats::default() });
}

/// Frames of many hosts, so that they are spread.
fn of_many(count: u32) -> Vec<Vec<u8>> {
    let one = |n: u32| {
        let [_, b, c, d] = n.to_be_bytes();
        let from = std::net::IpAddr::from([10, b, c, d]);
        ethernet(false, &crate::lab::packets::ip(from, [192, 0, 2, 1].into(), 50, 1, &[7; 60]))
    };
    (0..count).map(one).collect()
}

fn make_pair(queues: u32) {
    ip(&format!(
        "link add {MIRROR} numrxqueues {queues} numtxqueues {queues} type veth peer name {TAP} numtxqueues {queues} \
         numrxqueues {queues}"
    ));
    for end in [TAP, MIRROR] {
        ip(&format!("link set {end} mtu 4000 addrgenmode none"));
        ip(&format!("link set {end} up"));
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_queues() {
    if !inside_with_xdp() {
        return;
    }
    ip(&format!("link del {MIRROR}"));
    make_pair(2);
    for workers in [1, 3] {
        let config = XdpConfig { port: Arc::new(Port::new(workers)), ..alone(live()) };
        let error = XdpSource::open(&config).err().expect("refused").to_string();
        assert!(error.contains(&format!("2 receive queues and capture.workers is {workers}")), "{error}");
    }
    let port = Arc::new(Port::new(2));
    let one = |queue| XdpSource::open(&XdpConfig { live: live(), port: Arc::clone(&port), queue }).expect("opens");
    let mut first = one(0);
    assert!(!program_attached(), "nothing is taken before everybody is there");
    let mut second = one(1);
    assert!(program_attached());
    let frames = of_many(600);
    send(&frames);
    let mut came = [0, 0];
    let deadline = Instant::now() + PATIENCE;
    while came[0] + came[1] < 600 {
        assert!(Instant::now() < deadline, "{came:?}");
        for (source, came) in [&mut first, &mut second].into_iter().zip(&mut came) {
            source.poll(100, &mut |_| *came += 1).expect("polls");
        }
    }
    assert!(came.iter().all(|n| *n > 0), "both work: {came:?}");
    for (source, came) in [&mut first, &mut second].into_iter().zip(came) {
        assert_eq!(source.stats(), CaptureStats { received: came, ..CaptureStats::default() });
    }
    // A queue without its worker: what comes by it is not read, and counted by the first.
    drop(second);
    send(&frames);
    let seen = take(&mut first, came[0] as usize, 100).len() as u64;
    let deadline = Instant::now() + PATIENCE;
    let mut total = first.stats();
    while total.received < 600 {
        assert!(Instant::now() < deadline, "{total:?}");
        total += first.stats();
    }
    assert_eq!((total.received, total.dropped_kernel), (600, 600 - seen));
    assert_eq!(seen, came[0]);
    drop(first);
    assert!(!program_attached());
}

fn await_state(source: &mut ReopeningSource<XdpConfig>, state: LinkState) {
    let deadline = Instant::now() + PATIENCE;
    while source.state() != state {
        assert!(Instant::now() < deadline, "never {state:?}: {:?}", source.trouble());
        source.poll(100, &mut |_| {}).expect("does not fail");
    }
}

fn all_is_well(source: &mut ReopeningSource<XdpConfig>) {
    send(&of_many(300));
    assert_eq!(take(source, 300, 100).len(), 300);
    assert_eq!(source.stats(), CaptureStats { received: 300, ..CaptureStats::default() });
    assert!(program_attached());
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_returns() {
    if !inside_with_xdp() {
        return;
    }
    let mut source = ReopeningSource::open(alone(live())).expect("opens");
    all_is_well(&mut source);
    for _ in 0..2 {
        ip(&format!("link set {MIRROR} down"));
        await_state(&mut source, LinkState::Down);
        ip(&format!("link set {MIRROR} up"));
        await_state(&mut source, LinkState::Up);
        all_is_well(&mut source);
        ip(&format!("link del {MIRROR}"));
        await_state(&mut source, LinkState::Down);
        assert!(matches!(source.trouble(), Some(CaptureError::InterfaceGone { .. })), "{:?}", source.trouble());
        make_pair(1);
        await_state(&mut source, LinkState::Up);
        all_is_well(&mut source);
    }
    // It vanishes with frames in the ring.
    send(&of_many(20));
    ip(&format!("link del {MIRROR}"));
    assert_eq!(take(&mut source, 20, 3).len(), 20);
    await_state(&mut source, LinkState::Down);
    assert_eq!(source.stats().received, 20, "nothing that it counted is forgotten");
    // It returns as one that the machine uses.
    make_pair(1);
    ip(&format!("address add 192.0.2.7/24 dev {MIRROR}"));
    let deadline = Instant::now() + PATIENCE;
    while !matches!(source.trouble(), Some(CaptureError::XdpUnfit { .. })) {
        assert!(Instant::now() < deadline, "{:?}", source.trouble());
        source.poll(100, &mut |_| {}).expect("does not fail");
    }
    assert!(!program_attached());
    ip(&format!("address del 192.0.2.7/24 dev {MIRROR}"));
    await_state(&mut source, LinkState::Up);
    all_is_well(&mut source);
    drop(source);
    assert!(!program_attached());
}

fn why_not(interface: &str) -> CaptureError {
    XdpSource::open(&alone(LiveConfig { interface: interface.to_owned(), ..live() })).err().expect("refused")
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_refused() {
    if !inside_with_xdp() {
        return;
    }
    let refused = |interface: &str, part: &str| {
        let error = why_not(interface);
        assert!(matches!(error, CaptureError::XdpUnfit { .. }) && error.to_string().contains(part), "{error}");
        assert!(!program_attached());
    };
    refused("lo", "loopback");
    for address in ["192.0.2.7/24", "2001:db8::7/64"] {
        ip(&format!("address add {address} dev {MIRROR}"));
        refused(MIRROR, "it has an IP address");
        // The daemon says so and does not start.
        let temp = tempfile::tempdir().unwrap();
        let config = Settings { capture: "backend = \"xdp\"", ..Settings::new(temp.path()) }.write(temp.path());
        let mut run = Command::new(env!("CARGO_BIN_EXE_stakeout"));
        let run = run.args(["run", "--config"]).arg(config).stdin(Stdio::null());
        let output = run.current_dir(temp.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("it has an IP address"), "{}: {said}", output.status);
        ip(&format!("address del {address} dev {MIRROR}"));
    }
    ip(&format!("address add fe80::7/64 dev {MIRROR}"));
    drop(open(live()));
    // Another interface on top of it, which may have an address at any time.
    ip("link add name br7 type bridge");
    ip(&format!("link set {MIRROR} master br7"));
    refused(MIRROR, "\"br7\" is on top of it");
    ip("link del br7");
    // Two programs on one interface would fight over its frames.
    let first = open(live());
    let error = why_not(MIRROR).to_string();
    assert!(error.contains("another program has the queue"), "{error}");
    drop(first);
    ip("tuntap add dev tun0 mode tun");
    ip("link set tun0 up");
    refused("tun0", "not Ethernet");
    ip(&format!("link set {MIRROR} down"));
    assert!(matches!(why_not(MIRROR), CaptureError::InterfaceDown { .. }));
    assert!(matches!(why_not("nosuch0"), CaptureError::NoSuchInterface { .. }));
    ip(&format!("link set {MIRROR} up"));
    seteuid(Uid::from_raw(65_534)).expect("gives rights up");
    let error = why_not(MIRROR);
    seteuid(Uid::from_raw(0)).expect("takes them back");
    assert!(matches!(error, CaptureError::XdpNotPermitted { .. }), "{error}");
    assert!(error.to_string().contains("CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF"));
}
