//! Packet protection of Initials: AES-128-GCM and AES-based header protection (RFC 9001 sections 5.3 and 5.4).

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::AeadInOut;

use super::keys::InitialKeys;

/// Octets of the AEAD tag.
pub(super) const TAG_LEN: usize = 16;

/// Appends the protected payload and its tag to a header that ends with the packet number, which starts at `pn_at`;
/// then protects the header.
pub(super) fn seal(keys: &InitialKeys, packet: &mut Vec<u8>, pn_at: usize, packet_number: u64, payload: &[u8]) {
    let header_len = packet.len();
    packet.extend_from_slice(payload);
    let (header, body) = packet.split_at_mut(header_len);
    let tag = Aes128Gcm::new(&keys.key.into())
        .encrypt_inout_detached(&nonce(keys, packet_number).into(), header, body.into())
        .expect("a packet is shorter than 64 GiB");
    packet.extend_from_slice(&tag);
    let sample = packet[pn_at + 4..pn_at + 20].try_into().expect("16 octets");
    let mask = header_mask(keys, sample);
    packet[0] ^= mask[0] & 0x0f;
    for (octet, m) in packet[pn_at..header_len].iter_mut().zip(&mask[1..]) {
        *octet ^= m;
    }
}

/// The IV combined with the packet number (RFC 9001 section 5.3).
fn nonce(keys: &InitialKeys, packet_number: u64) -> [u8; 12] {
    let mut nonce = keys.iv;
    for (n, p) in nonce[4..].iter_mut().zip(packet_number.to_be_bytes()) {
        *n ^= p;
    }
    nonce
}

/// AES-ECB of the sample (RFC 9001 section 5.4.3).
fn header_mask(keys: &InitialKeys, sample: [u8; 16]) -> [u8; 16] {
    let mut block = sample.into();
    Aes128Enc::new(&keys.hp.into()).encrypt_block(&mut block);
    block.into()
}
