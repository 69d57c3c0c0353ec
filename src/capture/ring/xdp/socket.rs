//! One AF_XDP socket with its memory: made, bound to a receive queue, and put under the interface's program.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::super::sys as packet;
use super::guard::{self, unfit};
use super::map::{Frames, Shared, frames_in};
use super::port::Refused;
use super::{XdpConfig, sys};
use crate::capture::CaptureError;

/// Entries of the ring for frames that were sent, which must exist and is never used.
const SENT: u32 = 64;

/// What reads one receive queue.
pub(super) struct Socket {
    // The mappings go first, then the sockets.
    pub(super) shared: Shared,
    socket: OwnedFd,
    /// Keeps the interface promiscuous as long as it lives.
    _promiscuous: Option<OwnedFd>,
    pub(super) ifindex: u32,
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The index of the interface, if it may be taken now.
pub(super) fn fit(config: &XdpConfig) -> Result<u32, CaptureError> {
    let interface = config.live.interface.as_str();
    let gone = || CaptureError::NoSuchInterface { interface: interface.to_owned() };
    let index = nix::net::if_::if_nametoindex(interface).map_err(|_| gone())?;
    let asked = packet::packet_socket().map_err(|e| told(config, "a packet socket", &e))?;
    let (kind, flags) = packet::interface(asked.as_fd(), interface).map_err(|_| gone())?;
    if flags & libc::IFF_LOOPBACK != 0 {
        return Err(unfit(interface, "it is the loopback, and this machine would no longer reach itself"));
    }
    if kind != libc::ARPHRD_ETHER {
        return Err(unfit(interface, format!("its frames are not Ethernet's (ARPHRD {kind})")));
    }
    guard::check(interface, index, config.port.workers())?;
    if flags & libc::IFF_UP == 0 {
        return Err(CaptureError::InterfaceDown { interface: interface.to_owned() });
    }
    Ok(index)
}

impl Socket {
    /// A socket on the worker's queue.
    pub(super) fn open(config: &XdpConfig) -> Result<Socket, CaptureError> {
        let ifindex = fit(config)?;
        let socket = sys::socket().map_err(|e| told(config, "an AF_XDP socket", &e))?;
        let shared = set_up(socket.as_fd(), config).map_err(|(what, e)| told(config, what, &e))?;
        let flags = libc::XDP_COPY | libc::XDP_USE_SG;
        sys::bind(socket.as_fd(), ifindex, config.queue, flags)
            .map_err(|e| told(config, "binding to the receive queue", &e))?;
        let promiscuous = if config.live.promiscuous { Some(promiscuous(config, ifindex)?) } else { None };
        config.port.join(ifindex, config.queue, socket.as_fd()).map_err(|why| {
            // Counted as absent again: nobody reads it.
            config.port.leave(ifindex, config.queue);
            not_attached(config, why)
        })?;
        Ok(Socket { shared, socket, _promiscuous: promiscuous, ifindex })
    }

    /// The socket's pending error, which is then forgotten: the kernel unbinds it from an interface that is deleted.
    pub(super) fn take_error(&self) -> io::Result<()> {
        match packet::number_option(self.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

fn set_up(socket: BorrowedFd<'_>, config: &XdpConfig) -> Result<Shared, (&'static str, io::Error)> {
    let count = frames_in(config.live.buffer_bytes);
    let frames = Frames::new(count).map_err(|e| ("memory for frames", e))?;
    let xdp = libc::SOL_XDP;
    packet::set_option(socket, xdp, libc::XDP_UMEM_REG, &frames.registration())
        .map_err(|e| ("locking memory for frames", e))?;
    for (option, entries) in
        [(libc::XDP_UMEM_FILL_RING, count), (libc::XDP_UMEM_COMPLETION_RING, SENT), (libc::XDP_RX_RING, count)]
    {
        packet::set_option(socket, xdp, option, &entries).map_err(|e| ("the rings", e))?;
    }
    let offsets = sys::offsets(socket).map_err(|e| ("the rings' offsets", e))?;
    Shared::new(socket, frames, count, &offsets).map_err(|e| ("mapping the rings", e))
}

/// A packet socket whose membership makes the interface take what is not addressed to it; it receives nothing.
fn promiscuous(config: &XdpConfig, ifindex: u32) -> Result<OwnedFd, CaptureError> {
    let socket = packet::packet_socket().map_err(|e| told(config, "a packet socket", &e))?;
    let membership = libc::packet_mreq {
        mr_ifindex: ifindex.cast_signed(),
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    packet::set_option(socket.as_fd(), libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
        .map_err(|e| told(config, "promiscuous mode", &e))?;
    Ok(socket)
}

/// The kernel's error, with what can be done about it.
fn told(config: &XdpConfig, what: &str, error: &io::Error) -> CaptureError {
    let interface = config.live.interface.clone();
    let help = match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => return CaptureError::XdpNotPermitted { interface, what: what.to_owned() },
        Some(libc::ENODEV | libc::ENXIO | libc::ENETDOWN) => {
            return CaptureError::InterfaceGone { interface, reason: error.to_string() };
        }
        Some(libc::ENOBUFS | libc::ENOMEM) => {
            ": the process may not lock so much memory (in systemd: LimitMEMLOCK=infinity), or capture.buffer is too large"
        }
        Some(libc::EBUSY) => ": another program has the queue",
        Some(libc::EINVAL | libc::EAFNOSUPPORT | libc::ENOPROTOOPT | libc::EOPNOTSUPP) => {
            ": it takes Linux 6.6 or later with CONFIG_XDP_SOCKETS"
        }
        _ => "",
    };
    CaptureError::XdpUnfit { interface, reason: format!("{what}: {error}{help}") }
}

fn not_attached(config: &XdpConfig, why: Refused) -> CaptureError {
    let interface = config.live.interface.clone();
    let what = "the XDP program";
    match why.errno {
        Some(libc::EPERM | libc::EACCES) => CaptureError::XdpNotPermitted { interface, what: what.to_owned() },
        Some(libc::ENODEV) => CaptureError::InterfaceGone { interface, reason: why.words },
        Some(libc::EBUSY) => unfit(&interface, format!("{what}: another one is attached to it ({})", why.words)),
        _ => unfit(&interface, format!("{what}: {}", why.words)),
    }
}
