//! Servers that let us wait: each wait has its bound. No test looks at how long anything took.

use std::io::Write;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use stakeout::control::rules::fetch::{FetchError, Fetcher, Phase, Place, Request};

use super::server::{Server, ok};

const SHORT: Duration = Duration::from_millis(300);

fn phase(server: &Server, change: impl FnOnce(&mut Request)) -> (Phase, u64) {
    let mut request = server.request("/list");
    change(&mut request);
    let error = Fetcher::new(1).fetch(&request, server.dir()).unwrap_err();
    assert_eq!(server.files(), 0);
    match error {
        FetchError::TimedOut { phase, bytes, .. } => (phase, bytes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_that_never_answers() {
    let server = Server::tls(|_, conn| {
        conn.stall();
        Ok(())
    });
    assert_eq!(phase(&server, |r| r.timeout = SHORT), (Phase::Total, 0));
}

#[test]
fn a_body_that_stops() {
    let server = Server::tls(|_, conn| {
        conn.write_all(&ok(&[b'a'; 1000])[..700])?;
        conn.stall();
        Ok(())
    });
    let (phase, bytes) = phase(&server, |r| r.idle_timeout = SHORT);
    assert_eq!(phase, Phase::Idle);
    assert!(bytes > 0 && bytes < 1000, "{bytes}");
}

#[test]
fn a_body_that_drips() {
    let server = Server::tls(|_, conn| {
        conn.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
        for _ in 0..100_000 {
            conn.write_all(b"a")?;
            conn.flush()?;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    let (phase, bytes) = phase(&server, |r| r.timeout = Duration::from_secs(1));
    assert_eq!(phase, Phase::Total);
    assert!(bytes < 100_000, "{bytes}");
}

#[test]
fn a_port_that_takes_connections_and_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::tls(|_, _| Ok(()));
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let (phase, _) = phase(&server, |r| {
        r.place = Place::Url(url);
        r.connect_timeout = SHORT;
    });
    assert_eq!(phase, Phase::Connect);
}

#[test]
fn stopping_ends_what_is_under_way() {
    let server = Server::tls(|_, conn| {
        conn.write_all(&ok(&[b'a'; 1000])[..700])?;
        conn.stall();
        Ok(())
    });
    let fetcher = Fetcher::new(1);
    let request = server.request("/list");
    thread::scope(|scope| {
        let fetch = scope.spawn(|| fetcher.fetch(&request, server.dir()));
        super::wait::wait_until("the request", || !server.heads().is_empty());
        fetcher.stop();
        assert_eq!(fetch.join().unwrap().unwrap_err().kind(), "stopped");
    });
    assert_eq!(server.files(), 0);
    assert_eq!(fetcher.fetch(&request, server.dir()).unwrap_err().kind(), "stopped");
}
