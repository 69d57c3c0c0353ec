//! The system calls of a packet socket, each as a safe function.
//!
//! nix knows neither the options of packet(7) nor the two ioctls, so they are called through libc here, and nowhere else.
//! Sources: packet(7), `linux/if_packet.h`, `Documentation/networking/packet_mmap.rst`, netdevice(7).

// Calls into the C library; nothing here touches the mapped ring.
#![allow(unsafe_code)]

use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_void, socklen_t};

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A packet socket that receives nothing yet: with protocol 0 it is bound to no interface. This is the only step that
/// needs CAP_NET_RAW.
pub(super) fn packet_socket() -> io::Result<OwnedFd> {
    // SAFETY: socket(2) takes no pointer.
    let fd: RawFd = check(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the descriptor was just opened and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets an option whose value is the plain C structure `value`.
pub(super) fn set_option<T: Copy>(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as socklen_t;
    // SAFETY: the pointer and the length are those of a value that outlives the call; the kernel only reads it.
    check(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, std::ptr::from_ref(value).cast::<c_void>(), len) })?;
    Ok(())
}

/// Sets an option that takes a BPF program. `level` and `name` say which.
pub(super) fn set_program(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    program: &[libc::sock_filter],
) -> io::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // The kernel copies the instructions and never writes through this pointer.
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    set_option(fd, level, name, &program)
}

/// Reads PACKET_STATISTICS: what was counted since the last reading, which sets the counts to zero.
pub(super) fn statistics(fd: BorrowedFd<'_>) -> io::Result<libc::tpacket_stats_v3> {
    let mut stats = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
    let mut len = size_of::<libc::tpacket_stats_v3>() as socklen_t;
    // SAFETY: the kernel writes at most `len` octets, which is the size of the structure.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            std::ptr::from_mut(&mut stats).cast::<c_void>(),
            &raw mut len,
        )
    })?;
    Ok(stats)
}

/// Reads an option that is one number.
pub(super) fn number_option(fd: BorrowedFd<'_>, level: c_int, name: c_int) -> io::Result<c_int> {
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as socklen_t;
    // SAFETY: the kernel writes at most `len` octets, which is the size of the number.
    check(unsafe {
        libc::getsockopt(fd.as_raw_fd(), level, name, std::ptr::from_mut(&mut value).cast::<c_void>(), &raw mut len)
    })?;
    Ok(value)
}

/// Binds to an interface, for packets of every protocol and in both directions. Needs no capability.
pub(super) fn bind(fd: BorrowedFd<'_>, ifindex: c_int) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: ifindex,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let len = size_of::<libc::sockaddr_ll>() as socklen_t;
    // SAFETY: the pointer and the length are those of an address that outlives the call; the kernel only reads it.
    check(unsafe { libc::bind(fd.as_raw_fd(), std::ptr::from_ref(&address).cast(), len) })?;
    Ok(())
}

/// Index of the interface to which the socket is bound; -1 once that interface was removed, also if another one has got the
/// same index since.
pub(super) fn bound_to(fd: BorrowedFd<'_>) -> io::Result<c_int> {
    // SAFETY: the structure is plain data for which all zeros is a value.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::sockaddr_ll>() as socklen_t;
    // SAFETY: the kernel writes at most `len` octets, which is the size of the address.
    check(unsafe { libc::getsockname(fd.as_raw_fd(), std::ptr::from_mut(&mut address).cast(), &raw mut len) })?;
    Ok(address.sll_ifindex)
}

/// The interface's ARPHRD number (what its frames begin with) and its flags.
pub(super) fn interface(fd: BorrowedFd<'_>, name: &str) -> io::Result<(u16, c_int)> {
    // SAFETY: the structure is plain data for which all zeros is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // One octet stays zero, to end the name.
    if name.len() >= request.ifr_name.len() {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed() as libc::c_char;
    }
    // SAFETY: both requests take an `ifreq` with a name in it, and write into its union.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCGIFHWADDR as _, &raw mut request) })?;
    // SAFETY: SIOCGIFHWADDR fills in this member.
    let kind = unsafe { request.ifr_ifru.ifru_hwaddr.sa_family };
    // SAFETY: as above.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SIOCGIFFLAGS as _, &raw mut request) })?;
    // SAFETY: SIOCGIFFLAGS fills in this member.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    Ok((kind, c_int::from(flags)))
}
