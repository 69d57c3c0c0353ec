//! Looks for addresses in octets, in every form in which one might come out: text, zero-padded, reversed, as octets in
//! both orders, hexadecimal, decimal, and any of these in base64 or hexadecimal once more.
//!
//! Base64 is found by decoding: every run of its characters is decoded at each of the four places where a group may
//! begin, so that alignment does not matter and no digit of the address has to be left out.
//!
//! Chance. Only forms of 32 bits could be met by chance. In text, four octets `64 40 …` would be `d@` and in base64
//! need capitals (`ZEA`, `RA`, `kQ`; reversed `QG`, `BA`) that identifiers, pseudonyms and numbers do not have. Eight
//! hexadecimal digits stand in no random field either, for identifiers have one random part for each run and pseudonyms
//! no zero; but a run of decimal digits, as of nanoseconds, may look like them. So hexadecimal forms of an address with
//! no digit above 9 must stand alone, and so must decimal ones.

use std::collections::HashMap;
use std::net::IpAddr;

/// What may stand beside a form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Anything,
    NoDigit,
    NoHexDigit,
}

struct Needle {
    octets: Vec<u8>,
    /// Which four octets of it are looked up.
    anchor: usize,
    beside: Beside,
    /// May stand in hexadecimal, two digits for each octet.
    in_hex: bool,
    what: String,
}

/// All forms of some addresses, to be looked for at once.
pub(crate) struct Search {
    needles: Vec<Needle>,
    by_anchor: HashMap<[u8; 4], Vec<u32>>,
}

fn hex(octets: &[u8]) -> Vec<String> {
    octets.iter().map(|b| format!("{b:02x}")).collect()
}

fn four(octets: &[u8]) -> [u8; 4] {
    [octets[0], octets[1], octets[2], octets[3]]
}

impl Search {
    pub(crate) fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Search {
        let mut search = Search { needles: Vec::new(), by_anchor: HashMap::new() };
        for address in addresses {
            match address {
                IpAddr::V4(ip) => search.four_octets(ip.octets()),
                IpAddr::V6(ip) => search.sixteen_octets(ip.octets()),
            }
        }
        search.index();
        search
    }

    /// Names, as they stand in text.
    pub(crate) fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> Search {
        let mut search = Search { needles: Vec::new(), by_anchor: HashMap::new() };
        for name in names.into_iter().filter(|n| n.len() >= 4) {
            search.add("name", Beside::Anything, name.to_owned(), name);
        }
        search.index();
        search
    }

    fn add(&mut self, form: &str, beside: Beside, text: String, of: &str) {
        let what = format!("{of} ({form})");
        self.needles.push(Needle { octets: text.into_bytes(), anchor: 0, beside, in_hex: true, what });
    }

    fn add_octets(&mut self, octets: Vec<u8>, in_hex: bool, of: &str) {
        let what = format!("{of} (octets)");
        self.needles.push(Needle { octets, anchor: 0, beside: Beside::Anything, in_hex, what });
    }

    /// Hexadecimal digits of these octets, with everything that may stand between them.
    fn add_hex(&mut self, octets: &[u8], of: &str) {
        let digits = hex(octets);
        let has_letter = digits.concat().bytes().any(|b| b.is_ascii_alphabetic());
        let beside = if has_letter || octets.len() > 4 { Beside::Anything } else { Beside::NoHexDigit };
        for separator in ["", ":", "-", ".", " ", "_", "\\x", ", 0x", ",0x", "%"] {
            self.add("hex", beside, digits.join(separator), of);
            self.add("hex", beside, digits.join(separator).to_uppercase(), of);
        }
        self.add_octets(octets.to_vec(), beside == Beside::Anything, of);
    }

    fn four_octets(&mut self, o: [u8; 4]) {
        let [a, b, c, d] = o;
        let of = format!("{a}.{b}.{c}.{d}");
        for separator in [".", "-", "_", ":", ","] {
            for (form, octets) in [("text", [a, b, c, d]), ("reversed", [d, c, b, a])] {
                let joined = |text: &dyn Fn(u8) -> String| octets.map(text).join(separator);
                // Behind a digit it would be another address; before one it is ours, or that of a neighbour.
                let beside = if form == "text" { Beside::Anything } else { Beside::NoDigit };
                self.add(form, beside, joined(&|o| o.to_string()), &of);
                self.add("padded", Beside::Anything, joined(&|o| format!("{o:03}")), &of);
                self.add("octal", Beside::NoDigit, joined(&|o| format!("0{o:o}")), &of);
            }
        }
        self.add("spelt backwards", Beside::Anything, of.chars().rev().collect(), &of);
        for octets in [[a, b, c, d], [d, c, b, a]] {
            self.add("run together", Beside::NoDigit, octets.map(|o| format!("{o:03}")).concat(), &of);
            self.add("decimal", Beside::NoDigit, u32::from_be_bytes(octets).to_string(), &of);
            self.add_hex(&octets, &of);
        }
        // ::ffff:100.64.1.2 holds the text; the same in groups, and in 6to4 and NAT64 addresses:
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        for text in [format!("{high:x}:{low:x}"), format!("{high:04x}:{low:04x}"), format!("{high:04x}-{low:04x}")] {
            self.add("groups", Beside::NoHexDigit, text.to_uppercase(), &of);
            self.add("groups", Beside::NoHexDigit, text, &of);
        }
    }

    fn sixteen_octets(&mut self, o: [u8; 16]) {
        let ip = std::net::Ipv6Addr::from(o);
        let of = ip.to_string();
        let groups = ip.segments();
        let (short, long) = (groups.map(|g| format!("{g:x}")), groups.map(|g| format!("{g:04x}")));
        let backwards: Vec<u8> = o.iter().rev().copied().collect();
        self.add("compressed", Beside::Anything, of.clone(), &of);
        self.add("decimal", Beside::NoDigit, ip.to_bits().to_string(), &of);
        // The first half tells the household, the second the device.
        for range in [0..8, 0..4, 4..8] {
            for separator in [":", "-", "_", "."] {
                for groups in [&short, &long] {
                    let text = groups[range.clone()].join(separator);
                    self.add("groups", Beside::Anything, text.to_uppercase(), &of);
                    self.add("groups", Beside::Anything, text, &of);
                }
            }
            let octets = &o[range.start * 2..range.end * 2];
            self.add_hex(octets, &of);
            let nibbles: Vec<String> = hex(octets).concat().chars().map(String::from).collect();
            let reversed: Vec<String> = nibbles.iter().rev().cloned().collect();
            for separator in [".", "-"] {
                self.add("nibbles", Beside::Anything, nibbles.join(separator), &of);
                self.add("nibbles reversed", Beside::Anything, reversed.join(separator), &of);
            }
            self.add("hex reversed", Beside::Anything, reversed.concat(), &of);
        }
        self.add_hex(&backwards, &of);
    }

    /// Chooses for each needle whichever end fewer others share, and builds the index.
    fn index(&mut self) {
        let mut shared: HashMap<[u8; 4], u32> = HashMap::new();
        for needle in &self.needles {
            assert!(needle.octets.len() >= 4, "{}", needle.what);
            *shared.entry(four(&needle.octets)).or_default() += 1;
            *shared.entry(four(&needle.octets[needle.octets.len() - 4..])).or_default() += 1;
        }
        for (n, needle) in self.needles.iter_mut().enumerate() {
            let end = needle.octets.len() - 4;
            let count = |at: usize| shared[&four(&needle.octets[at..])];
            needle.anchor = if count(end) < count(0) { end } else { 0 };
            self.by_anchor.entry(four(&needle.octets[needle.anchor..])).or_default().push(n as u32);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.needles.len()
    }

    /// What stands in `octets`, as it is, and in base64 and hexadecimal. At most a few dozen finds.
    pub(crate) fn find(&self, octets: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        self.find_in(octets, "", false, &mut found);
        for (run, encoding) in runs(octets, 6, base64_value).zip(std::iter::repeat("in base64")) {
            for skip in 0..4 {
                self.find_in(
                    &decode(run.get(skip..).unwrap_or_default(), 6, base64_value),
                    encoding,
                    false,
                    &mut found,
                );
            }
        }
        for run in runs(octets, 8, hex_value) {
            for skip in 0..2 {
                self.find_in(&decode(run.get(skip..).unwrap_or_default(), 4, hex_value), "in hex", true, &mut found);
            }
        }
        found
    }

    fn find_in(&self, octets: &[u8], encoding: &str, is_hex: bool, found: &mut Vec<String>) {
        for (at, window) in octets.windows(4).enumerate() {
            let Some(candidates) = self.by_anchor.get(window) else { continue };
            for needle in candidates.iter().map(|n| &self.needles[*n as usize]) {
                let Some(start) = at.checked_sub(needle.anchor) else { continue };
                let end = start + needle.octets.len();
                if octets.get(start..end) != Some(needle.octets.as_slice()) || is_hex && !needle.in_hex {
                    continue;
                }
                let beside = [start.checked_sub(1).and_then(|b| octets.get(b)), octets.get(end)];
                let forbidden = |b: &&u8| match needle.beside {
                    Beside::Anything => false,
                    Beside::NoDigit => b.is_ascii_digit(),
                    Beside::NoHexDigit => b.is_ascii_hexdigit(),
                };
                if found.len() < 40 && !beside.iter().flatten().any(forbidden) {
                    let around = &octets[start.saturating_sub(60)..octets.len().min(end + 60)];
                    found.push(format!("{} {encoding} in {:?}", needle.what, String::from_utf8_lossy(around)));
                }
            }
        }
    }
}

/// The runs of at least `least` octets that all have a value.
fn runs(octets: &[u8], least: usize, value: fn(u8) -> Option<u8>) -> impl Iterator<Item = &[u8]> {
    octets.split(move |b| value(*b).is_none()).filter(move |run| run.len() >= least)
}

/// Octets of digits of `bits` bits each.
fn decode(digits: &[u8], bits: u32, value: fn(u8) -> Option<u8>) -> Vec<u8> {
    let (mut held, mut count, mut out) = (0u32, 0, Vec::with_capacity(digits.len()));
    for digit in digits.iter().filter_map(|d| value(*d)) {
        held = held << bits | u32::from(digit);
        count += bits;
        if count >= 8 {
            count -= 8;
            out.push((held >> count) as u8);
            held &= (1 << count) - 1;
        }
    }
    out
}

/// Of both alphabets of RFC 4648.
fn base64_value(b: u8) -> Option<u8> {
    match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn hex_value(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).map(|d| d as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(octets: &[u8], last: &[u8; 2]) -> String {
        let alphabet: Vec<u8> = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*last).collect();
        let mut text = String::new();
        for three in octets.chunks(3) {
            let bits = (0..3).fold(0u32, |bits, n| bits << 8 | u32::from(*three.get(n).unwrap_or(&0)));
            text.extend((0..=three.len()).map(|n| char::from(alphabet[(bits >> (18 - 6 * n)) as usize & 63])));
        }
        text
    }

    /// Written by another hand than the search: what each form looks like.
    const PLANTED: [&str; 33] = [
        "100.64.171.220",
        "::ffff:100.64.171.220",
        "::ffff:6440:abdc",
        "0:0:0:0:0:ffff:6440:abdc",
        "100-64-171-220",
        "100.064.171.220",
        "100064171220",
        "220.171.64.100.in-addr.arpa",
        "220-171-64-100",
        "6440abdc",
        "6440ABDC",
        "dcab4064",
        "64:40:ab:dc",
        "64 40 AB DC",
        "0x64, 0x40, 0xab, 0xdc",
        "1681959900",
        "0144.0100.0253.0334",
        "022.171.46.001",
        "00000000000000000000ffff6440abdc",
        "2002:6440:abdc::1",
        "2001:db8:1a2b:3c4d:5e6f:7a8b:9cad:beef",
        "2001:DB8:1A2B:3C4D:5E6F:7A8B:9CAD:BEEF",
        "2001:0db8:1a2b:3c4d:5e6f:7a8b:9cad:beef",
        "2001-db8-1a2b-3c4d-5e6f-7a8b-9cad-beef",
        "20010db81a2b3c4d5e6f7a8b9cadbeef",
        "20010DB81A2B3C4D5E6F7A8B9CADBEEF",
        "f.e.e.b.d.a.c.9.b.8.a.7.f.6.e.5.d.4.c.3.b.2.a.1.8.b.d.0.1.0.0.2.ip6.arpa",
        "2.0.0.1.0.d.b.8.1.a.2.b.3.c.4.d.5.e.6.f.7.a.8.b.9.c.a.d.b.e.e.f",
        "feebdac9b8a7f6e5d4c3b2a18bd01002",
        "20:01:0d:b8:1a:2b:3c:4d:5e:6f:7a:8b:9c:ad:be:ef",
        "2001:db8:1a2b:3c4d::/64",
        "5e6f:7a8b:9cad:beef",
        "efbead9c8b7a6f5e4d3c2b1ab80d0120",
    ];

    fn search() -> Search {
        let addresses = ["100.64.171.220", "2001:db8:1a2b:3c4d:5e6f:7a8b:9cad:beef", "100.64.1.2"];
        Search::new(addresses.map(|a| a.parse().unwrap()))
    }

    #[test]
    fn every_planted_form_is_found() {
        let search = search();
        let number = u128::from_str_radix("20010db81a2b3c4d5e6f7a8b9cadbeef", 16).unwrap().to_string();
        for planted in PLANTED.iter().copied().chain([number.as_str()]) {
            let hidden = [
                planted.to_owned(),
                base64(planted.as_bytes(), b"+/"),
                base64(format!("xy{planted}").as_bytes(), b"-_"),
                hex(planted.as_bytes()).concat(),
            ];
            for text in hidden {
                let line = format!("{{\"name\":\"a {text} b\",\"count\":12345678}}\n");
                assert!(!search.find(line.as_bytes()).is_empty(), "{planted} in {line}");
            }
        }
        let (four, sixteen) = ([100, 64, 171, 220], [&[0; 10][..], &[255, 255, 100, 64, 171, 220]].concat());
        let own: std::net::Ipv6Addr = "2001:db8:1a2b:3c4d:5e6f:7a8b:9cad:beef".parse().unwrap();
        for octets in [&four[..], &sixteen, &own.octets()] {
            let backwards: Vec<u8> = octets.iter().rev().copied().collect();
            for octets in [octets, &backwards] {
                assert!(!search.find(&[b"\x00\x01", octets, b"\x02"].concat()).is_empty(), "{octets:?}");
                for shift in 0..3 {
                    let shifted = [&b"abc"[..shift], octets, b"de"].concat();
                    for last in [b"+/", b"-_"] {
                        let line = format!("\"{}\"", base64(&shifted, last));
                        assert!(!search.find(line.as_bytes()).is_empty(), "{octets:?} shifted by {shift} in {line}");
                    }
                }
            }
        }
        // One that has no letter in hexadecimal.
        for text in ["100.64.1.2", "x64400102x", "0x64400102", "ZEABAg", "1681916162", "2-1-64-100"] {
            assert!(!search.find(format!("\"{text}\"").as_bytes()).is_empty(), "{text}");
        }
    }

    #[test]
    fn other_text_is_not() {
        let search = search();
        for text in [
            "{\"ts\":\"2026-11-24T09:46:35.644001020Z\",\"name\":\"www.casino.example\",\"count\":1681916162000}",
            "sub-20261124-k3jq7ynv5xw2m4ta 100.64.0.0/10 2001:db8::/33 2001:db8:f000::1a2b:3c4d",
            "198.18.1.2 0198c6d1-5e3a-8b1c-8000-000000000001",
        ] {
            assert_eq!(search.find(text.as_bytes()), Vec::<String>::new());
        }
    }

    #[test]
    fn names_are_found_too() {
        let search = Search::names(["news.brufen.example", "a.test"]);
        assert!(!search.find(b"{\"name\":\"news.brufen.example\"}").is_empty());
        assert!(search.find(b"{\"name\":\"casino.example\"}").is_empty());
    }
}
