//! Names to visit: benign ones, made from their rank alone so that they take no memory, and the listed ones that the
//! caller brings.
//!
//! Benign names are invented and lie under top-level domains that RFC 2606 reserves. One in a hundred is a trap for
//! careless matching: it holds a listed name, but not as its parent at a label boundary.

use std::collections::HashSet;

use super::rng::{Rng, hash, scramble};

const SYLLABLES: [&str; 32] = [
    "bru", "dol", "fen", "gim", "hop", "jun", "kel", "lam", "mor", "nib", "oli", "pem", "quo", "rav", "sut", "tib",
    "ulo", "vek", "wim", "xan", "yor", "zil", "bea", "cli", "dru", "eno", "fru", "gla", "hyl", "ivo", "jal", "kno",
];
const ENDINGS: [&str; 8] = ["example", "example", "example", "test", "test", "com.example", "net.example", "co.test"];
const HOSTS: [&str; 14] =
    ["www", "www", "www", "api", "cdn", "img", "static", "m", "login", "edge", "news", "mail", "video", "telemetry-in"];
/// How many different benign sites there are.
const BRANDS: usize = 20_000;
/// The share of benign names that look like a listed one.
const NEAR_MISSES: f64 = 0.01;
/// Room for a host name in front of a listed one, so that the whole stays within the 253 octets of DNS.
const LONGEST_LISTED: usize = 230;

/// Where names come from.
pub(super) struct Names {
    listed: Vec<String>,
    /// Hashes of the listed names, to tell whether a name made up is under one of them.
    hashes: HashSet<u64>,
    listed_share: f64,
}

impl Names {
    /// Takes the listed names in lower case; those that cannot be visited with a host name in front are left out.
    pub(super) fn new(listed: Vec<String>, listed_share: f64) -> Self {
        let listed: Vec<String> = listed
            .into_iter()
            .map(|name| name.trim_end_matches('.').to_ascii_lowercase())
            .filter(|name| !name.is_empty() && name.len() <= LONGEST_LISTED && sendable(name))
            .collect();
        let hashes = listed.iter().map(|name| hash(name.as_bytes())).collect();
        Names { listed, hashes, listed_share }
    }

    /// Writes the next name to visit; true if it is listed, itself or by a parent.
    pub(super) fn visit(&self, rng: &mut Rng, out: &mut String) -> bool {
        if !self.listed.is_empty() && rng.chance(self.listed_share) {
            self.listed(rng, out);
            return true;
        }
        self.benign(rng, out);
        false
    }

    /// Writes a listed name, half of the time with a host name in front; nothing if there are none.
    pub(super) fn listed(&self, rng: &mut Rng, out: &mut String) -> bool {
        out.clear();
        if self.listed.is_empty() {
            return false;
        }
        out.push_str(rng.pick(&["", "", "www.", "m."]));
        out.push_str(&self.listed[rng.below(self.listed.len())]);
        true
    }

    /// Writes a name that is not listed.
    pub(super) fn benign(&self, rng: &mut Rng, out: &mut String) {
        // A caller's list may hold `example` itself; then nothing benign is left and `invalid` has to serve.
        for _ in 0..8 {
            out.clear();
            if !self.listed.is_empty() && rng.chance(NEAR_MISSES) {
                self.near_miss(rng, out);
            } else {
                host(rng, out);
                // Few sites get most of the visits.
                let at = rng.unit();
                let rank = (at * at * at * BRANDS as f64) as usize;
                brand(rank, out);
            }
            if !self.is_listed(out) {
                return;
            }
        }
        out.clear();
        out.push_str("nothing-benign-left.invalid");
    }

    /// A name in which a listed one appears, but not as its parent.
    fn near_miss(&self, rng: &mut Rng, out: &mut String) {
        let name = &self.listed[rng.below(self.listed.len())];
        if rng.chance(0.5) {
            out.push_str(rng.pick(&["my", "not-", "the"]));
            out.push_str(name);
        } else {
            out.push_str(name);
            out.push('.');
            brand(rng.below(BRANDS), out);
        }
        // Longer than DNS allows, or with a label that is: another benign name must do.
        if out.len() > 253 || !sendable(out) {
            out.clear();
            brand(0, out);
        }
    }

    /// Whether the name or one of its parents is listed. A hash that collides only costs another draw.
    pub(super) fn is_listed(&self, name: &str) -> bool {
        let mut rest = Some(name);
        while let Some(suffix) = rest {
            if self.hashes.contains(&hash(suffix.as_bytes())) {
                return true;
            }
            rest = suffix.split_once('.').map(|(_, parent)| parent);
        }
        false
    }
}

/// Whether every protocol can carry the name: labels of 1 to 63 octets of visible ASCII, with nothing that HTTP's Host
/// would read otherwise.
fn sendable(name: &str) -> bool {
    name.split('.').all(|label| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    })
}

fn host(rng: &mut Rng, out: &mut String) {
    use std::fmt::Write;
    let written = match rng.below(20) {
        0..5 => Ok(()),
        5..15 => write!(out, "{}.", rng.pick(&HOSTS)),
        15..18 => write!(out, "{}.{}.", rng.pick(&HOSTS), rng.pick(&["eu-1", "eu-2", "de", "pl", "assets"])),
        _ => write!(out, "n{}-{:08x}.cache.", rng.below(40), rng.next() as u32),
    };
    debug_assert!(written.is_ok(), "a String takes everything");
}

/// Appends the name of the site with this rank: the same for the same rank, two syllables for the best known.
pub(super) fn brand(rank: usize, out: &mut String) {
    let mut bits = scramble(rank as u64 + 1);
    let mut take = |count: u64| {
        let value = bits % count;
        bits /= count;
        value as usize
    };
    for _ in 0..if rank < 200 { 2 } else { 3 } {
        out.push_str(SYLLABLES[take(32)]);
    }
    out.push('.');
    out.push_str(ENDINGS[take(8)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<String> {
        ["Lucky-Spin1.example.", "sure-bets.example", "", "a..b", "höhe.example"].map(String::from).to_vec()
    }

    #[test]
    fn benign_names_are_never_listed_and_some_are_near_misses() {
        let names = Names::new(list(), 0.0);
        let (mut rng, mut name, mut near) = (Rng::new(1), String::new(), 0);
        for _ in 0..20_000 {
            assert!(!names.visit(&mut rng, &mut name));
            assert!(!name.ends_with(".sure-bets.example") && name != "sure-bets.example", "{name}");
            assert!(sendable(&name) && name.len() <= 253, "{name}");
            near += usize::from(name.contains("sure-bets.example") || name.contains("lucky-spin1.example"));
        }
        assert!((100..400).contains(&near), "{near}");
    }

    #[test]
    fn half_of_the_listed_visits_go_to_a_subdomain() {
        let names = Names::new(list(), 1.0);
        let (mut rng, mut name, mut under) = (Rng::new(1), String::new(), 0);
        for _ in 0..2_000 {
            assert!(names.visit(&mut rng, &mut name));
            assert!(names.is_listed(&name), "{name}");
            under += usize::from(name.starts_with("www.") || name.starts_with("m."));
        }
        assert!((900..1_100).contains(&under), "{under}");
    }

    #[test]
    fn unusable_lists_leave_something_to_send() {
        let (mut rng, mut name) = (Rng::new(1), String::new());
        let all = Names::new(vec!["example".into(), "test".into()], 0.0);
        assert!(!all.visit(&mut rng, &mut name));
        assert_eq!(name, "nothing-benign-left.invalid");
        assert!(!Names::new(vec!["a b".into()], 1.0).visit(&mut rng, &mut name), "no usable name: benign");
    }

    #[test]
    fn many_sites_differ() {
        let mut seen = HashSet::new();
        for rank in 0..2_000 {
            let mut name = String::new();
            brand(rank, &mut name);
            seen.insert(name);
        }
        assert!(seen.len() > 1_700, "{}", seen.len());
    }
}
