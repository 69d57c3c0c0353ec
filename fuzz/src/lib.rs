//! What the fuzz targets share: a cursor over the fuzzer's octets, readers that deliver in odd pieces, and samples of
//! real messages that inputs refer to instead of carrying them.

pub mod capture;
mod pieces;
pub mod rules;
pub mod samples;

pub use pieces::{Coverage, Trickle, cuts, split_at};

/// Takes the fuzzer's octets apart. At the end it gives zeros and empty slices, so that every input means something.
#[derive(Clone, Copy)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// One octet.
    pub fn u8(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// Two octets.
    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    /// Up to `n` octets.
    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Octets behind their length in two octets.
    pub fn framed(&mut self) -> &'a [u8] {
        let len = self.u16();
        self.take(usize::from(len))
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
