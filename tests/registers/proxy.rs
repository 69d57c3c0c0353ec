//! A proxy that gives tunnels (`CONNECT`), and one that does not.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use stakeout::control::rules::fetch::{FetchError, Fetcher, Outcome};

use super::server::{Conn, Server, ok};

/// Passes on what comes, both ways, to the port that was asked for on this machine.
fn tunnel(head: &str, conn: &mut Conn) -> io::Result<()> {
    let goal = head.split(' ').nth(1).unwrap_or("").replace("register.example", "localhost");
    let Ok(mut goal) = TcpStream::connect(goal) else { return conn.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n") };
    conn.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let Conn::Plain(client) = conn else { panic!("the proxy speaks no TLS") };
    client.set_read_timeout(None)?;
    let (mut from_client, mut to_client, mut from_goal) = (client.try_clone()?, client.try_clone()?, goal.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_goal, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 4096];
    while let Ok(n) = from_client.read(&mut buffer) {
        if n == 0 || goal.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = goal.shutdown(Shutdown::Both);
    let _ = back.join();
    Ok(())
}

#[test]
fn a_register_comes_through_a_tunnel() {
    let server = Server::tls(|_, conn| conn.write_all(&ok(b"casino.example\n")));
    let proxy = Server::plain(|asked, conn| tunnel(&asked.head, conn));
    let mut request = server.request("/list");
    request.proxy = Some(format!("http://stakeout:hunter2@localhost:{}", proxy.addr.port()));
    let outcome = Fetcher::new(1).fetch(&request, server.dir()).unwrap();
    assert!(matches!(outcome, Outcome::Fetched(_)), "{outcome:?}");
    assert_eq!(server.heads().len(), 1);
    let head = &proxy.heads()[0];
    assert!(head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", server.addr.port())), "{head}");
    // stakeout:hunter2
    assert!(head.contains("Basic c3Rha2VvdXQ6aHVudGVyMg=="), "{head}");
    assert!(!server.heads()[0].to_ascii_lowercase().contains("proxy"), "the password stays with the proxy");
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let server = Server::tls(|_, conn| conn.write_all(&ok(b"casino.example\n")));
    for status in ["403 Forbidden", "407 Proxy Authentication Required", "502 Bad Gateway"] {
        let proxy = Server::plain(move |_, conn| write!(conn, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        let mut request = server.request("/list");
        request.retries = 2;
        request.proxy = Some(format!("http://stakeout:hunter2@localhost:{}", proxy.addr.port()));
        let error = Fetcher::new(1).fetch(&request, server.dir()).unwrap_err();
        assert!(matches!(error, FetchError::Proxy { .. }), "{status}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    assert!(server.heads().is_empty(), "nothing goes past the proxy");
}

#[test]
fn a_proxy_that_is_none_is_a_setting() {
    let server = Server::tls(|_, conn| conn.write_all(&ok(b"casino.example\n")));
    let mut request = server.request("/list");
    request.proxy = Some("://hunter2".to_owned());
    let error = Fetcher::new(1).fetch(&request, server.dir()).unwrap_err();
    assert_eq!(error.kind(), "setting");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
