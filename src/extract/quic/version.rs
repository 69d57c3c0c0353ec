//! QUIC versions whose Initial packets can be read, and what differs between them.
//!
//! Only three things differ for an observer of Initials: the salt of the key derivation, the labels of the key
//! derivation, and the two type bits of the long header. Google's own QUIC (`Q050`, `T051`) is another protocol.

/// A version that is read. The discriminant is the number on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u32)]
pub enum Version {
    /// QUIC version 1 (RFC 9000).
    V1 = 0x0000_0001,
    /// QUIC version 2 (RFC 9369).
    V2 = 0x6b33_43cf,
    /// draft-ietf-quic-transport-27.
    Draft27 = 0xff00_001b,
    /// draft-ietf-quic-transport-28.
    Draft28 = 0xff00_001c,
    /// draft-ietf-quic-transport-29, the draft that was deployed most.
    Draft29 = 0xff00_001d,
    /// draft-ietf-quic-transport-30.
    Draft30 = 0xff00_001e,
    /// draft-ietf-quic-transport-31.
    Draft31 = 0xff00_001f,
    /// draft-ietf-quic-transport-32.
    Draft32 = 0xff00_0020,
    /// draft-ietf-quic-transport-33, which has the salt of version 1.
    Draft33 = 0xff00_0021,
    /// draft-ietf-quic-transport-34, which has the salt of version 1.
    Draft34 = 0xff00_0022,
    /// mvfst's private number for draft-27.
    Mvfst27 = 0xface_b002,
    /// mvfst's private number for its experiments, built on draft-27.
    MvfstExperiment = 0xface_b00e,
}

/// What a long header carries (RFC 9000 section 17.2), whatever bits say so in the version at hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PacketType {
    /// Initial: the only one that is opened.
    Initial,
    /// 0-RTT.
    ZeroRtt,
    /// Handshake.
    Handshake,
    /// Retry, which has no Length and ends the datagram.
    Retry,
}

impl Version {
    /// Every version that is read.
    pub const ALL: [Version; 12] = [
        Version::V1,
        Version::V2,
        Version::Draft27,
        Version::Draft28,
        Version::Draft29,
        Version::Draft30,
        Version::Draft31,
        Version::Draft32,
        Version::Draft33,
        Version::Draft34,
        Version::Mvfst27,
        Version::MvfstExperiment,
    ];

    /// The version that this number names, if it is one that is read.
    #[inline]
    pub const fn from_wire(number: u32) -> Option<Version> {
        Some(match number {
            0x0000_0001 => Version::V1,
            0x6b33_43cf => Version::V2,
            0xff00_001b => Version::Draft27,
            0xff00_001c => Version::Draft28,
            0xff00_001d => Version::Draft29,
            0xff00_001e => Version::Draft30,
            0xff00_001f => Version::Draft31,
            0xff00_0020 => Version::Draft32,
            0xff00_0021 => Version::Draft33,
            0xff00_0022 => Version::Draft34,
            0xface_b002 => Version::Mvfst27,
            0xface_b00e => Version::MvfstExperiment,
            _ => return None,
        })
    }

    /// The number on the wire.
    #[inline]
    pub const fn wire(self) -> u32 {
        self as u32
    }

    /// The meaning of the type bits, 0 to 3 (RFC 9000 section 17.2; RFC 9369 section 3.2 for version 2).
    #[inline]
    pub(super) const fn packet_type(self, bits: u8) -> PacketType {
        let initial_is_zero = match self {
            Version::V2 => bits.wrapping_sub(1),
            _ => bits,
        };
        match initial_is_zero & 3 {
            0 => PacketType::Initial,
            1 => PacketType::ZeroRtt,
            2 => PacketType::Handshake,
            _ => PacketType::Retry,
        }
    }

    /// The type bits, 0 to 3, of a packet type.
    #[inline]
    pub(super) const fn type_bits(self, packet_type: PacketType) -> u8 {
        let v1 = match packet_type {
            PacketType::Initial => 0,
            PacketType::ZeroRtt => 1,
            PacketType::Handshake => 2,
            PacketType::Retry => 3,
        };
        match self {
            Version::V2 => (v1 + 1) & 3,
            _ => v1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_versions_agree() {
        for version in Version::ALL {
            assert_eq!(Version::from_wire(version.wire()), Some(version));
        }
        assert_eq!(Version::from_wire(0), None, "version negotiation");
        assert_eq!(Version::from_wire(0x5130_3530), None, "Q050");
    }

    #[test]
    fn type_bits_follow_the_version() {
        assert_eq!(Version::V1.type_bits(PacketType::Initial), 0b00);
        // RFC 9369 section 3.2.
        assert_eq!(Version::V2.type_bits(PacketType::Initial), 0b01);
        assert_eq!(Version::V2.type_bits(PacketType::ZeroRtt), 0b10);
        assert_eq!(Version::V2.type_bits(PacketType::Handshake), 0b11);
        assert_eq!(Version::V2.type_bits(PacketType::Retry), 0b00);
        for version in Version::ALL {
            for bits in 0..4 {
                assert_eq!(version.type_bits(version.packet_type(bits)), bits);
            }
        }
    }
}
