//! Addresses of the listed sites, which may be told, kept apart by type from addresses of subscribers, which may not.
//!
//! This is the only place where an address from the traffic turns into one that can be written. It does so only where
//! the operator's networks say that the address is outside: without them, or if a subscriber hosts the site, nothing
//! is kept.

use std::net::IpAddr;

use crate::model::{Hit, Proto};

use super::networks::{Networks, Role};

/// The address of a listed site, in clear.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct SiteServer(IpAddr);

impl SiteServer {
    /// The other side of a hit, if it is the site itself (in DNS it is a resolver) and outside the provider's networks.
    pub(super) fn of(hit: &Hit, networks: &Networks) -> Option<SiteServer> {
        let is_site = hit.proto != Proto::Dns && networks.role(&hit.server) == Role::Other;
        (is_site && hit.server != hit.client).then(|| SiteServer(hit.server.in_clear()))
    }

    /// The address.
    pub const fn ip(self) -> IpAddr {
        self.0
    }
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
