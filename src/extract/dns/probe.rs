//! Whether bytes on an unexpected port are DNS: cheap, and strict, since anything may be asked.

use super::header::Header;

/// Whether `message` is plausible as a whole DNS message: a standard query or response with one question for a
/// printable name, flags and counts that real senders use, and room for as many records as it claims.
///
/// NetBIOS name service has the format of DNS (RFC 1002 section 4.2) and is told by its encoded names.
///
/// For ports where DNS is not expected. Where it is, [`parse`](super::parse) alone is more forgiving.
pub fn probe(message: &[u8]) -> bool {
    plausible(message, message.len())
}

/// [`probe`] for the first octets of a message that is `whole` octets long. A question that ends beyond `seen` is
/// judged by what is there.
pub(super) fn plausible(seen: &[u8], whole: usize) -> bool {
    let Some(header) = Header::read(seen) else { return false };
    header_plausible(&header, whole) && question_plausible(&seen[Header::LEN..], seen.len() == whole)
}

fn header_plausible(header: &Header, whole: usize) -> bool {
    if header.opcode() != 0 || header.reserved() || header.questions != 1 {
        return false;
    }
    let records = usize::from(header.answers) + usize::from(header.authorities) + usize::from(header.additionals);
    // The least question is a name of one octet with a type and class, the least record is 11 octets.
    if Header::LEN + 2 + 5 + 11 * records > whole {
        return false;
    }
    // A query holds no answer; its authority section may hold the SOA of an IXFR (RFC 1995), its additional section
    // OPT and a signature.
    header.is_response()
        || (header.answers == 0
            && header.authorities <= 1
            && header.additionals <= 2
            && header.rcode() == 0
            && !header.is_authoritative()
            && !header.is_truncated()
            && !header.recursion_available())
}

/// Whether `question` starts with one or more labels of printable ASCII, the root, a type and a known class.
fn question_plausible(question: &[u8], is_whole: bool) -> bool {
    let mut rest = question;
    let mut name_len = 0;
    while let Some((&len, tail)) = rest.split_first() {
        match len {
            0 if name_len == 0 => return false,
            0 => {
                let Some([t0, t1, c0, c1]) = tail.first_chunk::<4>() else { return !is_whole };
                let class = u16::from_be_bytes([*c0, *c1]);
                return [*t0, *t1] != [0, 0] && matches!(class, 1 | 3 | 4 | 254 | 255);
            }
            1..=63 => {}
            _ => return false,
        }
        let label = tail.get(..usize::from(len)).unwrap_or(tail);
        // The first 32 octets of a longer label that was cut are none.
        if name_len == 0 && len == 32 && is_netbios_label(label) {
            return false;
        }
        name_len += 1 + usize::from(len);
        if name_len > 254 || !label.iter().all(u8::is_ascii_graphic) {
            return false;
        }
        rest = &tail[label.len()..];
    }
    !is_whole
}

/// Whether `label` is the first-level encoding of a NetBIOS name: sixteen octets as two letters from A to P each
/// (RFC 1001 section 14.1).
fn is_netbios_label(label: &[u8]) -> bool {
    label.len() == 32 && label.iter().all(|b| matches!(b, b'A'..=b'P'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01";

    fn with(at: usize, value: u8) -> Vec<u8> {
        let mut m = QUERY.to_vec();
        m[at] = value;
        m
    }

    #[test]
    fn queries_and_responses_pass() {
        assert!(probe(QUERY));
        assert!(probe(&with(2, 0x81)));
    }

    #[test]
    fn what_no_sender_sends_does_not() {
        for (at, value, why) in [
            (2, 0x28, "UPDATE"),
            (2, 0x02, "a query with TC"),
            (3, 0x40, "reserved bit"),
            (3, 0x05, "a query with RCODE"),
            (5, 0, "no question"),
            (5, 2, "two questions"),
            (7, 1, "a query with an answer"),
            (8, 1, "more records than fit"),
            (12, 0, "the root"),
            (12, 0xc0, "a pointer"),
            (13, 0, "unprintable name"),
            (30, 0, "type 0, shifted"),
            (32, 9, "unknown class"),
        ] {
            assert!(!probe(&with(at, value)), "{why}");
        }
        assert!(!probe(&QUERY[..QUERY.len() - 1]) && !probe(b"") && !probe(&[0; 64]));
    }

    #[test]
    fn netbios_is_not_dns() {
        // RFC 1001 section 14.1: the NetBIOS name "The NetBIOS name".
        let label = b"FEGHGFCAEOGFHEECEJEPFDCAGOGBGNGF";
        let question = [&QUERY[..12], b"\x20", label, b"\x00\x00\x20\x00\x01"].concat();
        assert!(!probe(&question));
        let lower = [&QUERY[..12], b"\x20", &label.to_ascii_lowercase(), b"\x00\x00\x01\x00\x01"].concat();
        assert!(probe(&lower));
    }

    #[test]
    fn a_long_label_cut_after_32_octets_is_not_netbios() {
        let question = [&QUERY[..12], b"\x24", &[b'A'; 36], b"\x00\x00\x01\x00\x01"].concat();
        for cut in Header::LEN..=question.len() {
            assert!(plausible(&question[..cut], question.len()), "{cut}");
        }
    }

    #[test]
    fn a_part_is_judged_by_what_is_there() {
        for cut in Header::LEN..QUERY.len() {
            assert!(plausible(&QUERY[..cut], QUERY.len()), "{cut}");
        }
        assert!(!plausible(&with(14, 7)[..20], QUERY.len()));
    }
}
