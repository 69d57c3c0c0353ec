//! Live capture of one interface through libpcap.
//!
//! libpcap is used without its immediate mode, which would make it fall back from TPACKET_V3's blocks to one system call
//! a packet: a large buffer and a timeout give batches instead. And it is used without blocking: from TPACKET_V3 on a
//! quiet link a blocking read does not return at all, timeout or not, so this module waits for the socket itself and
//! gets back to the worker in time.

mod config;
mod link;
mod reopen;
#[cfg(test)]
mod tests;

pub use config::LiveConfig;
pub(super) use link::LinkWatch;
pub use reopen::{LinkState, OpenSource, ReopeningSource};

use super::{CaptureError, CaptureStats, Frame, PacketSource, Poll};
use crate::model::Timestamp;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use pcap::{Active, Capture};
use std::os::fd::AsFd;
use std::time::Duration;

/// Most frames of one call: after so many the worker gets a chance for other things, whatever it asked for.
const MAX_BATCH: usize = 1 << 20;
/// Pause where the socket says there is something and libpcap finds nothing, so that an error that sticks does not turn
/// into a busy loop.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// One open interface. It belongs to the thread that polls it, and can be moved to one.
pub struct LiveSource {
    capture: Capture<Active>,
    interface: String,
    linktype: u32,
    timeout: PollTimeout,
    watch: Option<LinkWatch>,
    counted: pcap::Stat,
}

impl LiveSource {
    /// Opens the interface and starts capturing.
    ///
    /// # Errors
    /// [`CaptureError::NoSuchInterface`], [`CaptureError::NotPermitted`], [`CaptureError::InterfaceDown`], or libpcap's
    /// own words.
    pub fn open(config: &LiveConfig) -> Result<Self, CaptureError> {
        let interface = config.interface.clone();
        let any = interface == LiveConfig::ANY;
        let watch = if any { None } else { Some(LinkWatch::new(&interface)?) };
        let failed = |e: pcap::Error| open_error(&interface, e);
        let capture = Capture::from_device(interface.as_str())
            .map_err(failed)?
            .snaplen(as_c_int(config.snaplen))
            .buffer_size(as_c_int(config.buffer_bytes))
            .timeout(config.timeout_ms())
            // Not there on all interfaces together: libpcap warns, which the crate takes for an error.
            .promisc(config.promiscuous && !any)
            .precision(pcap::Precision::Nano)
            .open()
            .map_err(failed)?
            .setnonblock()
            .map_err(failed)?;
        let linktype = linktype_of_dlt(capture.get_datalink().0);
        let timeout = PollTimeout::try_from(config.timeout).unwrap_or(PollTimeout::MAX);
        let counted = pcap::Stat { received: 0, dropped: 0, if_dropped: 0 };
        Ok(LiveSource { capture, interface, linktype, timeout, watch, counted })
    }

    /// The name it was opened by.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// The LINKTYPE of its frames.
    pub fn linktype(&self) -> u32 {
        self.linktype
    }

    /// What libpcap has ready now.
    fn take(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<usize, CaptureError> {
        let linktype = self.linktype;
        let lend = |packet: pcap::Packet<'_>| {
            let time = packet.header.ts;
            visit(&[Frame {
                // With nanosecond precision, which Linux always grants, libpcap puts nanoseconds in the microseconds.
                ts: Timestamp::from_parts(
                    u64::try_from(time.tv_sec).unwrap_or(0),
                    u64::try_from(time.tv_usec).unwrap_or(0),
                ),
                linktype,
                interface: 0,
                orig_len: packet.header.len,
                data: packet.data,
            }]);
        };
        self.capture.dispatch(Some(max.clamp(1, MAX_BATCH)), lend).map_err(|e| run_error(&self.interface, &e))
    }

    /// Waits until the kernel has a block of packets for us, or for the timeout. Tells whether the socket has an error.
    fn wait(&self) -> bool {
        let mut fds = [PollFd::new(self.capture.as_fd(), PollFlags::POLLIN)];
        // An interrupted wait is only a short one.
        nix::poll::poll(&mut fds, self.timeout).is_ok_and(|ready| ready > 0)
            && fds.iter().any(|fd| fd.revents().is_some_and(|what| !what.difference(PollFlags::POLLIN).is_empty()))
    }
}

impl PacketSource for LiveSource {
    fn poll_batches(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<Poll, CaptureError> {
        let mut frames = self.take(max, visit)?;
        if frames == 0 {
            let error = self.wait();
            frames = self.take(max, visit)?;
            if frames == 0 && error {
                std::thread::sleep(ERROR_PAUSE);
            }
        }
        if frames > 0 {
            return Ok(Poll::Frames(frames));
        }
        // libpcap from 1.10 on says nothing of an interface that is only taken down, and waits for its return.
        match self.watch.as_mut().and_then(LinkWatch::check) {
            None => Ok(Poll::Idle),
            Some(trouble) => {
                let reason = trouble.words().to_owned();
                Err(CaptureError::InterfaceGone { interface: self.interface.clone(), reason })
            }
        }
    }

    fn stats(&mut self) -> CaptureStats {
        let Ok(now) = self.capture.stats() else { return CaptureStats::default() };
        let before = std::mem::replace(&mut self.counted, now);
        CaptureStats {
            received: counter_delta(before.received, now.received),
            dropped_kernel: counter_delta(before.dropped, now.dropped),
            dropped_interface: counter_delta(before.if_dropped, now.if_dropped),
            freezes: 0,
        }
    }
}

/// From one reading of a 32-bit counter to the next. It may have wrapped; a step of more than half its range is one
/// backwards (the interface was replaced, and libpcap subtracted the old one's counts), and nothing happened.
fn counter_delta(before: u32, now: u32) -> u64 {
    let step = now.wrapping_sub(before);
    if step > u32::MAX / 2 { 0 } else { u64::from(step) }
}

fn as_c_int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// libpcap's numbers in memory (DLT) are those of files (LINKTYPE) but for these, which differ between systems.
fn linktype_of_dlt(dlt: i32) -> u32 {
    match dlt {
        11 => 100,      // ATM_RFC1483
        12 | 14 => 101, // RAW
        15 => 102,      // SLIP_BSDOS
        16 => 103,      // PPP_BSDOS
        other => u32::try_from(other).unwrap_or(u32::MAX),
    }
}

fn words(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

/// libpcap tells the reason in words only.
fn open_error(interface: &str, error: pcap::Error) -> CaptureError {
    let interface = interface.to_owned();
    let reason = words(&error);
    let says = |part: &str| reason.contains(part);
    if says("CAP_NET_RAW") || says("permission") || says("not permitted") {
        CaptureError::NotPermitted { interface }
    } else if says("No such device") {
        CaptureError::NoSuchInterface { interface }
    } else if says("is not up") || says("is down") {
        CaptureError::InterfaceDown { interface }
    } else {
        CaptureError::Live { interface, reason }
    }
}

fn run_error(interface: &str, error: &pcap::Error) -> CaptureError {
    let interface = interface.to_owned();
    let reason = words(error);
    let says = |part: &str| reason.contains(part);
    if says("disappeared") || says("went down") || says("is down") || says("No such device") {
        CaptureError::InterfaceGone { interface, reason }
    } else {
        CaptureError::Live { interface, reason }
    }
}
