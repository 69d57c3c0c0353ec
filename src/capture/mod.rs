//! Packets from files and from interfaces.
//!
//! A source lends one [`Frame`] at a time out of a buffer that it reuses: nothing is allocated and nothing is copied for
//! a packet. [`FileReader`] reads pcap and pcapng, plain or compressed; [`ring::RingSource`] reads one interface out of
//! memory shared with the kernel, [`LiveSource`] through libpcap, and [`InputSource`] is whichever of the two suits;
//! [`ReopeningSource`] keeps a live source going when its interface vanishes and returns. [`PacketSource`] is what they
//! share, so that a worker need not know which one it serves.
//!
//! [`softnet`] tells what the machine lost before any of them.
//! [`dnstap`] is another way in: no frames, but what a resolver tells of the messages that it handles.
//!
//! This layer knows nothing of what is inside a frame: it hands over the link type's number and the octets.

pub mod dnstap;
mod error;
mod file;
mod frame;
pub mod input;
pub mod live;
pub mod prefilter;
pub mod ring;
pub mod softnet;

pub use error::CaptureError;
pub use file::{DamageReport, FileReader, Frames, decompressed};
pub use frame::Frame;
pub use input::{Backend, InputConfig, InputSource};
pub use live::{LinkState, LiveConfig, LiveSource, ReopeningSource};

/// Where frames come from.
pub trait PacketSource {
    /// Hands at most `max` frames to `visit`, as many at once as it has side by side (at least one), and tells how it
    /// went. A live source waits no longer than its timeout; a file never waits. `max` of 0 is taken as 1.
    ///
    /// # Errors
    /// What the source cannot go on from: see [`CaptureError`]. Frames visited before the error stay visited.
    fn poll_batches(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<Poll, CaptureError>;

    /// As [`Self::poll_batches`], one frame at a time.
    ///
    /// # Errors
    /// As there.
    fn poll(&mut self, max: usize, visit: &mut dyn FnMut(Frame<'_>)) -> Result<Poll, CaptureError> {
        self.poll_batches(max, &mut |frames| frames.iter().for_each(|frame| visit(*frame)))
    }

    /// What was counted since the last call (or since the source was opened). Call it at least once a minute: libpcap's
    /// counters have 32 bits and wrap.
    fn stats(&mut self) -> CaptureStats;
}

/// What a call of [`PacketSource::poll`] came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Poll {
    /// So many frames were visited, at least one; there may be more at once.
    Frames(usize),
    /// Nothing came within the timeout: time for housekeeping.
    Idle,
    /// The end of a file; every further call says so too.
    End,
}

/// Counts of one interval, made to be added up.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct CaptureStats {
    /// Frames that reached the source. On a live source the ones in `dropped_kernel` are among them, as Linux counts.
    pub received: u64,
    /// Frames lost because the kernel's capture buffer was full: this program was too slow, or the buffer too small.
    pub dropped_kernel: u64,
    /// Frames lost by the interface or its driver before the kernel saw them.
    pub dropped_interface: u64,
    /// How often the kernel found every block of the ring full and stopped filling it. Only the ring knows.
    pub freezes: u64,
}

impl std::ops::AddAssign for CaptureStats {
    fn add_assign(&mut self, other: Self) {
        self.received = self.received.saturating_add(other.received);
        self.dropped_kernel = self.dropped_kernel.saturating_add(other.dropped_kernel);
        self.dropped_interface = self.dropped_interface.saturating_add(other.dropped_interface);
        self.freezes = self.freezes.saturating_add(other.freezes);
    }
}
