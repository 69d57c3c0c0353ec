//! Whether a stream that starts with these octets is HTTP/1, from its first line alone.

use super::request_line::{MAX_METHOD, RequestLine, is_method_octet, is_surely_http};

/// How sure a probe is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// It is not.
    No,
    /// Too short to tell.
    Maybe,
    /// It is.
    Yes,
}

/// The longest first line that is waited for while nothing but its end can tell what it is: its method is unknown,
/// or its target has a form that other protocols use too.
const MAX_UNSURE: usize = 2048;

/// Empty lines let through in front of a request line; RFC 9112 section 2.2 asks for at least one.
pub(super) const MAX_EMPTY_LINES: usize = 4;

/// Judges the first octets that a client sent. Looks at the first line only; once it is whole the answer is final, and
/// `Yes` exactly if it is an HTTP/1 request line. Before that, `Yes` for a known method with a path or an `http` URI.
///
/// Not for HTTP: SIP, RTSP, ICAP (which have the same line with another name at its end), SSH, SMTP, TLS, responses,
/// and the HTTP/2 preface `PRI * HTTP/2.0`.
pub fn probe(prefix: &[u8]) -> Probe {
    let Some(start) = skip_empty_lines(prefix) else { return Probe::No };
    let text = prefix.get(start..).unwrap_or_default();
    let method_len = text.iter().position(|b| !is_method_octet(*b));
    let method = text.get(..method_len.unwrap_or(text.len())).unwrap_or_default();
    if method.len() > MAX_METHOD || method.first().is_some_and(|b| !b.is_ascii_alphabetic()) {
        return Probe::No;
    }
    let Some(after_method) = text.get(method.len()..).filter(|rest| !rest.is_empty()) else {
        return Probe::Maybe;
    };
    if method.is_empty() || !matches!(after_method, [b' ' | b'\t', ..]) {
        // A lone CR may be the first half of one more empty line.
        return if text == b"\r" { Probe::Maybe } else { Probe::No };
    }
    if let Some(end) = memchr::memchr(b'\n', text) {
        let line = text.get(..end).unwrap_or_default();
        return if RequestLine::parse(line).is_some() { Probe::Yes } else { Probe::No };
    }
    let unsure = text.get(..MAX_UNSURE).unwrap_or(text);
    if method == b"PRI"
        || unsure.strip_suffix(b"\r").unwrap_or(unsure).iter().any(|b| b.is_ascii_control() && *b != b'\t')
    {
        return Probe::No;
    }
    if is_surely_http(method, after_method.trim_ascii_start()) {
        Probe::Yes
    } else if text.len() > MAX_UNSURE {
        Probe::No
    } else {
        Probe::Maybe
    }
}

/// The offset behind the empty lines at the start of `stream`; `None` if there are too many.
fn skip_empty_lines(stream: &[u8]) -> Option<usize> {
    let mut rest = stream;
    for _ in 0..=MAX_EMPTY_LINES {
        match rest {
            [b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] => rest = tail,
            _ => return Some(stream.len() - rest.len()),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_known_early() {
        for (text, known_at) in [
            ("GET / HTTP/1.1\r\n", 5),
            ("\r\n\nPOST /a HTTP/1.0\n", 9),
            ("GET http://example.com/ HTTP/1.1\r\n", 11),
            ("PROPFIND /dav HTTP/1.1\r\n", 10),
            ("GET / HTTP/2.0\r\n", 5),
            ("GET /\r\n", 5),
            // Only the end of the line tells.
            ("CONNECT example.com:443 HTTP/1.1\r\n", 34),
            ("CCM_POST /x HTTP/1.1\r\n", 22),
            ("OPTIONS * HTTP/1.1\r\n", 20),
            ("GET ftp://example.com/ HTTP/1.0\r\n", 33),
        ] {
            for cut in 0..=text.len() {
                let expected = if cut >= known_at { Probe::Yes } else { Probe::Maybe };
                assert_eq!(probe(&text.as_bytes()[..cut]), expected, "{text:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn other_protocols_are_not_http() {
        for text in [
            "OPTIONS sip:a@example.com SIP/2.0\r\n",
            "REGISTER sip:example.com SIP/2.0\r\nHost: example.com\r\n",
            "OPTIONS rtsp://example.com/ RTSP/1.0\r\n",
            "OPTIONS * RTSP/1.0\r\n",
            "REQMOD icap://example.com/ ICAP/1.0\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n",
            "EHLO example.com\r\n",
            "a001 LOGIN user pass\r\n",
            "HTTP/1.1 200 OK\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET / RTSP/1.0\r\n",
            "FOO / HTTP/2.0\r\n",
            "get key\r\n",
            "\x16\x03\x01\x02\x00\x01",
            "GET\x00/",
            "GET /\x00",
            "G\x01",
            "BitTorrent protocol",
        ] {
            // Never yes on the way, but where a longer text may come to be HTTP, and no at the end.
            for cut in 0..text.len() {
                let is_path = text.starts_with("GET /") && cut >= 5;
                assert!(is_path || probe(&text.as_bytes()[..cut]) != Probe::Yes, "{text:?} cut at {cut}");
            }
            let last = probe(text.as_bytes());
            assert_eq!(last, if text == "BitTorrent protocol" { Probe::Maybe } else { Probe::No }, "{text:?}");
        }
    }

    #[test]
    fn waiting_is_bounded() {
        let long = |start: &str, n| [start.as_bytes(), &vec![b'x'; n]].concat();
        assert_eq!(probe(&long("FOO /", MAX_UNSURE - 5)), Probe::Maybe);
        assert_eq!(probe(&long("FOO /", MAX_UNSURE)), Probe::No);
        assert_eq!(probe(&long("GET /", 100_000)), Probe::Yes);
        assert_eq!(probe(&long("", MAX_METHOD)), Probe::Maybe);
        assert_eq!(probe(&long("", MAX_METHOD + 1)), Probe::No);
        assert_eq!(probe(&b"\r\n".repeat(MAX_EMPTY_LINES)), Probe::Maybe);
        assert_eq!(probe(&b"\r\n".repeat(MAX_EMPTY_LINES + 1)), Probe::No);
    }
}
