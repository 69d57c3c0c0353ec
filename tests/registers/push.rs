//! The endpoint for pushed registers, with `curl` as the ministry: what it takes, what it answers, and whom it keeps out.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver as Gate, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use sha2::{Digest, Sha256};
use stakeout::control::rules::push::{
    Clients, Delivery, NotTaken, PushConfig, PushServer, PushSource, PushTimes, Receiver,
};
use tempfile::TempDir;

use super::need;
use super::pki::{Authority, Issued};
use super::wait::{PATIENCE, wait_until};

const REGISTER: &str = "<Rejestr xmlns=\"http://www.hazard.mf.gov.pl/2017/03/21/\"><PozycjaRejestru Lp=\"1\">\
    <AdresDomeny>casino.example</AdresDomeny><DataWpisu>2017-07-01T10:00:00</DataWpisu>\
    <DataWykreslenia>2018-01-01T10:00:00</DataWykreslenia></PozycjaRejestru></Rejestr>";

/// What the store is to the endpoint.
#[derive(Default)]
struct Store {
    taken: Mutex<Vec<(Delivery, Vec<u8>)>>,
    word: Mutex<Word>,
}

#[derive(Default)]
enum Word {
    #[default]
    Accept,
    Refuse,
    Unavailable,
    Panic,
    /// Waits for the other end.
    Wait(Gate<()>),
}

impl Receiver for Store {
    fn receive(&self, delivery: &Delivery) -> Result<(), NotTaken> {
        let content = fs::read(&delivery.file).unwrap();
        let word = std::mem::take(&mut *self.word.lock().unwrap());
        match word {
            Word::Accept => {}
            Word::Refuse => return Err(NotTaken::Refused("not the register: no element Rejestr".to_owned())),
            Word::Unavailable => return Err(NotTaken::Unavailable("the store is locked".to_owned())),
            Word::Panic => panic!("as the test wants"),
            Word::Wait(gate) => gate.recv_timeout(PATIENCE).unwrap(),
        }
        self.taken.lock().unwrap().push((delivery.clone(), content));
        Ok(())
    }
}

struct Lab {
    authority: Authority,
    store: Arc<Store>,
    dir: TempDir,
    ministry: Issued,
    server: PushServer,
}

/// What curl heard.
struct Heard {
    status: u16,
    head: String,
    body: String,
    /// It had no answer.
    failed: bool,
}

impl Lab {
    fn new(change: impl FnOnce(&Authority, &mut PushConfig)) -> Lab {
        let authority = Authority::new("the ministry's authority");
        let dir = tempfile::tempdir().unwrap();
        let server = authority.server();
        let ministry = authority.client("ministry", 100);
        let clients = Clients::Authority { ca: authority.file.clone(), crl: None };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut config = PushConfig::new(listen, server.certificate, server.key, clients, dir.path().to_owned());
        config.sources = vec![source("pl-hazard", Vec::new())];
        change(&authority, &mut config);
        let store = Arc::new(Store::default());
        let server = PushServer::start(config, Arc::<Store>::clone(&store)).unwrap();
        Lab { authority, store, dir, ministry, server }
    }

    fn usual() -> Lab {
        Lab::new(|_, _| {})
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.server.local_addr().port())
    }

    /// curl with this certificate and these arguments; the last is the path.
    fn curl(&self, client: Option<&Issued>, arguments: &[&str], path: &str) -> Heard {
        curl(&self.authority.file, client, arguments, &self.url(path))
    }

    fn post(&self, body: &str) -> Heard {
        self.curl(Some(&self.ministry), &["--data-binary", body], "/push/pl-hazard")
    }

    fn word(&self, word: Word) {
        *self.store.word.lock().unwrap() = word;
    }

    fn taken(&self) -> usize {
        self.store.taken.lock().unwrap().len()
    }

    fn refused(&self, cause: &str) -> u64 {
        let counts = self.server.counters().read();
        counts.refused.iter().find(|(word, _)| *word == cause).unwrap_or_else(|| panic!("no cause {cause}")).1
    }

    fn files(&self) -> usize {
        fs::read_dir(self.dir.path()).unwrap().count()
    }

    /// A TLS connection as the ministry, for what curl is too polite to do.
    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.authority.file).unwrap()).unwrap();
        let chain = vec![CertificateDer::from_pem_file(&self.ministry.certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&self.ministry.key).unwrap();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap();
        let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        let stream = TcpStream::connect(self.server.local_addr()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        StreamOwned::new(connection, stream)
    }
}

fn source(id: &str, clients: Vec<[u8; 32]>) -> PushSource {
    PushSource { id: id.to_owned(), path: format!("/push/{id}"), clients }
}

fn curl(ca: &Path, client: Option<&Issued>, arguments: &[&str], url: &str) -> Heard {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--noproxy", "*", "--max-time", "30", "--cacert"]).arg(ca);
    if let Some(client) = client {
        command.arg("--cert").arg(&client.certificate).arg("--key").arg(&client.key);
    }
    let output = command.args(arguments).arg(url).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    let output = output.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // Behind what "100 Continue" may have put before it.
    let text = text.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(&text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Heard { status, head: head.to_owned(), body: body.to_owned(), failed: status == 0 }
}

/// Whether curl is there; says so if not.
fn no_curl() -> bool {
    let missing = !need::has("curl");
    if missing {
        need::skip("curl not installed; tools/setup.sh test does that");
    }
    missing
}

/// Every answer but the one to an accepted push.
fn is_refusal(heard: &Heard, status: u16) {
    assert_eq!(heard.status, status, "{}\n{}", heard.head, heard.body);
    assert!(!heard.head.to_ascii_lowercase().contains("rsh-push"), "{}", heard.head);
    assert!(!heard.body.contains("OK"), "{}", heard.body);
}

#[test]
fn the_ministry_hears_what_it_expects_once_the_store_has_it() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    let heard = lab.post(REGISTER);
    assert_eq!(heard.status, 200);
    assert!(heard.head.contains("\r\nRsh-Push: accepted"), "{}", heard.head);
    assert_eq!(heard.body, "<hazard><status>OK</status></hazard>");
    let (delivery, content) = lab.store.taken.lock().unwrap()[0].clone();
    assert_eq!(content, REGISTER.as_bytes());
    assert_eq!((delivery.source.as_str(), delivery.bytes), ("pl-hazard", REGISTER.len() as u64));
    assert_eq!(delivery.sha256, <[u8; 32]>::from(Sha256::digest(REGISTER)));
    assert_eq!(delivery.client_sha256, lab.ministry.sha256);
    assert_eq!(lab.files(), 0, "what the store did not move away is removed");
    let counts = lab.server.counters().read();
    assert_eq!((counts.connections, counts.accepted, counts.bytes), (1, 1, REGISTER.len() as u64));
    assert!(counts.refused.iter().all(|(_, n)| *n == 0), "{counts:?}");
}

#[test]
fn a_large_register_comes_whole_in_either_form() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "<a>casino.example</a>\n".repeat(500_000)).unwrap();
    let body = format!("@{}", file.path().display());
    for more in [&["--header", "Transfer-Encoding: chunked"][..], &[]] {
        let arguments = [&["--data-binary", &body][..], more].concat();
        assert_eq!(lab.curl(Some(&lab.ministry), &arguments, "/push/pl-hazard").status, 200);
    }
    assert!(lab.store.taken.lock().unwrap().iter().all(|(_, content)| content.len() == 11_000_000));
}

#[test]
fn without_the_right_certificate_nobody_comes_to_speak() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    let other = Authority::new("another");
    let strangers = [
        (None, "no-certificate"),
        (Some(other.client("stranger", 5)), "certificate"),
        (Some(lab.authority.expired(ExtendedKeyUsagePurpose::ClientAuth)), "certificate"),
        // Of the same authority, but for servers.
        (Some(lab.authority.server()), "certificate"),
    ];
    let mut certificates = 0;
    for (client, cause) in &strangers {
        for version in [&["--tls-max", "1.2"][..], &["--tlsv1.3"]] {
            let arguments = [&["--data-binary", REGISTER][..], version].concat();
            assert!(lab.curl(client.as_ref(), &arguments, "/push/pl-hazard").failed);
        }
        certificates += u64::from(*cause == "certificate") * 2;
    }
    assert_eq!((lab.refused("no-certificate"), lab.refused("certificate")), (2, certificates));
    assert_eq!(lab.taken(), 0);
    assert_eq!(lab.post(REGISTER).status, 200);
}

#[test]
fn a_fingerprint_opens_the_door_to_one_certificate() {
    if no_curl() {
        return;
    }
    let elsewhere = Authority::new("whoever");
    let known = elsewhere.client("known", 1);
    let unknown = elsewhere.client("unknown", 2);
    let lab = Lab::new(|_, config| config.clients = Clients::Fingerprints(vec![known.sha256]));
    let post = |client| lab.curl(client, &["--data-binary", REGISTER], "/push/pl-hazard");
    assert_eq!(post(Some(&known)).status, 200);
    assert!(post(Some(&unknown)).failed);
    assert!(post(Some(&lab.ministry)).failed);
    assert!(post(None).failed);
    // The certificate of the one with the key of another.
    let forged = Issued { certificate: known.certificate.clone(), key: unknown.key.clone(), sha256: known.sha256 };
    assert!(post(Some(&forged)).failed);
    assert_eq!((lab.refused("certificate"), lab.refused("no-certificate"), lab.taken()), (2, 1, 1));

    lab.server.reload(&Clients::Fingerprints(vec![unknown.sha256])).unwrap();
    assert_eq!(post(Some(&unknown)).status, 200);
    assert!(post(Some(&known)).failed);
    assert!(lab.server.reload(&Clients::Fingerprints(Vec::new())).is_err());
    assert_eq!(post(Some(&unknown)).status, 200);
}

#[test]
fn a_revoked_certificate_is_refused_from_the_reload_on() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    assert_eq!(lab.post(REGISTER).status, 200);
    let clients = |crl: PathBuf| Clients::Authority { ca: lab.authority.file.clone(), crl: Some(crl) };
    lab.server.reload(&clients(lab.authority.revoke(&[99]))).unwrap();
    assert_eq!(lab.post(REGISTER).status, 200);
    lab.server.reload(&clients(lab.authority.revoke(&[99, 100]))).unwrap();
    assert!(lab.post(REGISTER).failed);
    assert_eq!(lab.refused("certificate"), 1);
    // A file that is none changes nothing.
    assert!(lab.server.reload(&clients(lab.ministry.key.clone())).is_err());
    assert!(lab.post(REGISTER).failed);
}

#[test]
fn a_client_pushes_only_what_is_its_own() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| config.sources.push(source("cz-mf", vec![[7; 32]])));
    is_refusal(&lab.curl(Some(&lab.ministry), &["--data-binary", REGISTER], "/push/cz-mf"), 403);
    assert_eq!(lab.refused("client"), 1);
}

#[test]
fn what_is_not_a_push_is_answered_plainly() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| config.max_bytes = 1000);
    let ask = |arguments: &[&str], path: &str| lab.curl(Some(&lab.ministry), arguments, path);
    let at = "/push/pl-hazard";
    is_refusal(&ask(&[], at), 405);
    is_refusal(&ask(&["--request", "PUT", "--data-binary", REGISTER], at), 405);
    is_refusal(&ask(&["--data-binary", REGISTER], "/push/other"), 404);
    is_refusal(&ask(&["--data-binary", REGISTER], "/push/pl-hazard/"), 404);
    is_refusal(&ask(&["--data-binary", ""], at), 400);
    is_refusal(&ask(&["--data-binary", REGISTER, "--header", "Content-Encoding: gzip"], at), 415);
    let long = "x".repeat(1001);
    is_refusal(&ask(&["--data-binary", &long], at), 413);
    is_refusal(&ask(&["--data-binary", &long, "--header", "Transfer-Encoding: chunked"], at), 413);
    // So long that curl waits for "100 Continue", and hears the refusal instead.
    let longer = "x".repeat(120_000);
    is_refusal(&ask(&["--data-binary", &longer, "--header", "Expect: 100-continue"], at), 413);
    let counts = ["method", "path", "empty", "encoding", "length"].map(|cause| lab.refused(cause));
    assert_eq!(counts, [2, 2, 1, 1, 3]);
    assert_eq!((lab.taken(), lab.files()), (0, 0));
    assert_eq!(ask(&["--data-binary", &"x".repeat(1000)], at).status, 200);
    // Nothing comes and goes uncounted.
    drop(TcpStream::connect(lab.server.local_addr()).unwrap());
    drop(lab.connect());
    let mut silent = lab.connect();
    silent.conn.complete_io(&mut silent.sock).unwrap();
    silent.conn.send_close_notify();
    silent.flush().unwrap();
    drop(silent);
    wait_until("every connection told of", || {
        let counts = lab.server.counters().read();
        counts.connections == 13 && counts.accepted + counts.refused.iter().map(|(_, n)| n).sum::<u64>() == 13
    });
    assert_eq!(lab.refused("protocol"), 1);
}

#[test]
fn what_the_store_does_not_take_is_never_called_accepted() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    lab.word(Word::Refuse);
    let heard = lab.post(REGISTER);
    is_refusal(&heard, 422);
    assert!(heard.body.contains("no element Rejestr"), "{}", heard.body);
    lab.word(Word::Unavailable);
    let heard = lab.post(REGISTER);
    is_refusal(&heard, 503);
    assert!(heard.head.contains("Retry-After: 60"), "{}", heard.head);
    lab.word(Word::Panic);
    is_refusal(&lab.post(REGISTER), 503);
    assert_eq!(lab.files(), 0);
    assert_eq!((lab.refused("refused"), lab.refused("unavailable")), (1, 2));
}

/// The ministry is told to come again, and meets a closed door until the store is done.
#[test]
fn a_store_that_hangs_keeps_its_source_closed() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| (config.times.receive, config.burst) = (SHORT, 1000));
    let (go, gate): (Sender<()>, Gate<()>) = channel();
    lab.word(Word::Wait(gate));
    is_refusal(&lab.post(REGISTER), 503);
    is_refusal(&lab.post(REGISTER), 503);
    assert_eq!((lab.refused("unavailable"), lab.refused("busy"), lab.taken()), (1, 1, 0));
    go.send(()).unwrap();
    wait_until("the store", || lab.server.counters().read().accepted == 1);
    wait_until("the open door", || lab.post(REGISTER).status == 200);
}

#[test]
fn too_many_pushes_in_a_row_are_put_off() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| (config.burst, config.refill) = (2, Duration::from_secs(3600)));
    assert_eq!([lab.post(REGISTER).status, lab.post(REGISTER).status], [200, 200]);
    is_refusal(&lab.post(REGISTER), 429);
    assert_eq!((lab.refused("rate"), lab.taken()), (1, 2));
}

const SHORT: Duration = Duration::from_millis(400);

/// Reads until the server ends it; it must do so by itself.
fn read_to_end(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => heard.extend_from_slice(&piece[..n]),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                panic!("the server holds the connection")
            }
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&heard).to_ascii_lowercase()
}

#[test]
fn who_is_slow_does_not_stay() {
    let times = PushTimes { handshake: SHORT, head: SHORT, idle: SHORT, ..PushTimes::default() };
    let lab = Lab::new(|_, config| config.times = times);
    // Nothing at all.
    let mut stranger = TcpStream::connect(lab.server.local_addr()).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!(stranger.read(&mut [0; 1]), Ok(0) | Err(_)));
    wait_until("the handshake given up", || lab.refused("handshake") == 1);
    // Half a head.
    let mut stream = lab.connect();
    stream.write_all(b"POST /push/pl-hazard HTTP/1.1\r\nHost: x\r\n").unwrap();
    assert!(!read_to_end(&mut stream).contains("200 ok"));
    wait_until("the head given up", || lab.refused("protocol") == 1);
    // Half a body.
    let mut stream = lab.connect();
    stream.write_all(b"POST /push/pl-hazard HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<Rejestr>").unwrap();
    let heard = read_to_end(&mut stream);
    assert!(heard.starts_with("http/1.1 408 ") && !heard.contains("rsh-push"), "{heard}");
    wait_until("the body given up", || lab.refused("slow") == 1);
    assert_eq!((lab.taken(), lab.files()), (0, 0));
}

#[test]
fn a_body_that_drips_has_an_end() {
    let lab = Lab::new(|_, config| config.times.body = SHORT);
    let mut stream = lab.connect();
    stream.write_all(b"POST /push/pl-hazard HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n").unwrap();
    let until = std::time::Instant::now() + PATIENCE;
    while lab.refused("slow") == 0 {
        assert!(std::time::Instant::now() < until, "it drips on");
        if stream.write_all(b"x").is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    wait_until("the body given up", || lab.refused("slow") == 1);
    assert_eq!((lab.taken(), lab.files()), (0, 0));
}

#[test]
fn a_push_that_breaks_off_is_not_taken() {
    let lab = Lab::usual();
    let head = "POST /push/pl-hazard HTTP/1.1\r\nHost: x\r\n";
    let cuts = [
        format!("{head}Content-Length: 1000\r\n\r\n{REGISTER}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{REGISTER}\r\n", REGISTER.len()),
    ];
    for (n, cut) in cuts.iter().enumerate() {
        let mut stream = lab.connect();
        stream.write_all(cut.as_bytes()).unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        drop(stream);
        wait_until("the cut seen", || lab.refused("cut") == n as u64 + 1);
    }
    assert_eq!((lab.taken(), lab.files()), (0, 0));
}

#[test]
fn connections_are_few_and_each_address_has_its_share() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| config.max_connections_per_address = 2);
    let held: Vec<_> = (0..2).map(|_| TcpStream::connect(lab.server.local_addr()).unwrap()).collect();
    wait_until("both connections", || lab.server.counters().read().connections == 2);
    assert!(lab.post(REGISTER).failed);
    assert_eq!(lab.refused("connections"), 1);
    drop(held);
    wait_until("room again", || lab.post(REGISTER).status == 200);
}

#[test]
fn it_ends_when_it_is_dropped() {
    let lab = Lab::usual();
    let mut idle = lab.connect();
    idle.write_all(b"POST /push/pl-hazard HTTP/1.1\r\n").unwrap();
    let Lab { server, .. } = lab;
    drop(server);
    // Not by another look at the port, which somebody else may have by now.
    read_to_end(&mut idle);
}

#[test]
fn files_that_cannot_be_used_are_told_at_the_start() {
    let authority = Authority::new("ours");
    let (server, other) = (authority.server(), authority.client("other", 3));
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let start_in = |certificate: &Path, key: &Path, ca: &Path, incoming: &Path| {
        let clients = Clients::Authority { ca: ca.to_owned(), crl: None };
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let mut config = PushConfig::new(listen, certificate, key, clients, incoming.to_owned());
        config.sources = vec![source("pl-hazard", Vec::new())];
        PushServer::start(config, Arc::new(Store::default())).map(|_| ()).map_err(|e| e.to_string())
    };
    let dir = tempfile::tempdir().unwrap();
    let start = |certificate: &Path, key: &Path, ca: &Path| start_in(certificate, key, ca, dir.path());
    assert_eq!(start(&server.certificate, &server.key, &authority.file), Ok(()));
    let text = start_in(&server.certificate, &server.key, &authority.file, &dir.path().join("none")).unwrap_err();
    assert!(text.contains("directory for what comes in"), "{text}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let text = start(&server.key, &server.key, &authority.file).unwrap_err();
    assert!(text.contains("no certificate in it"), "{text}");
    for (certificate, key, ca) in [
        (&server.certificate, &server.certificate, &authority.file),
        (&server.certificate, &other.key, &authority.file),
        (&server.certificate, &server.key, &server.key),
        (&PathBuf::from("/nonexistent"), &server.key, &authority.file),
    ] {
        let text = start(certificate, key, ca).unwrap_err();
        assert!(text.contains("correct the file"), "{text}");
    }
}
