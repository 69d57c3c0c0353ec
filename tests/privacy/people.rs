//! The subscribers of the test and what they send: visits by every protocol, among them everything that is known to
//! carry a subscriber's address out, as sites and clients really do or could.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile, Truth};

use crate::lab::packets::{A, Maker, PTR, UDP, alias, answer, icmp_error, ip, query, udp};

/// What the configuration says of them.
pub(crate) const NETWORKS: &str = r#"[networks]
subscribers = ["100.64.0.0/10", "2001:db8::/33"]
resolvers = ["203.0.113.53", "203.0.113.54"]
cgnat = ["192.0.2.192/28"]
forwarders = ["192.0.2.208/28"]
"#;

/// The zones of reverse names are listed too, so that nothing but the program itself keeps them out of findings.
pub(crate) fn block_list() -> String {
    let mut list = String::from("casino.example\n64.100.in-addr.arpa\n8.b.d.0.1.0.0.2.ip6.arpa\n");
    for site in sites() {
        list.push_str(&site);
        list.push('\n');
    }
    list
}

fn sites() -> Vec<String> {
    (0..150).map(|n| format!("site-{n}.wagers.example")).collect()
}

const RESOLVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 53);
const RESOLVER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf000, 0, 0, 0, 0, 0x53);
const SITE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 9);
const SITE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xf000, 0, 0, 0, 0, 9);

/// A subscriber with an address of each family. Every octet of the IPv4 address that is his own has a letter in
/// hexadecimal, so that no number that happens to be there looks like it.
#[derive(Clone, Copy)]
pub(crate) struct Person {
    pub(crate) v4: Ipv4Addr,
    pub(crate) v6: Ipv6Addr,
}

/// The same in every run: a failure can be made again.
pub(crate) fn people() -> Vec<Person> {
    let person = |n: u64| {
        let mixed = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let [a, b, .., y, z] = mixed.to_be_bytes();
        let lettered = |o: u8| o & 0x7f | 0x8a;
        let iid = mixed.rotate_left(29) ^ 0x5bd1_e995_7a3c_0f17;
        let v6 = 0x2001_0db8u128 << 96 | u128::from(u16::from_be_bytes([a & 0x7f, b])) << 80 | u128::from(y) << 64;
        Person { v4: Ipv4Addr::new(100, 64, lettered(y), lettered(z)), v6: Ipv6Addr::from(v6 | u128::from(iid)) }
    };
    (0..24).map(person).collect()
}

/// The outside of the NAT, and an office whose forwarder asks for all in it.
const CGNAT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 203);
const FORWARDER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 222);

/// The frames, whose addresses must not come out, and which names were sent that no rule covers.
pub(crate) struct Traffic {
    pub(crate) frames: Vec<Vec<u8>>,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) unlisted: Vec<String>,
}

/// Everything that is sent.
pub(crate) fn traffic() -> Traffic {
    let mut maker = Maker::default();
    let mut unlisted = vec!["news.unlisted-paper.example".to_owned(), "help.casino.example".to_owned()];
    let people = people();
    for (n, person) in people.iter().enumerate() {
        let neighbour = people[(n + 1) % people.len()];
        ordinary(&mut maker, *person);
        smuggled(&mut maker, *person, neighbour);
        carried(&mut maker, *person, &mut unlisted);
    }
    let mut addresses: Vec<IpAddr> = people.iter().flat_map(|p| [p.v4.into(), p.v6.into()]).collect();
    addresses.extend([IpAddr::from(CGNAT), FORWARDER.into()]);

    let profile = Profile::names().frames(10_000).subscribers(300).listed_share(0.1);
    let mut generator = Generator::new(profile, 7, sites(), Timestamp::from_parts(1_795_521_600, 0)).with_truth();
    let (mut frame, mut frames) = (Vec::new(), maker.frames);
    while generator.next_frame(&mut frame).is_some() {
        frames.push(frame.clone());
    }
    for truth in generator.take_truth() {
        note(&truth, &mut addresses, &mut unlisted);
    }
    addresses.sort();
    addresses.dedup();
    unlisted.sort();
    unlisted.dedup();
    Traffic { frames, addresses, unlisted }
}

fn note(truth: &Truth, addresses: &mut Vec<IpAddr>, unlisted: &mut Vec<String>) {
    // The provider's resolver is no subscriber.
    if truth.how != "upstream" {
        let octets = Ipv6Addr::from(truth.client.addr.octets());
        addresses.push(octets.to_ipv4_mapped().map_or(IpAddr::V6(octets), IpAddr::V4));
    }
    let is_listed = |name: &str| name.ends_with(".wagers.example");
    unlisted.extend([&truth.name].into_iter().chain(&truth.cname).map(ToString::to_string).filter(|n| !is_listed(n)));
}

fn at(ip: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(ip.into(), port)
}

/// Visits to a listed site, an unlisted one and an allowed one, over both families.
fn ordinary(maker: &mut Maker, who: Person) {
    let ends = [
        (at(who.v4, 41_000), at(SITE, 443), at(RESOLVER, 53)),
        (at(who.v6, 41_000), at(SITE_V6, 443), at(RESOLVER_V6, 53)),
    ];
    for (from, site, resolver) in ends {
        for (n, name) in ["casino.example", "www.casino.example", "news.unlisted-paper.example", "help.casino.example"]
            .into_iter()
            .enumerate()
        {
            let port = |base: u16| SocketAddr::new(from.ip(), base + n as u16);
            let id = n as u16 + 1;
            // The client-subnet option tells the whole address, and the answer repeats it.
            maker.udp(port(42_000), resolver, &query(id, name, A, Some(from.ip())));
            maker.udp(resolver, port(42_000), &answer(id, name, &[site.ip(), from.ip()], Some(from.ip())));
            maker.tls(port(43_000), site, name);
            maker.quic(port(44_000), site, name);
            http(
                maker,
                port(45_000),
                SocketAddr::new(site.ip(), 80),
                &format!("/?from={}", from.ip()),
                name,
                from.ip(),
            );
        }
    }
}

fn http(maker: &mut Maker, from: SocketAddr, to: SocketAddr, target: &str, host: &str, who: IpAddr) {
    let request = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {who}\r\nForwarded: for=\"[{who}]\"\r\n\
         X-Real-IP: {who}\r\nReferer: http://casino.example/u/{who}\r\nCookie: ip={who}\r\n\r\n"
    );
    maker.tcp(from, to, 77, request.as_bytes());
}

/// Labels that spell an address.
fn spellings(who: Person) -> Vec<String> {
    let [a, b, c, d] = who.v4.octets();
    let bits = who.v4.to_bits();
    let dashed = who.v6.to_string().replace(':', "-");
    let long: Vec<String> = who.v6.segments().iter().map(|g| format!("{g:04x}")).collect();
    let plain: Vec<String> = who.v6.segments().iter().map(|g| format!("{g:x}")).collect();
    let digits = format!("{:032x}", who.v6.to_bits());
    let nibbles: Vec<String> = digits.chars().map(String::from).collect();
    let reversed: Vec<String> = nibbles.iter().rev().cloned().collect();
    vec![
        format!("{a}-{b}-{c}-{d}"),
        format!("{a}.{b}.{c}.{d}"),
        format!("ip-{a}-{b}-{c}-{d}.track"),
        format!("{d}.{c}.{b}.{a}"),
        format!("x{d}_{c}_{b}_{a}x"),
        format!("{a:03}-{b:03}-{c:03}-{d:03}"),
        format!("{a:03}{b:03}{c:03}{d:03}"),
        format!("{bits:08x}"),
        format!("{bits:08X}"),
        format!("u{:08x}", bits.swap_bytes()),
        format!("{a:02x}-{b:02x}-{c:02x}-{d:02x}"),
        bits.to_string(),
        format!("--ffff-{a}.{b}.{c}.{d}"),
        dashed,
        plain.join("-"),
        long.join("-"),
        long.join("."),
        digits.clone(),
        reversed.concat(),
        reversed.join("."),
        nibbles.join("."),
    ]
}

/// Names under a listed one that spell a subscriber's address: his own, his other one, or somebody else's.
fn smuggled(maker: &mut Maker, who: Person, neighbour: Person) {
    let askers: [IpAddr; 5] = [who.v4.into(), who.v6.into(), neighbour.v4.into(), CGNAT.into(), FORWARDER.into()];
    for (n, label) in spellings(who).into_iter().enumerate() {
        let name = format!("{label}.casino.example");
        for (m, asker) in askers.into_iter().enumerate() {
            let (resolver, site): (IpAddr, IpAddr) =
                if asker.is_ipv4() { (RESOLVER.into(), SITE.into()) } else { (RESOLVER_V6.into(), SITE_V6.into()) };
            let (from, id) = (at(asker, 50_000 + n as u16), (n * 8 + m) as u16);
            maker.udp(from, at(resolver, 53), &query(id, &name, A, None));
            maker.udp(at(resolver, 53), from, &answer(id, &name, &[site], None));
            // The listed name only behind an alias.
            let other = at(asker, 51_000 + n as u16);
            maker.udp(at(resolver, 53), other, &alias(id, "news.unlisted-paper.example", &name));
            // No client of our own hellos to every spelling: three of each are enough.
            if n % 7 == 0 {
                maker.tls(at(asker, 52_000 + n as u16), at(site, 443), &name);
                maker.quic(at(asker, 53_000 + n as u16), at(site, 443), &name);
                http(maker, at(asker, 54_000 + n as u16), at(site, 80), "/", &name, asker);
            }
        }
    }
}

/// Addresses in other places than names under a listed one.
fn carried(maker: &mut Maker, who: Person, unlisted: &mut Vec<String>) {
    let [a, b, c, d] = who.v4.octets();
    let nibbles: Vec<String> = format!("{:032x}", who.v6.to_bits()).chars().rev().map(String::from).collect();
    let (v4, v6) = (at(who.v4, 60_000), at(who.v6, 60_000));
    // Reverse names of addresses, asked for by others too.
    for name in [format!("{d}.{c}.{b}.{a}.in-addr.arpa"), format!("{}.ip6.arpa", nibbles.join("."))] {
        maker.udp(v4, at(RESOLVER, 53), &query(1, &name, PTR, None));
        maker.udp(at(RESOLVER, 53), v4, &alias(1, &name, "casino.example"));
        maker.udp(at(FORWARDER, 60_001), at(RESOLVER, 53), &query(2, &name, PTR, None));
    }
    // An error about a packet of his, sent by somebody else, quotes that packet.
    for (from, resolver, site) in
        [(v4, IpAddr::from(RESOLVER), IpAddr::from(SITE)), (v6, RESOLVER_V6.into(), SITE_V6.into())]
    {
        let name = "only-quoted.casino.example";
        let question = udp(from.port(), 53, &query(9, name, A, Some(from.ip())));
        let quoted = ip(from.ip(), resolver, UDP, 9, &question);
        let protocol = if from.is_ipv6() { 58 } else { 1 };
        maker.ip(site, from.ip(), protocol, &icmp_error(from.is_ipv6(), &quoted));
        maker.ip(from.ip(), resolver, protocol, &icmp_error(from.is_ipv6(), &quoted));
    }
    unlisted.push("only-quoted.casino.example".to_owned());
    // Literal addresses where a name belongs.
    maker.tls(at(who.v4, 60_100), at(SITE, 443), &who.v4.to_string());
    maker.quic(at(who.v4, 60_101), at(SITE, 443), &who.v4.to_string());
    http(maker, at(who.v4, 60_102), at(SITE, 80), "/", &who.v4.to_string(), who.v4.into());
    http(maker, at(who.v6, 60_103), at(SITE_V6, 80), "/", &format!("[{}]:80", who.v6), who.v6.into());
    let target = format!("http://{}@casino.example/{}", who.v4, who.v4);
    http(maker, at(who.v4, 60_104), at(SITE, 3128), &target, "casino.example", who.v4.into());
    // A subscriber who hosts the site, by his own address and by those that are made of it: 6to4, NAT64, Teredo.
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let hosts = [
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2001, 0, 0xcb00, 0x7101, 0, 0x1234, !high, !low),
        who.v6,
    ];
    for (n, host) in hosts.into_iter().enumerate() {
        let visitor = Ipv6Addr::from(who.v6.to_bits() ^ 0x10_0000);
        maker.tls(at(visitor, 61_000 + n as u16), at(host, 443), "casino.example");
    }
    maker.tls(at(CGNAT, 61_100), at(who.v4, 443), "casino.example");
}
