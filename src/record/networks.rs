//! Which side of the provider's network an address is on: what the operator's `[networks]` block names.
//!
//! A finding is about what subscribers do. The same question passes the mirror again when the provider's resolver
//! asks it upstream, and strangers may ask the provider's own servers; neither is a subscriber's visit.

use hashbrown::HashMap;

use super::cidr::{Cidr, mask};
use crate::model::Addr;

/// What an address is to the provider. The order is that of precedence where two lists name the same prefix.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Role {
    /// In no list: the rest of the Internet.
    Other,
    /// A subscriber's own address.
    Subscriber,
    /// The outside of a carrier-grade NAT: one address, many subscribers.
    Cgnat,
    /// A forwarder or customer equipment that asks for many.
    Forwarder,
    /// A resolver of the provider itself: what it asks upstream is not a visit.
    Resolver,
}

impl Role {
    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Other => "other",
            Role::Subscriber => "subscriber",
            Role::Cgnat => "cgnat",
            Role::Forwarder => "forwarder",
            Role::Resolver => "resolver",
        }
    }

    /// Whether what this side asks makes findings.
    pub const fn is_subscriber_side(self) -> bool {
        matches!(self, Role::Subscriber | Role::Cgnat | Role::Forwarder)
    }
}

/// The operator's networks. An address has the role of the longest prefix that holds it.
#[derive(Clone, Debug)]
pub struct Networks {
    /// One table for each family and prefix length that occurs, longest first: a lookup is a few probes.
    levels: Vec<Level>,
    unnamed: Role,
}

#[derive(Clone, Debug)]
struct Level {
    len: u8,
    v4: bool,
    roles: HashMap<u128, Role>,
}

impl Networks {
    /// From prefixes with the role of the list they stand in. Where no prefix has [`Role::Subscriber`], every address
    /// that nothing names is a subscriber. Where two lists name the same prefix, the later of [`Role`] wins.
    pub fn new(entries: impl IntoIterator<Item = (Role, Cidr)>) -> Self {
        let mut levels: Vec<Level> = Vec::new();
        let mut unnamed = Role::Subscriber;
        for (role, cidr) in entries {
            if role == Role::Subscriber {
                unnamed = Role::Other;
            }
            let at = levels.iter().position(|l| (l.len, l.v4) == (cidr.len(), cidr.is_v4())).unwrap_or_else(|| {
                levels.push(Level { len: cidr.len(), v4: cidr.is_v4(), roles: HashMap::new() });
                levels.len() - 1
            });
            let slot = levels[at].roles.entry(cidr.bits()).or_insert(role);
            *slot = role.max(*slot);
        }
        levels.sort_by_key(|l| std::cmp::Reverse(l.len));
        Networks { levels, unnamed }
    }

    /// No networks are known: whoever asks is a subscriber. What `scan` uses.
    pub fn unknown() -> Self {
        Networks::new([])
    }

    /// The role of an address.
    pub fn role(&self, addr: &Addr) -> Role {
        self.named(addr).unwrap_or(self.unnamed)
    }

    /// Whether an address that was read out of a text may be a subscriber's. One that is not certain to be an address
    /// at all counts only if the operator named a prefix that holds it.
    pub(super) fn may_be_subscriber(&self, addr: &Addr, certain: bool) -> bool {
        match self.named(addr) {
            Some(role) => role.is_subscriber_side(),
            None => certain && self.unnamed.is_subscriber_side(),
        }
    }

    /// The role that the operator gave it.
    fn named(&self, addr: &Addr) -> Option<Role> {
        let (bits, v4) = (u128::from_be_bytes(addr.octets()), addr.is_v4());
        self.levels.iter().filter(|l| l.v4 == v4).find_map(|l| l.roles.get(&(bits & mask(l.len, v4))).copied())
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn addr(text: &str) -> Addr {
        Addr::from(text.parse::<IpAddr>().unwrap())
    }

    fn cidr(text: &str) -> Cidr {
        let (network, len) = text.split_once('/').unwrap_or((text, "128"));
        Cidr::new(network.parse().unwrap(), len.parse().unwrap())
    }

    fn networks(entries: &[(Role, &str)]) -> Networks {
        Networks::new(entries.iter().map(|(role, text)| (*role, cidr(text))))
    }

    #[test]
    fn the_longest_prefix_decides() {
        let n = networks(&[
            (Role::Subscriber, "10.0.0.0/8"),
            (Role::Cgnat, "10.64.0.0/10"),
            (Role::Resolver, "10.64.0.53"),
            (Role::Subscriber, "2001:db8::/32"),
            (Role::Forwarder, "2001:db8:0:1::/64"),
        ]);
        for (text, role) in [
            ("10.1.2.3", Role::Subscriber),
            ("10.64.0.52", Role::Cgnat),
            ("10.64.0.53", Role::Resolver),
            ("11.0.0.1", Role::Other),
            ("2001:db8::1", Role::Subscriber),
            ("2001:db8:0:1::1", Role::Forwarder),
            ("2001:db9::1", Role::Other),
        ] {
            assert_eq!(n.role(&addr(text)), role, "{text}");
        }
    }

    #[test]
    fn without_subscribers_everyone_unnamed_is_one() {
        let n = networks(&[(Role::Resolver, "192.0.2.53")]);
        assert_eq!(n.role(&addr("198.51.100.1")), Role::Subscriber);
        assert_eq!(n.role(&addr("192.0.2.53")), Role::Resolver);
        assert_eq!(Networks::unknown().role(&addr("::1")), Role::Subscriber);
    }

    #[test]
    fn families_do_not_hold_each_other() {
        let n = networks(&[(Role::Subscriber, "::/0")]);
        assert_eq!(n.role(&addr("192.0.2.1")), Role::Other);
        assert_eq!(n.role(&addr("2001:db8::1")), Role::Subscriber);
        let n = networks(&[(Role::Subscriber, "192.0.2.99/0")]);
        assert_eq!(n.role(&addr("192.0.2.1")), Role::Subscriber);
        assert_eq!(n.role(&addr("2001:db8::1")), Role::Other);
    }

    #[test]
    fn the_same_prefix_in_two_lists_goes_to_the_narrower_role() {
        for pair in [[Role::Resolver, Role::Subscriber], [Role::Subscriber, Role::Resolver]] {
            let n = networks(&[(pair[0], "192.0.2.0/24"), (pair[1], "192.0.2.0/24")]);
            assert_eq!(n.role(&addr("192.0.2.9")), Role::Resolver);
        }
    }
}
