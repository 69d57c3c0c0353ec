//! Addresses of the listed sites, which may be told, kept apart by type from addresses of subscribers, which may not.
//!
//! This is the only place where an address from the traffic turns into one that can be written. It does so only where
//! the operator's networks say that the address is outside: without them, or if a subscriber hosts the site, nothing
//! is kept. Nor is an IPv6 address that was made of a subscriber's IPv4 address.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::{Addr, Hit, Proto};

use super::networks::{Networks, Role};

/// The address of a listed site, in clear.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct SiteServer(IpAddr);

impl SiteServer {
    /// The other side of a hit, if it is the site itself (in DNS it is a resolver) and outside the provider's networks.
    pub(super) fn of(hit: &Hit, networks: &Networks) -> Option<SiteServer> {
        let is_outside = |addr: &Addr| networks.role(addr) == Role::Other;
        let is_site = hit.proto != Proto::Dns && is_outside(&hit.server) && hit.server != hit.client;
        let ip = is_site.then(|| hit.server.in_clear())?;
        let made_of = embedded(ip).map(|v4| Addr::v4(v4.octets()));
        made_of.is_none_or(|addr| is_outside(&addr)).then_some(SiteServer(ip))
    }

    /// The address.
    pub const fn ip(self) -> IpAddr {
        self.0
    }
}

/// The IPv4 address that an IPv6 address was made of: 6to4 (RFC 3056), Teredo (RFC 4380), NAT64 (RFC 6052), ISATAP
/// (RFC 5214), and the old compatible form (RFC 4291).
fn embedded(ip: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(ip) = ip else { return None };
    let segments = ip.segments();
    let at = |n: usize| (u32::from(segments[n]) << 16) | u32::from(segments[n + 1]);
    match segments {
        [0x2002, ..] => Some(at(1)),
        [0x2001, 0, ..] => Some(!at(6)),
        [0x64, 0xff9b, ..] | [0, 0, 0, 0, 0, 0, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Some(at(6)),
        _ => None,
    }
    .map(Ipv4Addr::from)
}

/// The distinct servers of one finding, in order of appearance, at most [`SiteServers::MAX`].
#[derive(Clone, Default, Debug)]
pub(super) struct SiteServers(Vec<SiteServer>);

impl SiteServers {
    pub(super) const MAX: usize = 8;

    pub(super) fn note(&mut self, server: SiteServer) {
        if self.0.len() < Self::MAX && !self.0.contains(&server) {
            self.0.push(server);
        }
    }

    pub(super) fn as_slice(&self) -> &[SiteServer] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_made_of_others_are_known() {
        for made in
            ["2002:c000:207::1", "2001:0:1:2:3:4:3fff:fdf8", "64:ff9b::c000:207", "fe80::5efe:c000:207", "::192.0.2.7"]
        {
            assert_eq!(embedded(made.parse().unwrap()), Some(Ipv4Addr::new(192, 0, 2, 7)), "{made}");
        }
        for own in ["2001:db8::c000:207", "192.0.2.7"] {
            assert_eq!(embedded(own.parse().unwrap()), None, "{own}");
        }
    }
}
