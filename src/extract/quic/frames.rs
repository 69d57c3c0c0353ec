//! The CRYPTO frames of an Initial packet's payload (RFC 9000 sections 12.4 and 19).

use super::header::get_varint;

/// A CRYPTO frame (RFC 9000 section 19.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct CryptoFrame<'a> {
    /// Where its octets belong in the CRYPTO stream, at most 2^62-1.
    pub(super) offset: u64,
    /// Where its octets start in the payload.
    pub(super) at: usize,
    pub(super) data: &'a [u8],
}

/// A frame that is cut, or of a type that an Initial may not carry: nothing behind it can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadFrame;

/// The CRYPTO frames, in order of appearance. PADDING, PING, ACK and CONNECTION_CLOSE, which are all else that an
/// Initial may carry, are passed over.
pub(super) struct CryptoFrames<'a> {
    /// Octets of the whole payload.
    len: usize,
    rest: &'a [u8],
}

impl<'a> CryptoFrames<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        CryptoFrames { len: payload.len(), rest: payload }
    }

    /// What is behind a frame without CRYPTO data, given what is behind its type.
    fn pass(frame_type: u8, rest: &'a [u8]) -> Option<&'a [u8]> {
        let skip = |rest: &'a [u8]| get_varint(rest).map(|(_, rest)| rest);
        match frame_type {
            0x00 => Some(skip_zeros(rest)),
            0x01 => Some(rest),
            // ACK (section 19.3): largest, delay, count of further ranges, first range, then gap and length each;
            // with 0x03 three ECN counts.
            0x02 | 0x03 => {
                let (mut ranges, mut rest) = get_varint(skip(skip(rest)?)?)?;
                rest = skip(rest)?;
                while ranges > 0 {
                    rest = skip(skip(rest)?)?;
                    ranges -= 1;
                }
                if frame_type == 0x03 { skip(skip(skip(rest)?)?) } else { Some(rest) }
            }
            // CONNECTION_CLOSE (section 19.19): error code, frame type, reason phrase.
            0x1c => {
                let (len, rest) = get_varint(skip(skip(rest)?)?)?;
                rest.get(usize::try_from(len).ok()?..)
            }
            _ => None,
        }
    }
}

impl<'a> Iterator for CryptoFrames<'a> {
    type Item = Result<CryptoFrame<'a>, BadFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((&frame_type, rest)) = self.rest.split_first() {
            let found = if frame_type == 0x06 {
                crypto_frame(rest).map(|(offset, data, rest)| {
                    let at = self.len - rest.len() - data.len();
                    (Some(CryptoFrame { offset, at, data }), rest)
                })
            } else {
                Self::pass(frame_type, rest).map(|rest| (None, rest))
            };
            match found {
                Some((frame, rest)) => {
                    self.rest = rest;
                    if let Some(frame) = frame {
                        return Some(Ok(frame));
                    }
                }
                None => {
                    self.rest = &[];
                    return Some(Err(BadFrame));
                }
            }
        }
        None
    }
}

/// Offset, data, and what is behind the frame.
fn crypto_frame(rest: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (offset, rest) = get_varint(rest)?;
    let (len, rest) = get_varint(rest)?;
    let (data, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
    Some((offset, data, rest))
}

/// A first packet is mostly padding: 32 octets at a time compile to vector code.
fn skip_zeros(bytes: &[u8]) -> &[u8] {
    let (chunks, _) = bytes.as_chunks::<32>();
    let zero_chunks = chunks.iter().take_while(|chunk| chunk.iter().fold(0, |any, b| any | b) == 0).count();
    let rest = &bytes[zero_chunks * 32..];
    &rest[rest.iter().take_while(|b| **b == 0).count()..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Offsets and data, after a check that every frame says rightly where its data are.
    fn frames(payload: &[u8]) -> Vec<Result<(u64, &[u8]), BadFrame>> {
        CryptoFrames::new(payload)
            .map(|found| {
                found.map(|frame| {
                    assert_eq!(&payload[frame.at..][..frame.data.len()], frame.data);
                    (frame.offset, frame.data)
                })
            })
            .collect()
    }

    fn crypto(offset: u64, data: &[u8]) -> Result<(u64, &[u8]), BadFrame> {
        Ok((offset, data))
    }

    #[test]
    fn crypto_frames_are_found_among_the_others() {
        let mut payload = Vec::new();
        payload.extend_from_slice(&[0; 70]); // PADDING
        payload.push(1); // PING
        payload.extend_from_slice(b"\x06\x40\x05\x02ab");
        payload.extend_from_slice(b"\x02\x05\x00\x01\x00\x00\x01"); // ACK with a second range
        payload.extend_from_slice(b"\x06\x00\x01c");
        payload.extend_from_slice(b"\x03\x05\x40\x19\x00\x05\x01\x02\x03"); // ACK with ECN counts
        payload.extend_from_slice(b"\x1c\x0a\x06\x04why?"); // CONNECTION_CLOSE
        payload.extend_from_slice(b"\x06\x07\x00");
        payload.extend_from_slice(&[0; 33]);
        assert_eq!(frames(&payload), [crypto(5, b"ab"), crypto(0, b"c"), crypto(7, b"")]);
    }

    #[test]
    fn what_is_before_a_bad_frame_is_kept() {
        for bad in [
            &b"\x06\x00\x03ab"[..],
            b"\x06",
            b"\x02\x05\x00\x3f\x00\x00",
            b"\x1c\x00\x00\x05why?",
            b"\x1d\x00",
            b"\x08x",
        ] {
            let payload = [b"\x06\x00\x01c", bad].concat();
            assert_eq!(frames(&payload), [crypto(0, b"c"), Err(BadFrame)], "{bad:02x?}");
        }
        // An ACK that states 2^62-1 ranges ends with the payload.
        let ack = [&b"\x02\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00"[..], &[0; 1000]].concat();
        assert_eq!(frames(&ack), [Err(BadFrame)]);
    }

    #[test]
    fn padding_of_any_length_is_skipped() {
        for n in 0..100 {
            let payload = [&vec![0; n][..], b"\x06\x00\x01c"].concat();
            assert_eq!(frames(&payload), [crypto(0, b"c")], "{n} octets of padding");
        }
    }
}
