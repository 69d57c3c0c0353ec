//! What the tests of sources share: opening them on the lab's link, frames to send, and waiting for what must come.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stakeout::capture::ring::{RingConfig, RingSource};
use stakeout::capture::{Frame, LiveConfig, LiveSource, PacketSource};

use crate::lab::namespace::MIRROR;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One captured frame: link type, length on the wire, octets.
pub(crate) type Seen = (u32, u32, Vec<u8>);

pub(crate) fn live() -> LiveConfig {
    LiveConfig { buffer_bytes: 16 << 20, timeout: Duration::from_millis(20), ..LiveConfig::new(MIRROR) }
}

pub(crate) fn ring(live: LiveConfig) -> RingSource {
    RingSource::open(&RingConfig::new(live)).expect("the ring opens")
}

pub(crate) fn pcap(live: &LiveConfig) -> LiveSource {
    LiveSource::open(live).expect("libpcap opens")
}

pub(crate) fn copy(frame: &Frame<'_>) -> Seen {
    (frame.linktype, frame.orig_len, frame.data.to_vec())
}

/// Polls until so many frames came, `at_once` at a time, and some more, should there be more.
pub(crate) fn take(source: &mut impl PacketSource, count: usize, at_once: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while seen.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} frames came", seen.len());
        source.poll(at_once, &mut |f| seen.push(copy(&f))).expect("does not fail");
    }
    for _ in 0..4 {
        source.poll(at_once, &mut |f| seen.push(copy(&f))).expect("does not fail");
    }
    seen
}

pub(crate) fn ip(args: &str) {
    let status = Command::new("ip").args(args.split(' ')).stdin(Stdio::null()).status();
    assert!(status.is_ok_and(|s| s.success()), "ip {args}");
}

/// Fails with the first difference, not with thousands of frames.
#[track_caller]
pub(crate) fn assert_same(a: &[Seen], b: &[Seen]) {
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!(a == b, "frame {i}: {a:02x?}\n{b:02x?}");
    }
    assert_eq!(a.len(), b.len(), "frames");
}

/// Whether an XDP program is attached to the mirror's interface.
pub(crate) fn program_attached() -> bool {
    let shown = Command::new("ip").args(["-details", "link", "show", "dev", MIRROR]).output().expect("ip");
    assert!(shown.status.success());
    String::from_utf8_lossy(&shown.stdout).contains("prog/xdp")
}
