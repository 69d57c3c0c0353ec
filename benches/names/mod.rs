//! Names for the bench of the look-up: real published lists, where the person who runs it has them, filled up with
//! invented ones to any number; and queries of which a chosen share is listed.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

/// SplitMix64: the same names on every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % below
    }

    fn word(&mut self, out: &mut String, len: u64) {
        const SYLLABLES: [&str; 16] =
            ["ka", "si", "no", "be", "ti", "lu", "ro", "ma", "xo", "ze", "vi", "gu", "po", "ny", "ke", "ra"];
        (0..len).for_each(|_| out.push_str(SYLLABLES[self.next(16) as usize]));
    }

    /// Seven tenths with digits, seven tenths of two labels, 20 octets on average: as published lists are.
    fn site(&mut self, out: &mut String) {
        if self.next(10) < 3 {
            let len = 1 + self.next(2);
            self.word(out, len);
            out.push('.');
        }
        let len = 3 + self.next(4);
        self.word(out, len);
        if self.next(10) < 7 {
            let _ = write!(out, "{}", self.next(10_000));
        }
        out.push_str([".com", ".net", ".example", ".bet", ".casino", ".org"][self.next(6) as usize]);
    }
}

/// The names of the real lists that are there, in lower case.
fn real() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["cz-plain.txt", "ee-plain.txt", "id-plain.txt", "vn-plain.txt"];
    let texts = ["../shared/lists", "../../shared/lists"].iter().flat_map(|dir| files.map(|f| root.join(dir).join(f)));
    let texts: String = texts.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let is_name = |line: &&str| line.bytes().any(|b| b.is_ascii_alphabetic()) && line.contains('.') && line.is_ascii();
    texts.lines().map(str::trim).filter(is_name).map(str::to_ascii_lowercase).collect()
}

/// `count` distinct names, the real ones first, and how many of them are real.
pub(crate) fn listed(count: usize) -> (Vec<String>, usize) {
    let mut seen = HashSet::with_capacity(count);
    let mut names = Vec::with_capacity(count);
    let mut take = |name: String| {
        if names.len() < count && seen.insert(name.clone()) {
            names.push(name);
        }
        names.len()
    };
    let real = real().into_iter().map(&mut take).last().unwrap_or(0);
    let mut random = Random::new(1);
    loop {
        let mut name = String::new();
        random.site(&mut name);
        if take(name) == count {
            return (names, real);
        }
    }
}

/// Queries of which `hits` in a hundred are a listed name, half of those under a `www.` of it.
pub(crate) fn queries(names: &[String], count: usize, hits: u64) -> Vec<String> {
    let mut random = Random::new(2);
    let query = |_| {
        let mut text = String::new();
        if random.next(100) < hits {
            text.push_str(["", "www."][random.next(2) as usize]);
            text.push_str(&names[random.next(names.len() as u64) as usize]);
        } else {
            text.push_str(["", "www.", "cdn."][random.next(3) as usize]);
            random.site(&mut text);
            // The real and the invented names end otherwise, so no suffix of it is listed.
            text.push_str(["x", "q", "j"][random.next(3) as usize]);
        }
        text
    };
    (0..count).map(query).collect()
}
