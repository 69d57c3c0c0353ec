//! Packet protection of Initials: AES-128-GCM and AES-based header protection (RFC 9001 sections 5.3 and 5.4).
//!
//! The AEAD is `ring`'s, whose assembly opens a full packet in about half the time of the `aes-gcm` crate; header
//! protection is one block of the `aes` crate, whose key schedule costs a third of ring's. Key schedules are made
//! for each packet: that costs about 100 ns, while keeping them would make a connection's state five times as
//! large, and most connections have two packets.

use std::ops::Range;

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::keys::InitialKeys;

/// Octets of the AEAD tag.
pub(super) const TAG_LEN: usize = 16;
/// Bits of a long header's first octet that header protection covers.
const PROTECTED_BITS: u8 = 0x0f;
/// Of these the reserved ones, which are 0 in every valid packet (RFC 9000 section 17.2).
const RESERVED_BITS: u8 = 0x0c;

/// A packet that was opened.
pub(super) struct Opened {
    /// Its full packet number.
    pub(super) packet_number: u64,
    /// Where its frames lie in the buffer.
    pub(super) payload: Range<usize>,
}

/// Opens a packet whose packet number starts at `pn_at` and would be `expected` if nothing were lost or reordered.
/// It is copied to the buffer and decrypted there; `None` if the tag does not fit.
pub(super) fn open(
    keys: &InitialKeys,
    packet: &[u8],
    pn_at: usize,
    expected: u64,
    buffer: &mut Vec<u8>,
) -> Option<Opened> {
    let (&sample, _) = packet.get(pn_at + 4..)?.split_first_chunk::<16>()?;
    let mask = header_mask(keys, sample);
    let first = packet[0] ^ mask[0] & PROTECTED_BITS;
    // Three of four packets that these keys do not fit are seen here, before the costly part. Who sends a packet
    // with these bits set has his connection closed by the server.
    if first & RESERVED_BITS != 0 {
        return None;
    }
    buffer.clear();
    buffer.extend_from_slice(packet);
    buffer[0] = first;
    let pn_len = usize::from(first & 3) + 1;
    let (header, body) = buffer.split_at_mut_checked(pn_at + pn_len)?;
    let mut truncated = 0;
    for (octet, m) in header[pn_at..].iter_mut().zip(&mask[1..]) {
        *octet ^= m;
        truncated = truncated << 8 | u64::from(*octet);
    }
    let packet_number = decode_packet_number(expected, truncated, pn_len);
    let payload = aead(keys).open_in_place(nonce(keys, packet_number), Aad::from(&*header), body).ok()?;
    let (start, len) = (header.len(), payload.len());
    Some(Opened { packet_number, payload: start..start + len })
}

/// Appends the protected payload and its tag to a header that ends with the packet number, which starts at `pn_at`;
/// then protects the header.
pub(super) fn seal(keys: &InitialKeys, packet: &mut Vec<u8>, pn_at: usize, packet_number: u64, payload: &[u8]) {
    let header_len = packet.len();
    packet.extend_from_slice(payload);
    let (header, body) = packet.split_at_mut(header_len);
    let tag = aead(keys)
        .seal_in_place_separate_tag(nonce(keys, packet_number), Aad::from(&*header), body)
        .expect("a packet is shorter than 64 GiB");
    packet.extend_from_slice(tag.as_ref());
    let sample = packet[pn_at + 4..pn_at + 20].try_into().expect("16 octets");
    let mask = header_mask(keys, sample);
    packet[0] ^= mask[0] & PROTECTED_BITS;
    for (octet, m) in packet[pn_at..header_len].iter_mut().zip(&mask[1..]) {
        *octet ^= m;
    }
}

fn aead(keys: &InitialKeys) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &keys.key).expect("16 octets are an AES-128 key"))
}

/// The IV combined with the packet number (RFC 9001 section 5.3).
fn nonce(keys: &InitialKeys, packet_number: u64) -> Nonce {
    let mut nonce = keys.iv;
    for (n, p) in nonce[4..].iter_mut().zip(packet_number.to_be_bytes()) {
        *n ^= p;
    }
    Nonce::assume_unique_for_key(nonce)
}

/// AES-ECB of the sample (RFC 9001 section 5.4.3).
fn header_mask(keys: &InitialKeys, sample: [u8; 16]) -> [u8; 16] {
    let mut block = sample.into();
    Aes128Enc::new(&keys.hp.into()).encrypt_block(&mut block);
    block.into()
}

/// The packet number nearest to the expected one that ends in these octets (RFC 9000 appendix A.3).
fn decode_packet_number(expected: u64, truncated: u64, pn_len: usize) -> u64 {
    let window = 1 << (8 * pn_len);
    let candidate = expected & !(window - 1) | truncated;
    if candidate + window / 2 <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected + window / 2 && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_numbers_are_completed_near_the_expected_one() {
        // RFC 9000 appendix A.3.
        assert_eq!(decode_packet_number(0xa82f_30eb, 0x9b32, 2), 0xa82f_9b32);
        assert_eq!(decode_packet_number(0, 200, 1), 200, "the first packet says its number in full");
        assert_eq!(decode_packet_number(300, 5, 1), 261);
        assert_eq!(decode_packet_number(250, 5, 1), 261, "upwards over the window");
        assert_eq!(decode_packet_number(260, 250, 1), 250, "a late packet");
        assert_eq!(decode_packet_number(1 << 62, 0xffff_ffff, 4), (1 << 62) - 1);
    }
}
