//! IP addresses that cannot be printed by accident.
//!
//! A subscriber's address must never reach a log, a file or a metric. `Addr` therefore has no `Display`, and its
//! `Debug` says only which family it is. The one way to the clear form is [`Addr::in_clear`], which
//! `tests/architecture.rs` allows only in the few modules that have a reason for it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An IPv4 or IPv6 address as 128 bits; IPv4 is kept in its IPv4-mapped form (RFC 4291 section 2.5.5.2).
///
/// Two integers rather than sixteen octets: they stay in registers from the packet's header to the flow table, while
/// octets written one way and read another wait for each other in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Addr {
    high: u64,
    low: u64,
}

/// The high half of the low half of an IPv4-mapped address.
const MAPPED: u64 = 0xffff;

impl Addr {
    /// An IPv4 address from its four octets in network order.
    #[inline]
    pub const fn v4(o: [u8; 4]) -> Self {
        Addr { high: 0, low: MAPPED << 32 | u32::from_be_bytes(o) as u64 }
    }

    /// An IPv6 address from its sixteen octets in network order.
    #[inline]
    pub const fn v6(o: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(o);
        Addr { high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// The sixteen octets, IPv4 in its mapped form. For hashing and comparing only: never write them out.
    #[inline]
    pub const fn octets(&self) -> [u8; 16] {
        ((self.high as u128) << 64 | self.low as u128).to_be_bytes()
    }

    /// The address as two integers, the leading 64 bits first. For hashing and comparing only, as [`Addr::octets`].
    #[inline]
    pub const fn halves(&self) -> [u64; 2] {
        [self.high, self.low]
    }

    /// Whether this is an IPv4 address.
    #[inline]
    pub const fn is_v4(&self) -> bool {
        self.high == 0 && self.low >> 32 == MAPPED
    }

    /// The address in clear. Every caller is on the list in `tests/architecture.rs`, with its reason.
    pub fn in_clear(&self) -> IpAddr {
        if self.is_v4() {
            IpAddr::V4(Ipv4Addr::from(self.low as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from(self.octets()))
        }
    }
}

impl From<IpAddr> for Addr {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(a) => Addr::v4(a.octets()),
            IpAddr::V6(a) => Addr::v6(a.octets()),
        }
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_v4() { "Addr(v4, redacted)" } else { "Addr(v6, redacted)" })
    }
}

/// One end of a flow: an address and a TCP or UDP port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Endpoint {
    /// The address.
    pub addr: Addr,
    /// The port, in host order.
    pub port: u16,
}

impl Endpoint {
    /// Both parts together.
    #[inline]
    pub const fn new(addr: Addr, port: u16) -> Self {
        Endpoint { addr, port }
    }

    /// The socket address in clear, whose `Display` is `addr:port` or `[addr]:port`. See [`Addr::in_clear`].
    pub fn in_clear(&self) -> SocketAddr {
        SocketAddr::new(self.addr.in_clear(), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_address() {
        let e = Endpoint::new(Addr::v4([192, 0, 2, 77]), 4321);
        let shown = format!("{e:?}");
        assert!(!shown.contains("192") && !shown.contains("77"), "{shown}");
        assert_eq!(e.in_clear().to_string(), "192.0.2.77:4321");
    }

    #[test]
    fn families_are_told_apart() {
        let six: Ipv6Addr = "2001:db8::1".parse().unwrap();
        assert!(Addr::from(IpAddr::V4(Ipv4Addr::LOCALHOST)).is_v4());
        assert!(!Addr::from(IpAddr::V6(six)).is_v4());
        assert_eq!(Endpoint::new(Addr::v6(six.octets()), 53).in_clear().to_string(), "[2001:db8::1]:53");
    }
}
