//! A packet socket with its ring: set up, bound to an interface, bound to another one later.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::net::if_::if_nametoindex;

use super::RingConfig;
use super::attach;
use super::map::{Geometry, Map};
use super::sys;
use crate::capture::CaptureError;

/// Octets kept free before each frame, for a tag to be put back; 16 so that what was aligned stays so.
const RESERVE: u32 = 16;
/// TPACKET_V3 packs frames by their length; the kernel still wants a size that divides a block.
const FRAME: u32 = 2048;

/// `linux/if_arp.h`; libc lacks it.
const ARPHRD_RAWIP: u16 = 519;

/// What is known of an interface at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Link {
    pub(super) index: i32,
    pub(super) linktype: u32,
    pub(super) loopback: bool,
}

impl Link {
    /// Whether frames have an Ethernet header, with room for tags.
    pub(super) fn is_ethernet(self) -> bool {
        self.linktype == 1
    }
}

/// Looks the interface up.
pub(super) fn link(socket: BorrowedFd<'_>, interface: &str) -> Result<Link, CaptureError> {
    let gone = || CaptureError::NoSuchInterface { interface: interface.to_owned() };
    let index = if_nametoindex(interface).map_err(|_| gone())?;
    let (kind, flags) = sys::interface(socket, interface).map_err(|_| gone())?;
    if flags & libc::IFF_UP == 0 {
        return Err(CaptureError::InterfaceDown { interface: interface.to_owned() });
    }
    let linktype = linktype(kind).ok_or_else(|| CaptureError::RingUnfit {
        interface: interface.to_owned(),
        reason: format!("its frames are of another kind (ARPHRD {kind})"),
    })?;
    let index = i32::try_from(index).map_err(|_| gone())?;
    Ok(Link { index, linktype, loopback: flags & libc::IFF_LOOPBACK != 0 })
}

/// The LINKTYPE of what an interface of this ARPHRD number gives, as libpcap maps it. Those for which libpcap makes cooked
/// frames are left to it.
fn linktype(kind: u16) -> Option<u32> {
    match kind {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Some(1),
        libc::ARPHRD_NONE | ARPHRD_RAWIP => Some(101),
        libc::ARPHRD_IEEE80211 => Some(105),
        libc::ARPHRD_IEEE80211_RADIOTAP => Some(127),
        _ => None,
    }
}

/// A socket and the ring mapped from it.
pub(super) struct RingSocket {
    // The mapping goes first, then the socket that made it.
    pub(super) map: Map,
    socket: OwnedFd,
    pub(super) link: Link,
}

impl AsFd for RingSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl RingSocket {
    /// A ring on the interface that takes packets from the moment this returns, and none twice.
    pub(super) fn open(config: &RingConfig) -> Result<RingSocket, CaptureError> {
        let interface = &config.live.interface;
        let socket = config.sockets.take().map_err(|e| match e.kind() {
            io::ErrorKind::PermissionDenied => CaptureError::NotPermitted { interface: interface.clone() },
            _ => live(interface, "a packet socket", &e),
        })?;
        let link = match link(socket.as_fd(), interface) {
            Ok(link) => link,
            Err(error) => {
                config.sockets.put_back(socket);
                return Err(error);
            }
        };
        let map = set_up(socket.as_fd(), config)
            .map_err(|(what, e)| if is_unknown(&e) { unfit(interface, what, &e) } else { live(interface, what, &e) })?;
        let ring = RingSocket { map, socket, link };
        ring.begin(config).map_err(|(what, e)| live(interface, what, &e))?;
        Ok(ring)
    }

    /// Takes up another interface with the same ring. Not for a member of a group: the kernel does not let it go.
    pub(super) fn rebind(&mut self, link: Link, config: &RingConfig) -> Result<(), CaptureError> {
        self.link = link;
        self.begin(config).map_err(|(what, e)| live(&config.live.interface, what, &e))
    }

    /// Binds, and lets packets through once it is a member of its group: between the two it would get those of the other
    /// members too.
    fn begin(&self, config: &RingConfig) -> Result<(), (&'static str, io::Error)> {
        let socket = self.as_fd();
        attach::reject_all(socket).map_err(|e| ("the filter that rejects all", e))?;
        sys::bind(socket, self.link.index).map_err(|e| ("binding to the interface", e))?;
        self.take_error().map_err(|e| ("binding to the interface", e))?;
        if config.live.promiscuous {
            let membership = libc::packet_mreq {
                mr_ifindex: self.link.index,
                mr_type: libc::PACKET_MR_PROMISC as u16,
                mr_alen: 0,
                mr_address: [0; 8],
            };
            sys::set_option(socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)
                .map_err(|e| ("promiscuous mode", e))?;
        }
        if let Some(group) = &config.group {
            group.join(socket, self.link.index, self.link.is_ethernet()).map_err(|e| ("the fanout group", e))?;
        }
        attach::apply(socket, &config.filter, self.link.linktype, config.live.snaplen)
            .map_err(|e| ("the packet filter", e))
    }

    /// The socket's pending error, which is then forgotten.
    pub(super) fn take_error(&self) -> io::Result<()> {
        match sys::number_option(self.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR)? {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

fn set_up(socket: BorrowedFd<'_>, config: &RingConfig) -> Result<Map, (&'static str, io::Error)> {
    let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
    sys::set_option(socket, libc::SOL_PACKET, libc::PACKET_VERSION, &version).map_err(|e| ("TPACKET_V3", e))?;
    sys::set_option(socket, libc::SOL_PACKET, libc::PACKET_RESERVE, &RESERVE).map_err(|e| ("PACKET_RESERVE", e))?;
    let geometry = Geometry::of(config.live.buffer_bytes);
    let request = libc::tpacket_req3 {
        tp_block_size: geometry.block,
        tp_block_nr: geometry.blocks,
        tp_frame_size: FRAME,
        tp_frame_nr: geometry.blocks * (geometry.block / FRAME),
        // A block that is not full is handed over after this time. The kernel holds it in 16 bits.
        tp_retire_blk_tov: config.live.timeout_ms().clamp(1, 65_535).cast_unsigned(),
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    sys::set_option(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request).map_err(|e| ("the ring's memory", e))?;
    Map::new(socket, geometry).map_err(|e| ("mapping the ring", e))
}

/// Whether the kernel does not know the option at all.
fn is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP))
}

fn unfit(interface: &str, what: &str, error: &io::Error) -> CaptureError {
    CaptureError::RingUnfit { interface: interface.to_owned(), reason: format!("{what}: {error}") }
}

pub(super) fn live(interface: &str, what: &str, error: &io::Error) -> CaptureError {
    CaptureError::Live { interface: interface.to_owned(), reason: format!("{what}: {error}") }
}

#[cfg(test)]
mod tests {
    use super::linktype;

    #[test]
    fn link_types_are_those_of_libpcap() {
        assert_eq!([1, 772, 65_534, 519].map(linktype), [Some(1), Some(1), Some(101), Some(101)]);
        // PPP and GRE, of which libpcap makes cooked frames.
        assert_eq!([512, 778].map(linktype), [None, None]);
    }
}
