//! Plans conversations: who visits what, through which link, and by which protocols.

use crate::model::{Addr, Endpoint};

use super::flows;
use super::frame::Path;
use super::names::Names;
use super::profile::Profile;
use super::rng::{Rng, hash, scramble};
use super::script::Script;
use super::wrap::Wrap;

/// What a conversation is planned with.
pub(super) struct Plan<'a> {
    pub(super) rng: &'a mut Rng,
    pub(super) names: &'a Names,
    pub(super) profile: &'a Profile,
    pub(super) script: &'a mut Script,
    /// Of all legs planned so far; gives each its own client port.
    pub(super) serial: &'a mut u32,
}

/// The two resolvers of the provider, and a public one.
const RESOLVERS_V4: [[u8; 4]; 3] = [[203, 0, 113, 53], [203, 0, 113, 54], [198, 18, 9, 9]];

/// A subscriber for the time of one conversation.
#[derive(Clone, Copy)]
pub(super) struct Subscriber {
    number: u32,
    pub(super) v6: bool,
}

impl Subscriber {
    /// The same, talking IPv4.
    pub(super) fn over_v4(self) -> Subscriber {
        Subscriber { v6: false, ..self }
    }
}

impl Plan<'_> {
    /// Plans the next conversation.
    pub(super) fn conversation(&mut self) {
        self.script.clear();
        if self.profile.is_whole() && self.rng.chance(0.16) {
            flows::noise::any(self);
        } else if self.rng.chance(self.profile.upstream_share) {
            flows::dns::upstream(self);
        } else {
            self.visit();
        }
    }

    /// Plans the rest of a connection that was open before the capture began.
    pub(super) fn under_way(&mut self) {
        self.script.clear();
        let subscriber = self.subscriber();
        let (mut name, frames) = (String::new(), self.bulk_frames());
        self.names.benign(self.rng, &mut name);
        let left = 1 + self.rng.below(frames as usize) as u32;
        match self.rng.below(10) {
            0..6 => flows::tls::under_way(self, subscriber, &name, left),
            6..9 => flows::quic::under_way(self, subscriber, &name, left),
            _ => flows::noise::datagrams(self, left),
        }
    }

    /// A subscriber looks a name up and goes there.
    fn visit(&mut self) {
        let subscriber = self.subscriber();
        let mut name = String::new();
        let listed = self.names.visit(self.rng, &mut name);
        let what = self.rng.weighted(&[(55, 0), (30, 1), (8, 2), (7, 3)]);
        // Half of the visits find the address in the client's cache; a lookup alone is always one.
        if what == 3 || self.rng.chance(0.5) {
            flows::dns::lookup(self, subscriber, &name, listed);
        }
        match what {
            0 => flows::tls::visit(self, subscriber, &name, listed),
            1 => flows::quic::visit(self, subscriber, &name, listed),
            2 => flows::http::visit(self, subscriber, &name, listed),
            _ => {}
        }
    }

    /// One of the subscribers.
    pub(super) fn subscriber(&mut self) -> Subscriber {
        let number = self.rng.below(self.profile.subscribers as usize) as u32;
        Subscriber { number, v6: self.rng.chance(0.3) }
    }

    /// A length for a conversation's bulk: most are short, some are many times as long.
    pub(super) fn bulk_frames(&mut self) -> u32 {
        let mean = f64::from(self.profile.bulk);
        // 2^k, where each doubling is half as likely as the one before and the eighth the last: 5 in the mean.
        let doublings = self.rng.next().trailing_zeros().min(8);
        let spread = 0.5 + self.rng.unit();
        (mean * f64::from(1u32 << doublings) * spread / 5.0) as u32
    }

    /// A new leg from a client's own port to a server; its number.
    pub(super) fn leg(&mut self, subscriber: Subscriber, server: Addr, port: u16) -> u8 {
        let own = scramble(u64::from(subscriber.number) ^ 0x57a7_1045);
        *self.serial = self.serial.wrapping_add(1);
        let client = Endpoint::new(client_addr(subscriber, own), 32_768 + (*self.serial % 28_000) as u16);
        self.push_leg(Wrap::of(own), own, client, Endpoint::new(server, port))
    }

    /// A new leg between machines of the provider's own.
    pub(super) fn leg_between(&mut self, client: Addr, server: Addr, port: u16) -> u8 {
        *self.serial = self.serial.wrapping_add(1);
        let client = Endpoint::new(client, 32_768 + (*self.serial % 28_000) as u16);
        self.push_leg(Wrap::Plain, 1, client, Endpoint::new(server, port))
    }

    fn push_leg(&mut self, wrap: Wrap, own: u64, client: Endpoint, server: Endpoint) -> u8 {
        let [a, b, c, d, ..] = own.to_be_bytes();
        let random = self.rng.next();
        let hops = 2 + (random % 12) as u8;
        let ids = self.rng.next();
        self.script.legs.push(Path {
            client,
            server,
            wrap,
            station: [0x02, 0x5a, a, b, c, d],
            ttl: [if own & 1 == 0 { 63 } else { 127 }, 64 - hops],
            ip_id: [(ids & 0x700 != 0).then_some(ids as u16), (ids & 0x1800 != 0).then_some((ids >> 16) as u16)],
            flow_label: (random >> 8) as u32,
            next: [self.rng.next() as u32, self.rng.next() as u32],
            clocks: (random >> 60 < 11).then(|| [self.rng.next() as u32, self.rng.next() as u32]),
        });
        (self.script.legs.len() - 1) as u8
    }

    /// The leg with this number.
    pub(super) fn path(&self, leg: u8) -> &Path {
        &self.script.legs[usize::from(leg)]
    }

    /// A resolver that the subscriber asks.
    pub(super) fn resolver(&mut self, v6: bool) -> Addr {
        let which = self.rng.weighted(&[(6, 0), (3, 1), (1, 2)]);
        if v6 { Addr::v6(server_v6(0x53 + which as u64)) } else { Addr::v4(RESOLVERS_V4[which]) }
    }
}

/// A client's address: in the shared address space of RFC 6598 or the documentation prefix of RFC 3849.
fn client_addr(subscriber: Subscriber, own: u64) -> Addr {
    let n = subscriber.number;
    if subscriber.v6 {
        // A /56 each, well below the servers' part of the prefix.
        let mut octets = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        octets[4..8].copy_from_slice(&((n + 256) << 8).to_be_bytes());
        octets[8..].copy_from_slice(&own.to_be_bytes());
        Addr::v6(octets)
    } else {
        Addr::v4((0x6440_0000 + 256 + n).to_be_bytes())
    }
}

/// The address of a name's server, the same whenever it is asked for.
pub(super) fn server_addr(name: &str, v6: bool) -> Addr {
    if v6 { Addr::v6(server_v6_of(name)) } else { Addr::v4(server_v4_of(name)) }
}

/// In the benchmarking network of RFC 2544.
pub(super) fn server_v4_of(name: &str) -> [u8; 4] {
    let [.., a, b, c] = hash(name.as_bytes()).to_be_bytes();
    [198, 18 + (a & 1), b, c.clamp(1, 254)]
}

/// In 2001:db8:f000::/36.
pub(super) fn server_v6_of(name: &str) -> [u8; 16] {
    server_v6(hash(name.as_bytes()) | 1 << 32)
}

fn server_v6(number: u64) -> [u8; 16] {
    let mut octets = [0x20, 0x01, 0x0d, 0xb8, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    octets[8..].copy_from_slice(&number.to_be_bytes());
    octets
}

/// Runs a test with something to plan by.
#[cfg(test)]
pub(super) fn with_plan(profile: &Profile, test: impl FnOnce(&mut Plan<'_>)) {
    let (mut rng, names) = (Rng::new(3), Names::new(Vec::new(), 0.0));
    let (mut script, mut serial) = (Script::default(), 0);
    test(&mut Plan { rng: &mut rng, names: &names, profile, script: &mut script, serial: &mut serial });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_and_servers_stay_in_their_prefixes() {
        for number in [0, 1, 49_999, 1_999_999] {
            let four = client_addr(Subscriber { number, v6: false }, 5);
            let six = client_addr(Subscriber { number, v6: true }, 5);
            assert!(four.octets()[12] == 100 && four.octets()[13] & 0xc0 == 64);
            assert!(six.octets().starts_with(&[0x20, 0x01, 0x0d, 0xb8]) && six.octets()[4] < 0xf0);
        }
        for name in ["a.example", "b.example", "c.test"] {
            let v4 = server_v4_of(name);
            assert!(v4[0] == 198 && v4[1] & 0xfe == 18);
            assert_eq!(server_v6_of(name)[..5], [0x20, 0x01, 0x0d, 0xb8, 0xf0]);
        }
    }

    #[test]
    fn bulk_has_the_mean_that_the_profile_asks_for() {
        let profile = Profile::provider();
        with_plan(&profile, |plan| {
            let mean = (0..100_000).map(|_| u64::from(plan.bulk_frames())).sum::<u64>() / 100_000;
            let wanted = u64::from(profile.bulk);
            assert!((wanted * 9 / 10..wanted * 11 / 10).contains(&mean), "{mean}");
        });
    }
}
