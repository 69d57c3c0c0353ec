//! Identities of findings and events: UUIDs of version 8 (RFC 9562 section 5.8), 60 bits of them drawn once a run
//! and the rest a counter, so that no two are alike and none says anything about a subscriber.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::model::Hit;

/// An identity, shown as a UUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Id(u128);

impl Id {
    /// The counter's part, unique within one run of the program.
    pub const fn counter(self) -> u64 {
        self.0 as u64 & IdSource::COUNTER
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            (n >> 96) as u32,
            (n >> 80) as u16,
            (n >> 64) as u16,
            (n >> 48) as u16,
            n & 0xffff_ffff_ffff
        )
    }
}

/// Hands out identities.
#[derive(Debug)]
pub(super) struct IdSource {
    /// The upper half; none while a replay has found nothing.
    high: Option<u64>,
    next: u64,
}

impl IdSource {
    /// What the variant field leaves of the lower half for the counter.
    const COUNTER: u64 = u64::MAX >> 2;

    /// Identities that no other run gives out.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self::with_seed)
    }

    /// Identities that follow from what is found first: the same in every run over a capture, so that a replay gives
    /// the same output, and others for another capture.
    pub(super) const fn replay() -> Self {
        IdSource { high: None, next: 0 }
    }

    fn with_seed(seed: u64) -> Self {
        IdSource { high: Some(upper_half(seed)), next: 0 }
    }

    /// Settles the identities of a replay by its first finding. Only by when and what: who is in no identity.
    pub(super) fn settle(&mut self, first: &Hit) {
        self.high.get_or_insert_with(|| {
            let digest = Sha256::new()
                .chain_update(first.ts.as_nanos().to_be_bytes())
                .chain_update([first.proto as u8])
                .chain_update(first.rule.pattern.as_wire())
                .finalize();
            let seed = digest.iter().take(8).fold(0, |seed, b| seed << 8 | u64::from(*b));
            upper_half(seed)
        });
    }

    pub(super) fn next(&mut self) -> Id {
        self.next += 1;
        let high = self.high.unwrap_or(upper_half(0));
        // The upper two bits of the lower half are the variant, binary 10.
        Id(u128::from(high) << 64 | 1 << 63 | u128::from(self.next & Self::COUNTER))
    }
}

/// Sixty bits of the seed and the version.
const fn upper_half(seed: u64) -> u64 {
    (seed & !0xf000) | 0x8000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_have_the_form_of_a_version_8_uuid() {
        let mut ids = IdSource::with_seed(u64::MAX);
        assert_eq!(ids.next().to_string(), "ffffffff-ffff-8fff-8000-000000000001");
        assert_eq!(ids.next().counter(), 2);
        assert_eq!(IdSource::replay().next().to_string(), "00000000-0000-8000-8000-000000000001");
    }

    #[test]
    fn two_runs_differ() {
        assert_ne!(IdSource::random().unwrap().next(), IdSource::random().unwrap().next());
    }
}
