//! Whose certificates are good, and names that have no address.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::ExtendedKeyUsagePurpose;
use stakeout::control::rules::fetch::{FetchError, Fetcher, Place, Trust};

use super::pki::Authority;
use super::server::{Server, ok};
use super::wait::PATIENCE;

fn serving(authority: &Arc<Authority>, config: Arc<rustls::ServerConfig>) -> Server {
    Server::tls_with(Arc::clone(authority), config, |_, conn| conn.write_all(&ok(b"casino.example\n")))
}

#[test]
fn who_is_not_who_it_should_be_is_not_asked() {
    let authority = Arc::new(Authority::new("ours"));
    let other = Authority::new("another");
    let kind = |server: &Server, trust: Option<Trust>| {
        let mut request = server.request("/list");
        request.retries = 3;
        request.trust = trust.unwrap_or(request.trust);
        let fetcher = Fetcher::new(1);
        let result = fetcher.fetch(&request, server.dir());
        let counts = fetcher.counters().read();
        assert_eq!(counts.retries, 0, "a certificate does not get better by asking again");
        result.map(|_| ()).map_err(|e| (e.kind(), e.to_string()))
    };
    let good = serving(&authority, authority.server().server_config());
    assert_eq!(kind(&good, None), Ok(()));
    assert_eq!(kind(&good, Some(Trust::SystemAnd(authority.file.clone()))), Ok(()));
    for (server, trust) in [
        (&good, Some(Trust::Only(other.file.clone()))),
        (&good, Some(Trust::System)),
        (&serving(&authority, authority.server_named("elsewhere.example").server_config()), None),
        (&serving(&authority, authority.expired(ExtendedKeyUsagePurpose::ServerAuth).server_config()), None),
        (&serving(&authority, authority.client("client", 9).server_config()), None),
    ] {
        let (kind, text) = kind(server, trust).unwrap_err();
        // A machine may trust nobody at all.
        assert!(kind == "tls" || (kind == "trust" && text.contains("the system's store")), "{text}");
        assert!(text.contains("CA file"), "{text}");
    }
    assert_eq!(good.heads().len(), 2);
}

#[test]
fn a_ca_file_that_is_none_is_told() {
    let server = Server::tls(|_, conn| conn.write_all(&ok(b"casino.example\n")));
    let mut request = server.request("/list");
    for content in ["", "casino.example\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let file = server.dir().join("ca.pem");
        fs::write(&file, content).unwrap();
        request.trust = Trust::Only(file);
        assert_eq!(Fetcher::new(1).fetch(&request, server.dir()).unwrap_err().kind(), "trust", "{content}");
    }
}

#[test]
fn tls_where_there_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/list", listener.local_addr().unwrap().port());
    let server = Server::tls(|_, _| Ok(()));
    let mut request = server.request("/list");
    request.place = Place::Url(url);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").unwrap();
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let error = Fetcher::new(1).fetch(&request, server.dir()).unwrap_err();
        // Should it not have come to a connection, the other thread must end too.
        let _ = TcpStream::connect(listener.local_addr().unwrap());
        assert_eq!(error.kind(), "tls", "{error}");
    });
}

#[test]
fn a_server_that_breaks_off_the_handshake_may_be_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/list", listener.local_addr().unwrap().port());
    let server = Server::tls(|_, _| Ok(()));
    let mut request = server.request("/list");
    request.place = Place::Url(url);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // The hello is read, so that the end is an end and not a reset.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.shutdown(Shutdown::Both);
        });
        let error = Fetcher::new(1).fetch(&request, server.dir()).unwrap_err();
        // Should it not have come to a connection, the other thread must end too.
        let _ = TcpStream::connect(listener.local_addr().unwrap());
        assert!(matches!(error, FetchError::Tls { broken_off: true, .. }), "{error:?}");
        assert!(error.is_passing());
    });
}

#[test]
fn a_name_without_an_address() {
    let server = Server::tls(|_, _| Ok(()));
    let mut request = server.request("/list");
    // A label of 64 octets cannot even be asked for, so that no resolver hears of this test.
    let host = format!("{}.invalid", "a".repeat(64));
    request.insecure = true;
    request.place = Place::Url(format!("http://{host}/list"));
    let error = Fetcher::new(1).fetch(&request, server.dir()).unwrap_err();
    assert!(matches!(error, FetchError::Dns { .. }), "{error:?}");
    assert!(error.is_passing());
    request.place = Place::Url(format!("https://{host}/list"));
    let error = Fetcher::new(1).fetch(&request, server.dir()).unwrap_err();
    assert!(matches!(error, FetchError::BadUrl { .. }), "{error:?}");
}
