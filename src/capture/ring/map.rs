//! The memory that the kernel and this program share: a ring of blocks, each owned by one side at a time.
//!
//! A block's status word says whose it is. This module hands out a block only while it is ours, as a plain slice whose
//! borrow ends before it can be given back; so everything above it is safe code.

// The ring is memory that the kernel writes.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where `tpacket_hdr_v1.block_status` lies in a block: behind `version` and `offset_to_priv`.
const STATUS_AT: usize = 8;

/// How the ring is cut up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Geometry {
    /// Octets of a block: a power of two, and whole pages.
    pub(super) block: u32,
    /// Number of blocks.
    pub(super) blocks: u32,
}

impl Geometry {
    /// A block large enough for the largest super-packet, and enough blocks that the kernel can fill some while one is
    /// read: of 1 MiB, or smaller in a small buffer.
    pub(super) fn of(buffer: u32) -> Geometry {
        const LARGEST: u32 = 1 << 20;
        const SMALLEST: u32 = 128 << 10;
        const BLOCKS: u32 = 8;
        let mut block = LARGEST;
        while block > SMALLEST && buffer / block < BLOCKS {
            block /= 2;
        }
        Geometry { block, blocks: (buffer / block).max(2) }
    }

    fn octets(self) -> usize {
        self.block as usize * self.blocks as usize
    }
}

/// The mapped ring of one socket.
pub(super) struct Map {
    base: NonNull<u8>,
    geometry: Geometry,
}

// SAFETY: the mapping belongs to this value alone, and every access to a block's octets goes through `&mut self`.
unsafe impl Send for Map {}

impl Map {
    /// Maps the ring that was set up on `socket` with this geometry.
    pub(super) fn new(socket: BorrowedFd<'_>, geometry: Geometry) -> io::Result<Map> {
        // SAFETY: a new mapping at an address that the kernel chooses; no memory of ours is touched.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                geometry.octets(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                socket.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast::<u8>()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Map { base, geometry })
    }

    /// How many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        self.geometry.blocks as usize
    }

    /// Block `n`, if the kernel has handed it over.
    #[inline]
    pub(super) fn block(&mut self, n: usize) -> Option<&mut [u8]> {
        // What the kernel wrote before it set the status is seen after this.
        if self.status(n).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: the block lies within the mapping (`at` has checked it). It is ours until `give_back`, and the kernel
        // does not touch it meanwhile, its status word included. The borrow of `self` keeps `give_back` from being
        // called and a second slice from being made while this one lives.
        Some(unsafe { std::slice::from_raw_parts_mut(self.at(n).as_ptr(), self.geometry.block as usize) })
    }

    /// Lets the kernel have block `n` again.
    #[inline]
    pub(super) fn give_back(&mut self, n: usize) {
        // Whatever was read and written in the block is done before the kernel sees this.
        self.status(n).store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }

    fn at(&self, n: usize) -> NonNull<u8> {
        assert!(n < self.blocks(), "a block beyond the ring");
        // SAFETY: the block begins within the mapping, and its offset fits `isize` as the mapping itself does.
        unsafe { self.base.add(n * self.geometry.block as usize) }
    }

    fn status(&self, n: usize) -> &AtomicU32 {
        // SAFETY: the word lies within the block, which is longer than a page and aligned to one. The kernel changes it
        // at any time, so it is only ever used as an atomic: no slice over the block lives while `self` is borrowed here.
        unsafe { AtomicU32::from_ptr(self.at(n).as_ptr().add(STATUS_AT).cast::<u32>()) }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the same address and length as were mapped; no slice of it can outlive this value.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.geometry.octets()) };
    }
}

#[cfg(test)]
mod tests {
    use super::Geometry;

    #[test]
    fn every_buffer_that_may_be_configured_makes_a_ring() {
        for mib in 1..=1024 {
            let buffer = mib << 20;
            let geometry = Geometry::of(buffer);
            assert!(geometry.block.is_power_of_two() && geometry.block.is_multiple_of(4096));
            assert!(geometry.blocks >= 8 && geometry.octets() <= buffer as usize, "{mib} MiB: {geometry:?}");
            assert!(geometry.block > 65_536 + 4096, "a packet of 64 KiB fits");
        }
        assert_eq!(Geometry::of(64 << 20), Geometry { block: 1 << 20, blocks: 64 });
        assert_eq!(Geometry::of(1 << 20), Geometry { block: 128 << 10, blocks: 8 });
        assert_eq!(Geometry::of(0).blocks, 2);
    }
}
