//! The system calls of an AF_XDP socket that nix does not know, each as a safe function.
//!
//! Sources: `linux/if_xdp.h`, `Documentation/networking/af_xdp.rst`, `net/xdp/xsk.c`.

// Calls into the C library; nothing here touches the mapped rings.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{c_int, c_void, socklen_t};

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A socket that is bound to nothing yet. Needs CAP_NET_RAW.
pub(super) fn socket() -> io::Result<OwnedFd> {
    // SAFETY: socket(2) takes no pointer.
    let fd = check(unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the descriptor was just opened and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Binds to one receive queue of an interface.
pub(super) fn bind(fd: BorrowedFd<'_>, ifindex: u32, queue: u32, flags: u16) -> io::Result<()> {
    let address = libc::sockaddr_xdp {
        sxdp_family: libc::AF_XDP as u16,
        sxdp_flags: flags,
        sxdp_ifindex: ifindex,
        sxdp_queue_id: queue,
        sxdp_shared_umem_fd: 0,
    };
    let len = size_of::<libc::sockaddr_xdp>() as socklen_t;
    // SAFETY: the pointer and the length are those of an address that outlives the call; the kernel only reads it.
    check(unsafe { libc::bind(fd.as_raw_fd(), std::ptr::from_ref(&address).cast(), len) })?;
    Ok(())
}

/// Where in their mappings the rings' parts lie (XDP_MMAP_OFFSETS).
pub(super) fn offsets(fd: BorrowedFd<'_>) -> io::Result<libc::xdp_mmap_offsets> {
    // SAFETY: the structure is plain numbers, for which all zeros is a value.
    let mut offsets: libc::xdp_mmap_offsets = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::xdp_mmap_offsets>() as socklen_t;
    // SAFETY: the kernel writes at most `len` octets, which is the size of the structure.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_XDP,
            libc::XDP_MMAP_OFFSETS,
            std::ptr::from_mut(&mut offsets).cast::<c_void>(),
            &raw mut len,
        )
    })?;
    // A kernel before 5.4 fills in a shorter structure of another layout.
    if len as usize == size_of::<libc::xdp_mmap_offsets>() {
        Ok(offsets)
    } else {
        Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
    }
}

/// What the socket counted since it was made (XDP_STATISTICS).
pub(super) fn statistics(fd: BorrowedFd<'_>) -> io::Result<libc::xdp_statistics> {
    // SAFETY: the structure is plain numbers, for which all zeros is a value.
    let mut stats: libc::xdp_statistics = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::xdp_statistics>() as socklen_t;
    // SAFETY: the kernel writes at most `len` octets, which is the size of the structure.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_XDP,
            libc::XDP_STATISTICS,
            std::ptr::from_mut(&mut stats).cast::<c_void>(),
            &raw mut len,
        )
    })?;
    Ok(stats)
}
