//! The little of Protocol Buffers that dnstap needs: fields one after the other, as they lie in the octets.
//!
//! The encoding is that of <https://protobuf.dev/programming-guides/encoding/>. Groups, which went out of use before
//! dnstap was made, are malformed here.

/// A field's value, by its wire type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value<'b> {
    /// Wire type 0. A number of 32 bits or an enumeration has its value in the low ones.
    Varint(u64),
    /// Wire type 1.
    Fixed64,
    /// Wire type 2: octets, a text or a message.
    Bytes(&'b [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

/// The octets are no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// The fields of a message, in the order in which they lie there.
#[derive(Clone, Debug)]
pub(super) struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    pub(super) const fn new(message: &'b [u8]) -> Self {
        Fields(message)
    }

    /// The next field's number and value; `None` at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<(u32, Value<'b>)>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        // The field number has 29 bits; zero is no number.
        let number = u32::try_from(tag >> 3).ok().filter(|n| (1..1 << 29).contains(n)).ok_or(Malformed)?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Fixed64
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Value::Bytes(self.take(length)?)
            }
            5 => {
                let four = self.take(4)?.first_chunk::<4>().ok_or(Malformed)?;
                Value::Fixed32(u32::from_le_bytes(*four))
            }
            _ => return Err(Malformed),
        };
        Ok(Some((number, value)))
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Seven bits an octet, the lowest first, at most ten octets.
    #[inline]
    fn varint(&mut self) -> Result<u64, Malformed> {
        let (&first, rest) = self.0.split_first().ok_or(Malformed)?;
        if first < 0x80 {
            self.0 = rest;
            return Ok(u64::from(first));
        }
        let mut value = 0;
        for (n, octet) in self.0.iter().take(10).enumerate() {
            // Of the tenth octet only one bit has room, and what encoders put there beyond it is nothing.
            value |= u64::from(octet & 0x7f) << (7 * n);
            if octet & 0x80 == 0 {
                self.0 = &self.0[n + 1..];
                return Ok(value);
            }
        }
        Err(Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(octets: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Malformed> {
        let (mut fields, mut found) = (Fields::new(octets), Vec::new());
        while let Some(field) = fields.next()? {
            found.push(field);
        }
        Ok(found)
    }

    #[test]
    fn each_wire_type_is_read() {
        // The page's own example is field 1 with 150.
        assert_eq!(all(b"\x08\x96\x01"), Ok(vec![(1, Value::Varint(150))]));
        assert_eq!(all(b"\x09ABCDEFGH\x12\x02hi"), Ok(vec![(1, Value::Fixed64), (2, Value::Bytes(b"hi"))]));
        assert_eq!(all(b"\x4d\x01\x02\x00\x00"), Ok(vec![(9, Value::Fixed32(513))]));
        assert_eq!(all(b"\x80\x01\x00"), Ok(vec![(16, Value::Varint(0))]));
        assert_eq!(all(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Ok(vec![(1, Value::Varint(u64::MAX))]));
        assert_eq!(all(b""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for octets in [
            &b"\x08"[..],
            b"\x08\x80",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x09ABCDEFG",
            b"\x12\x03hi",
            b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01hi",
            b"\x4d\x01\x02\x00",
            b"\x0b\x0c",
            b"\x0e",
            b"\x00\x00",
            b"\xf8\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00",
        ] {
            assert_eq!(all(octets), Err(Malformed), "{octets:x?}");
        }
    }
}
