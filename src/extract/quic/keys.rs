//! Initial keys from a destination connection ID (RFC 9001 section 5.2; RFC 9369 section 3.3 for version 2).
//!
//! Anybody who sees the first packet can derive them: they come from a public salt and the connection ID. Every
//! message that HMAC-SHA-256 is asked for here fits one block, so the derivation is written as fourteen calls of the
//! compression function, with the salts' HMAC states computed once and the labels' blocks at compile time. That is
//! about half the work of a general HKDF.

use std::sync::LazyLock;

use sha2::block_api::compress256;

use super::header::ConnectionId;
use super::version::Version;

/// Whose packets the keys protect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Packets that the client sends.
    Client,
    /// Packets that the server sends.
    Server,
}

/// What protects the Initial packets of one side: AES-128-GCM key and IV, and the header protection key.
#[derive(Clone, PartialEq, Eq)]
pub struct InitialKeys {
    /// AEAD key.
    pub(super) key: [u8; 16],
    /// AEAD IV, to be combined with the packet number.
    pub(super) iv: [u8; 12],
    /// Header protection key.
    pub(super) hp: [u8; 16],
}

impl InitialKeys {
    /// Derives the keys of `side` from the client's first destination connection ID.
    pub fn derive(version: Version, dcid: &ConnectionId, side: Side) -> InitialKeys {
        let (salt, labels) = match version {
            Version::V1 | Version::Draft33 | Version::Draft34 => (&SALTS[0], &LABELS_V1),
            Version::V2 => (&SALTS[1], &LABELS_V2),
            Version::Draft29 | Version::Draft30 | Version::Draft31 | Version::Draft32 => (&SALTS[2], &LABELS_V1),
            Version::Draft27 | Version::Draft28 | Version::Mvfst27 | Version::MvfstExperiment => {
                (&SALTS[3], &LABELS_V1)
            }
        };
        // HKDF-Extract: the initial secret.
        let initial = HmacKey::new(&salt.mac(&final_block(dcid.as_bytes())));
        let side_secret = HmacKey::new(&initial.mac(match side {
            Side::Client => &CLIENT_IN,
            Side::Server => &SERVER_IN,
        }));
        let [key, iv, hp] = side_secret.macs(labels);
        InitialKeys { key: truncate(&key), iv: truncate(&iv), hp: truncate(&hp) }
    }
}

/// Keys are public knowledge to whoever saw the packet, but a log is no place for them.
impl std::fmt::Debug for InitialKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InitialKeys(..)")
    }
}

/// SHA-256 chaining value.
type State = [u32; 8];
/// One SHA-256 block.
type Block = [u8; 64];

/// SHA-256's initial chaining value (FIPS 180-4 section 5.3.3).
const SHA256_INIT: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// HMAC-SHA-256 after its key (RFC 2104): the states in which the inner and the outer hash stand.
struct HmacKey {
    inner: State,
    outer: State,
}

impl HmacKey {
    /// A key of one output length or less, zero-filled, as HKDF has them.
    fn new(key: &[u8; 32]) -> HmacKey {
        let pad = |byte: u8| {
            let mut block: Block = [byte; 64];
            for (b, k) in block.iter_mut().zip(key) {
                *b ^= k;
            }
            block
        };
        let (inner_pad, outer_pad) = (pad(0x36), pad(0x5c));
        let (mut inner, mut outer) = (SHA256_INIT, SHA256_INIT);
        compress256(&mut inner, &[inner_pad]);
        compress256(&mut outer, &[outer_pad]);
        HmacKey { inner, outer }
    }

    /// The MAC of a message that was padded to the last block by [`final_block`].
    #[inline]
    fn mac(&self, message: &Block) -> [u8; 32] {
        let mut inner = self.inner;
        compress256(&mut inner, std::slice::from_ref(message));
        let mut outer = self.outer;
        compress256(&mut outer, &[final_block(&to_bytes(&inner))]);
        to_bytes(&outer)
    }

    /// The MACs of three messages. Those parts of them that do not wait for each other stand side by side, so that the
    /// processor, which waits for each step of one hash, works on the next one meanwhile.
    #[inline]
    fn macs(&self, messages: &[Block; 3]) -> [[u8; 32]; 3] {
        let mut inner = [self.inner; 3];
        for (state, message) in inner.iter_mut().zip(messages) {
            compress256(state, std::slice::from_ref(message));
        }
        let last = inner.map(|state| final_block(&to_bytes(&state)));
        let mut outer = [self.outer; 3];
        for (state, block) in outer.iter_mut().zip(&last) {
            compress256(state, std::slice::from_ref(block));
        }
        outer.map(|state| to_bytes(&state))
    }
}

/// The second and last block of a hash whose first was an HMAC pad: message, 0x80, zeros, length in bits
/// (FIPS 180-4 section 5.1.1). The message is at most 55 octets, which all callers' are by their types or as
/// constants.
const fn final_block(message: &[u8]) -> Block {
    assert!(message.len() <= 55);
    let mut block = [0u8; 64];
    let mut i = 0;
    while i < message.len() {
        block[i] = message[i];
        i += 1;
    }
    block[i] = 0x80;
    let bits = (64 + message.len() as u16) * 8;
    let [high, low] = bits.to_be_bytes();
    block[62] = high;
    block[63] = low;
    block
}

/// The block that HKDF-Expand-Label hashes (RFC 8446 section 7.1): length, "tls13 " and label, no context, and the
/// counter 1 of HKDF-Expand.
const fn label_block(label: &[u8], output: u8) -> Block {
    const PREFIX: &[u8] = b"tls13 ";
    let mut info = [0u8; 40];
    info[1] = output;
    info[2] = (PREFIX.len() + label.len()) as u8;
    let mut at = 3;
    let mut i = 0;
    while i < PREFIX.len() {
        info[at] = PREFIX[i];
        at += 1;
        i += 1;
    }
    i = 0;
    while i < label.len() {
        info[at] = label[i];
        at += 1;
        i += 1;
    }
    // The empty context's length is the zero that is there already.
    info[at + 1] = 1;
    final_block(info.split_at(at + 2).0)
}

const CLIENT_IN: Block = label_block(b"client in", 32);
const SERVER_IN: Block = label_block(b"server in", 32);
/// Key, IV, header protection.
const LABELS_V1: [Block; 3] = [label_block(b"quic key", 16), label_block(b"quic iv", 12), label_block(b"quic hp", 16)];
/// The same for version 2.
const LABELS_V2: [Block; 3] =
    [label_block(b"quicv2 key", 16), label_block(b"quicv2 iv", 12), label_block(b"quicv2 hp", 16)];

/// HMAC states of the salts: version 1 and the last drafts, version 2, drafts 29 to 32, drafts 23 to 28.
static SALTS: LazyLock<[HmacKey; 4]> = LazyLock::new(|| {
    const SALTS: [[u8; 20]; 4] = [
        *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a",
        *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
        *b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99",
        *b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02",
    ];
    SALTS.map(|salt| {
        let mut key = [0; 32];
        key[..20].copy_from_slice(&salt);
        HmacKey::new(&key)
    })
});

#[inline]
fn to_bytes(state: &State) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, word) in out.chunks_exact_mut(4).zip(state) {
        to.copy_from_slice(&word.to_be_bytes());
    }
    out
}

#[inline]
fn truncate<const N: usize>(mac: &[u8; 32]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&mac[..N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The connection ID of all the standards' examples.
    fn example(version: Version, side: Side) -> [String; 3] {
        let dcid = ConnectionId::new(b"\x83\x94\xc8\xf0\x3e\x51\x57\x08").unwrap();
        let keys = InitialKeys::derive(version, &dcid, side);
        [hex(&keys.key), hex(&keys.iv), hex(&keys.hp)]
    }

    #[test]
    fn version_1_keys_of_the_standard() {
        // RFC 9001 appendix A.1.
        assert_eq!(
            example(Version::V1, Side::Client),
            ["1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2"]
        );
        assert_eq!(
            example(Version::V1, Side::Server),
            ["cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314"]
        );
        assert_eq!(example(Version::Draft34, Side::Client), example(Version::V1, Side::Client));
    }

    #[test]
    fn version_2_keys_of_the_standard() {
        // RFC 9369 appendix A.1.
        assert_eq!(
            example(Version::V2, Side::Client),
            ["8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9"]
        );
        assert_eq!(
            example(Version::V2, Side::Server),
            ["82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a"]
        );
    }

    #[test]
    fn draft_keys() {
        // draft-ietf-quic-tls-29 and -27, appendix A.1.
        assert_eq!(
            example(Version::Draft29, Side::Client),
            ["175257a31eb09dea9366d8bb79ad80ba", "6b26114b9cba2b63a9e8dd4f", "9ddd12c994c0698b89374a9c077a3077"]
        );
        assert_eq!(
            example(Version::Draft27, Side::Client),
            ["af7fd7efebd21878ff66811248983694", "8681359410a70bb9c92f0420", "a980b8b4fb7d9fbc13e814c23164253d"]
        );
    }

    #[test]
    fn connection_ids_of_every_length_agree_with_a_general_hkdf() {
        // The `hmac` crate knows nothing of one-block messages.
        use hmac::{Hmac, KeyInit, Mac};
        let mac = |key: &[u8], message: &[u8]| -> [u8; 32] {
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
            mac.update(message);
            mac.finalize().into_bytes().into()
        };
        for len in 0..=ConnectionId::MAX {
            let id: Vec<u8> = (0..len as u8).collect();
            let salt = b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
            let initial = mac(salt, &id);
            let client = mac(&initial, b"\x00\x20\x0ftls13 client in\x00\x01");
            let key = mac(&client, b"\x00\x10\x0etls13 quic key\x00\x01");
            let own = InitialKeys::derive(Version::V1, &ConnectionId::new(&id).unwrap(), Side::Client);
            assert_eq!(own.key, key[..16], "{len} octets");
        }
    }
}
