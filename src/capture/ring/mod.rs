//! Fast live capture: an AF_PACKET receive ring (TPACKET_V3) that the kernel fills and this program reads in place.
//!
//! No frame is copied and no system call is made for a packet: the kernel hands over a block of some hundred of them,
//! they are lent out of it some at a time, and the block is given back. While nothing comes the source waits in one
//! poll(2). Several workers may share an interface, each with a ring of its own in one fanout [`Group`].
//!
//! It shows what libpcap shows: both directions, tags put back, loopback once. `unsafe` is confined to `sys`, the system
//! calls, and `map`, the shared memory. Sources: packet(7), `Documentation/networking/packet_mmap.rst`.

mod attach;
mod block;
mod drops;
mod group;
mod map;
mod pool;
mod socket;
mod spread;
mod sys;
mod tags;
#[cfg(feature = "xdp")]
pub mod xdp;

pub use attach::{AttachFn, Filter, Instruction, attach};
pub use group::Group;
pub use pool::SocketPool;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout};

use super::live::{LinkWatch, LiveConfig, OpenSource};
use super::{CaptureError, CaptureStats, Frame, PacketSource, Poll};
use block::{Cursor, Reading};
use drops::InterfaceDrops;
use socket::{Link, RingSocket};

/// Most frames of one call: after so many the worker gets a chance for other things, whatever it asked for.
const MAX_BATCH: usize = 1 << 20;

/// How one worker reads its interface.
#[derive(Clone, Debug)]
pub struct RingConfig {
    /// The interface, the size of the ring and so on. [`LiveConfig::ANY`] cannot be read through a ring.
    pub live: LiveConfig,
    /// With whom it shares the interface; `None` for a worker that reads it alone.
    pub group: Option<Arc<Group>>,
    /// Counts what the interface itself drops: one worker of each interface does.
    pub counts_interface_drops: bool,
    /// Which packets are taken.
    pub filter: Filter,
    /// Where sockets come from.
    pub sockets: Arc<SocketPool>,
}

impl RingConfig {
    /// A worker that reads an interface alone and takes everything.
    pub fn new(live: LiveConfig) -> Self {
        RingConfig {
            live,
            group: None,
            counts_interface_drops: true,
            filter: Filter::All,
            sockets: Arc::new(SocketPool::default()),
        }
    }
}

fn reading_of(config: &RingConfig, link: Link) -> Reading {
    Reading { linktype: link.linktype, snaplen: config.live.snaplen as usize, skip_outgoing: link.loopback }
}

fn drops_of(config: &RingConfig, index: i32) -> Option<InterfaceDrops> {
    config.counts_interface_drops.then(|| InterfaceDrops::new(&config.live.interface, index))
}

/// One open ring. It belongs to the thread that polls it, and can be moved to one.
pub struct RingSource {
    ring: RingSocket,
    config: RingConfig,
    reading: Reading,
    /// The block that is read or awaited.
    block: usize,
    /// How far it has been read; `None` before its first frame.
    cursor: Option<Cursor>,
    timeout: PollTimeout,
    watch: LinkWatch,
    drops: Option<InterfaceDrops>,
    /// What is wrong with the interface, and until when its last packets may still be handed over.
    ending: Option<(String, Instant)>,
}

impl AsFd for RingSource {
    /// The socket, for a filter to be attached; it must not be bound or read.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

impl RingSource {
    /// Opens a ring on the interface and starts capturing.
    ///
    /// # Errors
    /// [`CaptureError::NoSuchInterface`], [`CaptureError::NotPermitted`], [`CaptureError::InterfaceDown`],
    /// [`CaptureError::RingUnfit`] for what only libpcap can read, or the kernel's own words.
    pub fn open(config: &RingConfig) -> Result<Self, CaptureError> {
        let interface = &config.live.interface;
        if interface == LiveConfig::ANY {
            let reason = "all interfaces together have no one kind of frame".to_owned();
            return Err(CaptureError::RingUnfit { interface: interface.clone(), reason });
        }
        let watch = LinkWatch::new(interface)?;
        let ring = RingSocket::open(config)?;
        let timeout = PollTimeout::try_from(config.live.timeout).unwrap_or(PollTimeout::MAX);
        let drops = drops_of(config, ring.link.index);
        let reading = reading_of(config, ring.link);
        Ok(RingSource {
            ring,
            config: config.clone(),
            reading,
            block: 0,
            cursor: None,
            timeout,
            watch,
            drops,
            ending: None,
        })
    }

    /// The LINKTYPE of its frames.
    pub fn linktype(&self) -> u32 {
        self.reading.linktype
    }

    /// Takes the interface up again after it was lost, with the same ring if that can be; packets that still lie in it
    /// come first. `false` if a new ring is needed.
    fn resume(&mut self) -> Result<bool, CaptureError> {
        let interface = self.config.live.interface.clone();
        let link = socket::link(self.ring.as_fd(), &interface)?;
        // Not by the index that was bound: the new interface may have been given the old one's.
        let same = sys::bound_to(self.ring.as_fd()).is_ok_and(|bound| bound == link.index);
        // A group belongs to an interface, and its members to it as long as they live.
        if !same && let Some(group) = &self.config.group {
            group.give_up(self.ring.as_fd());
            return Ok(false);
        }
        if !same && link.linktype != self.ring.link.linktype {
            return Ok(false);
        }
        // The error of the loss, if nobody has asked for it.
        let _ = self.ring.take_error();
        let watch = LinkWatch::new(&interface)?;
        if !same {
            self.ring.rebind(link, &self.config)?;
            self.reading = reading_of(&self.config, link);
            self.drops = drops_of(&self.config, link.index);
        }
        // The kernel itself takes up an interface that was only down.
        self.watch = watch;
        self.ending = None;
        Ok(true)
    }

    /// Lends what the kernel has handed over.
    #[inline]
    fn take(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<usize, CaptureError> {
        let mut taken = 0;
        while taken < max {
            let Some(block) = self.ring.map.block(self.block) else { break };
            let cursor = self.cursor.get_or_insert_with(|| Cursor::new(block));
            let lent = cursor.lend(block, max - taken, self.reading, visit);
            let read = lent.is_err() || cursor.is_at_end();
            if read {
                self.cursor = None;
                self.ring.map.give_back(self.block);
                self.block = (self.block + 1) % self.ring.map.blocks();
            }
            taken += lent.map_err(|_| CaptureError::Live {
                interface: self.config.live.interface.clone(),
                reason: "a block of the ring is at odds with itself".to_owned(),
            })?;
        }
        Ok(taken)
    }

    /// Waits until the kernel hands a block over, or for the timeout.
    fn wait(&mut self) {
        let mut fds = [PollFd::new(self.ring.as_fd(), PollFlags::POLLIN)];
        // An interrupted wait is only a short one.
        let ready = nix::poll::poll(&mut fds, self.timeout).is_ok_and(|ready| ready > 0);
        let error = fds[0].revents().is_some_and(|what| !what.difference(PollFlags::POLLIN).is_empty());
        // Reading the error takes it away, so that the next wait is one.
        if ready
            && error
            && let Err(why) = self.ring.take_error()
        {
            self.lost(why.to_string());
        }
    }

    /// Notes that the interface is gone. What the kernel has of it in a block that is not full is handed over within
    /// twice the timeout.
    fn lost(&mut self, why: String) {
        let left = self.config.live.timeout.saturating_mul(2).max(Duration::from_millis(20));
        self.ending.get_or_insert_with(|| (why, Instant::now() + left));
    }
}

impl PacketSource for RingSource {
    #[inline]
    fn poll_batches(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<Poll, CaptureError> {
        let max = max.clamp(1, MAX_BATCH);
        let mut frames = self.take(max, visit)?;
        if frames == 0 {
            self.wait();
            frames = self.take(max, visit)?;
        }
        if frames > 0 {
            return Ok(Poll::Frames(frames));
        }
        if let Some(trouble) = self.watch.check() {
            self.lost(trouble.words().to_owned());
        }
        match &self.ending {
            Some((why, until)) if Instant::now() >= *until => {
                Err(CaptureError::InterfaceGone { interface: self.config.live.interface.clone(), reason: why.clone() })
            }
            _ => Ok(Poll::Idle),
        }
    }

    fn stats(&mut self) -> CaptureStats {
        let mut stats = CaptureStats::default();
        if let Ok(counted) = sys::statistics(self.ring.as_fd()) {
            // The kernel adds those that it dropped to those that it received.
            stats.received = u64::from(counted.tp_packets);
            stats.dropped_kernel = u64::from(counted.tp_drops);
            stats.freezes = u64::from(counted.tp_freeze_q_cnt);
        }
        stats.dropped_interface = self.drops.as_mut().map_or(0, InterfaceDrops::since_last);
        stats
    }
}

impl OpenSource for RingConfig {
    type Source = RingSource;

    fn open(&self) -> Result<RingSource, CaptureError> {
        RingSource::open(self)
    }

    fn reopen(&self, lost: &mut Option<RingSource>) -> Result<RingSource, CaptureError> {
        if let Some(source) = lost
            && source.resume()?
            && let Some(source) = lost.take()
        {
            return Ok(source);
        }
        self.open()
    }

    fn timeout(&self) -> Duration {
        self.live.timeout
    }
}
