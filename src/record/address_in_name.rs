//! Whether a name spells the address of a subscriber: of the one who asked for it, or of another.
//!
//! A site may give each visitor a host name of his own (`192-0-2-7.track.listed.example`), and services exist that
//! make names of addresses (`192.0.2.7.nip.io`). Told as it is, such a name would tell the subscriber's address, so
//! the finding then bears the rule's name in place of it. The address need not be that of the packet: a name made of
//! a visitor's IPv4 address is asked for over IPv6 too, and a forwarder asks for people behind it.
//!
//! The one who asked is looked for in every usual spelling. Others' addresses are read out of the name and looked up
//! in the operator's networks, where a run of digits counts only if a prefix that the operator named holds it, for most
//! such runs are just numbers; four decimal numbers in a row count wherever subscribers may be.
//!
//! Encodings that need a key, and those that lose letter case in DNS (base64), are not recognised.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::{Addr, DomainName};

use super::networks::Networks;

/// Whether `name` spells `client` or an address that `networks` show to be a subscriber's.
pub fn tells(name: &DomainName, client: &Addr, networks: &Networks) -> bool {
    if !may_spell(name) {
        return false;
    }
    // One form for all separators; labels' ends too, so that an address spread over labels is seen.
    let mut text = String::with_capacity(DomainName::MAX);
    for label in name.labels() {
        text.extend(label.iter().map(|b| if b.is_ascii_alphanumeric() { char::from(*b) } else { '.' }));
        text.push('.');
    }
    forms(client).iter().any(|form| holds(&text, form))
        || any_v4(&text, |ip, certain| networks.may_be_subscriber(&Addr::from(IpAddr::V4(ip)), certain))
        || any_v6(&text, |ip| networks.may_be_subscriber(&Addr::from(IpAddr::V6(ip)), false))
}

/// Whether a name has what every spelling of an address has: four decimal digits; or eight hexadecimal ones with nothing
/// but separators between them; or a digit and two separators side by side, as where `::` left zeros out. Most names have
/// none of these, and are done with here.
fn may_spell(name: &DomainName) -> bool {
    let (mut decimal, mut hexadecimal, mut longest, mut gap) = (0, 0, 0, false);
    let mut after_separator = false;
    for label in name.labels() {
        // A label's end separates too.
        for octet in label.iter().chain(b".") {
            decimal += usize::from(octet.is_ascii_digit());
            if octet.is_ascii_hexdigit() {
                hexadecimal += 1;
                longest = longest.max(hexadecimal);
            } else if octet.is_ascii_alphanumeric() {
                hexadecimal = 0;
            }
            gap |= after_separator && !octet.is_ascii_alphanumeric();
            after_separator = !octet.is_ascii_alphanumeric();
        }
    }
    decimal >= 4 || longest >= 8 || (gap && decimal > 0)
}

/// Whether any IPv4 address that can be read in `text` is `wanted`, which is also told whether it can hardly be
/// anything else.
fn any_v4(text: &str, wanted: impl Fn(Ipv4Addr, bool) -> bool) -> bool {
    let both = |octets: [u8; 4], certain| {
        let [a, b, c, d] = octets;
        wanted(octets.into(), certain) || wanted([d, c, b, a].into(), certain)
    };
    // Four numbers with one separator between each two; letters may stand at both ends.
    let mut row: Vec<u8> = Vec::new();
    let mut at = 0;
    for token in text.split(|c: char| !c.is_ascii_digit()) {
        if !text[..at].ends_with('.') {
            row.clear();
        }
        at += token.len() + 1;
        match token.parse::<u8>() {
            Ok(octet) if token.len() <= 3 => row.push(octet),
            _ => row.clear(),
        }
        if let Some(octets) = row.last_chunk::<4>()
            && both(*octets, true)
        {
            return true;
        }
        if run_together(token).is_some_and(|octets| both(octets, false)) {
            return true;
        }
        if token.len() >= 8 && token.parse::<u32>().is_ok_and(|bits| wanted(bits.into(), false)) {
            return true;
        }
    }
    let number = |digits: &str| u32::from_str_radix(digits, 16).ok();
    windows(text, 8).filter_map(number).any(|bits| both(bits.to_be_bytes(), false))
        || windows(text, 11)
            .filter(|w| w.bytes().enumerate().all(|(n, b)| (n % 3 == 2) == (b == b'.')))
            .filter_map(|w| number(&w.replace('.', "")))
            .any(|bits| both(bits.to_be_bytes(), false))
}

/// `192000002007`.
fn run_together(digits: &str) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    for (n, octet) in octets.iter_mut().enumerate() {
        *octet = digits.get(n * 3..n * 3 + 3)?.parse().ok()?;
    }
    (digits.len() == 12).then_some(octets)
}

/// Whether any IPv6 address that can be read in `text` is `wanted`.
fn any_v6(text: &str, wanted: impl Fn(Ipv6Addr) -> bool) -> bool {
    let both = |digits: &str| {
        let backwards: String = digits.chars().rev().collect();
        [digits, &backwards].iter().any(|d| u128::from_str_radix(d, 16).is_ok_and(|bits| wanted(bits.into())))
    };
    if windows(text, 32).any(both) {
        return true;
    }
    let nibbles = |w: &&str| w.bytes().enumerate().all(|(n, b)| if n % 2 == 0 { b != b'.' } else { b == b'.' });
    if windows(text, 63).filter(nibbles).any(|w| both(&w.replace('.', ""))) {
        return true;
    }
    let tokens: Vec<&str> = text.split('.').collect();
    let group = |token: &&str| u16::from_str_radix(token, 16).ok().filter(|_| token.len() <= 4);
    let groups: Vec<Option<u16>> = tokens.iter().map(group).collect();
    let whole = |eight: &[Option<u16>]| {
        let mut segments = [0; 8];
        let known = eight.iter().zip(&mut segments).all(|(group, to)| group.map(|g| *to = g).is_some());
        known && wanted(segments.into())
    };
    if groups.windows(8).any(whole) {
        return true;
    }
    // `2001.db8..7`: the groups on both sides of an empty token, as far as they go.
    let mut gaps = tokens.iter().enumerate().filter(|(_, token)| token.is_empty()).map(|(at, _)| at);
    gaps.any(|at| {
        let left: Vec<u16> = groups[..at].iter().rev().map_while(|g| *g).take(7).collect();
        let right: Vec<u16> = groups[at + 1..].iter().map_while(|g| *g).take(7).collect();
        (1..=left.len()).any(|l| {
            (0..=right.len().min(7 - l)).any(|r| {
                let mut segments = [0; 8];
                for (to, group) in segments.iter_mut().zip(left[..l].iter().rev()) {
                    *to = *group;
                }
                segments[8 - r..].copy_from_slice(&right[..r]);
                wanted(segments.into())
            })
        })
    })
}

/// Every stretch of `len` hexadecimal digits and separators, with no decimal digit on either side.
fn windows(text: &str, len: usize) -> impl Iterator<Item = &str> {
    let octets = text.as_bytes();
    let is_digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    (0..(octets.len() + 1).saturating_sub(len)).filter_map(move |at| {
        let edges = is_digit(at.checked_sub(1).and_then(|b| octets.get(b))) || is_digit(octets.get(at + len));
        let window = text.get(at..at + len).filter(|_| !edges)?;
        window.bytes().all(|b| b.is_ascii_hexdigit() || b == b'.').then_some(window)
    })
}

/// Every spelling that is looked for, with `.` for any separator.
fn forms(client: &Addr) -> Vec<String> {
    match client.in_clear() {
        IpAddr::V4(ip) => {
            let o = ip.octets();
            let [a, b, c, d] = o;
            vec![
                format!("{a}.{b}.{c}.{d}"),
                format!("{d}.{c}.{b}.{a}"),
                format!("{a:03}.{b:03}.{c:03}.{d:03}"),
                format!("{d:03}.{c:03}.{b:03}.{a:03}"),
                format!("{a:03}{b:03}{c:03}{d:03}"),
                format!("{:08x}", ip.to_bits()),
                format!("{:08x}", ip.to_bits().swap_bytes()),
                format!("{a:02x}.{b:02x}.{c:02x}.{d:02x}"),
                ip.to_bits().to_string(),
            ]
        }
        IpAddr::V6(ip) => {
            let hex = format!("{:032x}", ip.to_bits());
            let groups = |width: usize| {
                let mut text = String::new();
                for g in ip.segments() {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "{}{g:0width$x}", if text.is_empty() { "" } else { "." });
                }
                text
            };
            let nibbles = |s: &mut dyn Iterator<Item = char>| s.map(String::from).collect::<Vec<_>>().join(".");
            vec![
                ip.to_string().replace(':', "."),
                groups(1),
                groups(4),
                nibbles(&mut hex.chars()),
                nibbles(&mut hex.chars().rev()),
                hex.chars().rev().collect(),
                hex,
            ]
        }
    }
}

/// Whether `form` stands in `text` with no letter or digit of an address on either side that would make it another.
fn holds(text: &str, form: &str) -> bool {
    text.match_indices(form).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + form.len()..].chars().next();
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        !joins(before) && !joins(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Cidr, Role};

    fn spelt(name: &str, client: &str) -> bool {
        tells(&named(name), &Addr::from(client.parse::<IpAddr>().unwrap()), &elsewhere())
    }

    fn named(name: &str) -> DomainName {
        DomainName::from_text(name.as_bytes()).unwrap()
    }

    fn networks(subscribers: &[(&str, u8)]) -> Networks {
        let cidr = |(network, len): &(&str, u8)| Cidr::new(network.parse().unwrap(), *len);
        Networks::new(subscribers.iter().map(|s| (Role::Subscriber, cidr(s))))
    }

    /// Nobody's address is a subscriber's but the asker's own.
    fn elsewhere() -> Networks {
        networks(&[("233.252.0.0", 24)])
    }

    #[test]
    fn addresses_are_seen_in_their_usual_spellings() {
        for name in [
            "192.0.2.7.listed.example",
            "ip-192-0-2-7.listed.example",
            "7.2.0.192.listed.example",
            "x192-000-002-007.listed.example",
            "192000002007.listed.example",
            "c0000207.listed.example",
            "u-c0000207a.listed.example",
            "3221225991.listed.example",
            "a.192_0_2_7",
        ] {
            assert!(spelt(name, "192.0.2.7"), "{name}");
        }
        assert!(spelt("deadbeef.listed.example", "222.173.190.239"));
        for name in [
            "2001-db8--7.listed.example",
            "2001-db8-0-0-0-0-0-7.listed.example",
            "2001-0db8-0000-0000-0000-0000-0000-0007.listed.example",
            "20010db8000000000000000000000007.listed.example",
            "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.listed.example",
        ] {
            assert!(spelt(name, "2001:db8::7"), "{name}");
        }
    }

    #[test]
    fn no_spelling_fails_the_first_look() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for n in 0..2_000_u32 {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            // From 1.0.0.0 on, and from 2000:: on with any number of zeros left out.
            let v4 = Ipv4Addr::from((bits >> 32) as u32 | 0x0100_0000);
            let zeros = u128::MAX << (n % 112) | 0xf;
            let v6 = Ipv6Addr::from((u128::from(bits) << 64 | u128::from(bits.rotate_left(17))) & zeros | 2 << 124);
            for address in [IpAddr::V4(v4), IpAddr::V6(v6)] {
                let client = Addr::from(address);
                for form in forms(&client) {
                    for separator in [".", "-", "_"] {
                        let text = format!("{}.listed.example", form.replace('.', separator));
                        // An empty or an overlong label is no name.
                        let Ok(name) = DomainName::from_text(text.as_bytes()) else { continue };
                        assert!(tells(&name, &client, &Networks::unknown()), "{text} of {address}");
                    }
                }
            }
        }
    }

    #[test]
    fn other_numbers_are_not() {
        for name in ["192.0.2.77.listed.example", "1192.0.2.7.example", "casino-777.example", "192-0-2.example"] {
            assert!(!spelt(name, "192.0.2.7"), "{name}");
        }
    }

    #[test]
    fn addresses_of_other_subscribers_are_seen_too() {
        let networks = networks(&[("100.64.0.0", 10), ("2001:db8::", 33)]);
        let asker = Addr::v4([192, 0, 2, 7]);
        for name in [
            "100-64-171-220.listed.example",
            "ip100.64.171.220x.listed.example",
            "--ffff-100.64.171.220.listed.example",
            "220-171-64-100.listed.example",
            "7-220-171-64-100.listed.example",
            "100-064-171-220.listed.example",
            "100064171220.listed.example",
            "6440abdc.listed.example",
            "udcab4064x.listed.example",
            "64-40-ab-dc.listed.example",
            "1681959900.listed.example",
            "2001-db8--7.listed.example",
            "2001-db8-1-2--7.listed.example",
            "2001-db8-1-2-3-4-5-6.listed.example",
            "2001.0db8.0001.0002.0003.0004.0005.0006.listed.example",
            "x20010db8000100020003000400050006.listed.example",
            "6.0.0.0.5.0.0.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.listed.example",
            "60005000400030002000100008bd01002.listed.example".split_at(1).1,
        ] {
            assert!(tells(&named(name), &asker, &networks), "{name}");
        }
        for name in [
            "198-18-0-1.listed.example",
            "100-164-171-220.listed.example",
            "1000-64-171-220.listed.example",
            "100-64-171.listed.example",
            "casino-777.listed.example",
            "5440abdc.listed.example",
            "2681959900.listed.example",
            "2001-db8-8000--7.listed.example",
            "d41d8cd98f00b204e9800998ecf8427e.listed.example",
            "listed.example",
        ] {
            assert!(!tells(&named(name), &asker, &networks), "{name}");
        }
    }

    #[test]
    fn where_anyone_may_be_a_subscriber_only_plain_spellings_count() {
        let asker = Addr::v4([192, 0, 2, 7]);
        assert!(tells(&named("198-18-0-1.listed.example"), &asker, &Networks::unknown()));
        for name in ["6440abdc.listed.example", "1681959900.x.example", "d41d8cd98f00b204e9800998ecf8427e.x.example"] {
            assert!(!tells(&named(name), &asker, &Networks::unknown()), "{name}");
        }
    }

    #[test]
    fn the_longest_names_are_read_in_bounded_time() {
        let networks = networks(&[("100.64.0.0", 10), ("2001:db8::", 33)]);
        for label in ["1.", "a-", "--", "2001-", "12", "abcdef12"] {
            let text: String = label.repeat(DomainName::MAX).chars().take(DomainName::MAX - 1).collect();
            let text = text.trim_end_matches('.');
            for _ in 0..100 {
                tells(&named(text), &Addr::v4([192, 0, 2, 7]), &networks);
            }
        }
    }
}
