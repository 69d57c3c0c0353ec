//! Names in messages: labels, and pointers that only ever lead back.

use super::DnsError;
use super::header::Header;
use crate::model::DomainName;

/// The most pointers followed for one name. Compression needs one; encoders that chain them stay far below.
const MAX_JUMPS: usize = 64;

/// The two high bits of a pointer's first octet (RFC 1035 section 4.1.4).
const POINTER: u8 = 0xc0;

/// Reads the name at offset `at` of `message` into `out`, lower case, decompressed; gives the offset behind it, which
/// for a compressed name is behind its first pointer. What `out` held is gone; after an error it holds a part.
///
/// A pointer must lead to before the place where the run of labels that it ends began, and not into the header, so
/// loops and forward pointers cannot be followed; at most 64 are.
///
/// # Errors
/// [`DnsError::BadLabel`], [`DnsError::BadPointer`], [`DnsError::NameTooLong`], or [`DnsError::Truncated`] if
/// `message` ends inside the name.
#[inline]
pub fn read_name(message: &[u8], at: usize, out: &mut DomainName) -> Result<usize, DnsError> {
    out.clear();
    let mut run_start = at;
    let mut behind = None;
    for _ in 0..=MAX_JUMPS {
        let run = message.get(run_start..).ok_or(DnsError::Truncated)?;
        let taken = out.push_wire_labels(run).map_err(|_| DnsError::NameTooLong)?;
        let end = run_start + taken;
        match *run.get(taken).ok_or(DnsError::Truncated)? {
            0 => return Ok(behind.unwrap_or(end + 1)),
            high @ POINTER.. => {
                let low = *run.get(taken + 1).ok_or(DnsError::Truncated)?;
                let target = usize::from(high & !POINTER) << 8 | usize::from(low);
                if !(Header::LEN..run_start).contains(&target) {
                    return Err(DnsError::BadPointer);
                }
                behind.get_or_insert(end + 2);
                run_start = target;
            }
            1..=63 => return Err(DnsError::Truncated),
            64.. => return Err(DnsError::BadLabel),
        }
    }
    Err(DnsError::BadPointer)
}

/// The offset behind the name at offset `at`, without following pointers; `None` if the message ends inside it or a
/// label is of a reserved type.
#[inline]
pub(super) fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            label @ 1..=63 => at += 1 + usize::from(label),
            64..POINTER => return None,
            POINTER.. => return Some(at + 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header's worth of octets, then `rest`, whose name at `at` (from the start of the message) is read.
    fn read(rest: &[u8], at: usize) -> Result<(String, usize), DnsError> {
        let message = [&[0; Header::LEN], rest].concat();
        let mut name = DomainName::root();
        read_name(&message, at, &mut name).map(|behind| (name.to_string(), behind))
    }

    #[test]
    fn plain_names_are_lower_cased() {
        assert_eq!(read(b"\x03wWw\x07EXAMPLE\x03com\x00", 12), Ok(("www.example.com".into(), 29)));
        assert_eq!(read(b"\x00", 12), Ok((".".into(), 13)));
    }

    #[test]
    fn pointers_lead_back() {
        // RFC 1035 section 4.1.4: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA, the root.
        let m = b"\x01F\x03ISI\x04ARPA\x00\x03FOO\xc0\x0c\xc0\x12\x00\xc0\x20";
        assert_eq!(read(m, 12), Ok(("f.isi.arpa".into(), 24)));
        assert_eq!(read(m, 24), Ok(("foo.f.isi.arpa".into(), 30)));
        assert_eq!(read(m, 30), Ok(("arpa".into(), 32)));
        assert_eq!(read(m, 33), Ok((".".into(), 35)));
    }

    #[test]
    fn loops_and_forward_pointers_are_refused() {
        assert_eq!(read(b"\xc0\x0c", 12), Err(DnsError::BadPointer));
        assert_eq!(read(b"\xc0\x0e\x01a\x00", 12), Err(DnsError::BadPointer));
        // A label, then a pointer to that label.
        assert_eq!(read(b"\x01a\xc0\x0c", 12), Err(DnsError::BadPointer));
        // Two pointers at each other, entered from both ends.
        assert_eq!(read(b"\xc0\x0e\xc0\x0c", 14), Err(DnsError::BadPointer));
        // Into the header.
        assert_eq!(read(b"\x01a\xc0\x04", 12), Err(DnsError::BadPointer));
    }

    #[test]
    fn chains_of_pointers_are_bounded() {
        let chain = |jumps: usize| {
            let mut m = b"\x01a\x00".to_vec();
            for i in 0..jumps {
                let to = if i == 0 { 12 } else { 12 + 3 + 2 * (i - 1) };
                m.extend_from_slice(&(0xc000 | to as u16).to_be_bytes());
            }
            read(&m, 12 + 3 + 2 * (jumps - 1))
        };
        assert_eq!(chain(1).unwrap().0, "a");
        assert_eq!(chain(MAX_JUMPS).unwrap().0, "a");
        assert_eq!(chain(MAX_JUMPS + 1), Err(DnsError::BadPointer));
    }

    #[test]
    fn names_have_at_most_255_octets() {
        let fits =
            [[&b"\x3f"[..], &[b'a'; 63]].concat().repeat(3), [&b"\x3d"[..], &[b'b'; 61], b"\x00"].concat()].concat();
        assert_eq!(fits.len(), 255);
        assert_eq!(read(&fits, 12).unwrap().1, 12 + 255);
        let over = [b"\x01x".as_slice(), &fits].concat();
        assert_eq!(read(&over, 12), Err(DnsError::NameTooLong));
        // The same through a pointer.
        let by_pointer = [fits, b"\x01x\xc0\x0c".to_vec()].concat();
        assert_eq!(read(&by_pointer, 12 + 255), Err(DnsError::NameTooLong));
    }

    #[test]
    fn reserved_labels_and_cut_names_are_told_apart() {
        assert_eq!(read(b"\x01a\x41\x00\x00", 12), Err(DnsError::BadLabel));
        assert_eq!(read(b"\x80\x00", 12), Err(DnsError::BadLabel));
        for cut in [&b""[..], b"\x03ww", b"\x03www", b"\x01a\xc0"] {
            assert_eq!(read(cut, 12), Err(DnsError::Truncated), "{cut:?}");
        }
        assert_eq!(read(b"\x00", 500), Err(DnsError::Truncated));
    }

    #[test]
    fn skipping_ends_where_reading_does() {
        let m = [&[0; 12], &b"\x01F\x03ISI\x04ARPA\x00\x03FOO\xc0\x0c\xc0\x12\x00"[..]].concat();
        let mut name = DomainName::root();
        for at in [12, 24, 30, 32] {
            assert_eq!(skip_name(&m, at), read_name(&m, at, &mut name).ok());
        }
        assert_eq!(skip_name(b"\x41a", 0), None);
        assert_eq!(skip_name(b"\x05a", 0), None);
    }
}
