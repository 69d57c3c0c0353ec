//! Several registers at once: one request at a time to a host, and so many connections together.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use stakeout::control::rules::fetch::{Fetcher, Place};

use super::server::{Server, answer, ok};
use super::wait::wait_until;

/// Answers after a while, so that requests that may overlap do.
fn slow() -> Server {
    Server::tls(|asked, conn| {
        thread::sleep(Duration::from_millis(100));
        if asked.path == "/missing" {
            return conn.write_all(&answer("404 Not Found", "", b""));
        }
        conn.write_all(&ok(b"casino.example\n"))
    })
}

#[test]
fn a_host_is_asked_one_thing_at_a_time() {
    let server = slow();
    let requests = ["/a", "/b", "/missing", "/c", "/d"].map(|path| server.request(path)).to_vec();
    let fetcher = Fetcher::new(5);
    let mut ended = Vec::new();
    fetcher.fetch_all(requests, server.dir(), |n, result| ended.push((n, result.is_ok()))).unwrap();
    ended.sort_unstable();
    assert_eq!(ended, [(0, true), (1, true), (2, false), (3, true), (4, true)]);
    assert_eq!(server.most_at_once(), 1);
    assert_eq!(server.files(), 4);
}

#[test]
fn hosts_are_asked_side_by_side_up_to_a_bound() {
    // Two names of one server count as two hosts.
    let both = |server: &Server| {
        let mut other = server.request("/b");
        other.place = Place::Url(server.url("/b").replace("localhost", "127.0.0.1"));
        vec![server.request("/a"), other]
    };
    let server = slow();
    let mut done = 0;
    Fetcher::new(1).fetch_all(both(&server), server.dir(), |_, result| done += usize::from(result.is_ok())).unwrap();
    assert_eq!((done, server.most_at_once()), (2, 1));

    // Each waits for the other, so that this ends only if both are there at once.
    let there = AtomicUsize::new(0);
    let server = Server::tls(move |_, conn| {
        there.fetch_add(1, Ordering::SeqCst);
        wait_until("the other request", || there.load(Ordering::SeqCst) == 2);
        conn.write_all(&ok(b"casino.example\n"))
    });
    let mut done = 0;
    Fetcher::new(2).fetch_all(both(&server), server.dir(), |_, result| done += usize::from(result.is_ok())).unwrap();
    assert_eq!((done, server.most_at_once()), (2, 2));
}
