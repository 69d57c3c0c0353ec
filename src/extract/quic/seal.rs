//! Builds protected Initial packets: for the tests, the fuzz target, which encrypts what it mutates so that frames
//! are reached, and the generator of the demo's traffic. Nothing that watches traffic uses it.
//!
//! These functions are for inputs of our own making: out-of-range lengths are clamped, not reported.

use super::header::{ConnectionId, put_varint};
use super::keys::{InitialKeys, Side};
use super::protection;
use super::version::{PacketType, Version};

/// One protected Initial packet, whose keys come from its own `dcid` (RFC 9001 section 5.2).
///
/// `packet_number` is encoded in its low `pn_len` octets, 1 to 4. `frames` is the payload; PADDING frames are added
/// until the packet has `pad_to` octets (0: only what header protection needs). Connection IDs are cut to 20 octets.
///
/// With `from_client` false the packet is protected as a server's would be, by keys from `dcid`; a real server's
/// packet carries another connection ID: see [`seal_with`].
#[expect(clippy::too_many_arguments, reason = "one argument for each header field, named in the standard")]
pub fn seal_initial(
    version: Version,
    dcid: &[u8],
    scid: &[u8],
    token: &[u8],
    packet_number: u32,
    pn_len: usize,
    frames: &[u8],
    pad_to: usize,
    from_client: bool,
) -> Vec<u8> {
    let side = if from_client { Side::Client } else { Side::Server };
    let keys = InitialKeys::derive(version, &ConnectionId::truncated(dcid), side);
    seal_with(&keys, version, dcid, scid, token, packet_number, pn_len, frames, pad_to)
}

/// As [`seal_initial`], with keys that come from elsewhere: a server's packets, and a client's after it took over the
/// server's connection ID, are protected by keys from the client's *first* destination connection ID.
#[expect(clippy::too_many_arguments, reason = "one argument for each header field, named in the standard")]
pub fn seal_with(
    keys: &InitialKeys,
    version: Version,
    dcid: &[u8],
    scid: &[u8],
    token: &[u8],
    packet_number: u32,
    pn_len: usize,
    frames: &[u8],
    pad_to: usize,
) -> Vec<u8> {
    let pn_len = pn_len.clamp(1, 4);
    let (dcid, scid) = (ConnectionId::truncated(dcid), ConnectionId::truncated(scid));
    let mut packet = Vec::with_capacity(pad_to.max(frames.len() + token.len() + 96));
    packet.push(0xc0 | version.type_bits(PacketType::Initial) << 4 | (pn_len - 1) as u8);
    packet.extend_from_slice(&version.wire().to_be_bytes());
    for id in [&dcid, &scid] {
        packet.push(id.as_bytes().len() as u8);
        packet.extend_from_slice(id.as_bytes());
    }
    put_varint(&mut packet, token.len() as u64);
    packet.extend_from_slice(token);

    // The sample of header protection starts four octets after the start of the packet number and has 16 octets
    // (RFC 9001 section 5.4.2), of which the tag gives 16.
    let mut payload = frames.to_vec();
    let without_length = packet.len() + pn_len + protection::TAG_LEN;
    let length_len = if pn_len + payload.len().max(pad_to) + protection::TAG_LEN < 1 << 14 { 2 } else { 4 };
    let wanted = pad_to.saturating_sub(without_length + length_len).max(4 - pn_len);
    if payload.len() < wanted {
        payload.resize(wanted, 0);
    }
    let length = (pn_len + payload.len() + protection::TAG_LEN) as u32;
    if length_len == 2 {
        packet.extend_from_slice(&(0x4000 | length as u16).to_be_bytes());
    } else {
        packet.extend_from_slice(&(0x8000_0000 | length).to_be_bytes());
    }

    let pn_at = packet.len();
    packet.extend_from_slice(&packet_number.to_be_bytes()[4 - pn_len..]);
    protection::seal(keys, &mut packet, pn_at, u64::from(packet_number), &payload);
    packet
}
