//! AF_XDP in copy mode: a program in the interface's driver hands each frame to a socket, before the kernel makes a packet of
//! it, and so *takes it away* from the kernel. One worker reads one receive queue.
//!
//! It stands beside the packet ring for cards on which it is quicker; on request only (`backend = "xdp"`), and never on
//! an interface that the machine itself uses (`guard`). `unsafe` is confined to `sys`, the system calls, and `map`, the
//! shared memory. Source: `Documentation/networking/af_xdp.rst`.

mod guard;
mod map;
mod port;
mod socket;
mod sys;

pub use port::Port;

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};

use super::MAX_BATCH;
use super::drops::InterfaceDrops;
use crate::capture::live::{LinkWatch, LiveConfig, OpenSource};
use crate::capture::{CaptureError, CaptureStats, Frame, PacketSource, Poll};
use crate::model::Timestamp;
use socket::Socket;

/// Frames of one time stamp, after which those that were read are given back to the kernel.
const BATCH: usize = 64;

/// LINKTYPE_ETHERNET, the only one there is here.
const ETHERNET: u32 = 1;

/// How one worker reads its queue.
#[derive(Clone, Debug)]
pub struct XdpConfig {
    /// The interface, the octets of its frames' memory (`buffer_bytes`) and so on.
    pub live: LiveConfig,
    /// What it shares with the workers of the other queues.
    pub port: Arc<Port>,
    /// The receive queue, from 0 on. The first one counts what the interface drops and what no worker reads.
    pub queue: u32,
}

/// One open queue. It belongs to the thread that polls it, and can be moved to one.
pub struct XdpSource {
    socket: Socket,
    config: XdpConfig,
    timeout: PollTimeout,
    watch: LinkWatch,
    drops: Option<InterfaceDrops>,
    /// The beginning of a frame that lies in several buffers, and octets of it so far.
    joined: Vec<u8>,
    joined_len: usize,
    /// Frames lent since the last `stats`.
    received: u64,
    /// Frames that the kernel had dropped by then.
    dropped: u64,
    /// The socket is no longer bound to an interface.
    unbound: bool,
}

impl XdpSource {
    /// Opens the queue. Frames come once all workers of the interface have opened theirs.
    ///
    /// # Errors
    /// [`CaptureError::XdpUnfit`] for an interface that must not or cannot be read so, [`CaptureError::XdpNotPermitted`],
    /// [`CaptureError::NoSuchInterface`], [`CaptureError::InterfaceDown`].
    pub fn open(config: &XdpConfig) -> Result<Self, CaptureError> {
        let watch = LinkWatch::new(&config.live.interface)?;
        let socket = Socket::open(config)?;
        let index = socket.ifindex.cast_signed();
        let drops = (config.queue == 0).then(|| InterfaceDrops::new(&config.live.interface, index));
        Ok(XdpSource {
            socket,
            config: config.clone(),
            timeout: PollTimeout::try_from(config.live.timeout).unwrap_or(PollTimeout::MAX),
            watch,
            drops,
            joined: Vec::new(),
            joined_len: 0,
            received: 0,
            dropped: 0,
            unbound: false,
        })
    }

    /// Buffers that wait to be read now; a frame is one or several.
    pub fn waiting(&mut self) -> usize {
        self.socket.shared.waiting() as usize
    }

    /// Takes the interface up again if it was only down. `false` if a new socket is needed.
    fn resume(&mut self) -> Result<bool, CaptureError> {
        let index = socket::fit(&self.config)?;
        self.unbound |= self.socket.take_error().is_err();
        if self.unbound || index != self.socket.ifindex {
            return Ok(false);
        }
        self.watch = LinkWatch::new(&self.config.live.interface)?;
        Ok(true)
    }

    fn take(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<usize, CaptureError> {
        let mut taken = 0;
        while taken < max {
            let waiting = self.waiting().min((max - taken).min(BATCH));
            if waiting == 0 {
                break;
            }
            let now = Timestamp::now();
            for _ in 0..waiting {
                let lent = self.lend(now, visit);
                self.socket.shared.advance();
                match lent {
                    Some(lent) => taken += usize::from(lent),
                    None => {
                        let reason = "a descriptor of the ring is at odds with itself".to_owned();
                        return Err(CaptureError::Live { interface: self.config.live.interface.clone(), reason });
                    }
                }
            }
            self.socket.shared.publish();
        }
        self.received += taken as u64;
        Ok(taken)
    }

    /// Lends the frame that ends with the next buffer, or keeps its beginning (`false`).
    #[inline]
    fn lend(&mut self, now: Timestamp, visit: &mut dyn FnMut(&[Frame<'_>])) -> Option<bool> {
        let buffer = self.socket.shared.next().ok()?;
        let snaplen = self.config.live.snaplen as usize;
        let whole = self.joined_len == 0 && !buffer.goes_on;
        let (data, len) = if whole {
            (buffer.octets, buffer.octets.len())
        } else {
            self.joined_len = self.joined_len.saturating_add(buffer.octets.len());
            let room = snaplen.saturating_sub(self.joined.len()).min(buffer.octets.len());
            self.joined.extend_from_slice(&buffer.octets[..room]);
            if buffer.goes_on {
                return Some(false);
            }
            (self.joined.as_slice(), self.joined_len)
        };
        visit(&[Frame {
            ts: now,
            linktype: ETHERNET,
            interface: 0,
            orig_len: u32::try_from(len).unwrap_or(u32::MAX),
            data: data.get(..snaplen).unwrap_or(data),
        }]);
        if !whole {
            self.joined.clear();
            self.joined_len = 0;
        }
        Some(true)
    }

    fn gone(&self, reason: String) -> CaptureError {
        CaptureError::InterfaceGone { interface: self.config.live.interface.clone(), reason }
    }
}

impl Drop for XdpSource {
    fn drop(&mut self) {
        self.config.port.leave(self.socket.ifindex, self.config.queue);
    }
}

impl PacketSource for XdpSource {
    fn poll_batches(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<Poll, CaptureError> {
        let max = max.clamp(1, MAX_BATCH);
        let mut frames = self.take(max, visit)?;
        if frames == 0 {
            let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            // An interrupted wait is only a short one.
            let _ = nix::poll::poll(&mut fds, self.timeout);
            frames = self.take(max, visit)?;
        }
        if frames > 0 {
            return Ok(Poll::Frames(frames));
        }
        // What was in the ring has been handed out.
        if let Err(why) = self.socket.take_error() {
            self.unbound = true;
            return Err(self.gone(why.to_string()));
        }
        match self.watch.check() {
            Some(trouble) => Err(self.gone(trouble.words().to_owned())),
            None => Ok(Poll::Idle),
        }
    }

    fn stats(&mut self) -> CaptureStats {
        let mut stats = CaptureStats::default();
        if let Ok(counted) = sys::statistics(self.socket.as_fd()) {
            // No free frame, or no free entry; `rx_fill_ring_empty_descs` counts the first again.
            let dropped = counted.rx_dropped.saturating_add(counted.rx_ring_full);
            stats.dropped_kernel = dropped.saturating_sub(self.dropped);
            self.dropped = dropped;
        }
        if self.config.queue == 0 {
            stats.dropped_kernel += self.config.port.unread();
        }
        stats.received = std::mem::take(&mut self.received) + stats.dropped_kernel;
        stats.dropped_interface = self.drops.as_mut().map_or(0, InterfaceDrops::since_last);
        stats
    }
}

impl OpenSource for XdpConfig {
    type Source = XdpSource;

    fn open(&self) -> Result<XdpSource, CaptureError> {
        XdpSource::open(self)
    }

    fn reopen(&self, lost: &mut Option<XdpSource>) -> Result<XdpSource, CaptureError> {
        if let Some(source) = lost
            && source.resume()?
            && let Some(source) = lost.take()
        {
            return Ok(source);
        }
        // Its queue must be free before it is opened again. What it counted was told when it was lost.
        *lost = None;
        self.open()
    }

    fn timeout(&self) -> Duration {
        self.live.timeout
    }
}
