//! Byte order of a file, and reading integers in it.
//!
//! The order is known only when the file is open, so it is a value, not a type: one well-predicted branch an integer.

/// How multi-octet integers are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// The 16-bit integer at `at`; `None` past the end.
    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Little => u16::from_le_bytes(raw),
            Order::Big => u16::from_be_bytes(raw),
        })
    }

    /// The 32-bit integer at `at`; `None` past the end.
    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(self.u32_of(raw))
    }

    /// The 64-bit signed integer at `at`; `None` past the end.
    pub(super) fn i64(self, bytes: &[u8], at: usize) -> Option<i64> {
        let raw = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Little => i64::from_le_bytes(raw),
            Order::Big => i64::from_be_bytes(raw),
        })
    }

    /// These four octets as an integer.
    #[inline]
    pub(super) fn u32_of(self, raw: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(raw),
            Order::Big => u32::from_be_bytes(raw),
        }
    }
}
