//! What is taken, and above all what is not: cut, endless, too large, empty, packed wrongly, pages, redirections.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use sha2::{Digest, Sha256};
use stakeout::control::rules::fetch::{Detour, End, FetchError, Fetched, Fetcher, Outcome, Place, Request, Validators};

use super::server::{Server, answer, chunked, gzip, ok};

const LIST: &[u8] = b"casino.example\nroulette.example\npoker.example\n";

fn fetch(server: &Server, request: &Request) -> Result<Outcome, FetchError> {
    Fetcher::new(2).fetch(request, server.dir())
}

fn taken(server: &Server, request: &Request) -> Fetched {
    match fetch(server, request) {
        Ok(Outcome::Fetched(fetched)) => *fetched,
        other => panic!("{other:?}"),
    }
}

/// A server that says these octets and closes in good order.
fn saying(octets: Vec<u8>) -> Server {
    Server::tls(move |_, conn| conn.write_all(&octets))
}

/// The error that these octets give, and that nothing of them is left.
fn refused(octets: Vec<u8>) -> FetchError {
    refused_with(octets, |_| {})
}

fn refused_with(octets: Vec<u8>, change: impl FnOnce(&mut Request)) -> FetchError {
    let server = saying(octets);
    let mut request = server.request("/list");
    change(&mut request);
    let error = fetch(&server, &request).unwrap_err();
    assert_eq!(server.files(), 0, "{error}");
    error
}

#[test]
fn a_list_comes_whole_with_all_that_is_known_of_it() {
    let headers =
        "Content-Type: text/plain; charset=utf-8\r\nETag: \"v1\"\r\nLast-Modified: Tue, 24 Nov 2026 10:00:00 GMT\r\n";
    let server = saying(answer("200 OK", headers, LIST));
    let fetched = taken(&server, &server.request("/list?key=hunter2"));
    assert_eq!(fs::read(&fetched.file).unwrap(), LIST);
    assert_eq!(fs::metadata(&fetched.file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fetched.bytes, LIST.len() as u64);
    assert_eq!(fetched.sha256, <[u8; 32]>::from(Sha256::digest(LIST)));
    assert_eq!(fetched.content_type.as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!(fetched.from, server.url("/list"));
    assert_eq!(fetched.end, End::Length);
    assert!(fetched.peer_sha256.is_some());
    assert_eq!(
        fetched.validators,
        Validators {
            url: server.url("/list?key=hunter2"),
            etag: Some("\"v1\"".to_owned()),
            last_modified: Some("Tue, 24 Nov 2026 10:00:00 GMT".to_owned()),
            ..Validators::default()
        }
    );
    let head = server.heads()[0].to_ascii_lowercase();
    for line in ["get /list?key=hunter2 http/1.1", "user-agent: stakeout/", "accept: */*", "accept-encoding: gzip"] {
        assert!(head.contains(line), "no {line} in {head}");
    }
    assert!(!head.contains("if-none-match"), "{head}");
    assert_eq!(server.files(), 1);
}

#[test]
fn every_way_to_tell_the_end_is_understood() {
    let close = [b"HTTP/1.1 200 OK\r\n\r\n", LIST].concat();
    let packed = gzip(LIST);
    let twice = [gzip(&LIST[..20]), gzip(&LIST[20..])].concat();
    for (octets, end) in [
        (chunked("", LIST, 7), End::LastChunk),
        (close, End::Closed),
        (answer("200 OK", "Content-Encoding: gzip\r\n", &packed), End::Length),
        (chunked("Content-Encoding: gzip\r\n", &twice, 5), End::LastChunk),
        (answer("200 OK", "Content-Encoding: identity\r\n", LIST), End::Length),
    ] {
        let server = saying(octets);
        let fetched = taken(&server, &server.request("/list"));
        assert_eq!(fs::read(&fetched.file).unwrap(), LIST);
        assert_eq!(fetched.end, end);
    }
}

/// The trap that unblocks a country: wherever a download is cut, and however politely the connection then ends.
#[test]
fn a_download_cut_at_any_octet_is_never_taken() {
    let whole = [
        answer("200 OK", "", LIST),
        chunked("", LIST, 16),
        answer("200 OK", "Content-Encoding: gzip\r\n", &gzip(LIST)),
        chunked("Content-Encoding: gzip\r\n", &gzip(LIST), 16),
    ];
    for octets in whole {
        // The client asks with the place of the cut; half of the cuts close TLS in good order.
        let all = octets.clone();
        let server = Server::tls(move |asked, conn| {
            let at: usize = asked.path[1..].parse().unwrap();
            conn.write_all(&all[..at])?;
            if at.is_multiple_of(2) {
                conn.cut();
            }
            Ok(())
        });
        let fetcher = Fetcher::new(2);
        for at in 0..octets.len() {
            match fetcher.fetch(&server.request(&format!("/{at}")), server.dir()) {
                Ok(outcome) => panic!("cut at {at} of {}: {outcome:?}", octets.len()),
                Err(e) => assert!(matches!(e.kind(), "cut" | "protocol"), "cut at {at}: {e}"),
            }
        }
        assert_eq!(server.files(), 0);
        assert!(fetcher.fetch(&server.request(&format!("/{}", octets.len())), server.dir()).is_ok());
    }
}

#[test]
fn without_a_length_only_tls_tells_the_end() {
    let octets = [b"HTTP/1.1 200 OK\r\n\r\n", LIST].concat();
    let all = octets.clone();
    let server = Server::tls(move |_, conn| {
        conn.write_all(&all)?;
        conn.cut();
        Ok(())
    });
    let error = fetch(&server, &server.request("/list")).unwrap_err();
    assert!(matches!(error, FetchError::Cut { bytes: 46, announced: None, .. }), "{error:?}");
    let server = Server::plain(move |_, conn| conn.write_all(&octets));
    let error = fetch(&server, &server.request("/list")).unwrap_err();
    assert!(matches!(error, FetchError::Endless { .. }), "{error:?}");
}

#[test]
fn a_packed_list_that_was_cut_before_it_was_sent_is_refused() {
    let packed = gzip(LIST);
    for cut in [1, 5, 8, 9, packed.len() / 2, packed.len() - 1] {
        let octets = answer("200 OK", "Content-Encoding: gzip\r\n", &packed[..packed.len() - cut]);
        assert_eq!(refused(octets).kind(), "encoding", "{cut}");
    }
    let mut flipped = packed.clone();
    let middle = flipped.len() - 6;
    flipped[middle] ^= 1;
    assert_eq!(refused(answer("200 OK", "Content-Encoding: gzip\r\n", &flipped)).kind(), "encoding");
    let more = [packed, b"more".to_vec()].concat();
    assert_eq!(refused(answer("200 OK", "Content-Encoding: gzip\r\n", &more)).kind(), "encoding");
    assert_eq!(refused(answer("200 OK", "Content-Encoding: br\r\n", LIST)).kind(), "encoding");
    let twice = gzip(&gzip(LIST));
    for headers in ["Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n", "Content-Encoding: gzip, gzip\r\n"] {
        assert_eq!(refused(answer("200 OK", headers, &twice)).kind(), "encoding");
    }
    assert_eq!(refused(chunked("Transfer-Encoding: gzip\r\n", &gzip(LIST), 9)).kind(), "encoding");
    let unasked = answer("200 OK", "Content-Encoding: gzip\r\n", &gzip(LIST));
    assert_eq!(refused_with(unasked, |r| r.accept_compressed = false).kind(), "encoding");
}

#[test]
fn too_large_however_it_is_hidden() {
    let large = vec![b'a'; 100_000];
    let limit = |r: &mut Request| r.max_bytes = 99_999;
    let packed = |e: &FetchError| matches!(e, FetchError::TooLarge { packed: true, limit: 99_999, .. });
    let plain = |e: &FetchError| matches!(e, FetchError::TooLarge { packed: false, limit: 99_999, .. });
    let error = refused_with(ok(&large), limit);
    assert!(plain(&error), "{error:?}");
    let error = refused_with(chunked("", &large, 1000), limit);
    assert!(plain(&error), "{error:?}");
    // A thousand times its size when unpacked.
    let bomb = answer("200 OK", "Content-Encoding: gzip\r\n", &gzip(&vec![0; 64 << 20]));
    assert!(bomb.len() < 99_999, "the bomb should look harmless");
    let error = refused_with(bomb, limit);
    assert!(packed(&error), "{error:?}");
    let server = saying(ok(&large));
    let mut request = server.request("/list");
    request.max_bytes = 100_000;
    assert_eq!(taken(&server, &request).bytes, 100_000);
}

#[test]
fn nothing_is_no_register() {
    for octets in [ok(b""), chunked("", b"", 1), b"HTTP/1.1 200 OK\r\n\r\n".to_vec()] {
        assert_eq!(refused(octets).kind(), "empty");
    }
    assert_eq!(refused(answer("200 OK", "Content-Encoding: gzip\r\n", &gzip(b""))).kind(), "empty");
    for status in ["204 No Content", "206 Partial Content", "203 Perhaps"] {
        let octets = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes();
        assert_eq!(refused(octets).kind(), "status", "{status}");
    }
}

#[test]
fn a_page_is_not_a_list() {
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    assert_eq!(refused(answer("200 OK", html, LIST)).kind(), "page");
    let login = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>";
    assert_eq!(refused(answer("200 OK", "Content-Type: text/plain\r\n", login)).kind(), "page");
    assert_eq!(refused_with(answer("200 OK", html, login), |r| r.mislabelled = true).kind(), "page");
    let server = saying(answer("200 OK", html, LIST));
    let mut request = server.request("/list");
    request.mislabelled = true;
    taken(&server, &request);
}

#[test]
fn what_is_not_http_is_said_to_be_not_http() {
    for octets in [&b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..], b"HTTP/1.1 two hundred\r\n\r\n", b"\0\0\0\0\0\0\0\0\r\n\r\n"] {
        assert_eq!(refused(octets.to_vec()).kind(), "protocol");
    }
    let bad_chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\ncasino.example\r\n0\r\n\r\n";
    assert_eq!(refused(bad_chunk.to_vec()).kind(), "protocol");
    let two_lengths = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 5\r\n\r\n0123456789";
    assert_eq!(refused(two_lengths.to_vec()).kind(), "protocol");
}

#[test]
fn redirections_are_followed_on_the_same_host_only() {
    let server = Server::tls(|asked, conn| {
        let port =
            asked.head.split("localhost:").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or("").to_owned();
        let to = |location: String| answer("302 Found", &format!("Location: {location}\r\n"), b"");
        let octets = match asked.path.as_str() {
            "/a" => to("/b?x=1".to_owned()),
            "/b?x=1" => to(format!("https://localhost:{port}/list")),
            "/away" => to(format!("https://127.0.0.1:{port}/list?key=hunter2")),
            "/down" => to(format!("http://localhost:{port}/list")),
            "/loop" => to("/loop".to_owned()),
            "/nowhere" => answer("301 Moved", "", b""),
            "/bad" => to("https://[/".to_owned()),
            _ => ok(LIST),
        };
        conn.write_all(&octets)
    });
    let fetched = taken(&server, &server.request("/a"));
    assert_eq!(fetched.from, server.url("/list"));
    // The validators are about what is asked for next time.
    assert_eq!(fetched.validators.url, server.url("/a"));
    for (path, expected) in [
        ("/away", Detour::OtherHost),
        ("/down", Detour::Downgrade),
        ("/loop", Detour::TooMany),
        ("/nowhere", Detour::Nowhere),
        ("/bad", Detour::Nowhere),
    ] {
        let error = fetch(&server, &server.request(path)).unwrap_err();
        assert!(matches!(&error, FetchError::Redirect { reason, .. } if *reason == expected), "{path}: {error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert_eq!(server.heads().iter().filter(|head| head.starts_with("GET /loop")).count(), 6);
    let mut request = server.request("/away");
    request.other_hosts = vec!["127.0.0.1".to_owned()];
    taken(&server, &request);
}

#[test]
fn unchanged_is_asked_and_heard() {
    let server = Server::tls(|asked, conn| {
        let known = asked.head.to_ascii_lowercase().contains("if-none-match: w/\"7\"\r\n");
        match (asked.path.as_str(), known) {
            ("/changed" | "/list", false) | ("/changed", true) => {
                conn.write_all(&answer("200 OK", "ETag: W/\"7\"\r\n", LIST))
            }
            _ => conn.write_all(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
        }
    });
    let validators = taken(&server, &server.request("/list")).validators;
    let again = |path: &str, validators: &Validators| {
        let mut request = server.request(path);
        request.validators = Some(validators.clone());
        fetch(&server, &request)
    };
    assert!(matches!(again("/list", &validators), Ok(Outcome::NotModified)));
    // What is known of one address is not said to another, and "unchanged" without a question is no answer.
    assert!(matches!(again("/changed", &validators), Ok(Outcome::Fetched(_))));
    assert!(!server.heads().last().unwrap().to_ascii_lowercase().contains("if-none-match"));
    assert_eq!(again("/other", &validators).unwrap_err().kind(), "protocol");
    // A header that is none cannot be smuggled in.
    let forged = Validators { etag: Some("x\r\nHost: evil.example".to_owned()), ..validators };
    assert!(matches!(again("/list", &forged), Ok(Outcome::Fetched(_))));
}

#[test]
fn the_time_of_the_last_change_spares_a_fetch_and_never_prevents_one() {
    let server = Server::tls(|asked, conn| match asked.path.as_str() {
        "/date" => conn.write_all(&ok(b"\"2026-11-24T10:00:00\"\r\n")),
        "/list" => conn.write_all(&ok(LIST)),
        _ => conn.write_all(&answer("500 Oh", "", b"")),
    });
    let mut request = server.request("/list");
    request.modification_url = Some(server.url("/date"));
    let validators = taken(&server, &request).validators;
    assert_eq!(validators.modification.as_deref(), Some("\"2026-11-24T10:00:00\""));
    let before = server.heads().len();
    request.validators = Some(validators.clone());
    assert!(matches!(fetch(&server, &request), Ok(Outcome::NotModified)));
    assert_eq!(server.heads().len(), before + 1);
    request.whole = true;
    taken(&server, &request);
    request.whole = false;
    request.validators =
        Some(Validators { modification: Some("\"2026-11-23T10:00:00\"".to_owned()), ..validators.clone() });
    taken(&server, &request);
    request.validators = Some(validators);
    request.modification_url = Some(server.url("/broken"));
    let fetcher = Fetcher::new(1);
    assert!(
        matches!(fetcher.fetch(&request, server.dir()), Ok(Outcome::Fetched(f)) if f.validators.modification.is_none())
    );
    assert_eq!(fetcher.counters().read().modification_unknown, 1);
}

#[test]
fn plain_http_needs_a_word_of_its_own() {
    let server = Server::plain(|_, conn| conn.write_all(&ok(LIST)));
    let mut request = server.request("/list");
    taken(&server, &request);
    request.insecure = false;
    assert_eq!(fetch(&server, &request).unwrap_err().kind(), "insecure");
    request.place = Place::Url(server.url("/list").replace("http://", "ftp://"));
    assert_eq!(fetch(&server, &request).unwrap_err().kind(), "setting");
    assert_eq!(server.heads().len(), 1);
}

#[test]
fn a_directory_that_is_not_there_takes_nothing() {
    let server = saying(ok(LIST));
    let error = Fetcher::new(1).fetch(&server.request("/list"), &server.dir().join("none")).unwrap_err();
    assert_eq!(error.kind(), "disk");
}

#[test]
fn a_file_is_a_register_too() {
    let server = saying(ok(LIST));
    let path = server.dir().join("register_20200101.txt");
    fs::write(&path, LIST).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    let fetched = taken(&server, &Request::new(Place::File(path.clone())));
    assert_eq!(fs::read(&fetched.file).unwrap(), LIST);
    assert_eq!(fetched.end, End::File);
    let pattern = "register_{date}.txt".parse().unwrap();
    let fetched = taken(&server, &Request::new(Place::Directory { path: server.dir().to_owned(), pattern }));
    assert_eq!(fetched.from, path.display().to_string());
    assert_eq!(fetched.validators.name.as_deref(), Some("register_20200101.txt"));
}
