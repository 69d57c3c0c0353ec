//! The server as a client sees it, octet by octet.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::civil::date;

use super::*;
use crate::control::config::HttpConfig;
use crate::control::legal::LegalBlock;
use crate::model::{Action, Proto, Scope};

#[derive(Default)]
struct Daemon {
    broken: AtomicBool,
}

impl DaemonView for Daemon {
    fn metrics(&self) -> String {
        "stakeout_packets_total 7\n".into()
    }

    fn stalled(&self) -> Vec<String> {
        if self.broken.load(Ordering::Relaxed) { vec!["worker eth1 makes no progress".into()] } else { Vec::new() }
    }

    fn unready(&self) -> Vec<String> {
        if self.broken.load(Ordering::Relaxed) {
            vec!["interface \"eth1\" is gone".into(), "output events takes nothing".into()]
        } else {
            Vec::new()
        }
    }

    fn status(&self) -> Status {
        let legal = LegalBlock {
            basis: "Gambling Act".into(),
            reference: "Order 7".into(),
            contact: "noc@isp.test".into(),
            review_date: date(2027, 6, 30),
            scope: Scope::NONE.with(Proto::Dns).with(Proto::Tls),
        };
        Status {
            version: "0",
            sensor: "tap-1".into(),
            started: "2026-11-24T10:00:00Z".into(),
            uptime_seconds: 5,
            legal: LegalStatus::new(&legal, date(2027, 7, 1)),
            rules: RulesStatus {
                generation: 3,
                rules: 2,
                age_seconds: 4,
                lists: vec![ListStatus::new("pl-mf", Action::Block, 2)],
                bundles: Vec::new(),
                reload_error: None,
            },
            interfaces: vec![InterfaceStatus { name: "eth1".into(), up: true }],
        }
    }
}

/// Short enough that a test can wait for them to pass.
const TIMES: HttpTimes =
    HttpTimes { head: Duration::from_secs(1), connection: Duration::from_secs(30), grace: Duration::from_secs(5) };

fn server(times: HttpTimes) -> (HttpServer, Arc<Daemon>) {
    let daemon = Arc::new(Daemon::default());
    let config = HttpConfig { listen: "127.0.0.1:0".parse().unwrap(), max_connections: 4, ..HttpConfig::default() };
    (HttpServer::start(&config, times, Arc::clone(&daemon) as Arc<dyn DaemonView>).unwrap(), daemon)
}

fn connect(server: &HttpServer) -> TcpStream {
    let stream = TcpStream::connect(server.local_addr()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends `request` and reads to the end of the connection.
fn exchange(server: &HttpServer, request: &[u8]) -> String {
    let mut stream = connect(server);
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn request(server: &HttpServer, method: &str, path: &str) -> (u16, String, String) {
    let text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = exchange(server, text.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
}

#[test]
fn every_path_answers() {
    let (server, _) = server(TIMES);
    let (code, head, body) = request(&server, "GET", "/metrics");
    assert_eq!((code, body.as_str()), (200, "stakeout_packets_total 7\n"));
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");

    let (code, head, body) = request(&server, "GET", "/status");
    let status: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(code, 200);
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(status["legal"]["review_overdue"], true);
    assert_eq!(status["legal"]["scope"], serde_json::json!(["dns", "tls"]));
    assert_eq!(status["rules"]["lists"][0], serde_json::json!({"list": "pl-mf", "action": "block", "rules": 2}));

    let (code, _, body) = request(&server, "GET", "/");
    assert_eq!(code, 200);
    for path in ["/metrics", "/livez", "/readyz", "/status"] {
        assert!(body.contains(path), "{body}");
    }
    assert_eq!(request(&server, "GET", "/etc/passwd").0, 404);
    assert_eq!(request(&server, "GET", "/metrics/").0, 404);
}

#[test]
fn probes_say_why() {
    let (server, daemon) = server(TIMES);
    assert_eq!(request(&server, "GET", "/livez").0, 200);
    assert_eq!(request(&server, "GET", "/readyz").2, "{\"ok\":true,\"reasons\":[]}\n");
    daemon.broken.store(true, Ordering::Relaxed);
    assert_eq!(request(&server, "GET", "/livez").0, 503);
    let (code, _, body) = request(&server, "GET", "/readyz");
    assert_eq!(code, 503);
    let health: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(health["reasons"], serde_json::json!(["interface \"eth1\" is gone", "output events takes nothing"]));
}

#[test]
fn only_get_and_head_are_answered() {
    let (server, _) = server(TIMES);
    let (code, head, body) = request(&server, "HEAD", "/metrics");
    assert_eq!((code, body.as_str()), (200, ""));
    assert!(head.contains("content-length: 25"), "{head}");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        assert_eq!(request(&server, method, "/metrics").0, 405, "{method}");
    }
}

#[test]
fn one_connection_serves_many_requests() {
    let (server, _) = server(TIMES);
    let one = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = exchange(&server, format!("{one}{one}{last}").as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");
}

#[test]
fn malformed_and_oversized_requests_are_refused() {
    let (server, _) = server(TIMES);
    assert!(exchange(&server, b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").starts_with("HTTP/1.1 400"));
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(40_000));
    assert!(exchange(&server, long.as_bytes()).starts_with("HTTP/1.1 431"));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100));
    assert!(exchange(&server, many.as_bytes()).starts_with("HTTP/1.1 431"));
    assert_eq!(request(&server, "GET", "/livez").0, 200);
}

#[test]
fn slow_clients_cannot_keep_others_out() {
    let (server, _) = server(TIMES);
    // More than may be served at once: each sends a little and then nothing.
    let mut slow: Vec<TcpStream> = (0..10).map(|_| connect(&server)).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: slow").unwrap();
    }
    assert_eq!(request(&server, "GET", "/livez").0, 200);
    for mut stream in slow {
        // Each ends without an answer to read.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!String::from_utf8_lossy(&rest).contains("200 OK"));
    }
}

#[test]
fn connections_end_with_their_time_and_with_the_server() {
    let (short, _) = server(HttpTimes { head: Duration::from_secs(60), connection: Duration::from_secs(2), ..TIMES });
    // Idle after one answer: nothing but the end of its time closes this connection.
    assert!(exchange(&short, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").contains("200 OK"));

    let (long, _) = server(HttpTimes { head: Duration::from_secs(60), ..TIMES });
    let mut idle = connect(&long);
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).unwrap();
    let at = long.local_addr();
    drop(long);
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest);
    assert!(TcpStream::connect(at).is_err());
}

#[test]
fn a_taken_address_is_explained() {
    let (server, daemon) = server(TIMES);
    let config = HttpConfig { listen: server.local_addr(), ..HttpConfig::default() };
    let e = HttpServer::start(&config, TIMES, daemon as Arc<dyn DaemonView>).unwrap_err().to_string();
    assert!(e.contains(&server.local_addr().to_string()) && e.contains("http.listen"), "{e}");
}
