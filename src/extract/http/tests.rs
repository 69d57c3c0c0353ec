//! Whole heads: which host they name however they are written and wherever they are cut.

use super::*;
use proptest::prelude::*;

fn head(text: &str) -> RequestHead<'_> {
    match parse_head(text.as_bytes()) {
        Parsed::Head(head) => head,
        other => panic!("{other:?} of {text:?}"),
    }
}

fn names(text: &str) -> (Option<String>, Option<String>) {
    let h = head(text);
    let name = |host: Option<Host<'_>>| host.and_then(|h| h.name()).map(|n| n.to_string());
    (name(h.host), name(h.other_host))
}

fn one(name: &str) -> (Option<String>, Option<String>) {
    (Some(name.to_owned()), None)
}

fn two(name: &str, other: &str) -> (Option<String>, Option<String>) {
    (Some(name.to_owned()), Some(other.to_owned()))
}

#[test]
fn an_ordinary_request() {
    let text = "GET /a HTTP/1.1\r\nHost: WWW.Example.com:8080\r\nAccept: */*\r\n\r\nnext";
    let h = head(text);
    let host = h.host.unwrap();
    assert_eq!((host.text, host.source, host.is_ip_literal), (&b"WWW.Example.com"[..], HostSource::HostHeader, false));
    assert_eq!(names(text), one("www.example.com"));
    assert_eq!((h.version, h.is_connect, h.wants_upgrade, h.body), (11, false, false, Body::None));
    assert_eq!(h.head_len, text.len() - 4);
}

#[test]
fn host_fields_are_found_however_they_are_written() {
    for text in [
        "GET / HTTP/1.1\nhOsT:example.com\n\n",
        "\r\n\nGET / HTTP/1.1\r\nHOST:\t example.com \t\r\n\r\n",
        "GET / HTTP/1.0\r\nA: b\r\nHost : example.com.\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n \r\n\texample.com:80\r\nX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.com\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nX: y\r\n Host: folded.example\r\nHost: example.com\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: before.any.field\r\nHost: example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nX-Host: no.example\r\nHost2: no.example\r\nno colon\r\nHost: user:pw@example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: example.com\r\nHost: EXAMPLE.com.:80\r\n\r\n",
        "GET    /a b c   HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "GET HTTP/1.1\r\nHost: example.com\r\n\r\n",
    ] {
        assert_eq!(names(text), one("example.com"), "{text:?}");
    }
}

#[test]
fn no_host_is_no_error() {
    for text in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: :80\r\n\r\n",
        "GET http:///path HTTP/1.1\r\n\r\n",
        "CONNECT / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(head(text).host, None, "{text:?}");
    }
}

#[test]
fn targets_outrank_host_fields_and_both_are_given() {
    let absolute = "GET http://user:pw@a.example:8080/x HTTP/1.1\r\nHost: b.example\r\n\r\n";
    assert_eq!(names(absolute), two("a.example", "b.example"));
    assert_eq!(head(absolute).host.unwrap().source, HostSource::AbsoluteTarget);
    assert_eq!(names("GET HTTP://A.example/ HTTP/1.1\r\nHost: a.example:80\r\n\r\n"), one("a.example"));
    let connect = "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n";
    assert_eq!(names(connect), two("a.example", "b.example"));
    let h = head(connect);
    assert_eq!((h.is_connect, h.body, h.host.unwrap().source), (true, Body::Tunnel, HostSource::ConnectAuthority));
    assert_eq!(names("CONNECT / HTTP/1.1\r\nHost: b.example\r\n\r\n"), one("b.example"));
    let doubled = "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\nHost: b.example\r\nHost: c.example\r\n\r\n";
    assert_eq!(names(doubled), two("a.example", "b.example"));
}

#[test]
fn literals_are_hosts_but_no_names() {
    for (text, literal) in [
        ("GET / HTTP/1.1\r\nHost: 192.0.2.1:81\r\n\r\n", "192.0.2.1"),
        ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:81\r\n\r\n", "2001:db8::1"),
        ("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n", "2001:db8::1"),
    ] {
        let host = head(text).host.unwrap();
        assert_eq!((host.text, host.is_ip_literal, host.name()), (literal.as_bytes(), true, None));
    }
}

#[test]
fn bodies_and_upgrades_are_announced() {
    assert_eq!(head("POST / HTTP/1.1\r\ncontent-length : 7\r\n\r\n").body, Body::Length(7));
    assert_eq!(head("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").body, Body::Chunked);
    assert_eq!(head("POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n").body, Body::Unknown);
    assert!(head("GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").wants_upgrade);
}

#[test]
fn what_is_no_request_is_rejected_at_its_first_line() {
    for text in [
        "HTTP/1.1 200 OK\r\n",
        "PRI * HTTP/2.0\r\n",
        "GET / RTSP/1.0\r\n",
        "EHLO a.example\r\n",
        "\r\n\r\n\r\n\r\n\r\n",
    ] {
        assert_eq!(parse_head(text.as_bytes()), Parsed::Reject(HttpError::NotHttp), "{text:?}");
        assert_eq!(partial_head(text.as_bytes()), None);
    }
}

#[test]
fn text_that_turns_binary_is_given_up_before_its_line_ends() {
    let mut scanner = HeadScanner::new();
    assert_eq!(scanner.parse(b"GET /\tx\r"), Parsed::NeedMore);
    assert_eq!(scanner.parse(b"GET /\tx\r\x00"), Parsed::Reject(HttpError::NotHttp));
    // In a field it is a server's business.
    assert_eq!(parse_head(b"GET / HTTP/1.1\r\nX: \x00"), Parsed::NeedMore);
}

#[test]
fn heads_are_bounded_and_long_ones_still_give_their_host() {
    let mut text = "GET / HTTP/1.1\r\nHost: a.example\r\nCookie: ".to_owned();
    text.push_str(&"x".repeat(MAX_HEAD));
    let cut = &text.as_bytes()[..MAX_HEAD - 1];
    assert_eq!(parse_head(cut), Parsed::NeedMore);
    assert_eq!(parse_head(text.as_bytes()), Parsed::Reject(HttpError::TooLong));
    let partial = partial_head(text.as_bytes()).unwrap();
    assert_eq!(partial.host.unwrap().text, b"a.example");
    assert_eq!(partial.body, Body::Unknown);
}

#[test]
fn a_head_that_ends_early_gives_only_what_is_whole() {
    let text = "GET / HTTP/1.1\r\nHost: www.example.com\r\nA: b\r\n\r\n";
    let host_line_end = text.find("A: b").unwrap();
    for cut in 0..text.len() {
        let partial = partial_head(&text.as_bytes()[..cut]);
        assert_eq!(partial.is_some(), cut >= "GET / HTTP/1.1\r\n".len());
        let host = partial.and_then(|p| p.host);
        assert_eq!(host.map(|h| h.text), (cut >= host_line_end).then_some(&b"www.example.com"[..]), "{cut}");
    }
    assert_eq!(partial_head(b"GET http://a.example/ HTTP/1.1\nHo").unwrap().host.unwrap().text, b"a.example");
}

#[test]
fn requests_on_one_connection_follow_each_other() {
    let stream = b"POST /1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 26\r\n\r\nGET / HTTP/1.1\r\nHost: no\r\n\
        POST /2 HTTP/1.1\r\nHost: b.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\
        GET /3 HTTP/1.1\r\nHost: c.example\r\n\r\n";
    let mut found = Vec::new();
    let mut rest = &stream[..];
    while !rest.is_empty() {
        let Parsed::Head(head) = parse_head(rest) else { panic!("{:?}", String::from_utf8_lossy(rest)) };
        found.push(head.host.unwrap().text);
        let body = &rest[head.head_len..];
        let Skip::Done { consumed } = BodySkipper::new(head.body).feed(body) else { panic!("body does not end") };
        rest = &body[consumed..];
    }
    assert_eq!(found, [b"a.example", b"b.example", b"c.example"]);
}

prop_compose! {
    /// A request as a client may send it, and the name in it.
    fn request()(
        method in "(GET|POST|HEAD|PUT|[A-Z]{2,10})",
        path in "/[a-z0-9/?=&%.:@ -]{0,40}",
        version in "1\\.[01]",
        before in proptest::collection::vec("[A-Za-z-]{1,4}x: ?[ -~]{0,30}", 0..4),
        after in proptest::collection::vec("[A-Za-z-]{1,4}x: ?[ -~]{0,30}", 0..4),
        field in "[hH][oO][sS][tT]:[ \t]{0,2}",
        host in "[a-zA-Z0-9_-]{1,12}(\\.[a-zA-Z][a-zA-Z0-9-]{0,12}){1,4}",
        port in "(:[0-9]{0,5})?[ ]{0,2}",
        newline in "\r?\n",
    ) -> (String, String) {
        let mut lines = vec![format!("{method} {path} HTTP/{version}")];
        lines.extend(before);
        lines.push(format!("{field}{host}{port}"));
        lines.extend(after);
        let text: String = lines.iter().map(|line| format!("{line}{newline}")).collect();
        (text + &newline, host.to_ascii_lowercase())
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(stream in proptest::collection::vec(any::<u8>(), 0..400), gap: u64) {
        let _ = (probe(&stream), parse_head(&stream), partial_head(&stream));
        for body in [Body::Chunked, Body::Length(100)] {
            let mut skipper = BodySkipper::new(body);
            if let Skip::Done { consumed } = skipper.feed(&stream) {
                prop_assert!(consumed <= stream.len());
            }
            skipper.feed_gap(gap);
        }
    }

    #[test]
    fn no_mutated_request_panics((text, _) in request(), at: prop::sample::Index, octet: u8) {
        let mut stream = text.into_bytes();
        let at = at.index(stream.len());
        stream[at] = octet;
        let _ = (probe(&stream), partial_head(&stream));
        if let Parsed::Head(head) = parse_head(&stream) {
            prop_assert!(head.head_len <= stream.len());
        }
    }

    #[test]
    fn built_requests_read_back((text, name) in request()) {
        prop_assert_eq!(probe(text.as_bytes()), Probe::Yes);
        prop_assert_eq!(names(&text), one(&name));
        prop_assert_eq!(head(&text).head_len, text.len());
    }

    #[test]
    fn scanning_in_pieces_is_scanning_at_once((text, _) in request(), mut cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let stream = text.as_bytes();
        cuts.sort_unstable_by_key(|c| c.index(stream.len()));
        let mut scanner = HeadScanner::new();
        for cut in cuts {
            let cut = cut.index(stream.len());
            prop_assert_eq!(scanner.parse(&stream[..cut]), Parsed::NeedMore);
            prop_assert!(probe(&stream[..cut]) != Probe::No);
        }
        prop_assert_eq!(scanner.parse(stream), parse_head(stream));
    }

    #[test]
    fn skipping_in_pieces_is_skipping_at_once(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..5),
        step in 1usize..50,
    ) {
        let mut body = Vec::new();
        for chunk in &chunks {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\n\r\n");
        let expected = body.len();
        body.extend_from_slice(b"GET / HTTP/1.1\r\n");
        let mut skipper = BodySkipper::new(Body::Chunked);
        let mut at = 0;
        let end = body.chunks(step).find_map(|piece| match skipper.feed(piece) {
            Skip::Done { consumed } => Some(at + consumed),
            Skip::More => { at += piece.len(); None }
            Skip::Lost => Some(usize::MAX),
        });
        prop_assert_eq!(end, Some(expected));
    }
}
