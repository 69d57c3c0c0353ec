//! Whether a name spells the address of the one who asked for it.
//!
//! A site may give each visitor a host name of his own (`192-0-2-7.track.listed.example`), and services exist that
//! make names of addresses (`192.0.2.7.nip.io`). Told as it is, such a name would tell the subscriber's address, so
//! the finding then bears the rule's name in place of it. Encodings that need a key, and those that lose letter case
//! in DNS (base64), are not recognised.

use std::fmt::Write;
use std::net::IpAddr;

use crate::model::{Addr, DomainName};

/// Whether `name` holds `client` in dotted, dashed, run-together, reversed or hexadecimal form.
pub(super) fn spells(name: &DomainName, client: &Addr) -> bool {
    if client.is_v4() && !may_spell_v4(name) {
        return false;
    }
    // One form for all separators; labels' ends too, so that an address spread over labels is seen.
    let mut text = String::with_capacity(DomainName::MAX);
    for label in name.labels() {
        text.extend(label.iter().map(|b| if b.is_ascii_alphanumeric() { char::from(*b) } else { '.' }));
        text.push('.');
    }
    forms(client).iter().any(|form| holds(&text, form))
}

/// Whether a name has what every spelling of an IPv4 address has: a digit, or eight hexadecimal digits in a row. Most
/// names have neither, and are done with here.
fn may_spell_v4(name: &DomainName) -> bool {
    name.labels().any(|label| {
        label.iter().any(u8::is_ascii_digit) || label.windows(8).any(|eight| eight.iter().all(u8::is_ascii_hexdigit))
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

    fn spelt(name: &str, client: &str) -> bool {
        spells(&DomainName::from_text(name.as_bytes()).unwrap(), &Addr::from(client.parse::<IpAddr>().unwrap()))
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
    fn other_numbers_are_not() {
        for name in ["192.0.2.77.listed.example", "1192.0.2.7.example", "casino-777.example", "192-0-2.example"] {
            assert!(!spelt(name, "192.0.2.7"), "{name}");
        }
    }
}
