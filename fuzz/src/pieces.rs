//! Cutting octets into pieces, and knowing which pieces were delivered.

use std::io::{self, Read};

use crate::Input;

/// Up to seven places at which to cut, sorted: a count, then two octets each.
pub fn cuts(input: &mut Input<'_>) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..input.u8() % 8).map(|_| usize::from(input.u16())).collect();
    cuts.sort_unstable();
    cuts
}

/// The pieces of `octets` between sorted cuts, empty ones included.
pub fn split_at<'a>(octets: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut from = 0;
    for cut in cuts {
        let to = (*cut).clamp(from, octets.len());
        pieces.push(&octets[from..to]);
        from = to;
    }
    pieces.push(&octets[from..]);
    pieces
}

/// Hands its octets out one to three at a time, as a pipe might.
pub struct Trickle {
    octets: Vec<u8>,
    at: usize,
}

impl Trickle {
    pub fn new(octets: &[u8]) -> Self {
        Trickle { octets: octets.to_vec(), at: 0 }
    }
}

impl Read for Trickle {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let rest = &self.octets[self.at..];
        let n = (1 + self.at % 3).min(rest.len()).min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

/// Which octets of a message were delivered.
pub struct Coverage {
    seen: Vec<bool>,
}

impl Coverage {
    /// Of a message of `len` octets, none.
    pub fn new(len: usize) -> Self {
        Coverage { seen: vec![false; len] }
    }

    /// So many octets from `offset` on were delivered.
    pub fn add(&mut self, offset: usize, len: usize) {
        self.seen[offset..offset + len].fill(true);
    }

    /// Whether all were.
    pub fn is_complete(&self) -> bool {
        self.seen.iter().all(|seen| *seen)
    }
}
