//! Long headers, connection IDs and variable-length integers (RFC 9000 sections 16 and 17.2).

use super::QuicError;
use super::version::{PacketType, Version};

/// A connection ID: at most 20 octets (RFC 9000 section 17.2), inline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConnectionId {
    len: u8,
    bytes: [u8; ConnectionId::MAX],
}

impl ConnectionId {
    /// The most octets that a connection ID has in the versions that are read.
    pub const MAX: usize = 20;

    /// The connection ID of these octets, unless there are too many.
    #[inline]
    pub fn new(id: &[u8]) -> Option<ConnectionId> {
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(ConnectionId { len: id.len() as u8, bytes })
    }

    /// The first 20 of these octets.
    pub(super) fn truncated(id: &[u8]) -> ConnectionId {
        let mut bytes = [0; Self::MAX];
        let len = id.len().min(Self::MAX);
        bytes[..len].copy_from_slice(&id[..len]);
        ConnectionId { len: len as u8, bytes }
    }

    /// Its octets.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// A connection ID tells one subscriber's connection from another's, so it is not for logs.
impl std::fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ConnectionId({} octets)", self.len)
    }
}

/// One packet with a long header, split off a datagram by its Length field.
pub(super) struct LongPacket<'a> {
    pub(super) version: Version,
    pub(super) packet_type: PacketType,
    pub(super) dcid: ConnectionId,
    /// The packet, from its first octet to the end that its Length gives.
    pub(super) bytes: &'a [u8],
    /// Where the packet number starts; 0 for a Retry, which has none.
    pub(super) pn_at: usize,
}

/// The long form bit of the first octet. The bit after it, which is fixed at 1, may be greased to 0 (RFC 9287);
/// the version is checked in full, so it is not looked at.
const LONG_FORM: u8 = 0x80;
/// What a packet has at least after its Length: header protection takes its sample, 16 octets, from the fifth octet on
/// (RFC 9001 section 5.4.2).
const MIN_LENGTH: u64 = 4 + 16;

impl<'a> LongPacket<'a> {
    /// Splits the first packet off a datagram and returns it with the rest.
    pub(super) fn split(datagram: &'a [u8]) -> Result<(LongPacket<'a>, &'a [u8]), QuicError> {
        let (&first, rest) = datagram.split_first().ok_or(QuicError::NotLongHeader)?;
        if first & LONG_FORM == 0 {
            return Err(QuicError::NotLongHeader);
        }
        let (number, rest) = rest.split_first_chunk::<4>().ok_or(QuicError::Malformed)?;
        let version = Version::from_wire(u32::from_be_bytes(*number)).ok_or(QuicError::Version)?;
        Self::split_after_version(datagram, first, version, rest).ok_or(QuicError::Malformed)
    }

    fn split_after_version(
        datagram: &'a [u8],
        first: u8,
        version: Version,
        rest: &'a [u8],
    ) -> Option<(LongPacket<'a>, &'a [u8])> {
        let (dcid, rest) = split_connection_id(rest)?;
        let (_scid, mut rest) = split_connection_id(rest)?;
        let dcid = ConnectionId::new(dcid)?;
        let packet_type = version.packet_type(first >> 4 & 3);
        match packet_type {
            PacketType::Retry => {
                return Some((LongPacket { version, packet_type, dcid, bytes: datagram, pn_at: 0 }, &[]));
            }
            PacketType::Initial => {
                let (token_len, after) = get_varint(rest)?;
                rest = after.get(usize::try_from(token_len).ok()?..)?;
            }
            PacketType::ZeroRtt | PacketType::Handshake => {}
        }
        let (length, rest) = get_varint(rest)?;
        if length < MIN_LENGTH || length > rest.len() as u64 {
            return None;
        }
        let pn_at = datagram.len() - rest.len();
        let (bytes, after) = datagram.split_at_checked(pn_at + length as usize)?;
        Some((LongPacket { version, packet_type, dcid, bytes, pn_at }, after))
    }
}

/// Whether a datagram holds an Initial packet of a version that is read, alone or among coalesced packets, with
/// lengths that fit. Says nothing about its direction.
#[inline]
pub fn probe(datagram: &[u8]) -> bool {
    // Almost everything that is not QUIC, and every packet after the handshake, ends here.
    datagram.first().is_some_and(|first| first & LONG_FORM != 0) && has_initial(datagram)
}

fn has_initial(mut datagram: &[u8]) -> bool {
    while let Ok((packet, rest)) = LongPacket::split(datagram) {
        if packet.packet_type == PacketType::Initial {
            return true;
        }
        datagram = rest;
    }
    false
}

/// Whether a datagram looks like a client's first one in a version that is not read, Google's own QUIC among them:
/// for a counter, not for a decision. Such a datagram has 1,200 octets and a destination connection ID of at least 8
/// (RFC 9000 sections 7.2 and 14.1); of random bytes about one datagram in a thousand passes.
pub fn is_unread_version(datagram: &[u8]) -> bool {
    const LONG_AND_FIXED: u8 = LONG_FORM | 0x40;
    if datagram.len() < 1200 || datagram[0] & LONG_AND_FIXED != LONG_AND_FIXED {
        return false;
    }
    let Some((version, rest)) = datagram[1..].split_first_chunk::<4>() else { return false };
    let version = u32::from_be_bytes(*version);
    let ids = split_connection_id(rest).and_then(|(dcid, rest)| Some((dcid, split_connection_id(rest)?)));
    version != 0 && Version::from_wire(version).is_none() && ids.is_some_and(|(dcid, _)| dcid.len() >= 8)
}

/// Destination and source connection ID of a datagram's first packet, if that has the long header of a version that is
/// read (RFC 8999 section 5.1). Its type does not matter.
#[inline]
pub fn connection_ids(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = datagram.split_first()?;
    if first & LONG_FORM == 0 {
        return None;
    }
    let (number, rest) = rest.split_first_chunk::<4>()?;
    Version::from_wire(u32::from_be_bytes(*number))?;
    let (dcid, rest) = split_connection_id(rest)?;
    let (scid, _) = split_connection_id(rest)?;
    Some((dcid, scid))
}

/// Splits after a connection ID with its length octet.
#[inline]
fn split_connection_id(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    if usize::from(len) > ConnectionId::MAX {
        return None;
    }
    rest.split_at_checked(usize::from(len))
}

/// Splits after a variable-length integer (RFC 9000 section 16); any of its forms is taken.
#[inline]
pub(super) fn get_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let (value, rest) = match first >> 6 {
        0 => (u64::from(first), &bytes[1..]),
        1 => {
            let (octets, rest) = bytes.split_first_chunk::<2>()?;
            (u64::from(u16::from_be_bytes(*octets) & 0x3fff), rest)
        }
        2 => {
            let (octets, rest) = bytes.split_first_chunk::<4>()?;
            (u64::from(u32::from_be_bytes(*octets) & 0x3fff_ffff), rest)
        }
        _ => {
            let (octets, rest) = bytes.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*octets) & 0x3fff_ffff_ffff_ffff, rest)
        }
    };
    Some((value, rest))
}

/// Appends a variable-length integer in its shortest form; values beyond 2^62-1 are cut.
pub fn put_varint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..=0x3f => out.push(value as u8),
        0x40..=0x3fff => out.extend_from_slice(&(0x4000 | value as u16).to_be_bytes()),
        0x4000..=0x3fff_ffff => out.extend_from_slice(&(0x8000_0000 | value as u32).to_be_bytes()),
        _ => out.extend_from_slice(&(0xc000_0000_0000_0000 | value).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::seal::seal_initial;
    use super::*;

    #[test]
    fn varints_of_the_standard() {
        // RFC 9000 appendix A.1.
        let cases: [(&[u8], u64); 5] = [
            (b"\xc2\x19\x7c\x5e\xff\x14\xe8\x8c", 151_288_809_941_952_652),
            (b"\x9d\x7f\x3e\x7d", 494_878_333),
            (b"\x7b\xbd", 15_293),
            (b"\x25", 37),
            (b"\x40\x25", 37),
        ];
        for (bytes, value) in cases {
            assert_eq!(get_varint(bytes), Some((value, &[][..])));
            assert_eq!(get_varint(&bytes[..bytes.len() - 1]), None);
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(get_varint(&out), Some((value, &[][..])));
        }
    }

    #[test]
    fn initials_are_probed_in_every_version_and_at_every_cut() {
        for version in Version::ALL {
            let packet = seal_initial(version, &[7; 8], &[], b"token", 0, 1, b"\x01", 1200, true);
            assert_eq!(packet.len(), 1200);
            assert!(probe(&packet));
            assert!(!is_unread_version(&packet));
            for n in 0..packet.len() {
                assert!(!probe(&packet[..n]), "{n} octets");
            }
        }
    }

    #[test]
    fn other_datagrams_are_refused() {
        let packet = seal_initial(Version::V1, &[7; 8], &[1; 4], b"", 0, 1, b"\x01", 1200, true);
        let with = |at: usize, octets: &[u8]| {
            let mut changed = packet.clone();
            changed[at..at + octets.len()].copy_from_slice(octets);
            changed
        };
        assert!(probe(&with(0, &[packet[0] & !0x40])), "greased fixed bit");
        assert!(!probe(&with(0, &[packet[0] & !0x80])), "short header");
        assert!(!probe(&with(0, &[0xe0])), "Handshake alone");
        assert!(!probe(&with(0, &[0xf0])), "Retry");
        assert!(!probe(&with(1, &[0, 0, 0, 0])), "version negotiation");
        assert!(!probe(&with(5, &[21])), "destination connection ID of 21 octets");
        assert!(!probe(&with(14, &[21])), "source connection ID of 21 octets");
        assert!(!probe(&with(19, &[0x7f, 0xff])), "token beyond the datagram");
        assert!(!probe(&with(20, &[0x40, 19])), "no room for the sample");
        assert!(!probe(b""));
        assert!(is_unread_version(&with(1, b"Q050")));
        assert!(is_unread_version(&with(1, &[0x1a, 0x2a, 0x3a, 0x4a])));
        assert!(!is_unread_version(&with(1, b"Q050")[..1199]));
        assert!(!is_unread_version(&with(1, &[0; 4])));
    }

    #[test]
    fn an_initial_behind_other_packets_is_seen() {
        let initial = seal_initial(Version::V1, &[7; 8], &[], b"", 0, 1, b"\x01", 100, true);
        let mut zero_rtt = vec![0xd0, 0, 0, 0, 1, 8, 7, 7, 7, 7, 7, 7, 7, 7, 0, 20];
        zero_rtt.extend_from_slice(&[0x55; 20]);
        assert!(!probe(&zero_rtt));
        assert!(probe(&[&zero_rtt[..], &initial].concat()));
    }
}
