//! Registers behind a page of links: the newest of a directory listing, and the one link that changes.

use std::fs;
use std::io::Write;

use stakeout::control::rules::fetch::{FetchError, Fetcher, IndexFault, Outcome, Place, Request};

use super::server::{Server, answer, ok};

fn request(server: &Server, page: &str, pattern: &str) -> Request {
    let mut request = server.request(page);
    request.place = Place::Index { url: server.url(page), pattern: pattern.parse().unwrap() };
    request
}

const GESPA: &str = "gespa_blocklist_{date}.txt";

/// As nginx lists a directory.
fn listing(names: &[&str]) -> Vec<u8> {
    let mut page = "<html>\r\n<head><title>Index of /</title></head>\r\n<body><h1>Index of /</h1><hr><pre>".to_owned();
    for name in names {
        page.push_str(&format!("<a href=\"{name}\">{name}</a>  01-Nov-2026 06:00  65432\r\n"));
    }
    page.push_str("</pre><hr></body>\r\n</html>\r\n");
    answer("200 OK", "Content-Type: text/html\r\n", page.as_bytes())
}

#[test]
fn the_newest_of_a_listing_and_only_if_it_is_newer() {
    let server = Server::tls(|asked, conn| match asked.path.as_str() {
        "/" => conn.write_all(&listing(&[
            "../",
            "gespa_blocklist_20260915.txt",
            "gespa_blocklist_20260915.sign",
            "gespa_blocklist_20261101.txt",
            "gespa_blocklist_20261101.sign",
        ])),
        "/gespa_blocklist_20261101.txt" if asked.head.to_ascii_lowercase().contains("if-none-match: \"n\"") => {
            conn.write_all(b"HTTP/1.1 304 Not Modified\r\n\r\n")
        }
        "/gespa_blocklist_20261101.txt" => {
            conn.write_all(&answer("200 OK", "ETag: \"n\"\r\n", b"# v1\ncasino.example\n"))
        }
        _ => conn.write_all(&answer("404 Not Found", "", b"")),
    });
    let fetcher = Fetcher::new(1);
    let mut request = request(&server, "/", GESPA);
    let Outcome::Fetched(fetched) = fetcher.fetch(&request, server.dir()).unwrap() else { panic!("not modified?") };
    assert_eq!(fs::read(&fetched.file).unwrap(), b"# v1\ncasino.example\n");
    assert_eq!(fetched.validators.name.as_deref(), Some("gespa_blocklist_20261101.txt"));
    assert_eq!(server.files(), 1, "the page is not left behind");

    request.validators = Some(fetched.validators.clone());
    assert!(matches!(fetcher.fetch(&request, server.dir()), Ok(Outcome::NotModified)));
    // Asked for the whole, the register comes, and the name still counts.
    request.whole = true;
    assert!(matches!(fetcher.fetch(&request, server.dir()), Ok(Outcome::Fetched(_))));
    // Yesterday's listing, or the newest file withdrawn.
    request.validators.as_mut().unwrap().name = Some("gespa_blocklist_20261102.txt".to_owned());
    let error = fetcher.fetch(&request, server.dir()).unwrap_err();
    assert!(matches!(&error, FetchError::Index { fault: IndexFault::WentBack { .. }, .. }), "{error:?}");
}

#[test]
fn half_a_page_leads_nowhere() {
    let whole = listing(&["gespa_blocklist_20260915.txt", "gespa_blocklist_20261101.txt"]);
    let body = whole.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let page = whole[body..].to_vec();
    let length = page.len();
    // The client asks with the place of the cut: told as the whole, or broken off on the way.
    let server = Server::tls(move |asked, conn| {
        let Some((how, at)) = asked.path[1..].split_once('-') else { return conn.write_all(&ok(b"casino.example\n")) };
        let Ok(at) = at.parse::<usize>() else { return conn.write_all(&ok(b"casino.example\n")) };
        match how {
            "whole" => conn.write_all(&answer("200 OK", "", &page[..at])),
            _ => conn.write_all(&whole[..body + at]),
        }
    });
    let fetcher = Fetcher::new(1);
    let end = length - "ml>\r\n".len();
    for at in (1..end).step_by(3) {
        for how in ["whole", "cut"] {
            let error = fetcher.fetch(&request(&server, &format!("/{how}-{at}"), GESPA), server.dir()).unwrap_err();
            // Too short to be known as a page, it links to nothing.
            let expected = if how == "cut" { "cut" } else { "index" };
            assert_eq!(error.kind(), expected, "{how} at {at}: {error}");
        }
    }
    assert!(fetcher.fetch(&request(&server, &format!("/whole-{length}"), GESPA), server.dir()).is_ok());
}

#[test]
fn one_link_that_changes_and_no_other() {
    let server = Server::tls(|asked, conn| {
        let page = |links: &str| {
            let page = format!("<!doctype html><html lang=it><body>{links}</body></html>");
            answer("200 OK", "Content-Type: text/html;charset=UTF-8\r\n", page.as_bytes())
        };
        let octets = match asked.path.as_str() {
            "/siti-web-inibiti-giochi" => page(
                "<a href='/documents/1/elenco_siti_inibiti_4711.txt/0b-7?t=17&amp;v=1'>Elenco</a>\
                 <a href='/documents/1/file_di_controllo.txt/0c-8'>Controllo</a>",
            ),
            "/documents/1/elenco_siti_inibiti_4711.txt/0b-7?t=17&v=1" => ok(b"casino.example\n"),
            "/two" => page(
                "<a href='/documents/1/elenco_siti_inibiti_1.txt/a'>1</a><a href='/documents/1/elenco_siti_inibiti_2.txt/b'>2</a>",
            ),
            "/away" => page("<a href='https://evil.example/documents/1/elenco_siti_inibiti_1.txt/a'>1</a>"),
            _ => page("<p>In manutenzione</p>"),
        };
        conn.write_all(&octets)
    });
    let fetcher = Fetcher::new(1);
    let fetch = |page: &str| fetcher.fetch(&request(&server, page, "elenco_siti_inibiti*.txt/*"), server.dir());
    assert!(matches!(fetch("/siti-web-inibiti-giochi"), Ok(Outcome::Fetched(f)) if f.bytes == 15));
    let fault = |page: &str| match fetch(page) {
        Err(FetchError::Index { fault, .. }) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault("/two"), IndexFault::Ambiguous(2));
    assert_eq!(fault("/away"), IndexFault::Elsewhere("https://evil.example".to_owned()));
    assert_eq!(fault("/other"), IndexFault::NoMatch);
}
