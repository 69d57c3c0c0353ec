//! A web server that does what a test tells it, octet by octet, over TLS or without.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use stakeout::control::rules::fetch::{Place, Request, Trust};
use tempfile::TempDir;

use super::pki::Authority;
use super::wait::PATIENCE;

/// A connection after the head of its request.
pub(crate) enum Conn {
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
    Plain(TcpStream),
}

/// What was asked.
pub(crate) struct Asked {
    /// The how manieth request of the server it is, from 0.
    pub(crate) n: usize,
    /// The head of the request.
    pub(crate) head: String,
    pub(crate) path: String,
}

type Handler = dyn Fn(&Asked, &mut Conn) -> io::Result<()> + Send + Sync;

#[derive(Default)]
struct State {
    heads: Mutex<Vec<String>>,
    stop: AtomicBool,
    now: AtomicUsize,
    most: AtomicUsize,
}

/// Runs until it is dropped.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
    scheme: &'static str,
    authority: Option<Arc<Authority>>,
    dir: TempDir,
}

impl Conn {
    /// Breaks the connection off: no `close_notify`.
    pub(crate) fn cut(&mut self) {
        let _ = self.flush();
        let _ = self.tcp().shutdown(Shutdown::Both);
    }

    /// Says nothing more until the client has gone.
    pub(crate) fn stall(&mut self) {
        let until = Instant::now() + PATIENCE;
        let mut sink = [0; 1024];
        while Instant::now() < until {
            match self.tcp().read(&mut sink) {
                Ok(0) => return,
                Ok(_) => {}
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
    }

    fn tcp(&mut self) -> &mut TcpStream {
        match self {
            Conn::Tls(stream) => &mut stream.sock,
            Conn::Plain(stream) => stream,
        }
    }

    /// Ends it in good order.
    fn close(&mut self) {
        if let Conn::Tls(stream) = self {
            stream.conn.send_close_notify();
        }
        let _ = self.flush();
        let _ = self.tcp().shutdown(Shutdown::Write);
        // Unread data would turn the end into a reset.
        self.stall();
    }
}

impl Read for Conn {
    fn read(&mut self, data: &mut [u8]) -> io::Result<usize> {
        match self {
            Conn::Tls(stream) => stream.read(data),
            Conn::Plain(stream) => stream.read(data),
        }
    }
}

impl Write for Conn {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Conn::Tls(stream) => stream.write(data),
            Conn::Plain(stream) => stream.write(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Conn::Tls(stream) => stream.flush(),
            Conn::Plain(stream) => stream.flush(),
        }
    }
}

impl Server {
    /// Over TLS, with a certificate that the requests of this server trust.
    pub(crate) fn tls(handler: impl Fn(&Asked, &mut Conn) -> io::Result<()> + Send + Sync + 'static) -> Server {
        let authority = Arc::new(Authority::new("the test's authority"));
        let config = authority.server().server_config();
        Server::start(Some(config), Some(authority), handler)
    }

    /// Over TLS with this set-up.
    pub(crate) fn tls_with(
        authority: Arc<Authority>,
        config: Arc<ServerConfig>,
        handler: impl Fn(&Asked, &mut Conn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Server {
        Server::start(Some(config), Some(authority), handler)
    }

    /// Without TLS.
    pub(crate) fn plain(handler: impl Fn(&Asked, &mut Conn) -> io::Result<()> + Send + Sync + 'static) -> Server {
        Server::start(None, None, handler)
    }

    fn start(
        tls: Option<Arc<ServerConfig>>,
        authority: Option<Arc<Authority>>,
        handler: impl Fn(&Asked, &mut Conn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (shared, handler): (_, Arc<Handler>) = (Arc::clone(&state), Arc::new(handler));
        let thread = thread::spawn(move || {
            let mut running = Vec::new();
            for stream in listener.incoming() {
                if shared.stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let (tls, shared, handler) = (tls.clone(), Arc::clone(&shared), Arc::clone(&handler));
                running.push(thread::spawn(move || serve(stream, tls, &shared, &*handler)));
            }
            for one in running {
                one.join().unwrap();
            }
        });
        Server { addr, state, thread: Some(thread), scheme, authority, dir: tempfile::tempdir().unwrap() }
    }

    /// An address on it by the name `localhost`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.addr.port())
    }

    /// A request that trusts it, is patient, and tries once.
    pub(crate) fn request(&self, path: &str) -> Request {
        let mut request = Request::new(Place::Url(self.url(path)));
        request.trust = match &self.authority {
            Some(authority) => Trust::Only(authority.file.clone()),
            None => Trust::System,
        };
        request.insecure = self.authority.is_none();
        request.timeout = PATIENCE;
        request.connect_timeout = PATIENCE;
        request.idle_timeout = PATIENCE;
        request.retries = 0;
        request
    }

    /// Where fetches of this test go.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Files there now.
    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(self.dir()).unwrap().count()
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.state.heads.lock().unwrap().clone()
    }

    /// The greatest number of requests at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.state.most.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(self.addr);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(ended, Some(Ok(()))), "the server of the test panicked");
        }
    }
}

fn serve(stream: TcpStream, tls: Option<Arc<ServerConfig>>, state: &State, handler: &Handler) {
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut conn = match tls {
        Some(tls) => Conn::Tls(Box::new(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream))),
        None => Conn::Plain(stream),
    };
    // No head: the client did not like our certificate.
    let Some(head) = read_head(&mut conn) else { return };
    let at_once = state.now.fetch_add(1, Ordering::SeqCst) + 1;
    state.most.fetch_max(at_once, Ordering::SeqCst);
    let n = {
        let mut heads = state.heads.lock().unwrap();
        heads.push(head.clone());
        heads.len() - 1
    };
    let path = head.split(' ').nth(1).unwrap_or("").to_owned();
    // That the client goes away early is what many tests are about.
    let _ = handler(&Asked { n, head, path }, &mut conn);
    state.now.fetch_sub(1, Ordering::SeqCst);
    conn.close();
}

/// All up to the empty line.
pub(crate) fn read_head(stream: &mut impl Read) -> Option<String> {
    let until = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut octet) {
            Ok(0) => return None,
            Ok(_) => head.push(octet[0]),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                if Instant::now() > until {
                    return None;
                }
            }
            Err(_) => return None,
        }
    }
    String::from_utf8(head).ok()
}

/// An answer with a length.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut all = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    all.extend_from_slice(body);
    all
}

/// 200 and a list.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    answer("200 OK", "Content-Type: text/plain\r\n", body)
}

/// The same in chunks of `size` octets.
pub(crate) fn chunked(headers: &str, body: &[u8], size: usize) -> Vec<u8> {
    let mut all = format!("HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for chunk in body.chunks(size) {
        all.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        all.extend_from_slice(chunk);
        all.extend_from_slice(b"\r\n");
    }
    all.extend_from_slice(b"0\r\n\r\n");
    all
}

/// Packed with gzip.
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}
