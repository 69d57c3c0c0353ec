//! A resolver's end of a connection, that does as it is told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use stakeout::capture::dnstap::{ACCEPT, FINISH, SocketProtocol};
use stakeout::model::Timestamp;
use stakeout::traffic::dnstap::{self as make, Exchange};

/// How long it waits for an answer, or for its end.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) trait Pipe: Read + Write {}
impl<T: Read + Write> Pipe for T {}

pub(crate) struct Sender {
    pipe: Box<dyn Pipe>,
}

impl Sender {
    /// Connects without a word.
    pub(crate) fn unix(path: &Path) -> Sender {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Sender { pipe: Box::new(stream) }
    }

    /// The same over TCP.
    pub(crate) fn tcp(at: SocketAddr) -> Sender {
        let stream = TcpStream::connect_timeout(&at, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Sender { pipe: Box::new(stream) }
    }

    /// Leads the handshake up to START.
    pub(crate) fn greet(mut self) -> Sender {
        let mut out = Vec::new();
        make::ready(&mut out);
        self.send(&out);
        let mut answer = [0; ACCEPT.len()];
        self.pipe.read_exact(&mut answer).expect("ACCEPT");
        assert_eq!(answer, ACCEPT);
        self.start()
    }

    /// Sends START at once, as a sender does that cannot read.
    pub(crate) fn start(mut self) -> Sender {
        let mut out = Vec::new();
        make::start(&mut out);
        self.send(&out);
        self
    }

    pub(crate) fn send(&mut self, octets: &[u8]) {
        self.pipe.write_all(octets).unwrap();
    }

    /// What may fail because the other side has hung up.
    pub(crate) fn try_send(&mut self, octets: &[u8]) -> bool {
        self.pipe.write_all(octets).is_ok()
    }

    pub(crate) fn query(&mut self, what: &Exchange<'_>) {
        let mut out = Vec::new();
        make::query(&mut out, what);
        self.send(&out);
    }

    pub(crate) fn response(&mut self, what: &Exchange<'_>) {
        let mut out = Vec::new();
        make::response(&mut out, what);
        self.send(&out);
    }

    /// Sends STOP and waits for FINISH.
    pub(crate) fn finish(mut self) {
        let mut out = Vec::new();
        make::stop(&mut out);
        self.send(&out);
        let mut answer = [0; FINISH.len()];
        self.pipe.read_exact(&mut answer).expect("FINISH");
        assert_eq!(answer, FINISH);
        self.is_closed();
    }

    /// Waits until the other side closes the connection.
    pub(crate) fn is_closed(&mut self) {
        let mut octets = [0; 64];
        match self.pipe.read(&mut octets) {
            Ok(0) => {}
            // What was sent and not read any more makes an error of it.
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => {}
            other => panic!("the connection goes on: {other:?}"),
        }
    }
}

/// A subscriber's question, now.
pub(crate) fn visit(name: &str) -> Exchange<'_> {
    Exchange {
        client: "198.51.100.77:40077".parse().unwrap(),
        server: "192.0.2.53:53".parse().unwrap(),
        protocol: SocketProtocol::Udp,
        ts: Timestamp::now(),
        name,
    }
}
