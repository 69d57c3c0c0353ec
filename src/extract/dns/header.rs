//! The twelve octets in front of every message (RFC 1035 section 4.1.1).

/// A message's header, in host order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Transaction identifier.
    pub(super) id: u16,
    flags: u16,
    /// QDCOUNT.
    pub(super) questions: u16,
    /// ANCOUNT.
    pub(super) answers: u16,
    /// NSCOUNT.
    pub(super) authorities: u16,
    /// ARCOUNT.
    pub(super) additionals: u16,
}

impl Header {
    /// Octets of a header.
    pub(super) const LEN: usize = 12;

    /// The header of `message`, or `None` if it is shorter than one.
    #[inline]
    pub(super) fn read(message: &[u8]) -> Option<Header> {
        let [i0, i1, f0, f1, q0, q1, a0, a1, n0, n1, r0, r1] = *message.first_chunk::<{ Header::LEN }>()?;
        Some(Header {
            id: u16::from_be_bytes([i0, i1]),
            flags: u16::from_be_bytes([f0, f1]),
            questions: u16::from_be_bytes([q0, q1]),
            answers: u16::from_be_bytes([a0, a1]),
            authorities: u16::from_be_bytes([n0, n1]),
            additionals: u16::from_be_bytes([r0, r1]),
        })
    }

    /// QR.
    pub(super) const fn is_response(self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// OPCODE; 0 is a standard query.
    pub(super) const fn opcode(self) -> u8 {
        (self.flags >> 11 & 0xf) as u8
    }

    /// TC.
    pub(super) const fn is_truncated(self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// RA.
    pub(super) const fn recursion_available(self) -> bool {
        self.flags & 0x0080 != 0
    }

    /// AA.
    pub(super) const fn is_authoritative(self) -> bool {
        self.flags & 0x0400 != 0
    }

    /// The one bit still reserved, since AD and CD took the others (RFC 2535 section 6.1).
    pub(super) const fn reserved(self) -> bool {
        self.flags & 0x0040 != 0
    }

    /// The four low bits of RCODE that the header holds (RFC 6891 section 6.1.3).
    pub(super) const fn rcode(self) -> u16 {
        self.flags & 0xf
    }
}
