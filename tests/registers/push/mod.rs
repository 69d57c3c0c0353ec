//! The endpoint for pushed registers, with `curl` as the ministry and a store that says what a test wants.

mod answers;
mod bounds;
mod door;

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

/// For what must not last.
const SHORT: Duration = Duration::from_millis(400);

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
