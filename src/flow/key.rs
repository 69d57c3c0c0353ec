//! What identifies a flow: both endpoints in a fixed order, so that the two directions meet in one entry.
//!
//! VLANs and tunnel identifiers are not part of the key: mirrors often carry the two directions with different tags
//! or tunnel endpoints, and a split flow costs names, while two customers with the same private addresses, ports and
//! sequence numbers at the same moment do not happen.

use crate::model::{Addr, Endpoint};

/// Which way a packet goes, seen from the key's order: 0 if its source is the lower endpoint, else 1.
pub(crate) type Direction = usize;

/// Both endpoints, the lower one first. Addresses and ports apart, so that no room is lost between them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FlowKey {
    low: Addr,
    high: Addr,
    ports: [u16; 2],
}

impl FlowKey {
    /// The key of no flow.
    pub(crate) const NONE: FlowKey = FlowKey { low: Addr::v6([0; 16]), high: Addr::v6([0; 16]), ports: [0; 2] };

    /// The key of a packet from `src` to `dst`, and the packet's direction in it.
    #[inline]
    pub(crate) fn new(src: Endpoint, dst: Endpoint) -> (FlowKey, Direction) {
        let (low, high, direction) = if src <= dst { (src, dst, 0) } else { (dst, src, 1) };
        (FlowKey { low: low.addr, high: high.addr, ports: [low.port, high.port] }, direction)
    }

    /// Source and destination of a packet that goes in `direction`.
    #[inline]
    pub(crate) fn ends(&self, direction: Direction) -> (Endpoint, Endpoint) {
        let (low, high) = (Endpoint::new(self.low, self.ports[0]), Endpoint::new(self.high, self.ports[1]));
        if direction == 0 { (low, high) } else { (high, low) }
    }

    /// Both ports.
    #[inline]
    pub(crate) fn ports(&self) -> [u16; 2] {
        self.ports
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
        let [low, high] = [key.low.halves(), key.high.halves()];
        let [low_port, high_port] = key.ports.map(u64::from);
        let ports = low_port << 32 | high_port << 8 | u64::from(protocol);
        let a = fold(low[0] ^ s0, low[1] ^ s1);
        let b = fold(high[0] ^ s1, high[1] ^ a);
        finish(fold(a ^ b ^ s0, ports ^ s1 ^ b.rotate_left(29)))
    }

    /// Hash of arbitrary bytes, for connection IDs and duplicate frames. The length, the first 64 octets and the last 16
    /// count: the head of two QUIC packets may be the same (connection IDs, token), their tags never are.
    #[inline]
    pub(crate) fn hash_bytes(&self, bytes: &[u8]) -> u64 {
        let [s0, s1] = self.0;
        let mut acc = s0 ^ bytes.len() as u64;
        if let Some(last) = bytes.last_chunk::<16>() {
            let (pairs, _) = bytes[..bytes.len().min(64)].as_chunks::<16>();
            for pair in pairs {
                acc = fold(word(&pair[..8]) ^ s1, word(&pair[8..]) ^ acc);
            }
            // What is left of the head lies in these too.
            acc = fold(word(&last[..8]) ^ s1.rotate_left(32), word(&last[8..]) ^ acc);
        } else {
            let (first, last) = short(bytes);
            acc = fold(first ^ s1, last ^ acc);
        }
        finish(acc)
    }
}

/// Fewer than sixteen octets as two integers that hold them all.
#[inline]
fn short(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (u64::from_ne_bytes(*first), u64::from_ne_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (u32::from_ne_bytes(*first).into(), u32::from_ne_bytes(*last).into())
    } else {
        (bytes.iter().fold(0, |all, octet| all << 8 | u64::from(*octet)), 0)
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
