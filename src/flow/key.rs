//! What identifies a flow: both endpoints in a fixed order, so that the two directions meet in one entry.
//!
//! VLANs and tunnel identifiers are not part of the key: mirrors often carry the two directions with different tags
//! or tunnel endpoints, and a split flow costs names, while two customers with the same private addresses, ports and
//! sequence numbers at the same moment do not happen.

use crate::model::Endpoint;

/// Which way a packet goes, seen from the key's order: 0 if its source is the lower endpoint, else 1.
pub(crate) type Direction = usize;

/// Both endpoints, the lower one first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FlowKey {
    pub(crate) low: Endpoint,
    pub(crate) high: Endpoint,
}

impl FlowKey {
    /// The key of a packet from `src` to `dst`, and the packet's direction in it.
    #[inline]
    pub(crate) fn new(src: Endpoint, dst: Endpoint) -> (FlowKey, Direction) {
        if src <= dst { (FlowKey { low: src, high: dst }, 0) } else { (FlowKey { low: dst, high: src }, 1) }
    }

    /// Source and destination of a packet that goes in `direction`.
    #[inline]
    pub(crate) fn ends(&self, direction: Direction) -> (Endpoint, Endpoint) {
        if direction == 0 { (self.low, self.high) } else { (self.high, self.low) }
    }
}

/// Secret per-worker key of the flow hash: who sends packets must not be able to choose where their flows land.
#[derive(Clone, Copy)]
pub(crate) struct HashSeed([u64; 2]);

impl HashSeed {
    /// A seed from the operating system; a fixed one where that fails, which only makes flooding easier.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 16];
        if getrandom::fill(&mut bytes).is_err() {
            return HashSeed([0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f]);
        }
        let (a, b) = bytes.split_at(8);
        HashSeed([word(a), word(b)])
    }

    /// Hash of a key and its transport protocol number.
    #[inline]
    pub(crate) fn hash(&self, key: &FlowKey, protocol: u8) -> u64 {
        let [s0, s1] = self.0;
        let low = key.low.addr.octets();
        let high = key.high.addr.octets();
        let ports = u64::from(key.low.port) << 32 | u64::from(key.high.port) << 8 | u64::from(protocol);
        let a = fold(word(&low[..8]) ^ s0, word(&low[8..]) ^ s1);
        let b = fold(word(&high[..8]) ^ s1, word(&high[8..]) ^ a);
        finish(fold(a ^ b ^ s0, ports ^ s1 ^ b.rotate_left(29)))
    }

    /// Hash of arbitrary bytes, for connection IDs and duplicate frames. The length, the first 64 octets and the last 16
    /// count: the head of two QUIC packets may be the same (connection IDs, token), their tags never are.
    #[inline]
    pub(crate) fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        let [s0, s1] = self.0;
        let mut acc = s0 ^ bytes.len() as u64;
        let head = &bytes[..bytes.len().min(64)];
        let mut chunks = head.chunks_exact(8);
        for chunk in &mut chunks {
            acc = fold(acc ^ word(chunk), s1);
        }
        let mut rest = [0; 8];
        rest[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        if bytes.len() > 64
            && let Some(tail) = bytes.last_chunk::<16>()
        {
            acc = fold(acc ^ word(&tail[..8]), s1 ^ word(&tail[8..]));
        }
        finish(fold(acc ^ u64::from_ne_bytes(rest), s1 ^ acc.rotate_left(32)))
    }
}

/// Eight octets as an integer; fewer are never passed.
#[inline]
fn word(octets: &[u8]) -> u64 {
    octets.first_chunk().map_or(0, |c| u64::from_ne_bytes(*c))
}

/// Inputs in arithmetic progression (ports given out in order, a counter in a payload) leave a fold as the multiples of
/// a constant, and for one seed in fifty those fall on a few places only. A second, different mixing breaks them up.
#[inline]
fn finish(hash: u64) -> u64 {
    let mixed = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 29
}

/// Both halves of the 128-bit product: mixes every input bit into every output bit with one multiplication.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Addr;

    #[test]
    fn both_directions_share_a_key() {
        let c = Endpoint::new(Addr::v4([10, 0, 0, 9]), 50_000);
        let s = Endpoint::new(Addr::v4([10, 0, 0, 1]), 443);
        let (there, d) = FlowKey::new(c, s);
        let (back, e) = FlowKey::new(s, c);
        assert_eq!(there, back);
        assert_ne!(d, e);
        assert_eq!(there.ends(d), (c, s));
    }

    #[test]
    fn neighbouring_flows_spread() {
        let seed = HashSeed::random();
        let mut buckets = [0u32; 64];
        for port in 1000..9000u16 {
            let c = Endpoint::new(Addr::v4([10, 0, 0, 9]), port);
            let s = Endpoint::new(Addr::v4([10, 0, 0, 1]), 443);
            buckets[(seed.hash(&FlowKey::new(c, s).0, 6) & 63) as usize] += 1;
        }
        // 125 expected a bucket, standard deviation 11: eight deviations away means the hash does not spread.
        assert!(buckets.iter().all(|n| (37..213).contains(n)), "{buckets:?}");
    }

    #[test]
    fn counters_spread_whatever_the_seed() {
        for _ in 0..500 {
            let seed = HashSeed::random();
            let mut by_payload = [0u32; 256];
            let mut by_port = [0u32; 256];
            for n in 0..4096u16 {
                by_payload[(seed.hash_bytes(&n.to_be_bytes()) >> 47 & 255) as usize] += 1;
                let c = Endpoint::new(Addr::v4([10, 0, 0, 9]), 20_000 + n);
                let s = Endpoint::new(Addr::v4([10, 0, 0, 1]), 443);
                by_port[(seed.hash(&FlowKey::new(c, s).0, 6) >> 47 & 255) as usize] += 1;
            }
            // 16 expected a bucket, standard deviation 4: fifteen deviations do not happen by chance.
            for buckets in [by_payload, by_port] {
                assert!(buckets.iter().all(|n| *n < 76), "{:?}: {buckets:?}", seed.0);
            }
        }
    }
}
