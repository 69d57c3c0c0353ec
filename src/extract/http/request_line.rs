//! The first line of a request (RFC 9112 section 3).

use super::host::HostSource;

/// The longest method taken for one; the longest registered has 17 octets.
pub(super) const MAX_METHOD: usize = 24;

/// Methods after which a path or an `http` URI can only be HTTP: RFC 9110, PATCH (RFC 5789), WebDAV (RFC 4918) and its
/// commonest extensions.
const METHODS: [&[u8]; 18] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"OPTIONS",
    b"DELETE",
    b"CONNECT",
    b"PATCH",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
];

/// Whether a target that begins like this, after this method, can only be HTTP's.
pub(super) fn is_surely_http(method: &[u8], target: &[u8]) -> bool {
    let forms = [&b"/"[..], b"http://", b"https://"];
    METHODS.contains(&method) && forms.iter().any(|form| target.starts_with(form))
}

/// A request line's three parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RequestLine<'a> {
    /// The method; names are case-sensitive.
    pub(super) method: &'a [u8],
    /// The target, of any form; may hold spaces, as broken clients send them, and may be missing.
    pub(super) target: &'a [u8],
    /// Major times ten plus minor, as claimed; 9 where no version can be read, as in HTTP/0.9.
    pub(super) version: u32,
}

/// Whether `b` may stand in a method. RFC 9110 section 5.6.2 allows more, but no method uses it, and banners of other
/// protocols do.
pub(super) const fn is_method_octet(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
}

const fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

impl<'a> RequestLine<'a> {
    /// Reads `line`, without its line end: a method, white space, anything, white space, `HTTP/1.` and a digit. More
    /// white space than one space is let through (RFC 9112 section 3), control characters are not.
    ///
    /// Where method and target leave no doubt, any version will do, and none: servers answer such requests too.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        // White space as HTTP has it: a form feed is none, and refused below.
        let end = line.iter().rposition(|b| !is_blank(*b) && *b != b'\r').map_or(0, |last| last + 1);
        let line = line.get(..end)?;
        let (method, rest) = line.split_at_checked(line.iter().position(|b| is_blank(*b))?)?;
        if method.len() > MAX_METHOD
            || !method.first()?.is_ascii_alphabetic()
            || !method.iter().all(|b| is_method_octet(*b))
            || rest.iter().any(|b| b.is_ascii_control() && *b != b'\t')
        {
            return None;
        }
        let version_at = rest.iter().rposition(|b| is_blank(*b))? + 1;
        let (target, version) = rest.split_at_checked(version_at)?;
        if let Some([minor @ b'0'..=b'9']) = version.strip_prefix(b"HTTP/1.") {
            return Some(RequestLine { method, target: target.trim_ascii(), version: 10 + u32::from(minor - b'0') });
        }
        let (target, version) = match target.trim_ascii() {
            [] => (version, &[][..]),
            target => (target, version),
        };
        (is_surely_http(method, target) && !is_foreign_version(version)).then(|| {
            let number = match version.get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"HTTP/")) {
                true => version.get(5..).unwrap_or_default(),
                false => &[],
            };
            let version = match *number {
                [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => {
                    u32::from(major - b'0') * 10 + u32::from(minor - b'0')
                }
                _ => 9,
            };
            RequestLine { method, target, version }
        })
    }

    /// Whether a tunnel is asked for.
    pub(super) fn is_connect(&self) -> bool {
        self.method == b"CONNECT"
    }

    /// The authority that the target names, if its form has one: `scheme://authority/…`, or that of a CONNECT
    /// (RFC 9112 sections 3.2.2 and 3.2.3).
    pub(super) fn authority(&self) -> Option<(&'a [u8], HostSource)> {
        let end = |text: &'a [u8]| {
            let end = text.iter().position(|b| matches!(b, b'/' | b'?' | b'#') || is_blank(*b));
            text.get(..end.unwrap_or(text.len()))
        };
        if let Some(colon) = self.target.iter().position(|b| !(b.is_ascii_alphanumeric() || b"+-.".contains(b)))
            && colon > 0
            && let Some(hierarchy) = self.target.get(colon..)?.strip_prefix(b"://")
        {
            return Some((end(hierarchy)?, HostSource::AbsoluteTarget));
        }
        self.is_connect().then_some((end(self.target)?, HostSource::ConnectAuthority))
    }
}

/// Whether this is the version of a protocol that has HTTP's form but is another, such as `RTSP/1.0`.
fn is_foreign_version(version: &[u8]) -> bool {
    let name_len = version.iter().take_while(|b| b.is_ascii_uppercase()).count();
    name_len > 0
        && !version.starts_with(b"HTTP")
        && matches!(version.get(name_len..), Some([b'/', b'0'..=b'9', b'.', b'0'..=b'9']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Option<(&str, &str, u32)> {
        let text = |b| std::str::from_utf8(b).unwrap();
        RequestLine::parse(line.as_bytes()).map(|l| (text(l.method), text(l.target), l.version))
    }

    #[test]
    fn lines_are_split_at_their_ends() {
        assert_eq!(parts("GET / HTTP/1.1"), Some(("GET", "/", 11)));
        assert_eq!(parts("CCM_POST /a HTTP/1.0"), Some(("CCM_POST", "/a", 10)));
        assert_eq!(parts("VERSION-CONTROL \t /x  HTTP/1.1 "), Some(("VERSION-CONTROL", "/x", 11)));
        assert_eq!(parts("GET /a b HTTP/1.1"), Some(("GET", "/a b", 11)));
        assert_eq!(parts("OPTIONS HTTP/1.1"), Some(("OPTIONS", "", 11)));
        assert_eq!(parts("GET /ü HTTP/1.1"), Some(("GET", "/ü", 11)));
    }

    #[test]
    fn a_known_method_with_a_path_needs_no_version() {
        assert_eq!(parts("GET /"), Some(("GET", "/", 9)));
        assert_eq!(parts("GET /a b"), Some(("GET", "/a", 9)));
        assert_eq!(parts("GET / HTTP/0.9"), Some(("GET", "/", 9)));
        assert_eq!(parts("GET / http/1.1"), Some(("GET", "/", 11)));
        assert_eq!(parts("GET / HTTP/2.0"), Some(("GET", "/", 20)));
        assert_eq!(parts("GET / HTTP/1.10"), Some(("GET", "/", 9)));
        assert_eq!(parts("GET /HTTP/1.1"), Some(("GET", "/HTTP/1.1", 9)));
        assert_eq!(parts("GET http://a.example/"), Some(("GET", "http://a.example/", 9)));
    }

    #[test]
    fn other_protocols_are_not_http() {
        for line in [
            "",
            "GET",
            "FOO /",
            "FOO / HTTP/1.",
            "FOO / HTTP/1.10",
            "FOO / HTTP/1.x",
            "FOO / HTTP/2.0",
            "GET a",
            "OPTIONS /a RTSP/1.0",
            "get / HTTP/2.0",
            "PRI * HTTP/2.0",
            "GET/ HTTP/1.1",
            "HTTP/1.1 200 OK",
            " / HTTP/1.1",
            "OPTIONS sip:a@example.com SIP/2.0",
            "DESCRIBE rtsp://example.com/ RTSP/1.0",
            "EHLO example.com",
            "1GET / HTTP/1.1",
            "A_METHOD_THAT_IS_TOO_LONG / HTTP/1.1",
            "GET /\x00 HTTP/1.1",
            "GET / HTTP/1.1\x0c",
        ] {
            assert_eq!(parts(line), None, "{line}");
        }
    }

    #[test]
    fn authorities_come_from_the_two_forms_that_have_one() {
        let authority = |line: &'static str| {
            let found = RequestLine::parse(line.as_bytes()).unwrap().authority();
            found.map(|(text, from)| (std::str::from_utf8(text).unwrap(), from))
        };
        use HostSource::{AbsoluteTarget, ConnectAuthority};
        assert_eq!(authority("GET http://a.example:80/x?u=http://b HTTP/1.1"), Some(("a.example:80", AbsoluteTarget)));
        assert_eq!(authority("GET ws://u:p@a.example?x HTTP/1.1"), Some(("u:p@a.example", AbsoluteTarget)));
        assert_eq!(authority("GET http://a.example HTTP/1.1"), Some(("a.example", AbsoluteTarget)));
        assert_eq!(authority("CONNECT a.example:443 HTTP/1.1"), Some(("a.example:443", ConnectAuthority)));
        assert_eq!(authority("CONNECT https://a.example/ HTTP/1.1"), Some(("a.example", AbsoluteTarget)));
        assert_eq!(authority("CONNECT / HTTP/1.1"), Some(("", ConnectAuthority)));
        assert_eq!(authority("GET /http://b.example/ HTTP/1.1"), None);
        assert_eq!(authority("GET ://b.example/ HTTP/1.1"), None);
        assert_eq!(authority("OPTIONS * HTTP/1.1"), None);
        assert_eq!(authority("GET HTTP/1.1"), None);
    }
}
