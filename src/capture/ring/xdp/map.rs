//! The memory that the kernel and this program share: frames, and the two rings that pass them to and fro.
//!
//! A frame is the kernel's while its address is in the fill ring, and ours from when it is in the receive ring until it is
//! given back. [`Shared`] lends one received buffer at a time, under a borrow that ends before it can be given back;
//! so everything above is safe code. Source: `Documentation/networking/af_xdp.rst`, `net/xdp/xsk_queue.h`.

// The rings and the frames are memory that the kernel writes.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Octets of a frame's room; the kernel keeps the first 256 for itself. A larger one than a page would need huge pages.
pub(super) const ROOM: u32 = 4096;

/// How many frames a buffer of this size holds: a power of two, as rings must be, and at least 64.
pub(super) fn frames_in(buffer: u32) -> u32 {
    let frames = (buffer / ROOM).max(64);
    1 << frames.ilog2()
}

/// A mapping, undone at the end.
struct Mapping {
    base: NonNull<u8>,
    octets: usize,
}

// SAFETY: the mapping belongs to this value alone, and is only reached through it.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Of a socket's ring, or of new memory where there is none.
    fn new(octets: usize, of: Option<(BorrowedFd<'_>, libc::off_t)>) -> io::Result<Mapping> {
        let (flags, fd, offset) = match of {
            Some((socket, offset)) => (libc::MAP_SHARED | libc::MAP_POPULATE, socket.as_raw_fd(), offset),
            None => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0),
        };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses; no memory of ours is touched.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), octets, protection, flags, fd, offset) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast::<u8>()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Mapping { base, octets })
    }

    /// The address of `len` octets at `at`, which must lie within and be aligned for `u64`, or for `u32` if `len` is 4.
    fn at(&self, at: usize, len: usize) -> NonNull<u8> {
        assert!(at.checked_add(len).is_some_and(|end| end <= self.octets), "beyond the mapping");
        assert!(at.is_multiple_of(if len == 4 { 4 } else { 8 }), "not aligned");
        // SAFETY: within the mapping, as was just asked, and the offset fits `isize` as the mapping itself does.
        unsafe { self.base.add(at) }
    }

    fn atomic(&self, at: usize) -> &AtomicU32 {
        // SAFETY: the word lies within the mapping, is aligned, and is one of a ring's two indices, which both sides only
        // ever use as atomics; the mapping lives as long as the borrow.
        unsafe { AtomicU32::from_ptr(self.at(at, 4).as_ptr().cast::<u32>()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the same address and length as were mapped; nothing borrowed from it can outlive this value.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.octets) };
    }
}

/// One of a socket's rings. Indices run on and wrap at 2^32; an entry's place is its index modulo the ring's length.
struct Ring {
    mapping: Mapping,
    producer: usize,
    consumer: usize,
    entries: usize,
    len: u32,
}

impl Ring {
    fn new(
        socket: BorrowedFd<'_>,
        offset: libc::off_t,
        parts: &libc::xdp_ring_offset,
        len: u32,
        entry: usize,
    ) -> io::Result<Ring> {
        let octets = parts.desc as usize + len as usize * entry;
        let mapping = Mapping::new(octets, Some((socket, offset)))?;
        let (producer, consumer, entries) = (parts.producer as usize, parts.consumer as usize, parts.desc as usize);
        Ok(Ring { mapping, producer, consumer, entries, len })
    }

    fn entry(&self, index: u32, size: usize) -> NonNull<u8> {
        self.mapping.at(self.entries + (index & (self.len - 1)) as usize * size, size)
    }
}

/// The memory of a socket before it is registered: frames in a row.
pub(super) struct Frames(Mapping);

impl Frames {
    /// Room for so many.
    pub(super) fn new(count: u32) -> io::Result<Frames> {
        Mapping::new(count as usize * ROOM as usize, None).map(Frames)
    }

    /// For XDP_UMEM_REG. The kernel holds on to the pages itself, so they may be unmapped at any time.
    pub(super) fn registration(&self) -> libc::xdp_umem_reg {
        libc::xdp_umem_reg {
            addr: self.0.base.as_ptr() as u64,
            len: self.0.octets as u64,
            chunk_size: ROOM,
            headroom: 0,
            flags: 0,
            tx_metadata_len: 0,
        }
    }
}

/// A descriptor that leads nowhere.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// One buffer that was received.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Buffer<'a> {
    pub(super) octets: &'a [u8],
    /// The frame goes on in the next buffer.
    pub(super) goes_on: bool,
}

/// Frames and rings of one socket.
pub(super) struct Shared {
    frames: Frames,
    fill: Ring,
    receive: Ring,
    /// Next entry of the fill ring to be written.
    filled: u32,
    /// Next entry of the receive ring to be read, and what the kernel is known to have written.
    read: u32,
    written: u32,
}

impl Shared {
    /// Maps the rings, which were set up on `socket` with `count` entries each, and gives the kernel all frames.
    pub(super) fn new(
        socket: BorrowedFd<'_>,
        frames: Frames,
        count: u32,
        offsets: &libc::xdp_mmap_offsets,
    ) -> io::Result<Shared> {
        let at = |offset: u64| libc::off_t::try_from(offset).map_err(|_| io::Error::from(io::ErrorKind::Unsupported));
        let fill = at(libc::XDP_UMEM_PGOFF_FILL_RING)?;
        let fill = Ring::new(socket, fill, &offsets.fr, count, size_of::<u64>())?;
        let receive = Ring::new(socket, libc::XDP_PGOFF_RX_RING, &offsets.rx, count, size_of::<libc::xdp_desc>())?;
        let mut shared = Shared { frames, fill, receive, filled: 0, read: 0, written: 0 };
        for n in 0..count {
            shared.give(u64::from(n) * u64::from(ROOM));
        }
        shared.publish();
        Ok(shared)
    }

    /// Descriptors that wait to be read.
    pub(super) fn waiting(&mut self) -> u32 {
        // What the kernel wrote before it moved the index is seen after this.
        self.written = self.receive.mapping.atomic(self.receive.producer).load(Ordering::Acquire);
        // Never more than there are entries, whatever the index says.
        self.written.wrapping_sub(self.read).min(self.receive.len)
    }

    /// The next buffer, which must be one of those that [`Shared::waiting`] told of. It stays the next one.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Buffer<'_>, Malformed> {
        if self.read == self.written {
            return Err(Malformed);
        }
        let described = self.described();
        let (at, len) = (usize::try_from(described.addr).map_err(|_| Malformed)?, described.len as usize);
        let within = at % ROOM as usize + len <= ROOM as usize && at < self.frames.0.octets;
        if !within {
            return Err(Malformed);
        }
        // SAFETY: within one frame, which lies within the mapping. The frame is ours until `advance`, which needs the
        // borrow of `self` to have ended; the kernel writes only into frames that are its own.
        let octets = unsafe { std::slice::from_raw_parts(self.frames.0.base.as_ptr().add(at), len) };
        Ok(Buffer { octets, goes_on: described.options & libc::XDP_PKT_CONTD != 0 })
    }

    /// Puts the frame of the next buffer back for the kernel, and goes on to the one after it.
    #[inline]
    pub(super) fn advance(&mut self) {
        if self.read != self.written {
            let at = self.described().addr;
            self.give(at - at % u64::from(ROOM));
            self.read = self.read.wrapping_add(1);
        }
    }

    /// Lets the kernel see what was given back.
    pub(super) fn publish(&mut self) {
        // Whatever was read and written before is done before the kernel sees these.
        self.receive.mapping.atomic(self.receive.consumer).store(self.read, Ordering::Release);
        self.fill.mapping.atomic(self.fill.producer).store(self.filled, Ordering::Release);
    }

    fn described(&self) -> libc::xdp_desc {
        let entry = self.receive.entry(self.read, size_of::<libc::xdp_desc>());
        // SAFETY: an aligned entry within the ring, a plain structure; callers have seen that it is written, and the
        // kernel leaves it alone until `publish` moves the consumer past it.
        unsafe { entry.cast::<libc::xdp_desc>().read() }
    }

    /// There is always room: the ring has as many entries as there are frames.
    fn give(&mut self, frame: u64) {
        let entry = self.fill.entry(self.filled, size_of::<u64>());
        // SAFETY: an aligned entry within the ring, which the kernel does not read until `publish` moves the producer past
        // it.
        unsafe { entry.cast::<u64>().write(frame) };
        self.filled = self.filled.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_buffer_that_may_be_configured_makes_rings() {
        for mib in 1..=1024_u32 {
            let frames = frames_in(mib << 20);
            assert!(frames.is_power_of_two() && frames >= 256, "{mib} MiB: {frames}");
            assert!(u64::from(frames) * u64::from(ROOM) <= u64::from(mib) << 20);
        }
        assert_eq!(frames_in(64 << 20), 16_384);
        assert_eq!(frames_in(0), 64);
    }

    /// Rings in memory of our own, in which the test plays the kernel.
    fn shared(count: u32) -> Shared {
        let ring = |entry: usize| Ring {
            mapping: Mapping::new(64 + count as usize * entry, None).expect("memory"),
            producer: 0,
            consumer: 4,
            entries: 64,
            len: count,
        };
        let frames = Frames::new(count).expect("memory");
        let (fill, receive) = (ring(8), ring(16));
        Shared { frames, fill, receive, filled: 0, read: 0, written: 0 }
    }

    fn receive(shared: &Shared, index: u32, addr: u64, len: u32, options: u32) {
        let entry = shared.receive.entry(index, 16).cast::<libc::xdp_desc>();
        // SAFETY: an aligned entry within the test's own ring.
        unsafe { entry.write(libc::xdp_desc { addr, len, options }) };
        shared.receive.mapping.atomic(0).store(index.wrapping_add(1), Ordering::Release);
    }

    #[test]
    fn frames_are_lent_in_order_and_given_back_by_their_beginning() {
        let mut shared = shared(8);
        assert_eq!(shared.waiting(), 0);
        assert!(shared.next().is_err(), "nothing is there");
        for n in 0..20 {
            receive(&shared, n, u64::from(n % 8) * 4096 + 256, 60 + n, n % 2);
            assert_eq!(shared.waiting(), 1);
            let buffer = shared.next().expect("a buffer");
            assert_eq!((buffer.octets.len(), buffer.goes_on), (60 + n as usize, n % 2 == 1));
            shared.advance();
            shared.publish();
            // SAFETY: an aligned entry within the test's own ring.
            let given = unsafe { shared.fill.entry(n, 8).cast::<u64>().read() };
            assert_eq!(given, u64::from(n % 8) * 4096);
            assert_eq!(shared.fill.mapping.atomic(0).load(Ordering::Acquire), n + 1);
            assert_eq!(shared.receive.mapping.atomic(4).load(Ordering::Acquire), n + 1);
        }
    }

    #[test]
    fn what_does_not_lie_in_a_frame_is_not_read() {
        for (addr, len) in [(256, 3841), (8 * 4096, 1), (u64::MAX, 1), (0, u32::MAX)] {
            let mut shared = shared(8);
            receive(&shared, 0, addr, len, 0);
            assert_eq!(shared.waiting(), 1);
            assert!(shared.next().is_err(), "{addr} {len}");
        }
        let mut shared = shared(8);
        receive(&shared, 0, 7 * 4096 + 256, 3840, 0);
        assert_eq!(shared.waiting(), 1);
        assert_eq!(shared.next().map(|b| b.octets.len()), Ok(3840));
    }
}
