//! unbound and BIND answer a real client over UDP, TCP and DNS over TLS, and tell the daemon. A capture of the resolver's
//! link shows what the wire tells of the same questions: for UDP and TCP the findings are the same, count by count, and
//! what came over TLS is only in the daemon's.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::lab::{RESOLVER, RESOLVER6};
use crate::common::process::{Process, run};
use crate::common::wait::wait_until;
use crate::common::{Lab, need};
use crate::daemon::{Daemon, Findings, Settings, closed};

const BLOCK: &str = "casino.example\nbets.example\n";
/// Listed and unlisted names, below zones that the resolver has; the last does not exist.
const NAMES: [&str; 6] = [
    "www.casino.example",
    "casino.example",
    "a.bets.example",
    "news.example",
    "www.news.example",
    "none.casino.example",
];
const TLS_NAME: &str = "secret.casino.example";

/// A running resolver, with a capture of its link beside it.
struct Resolver {
    _server: Process,
    capture: Process,
    pcap: PathBuf,
}

impl Resolver {
    /// Starts `command`, which listens on the lab's addresses, and waits until it answers over TLS too.
    fn start(lab: &Lab, dir: &Path, command: &mut Command) -> Resolver {
        let log = dir.join("resolver.log");
        let output = File::create(&log).unwrap();
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let mut server = Process::spawn(command);
        wait_until("the resolver", || {
            if let Some(status) = server.ended() {
                panic!("the resolver ended with {status}:\n{}", fs::read_to_string(&log).unwrap());
            }
            [&[][..], &["+tls"]].iter().all(|how| dig(lab, RESOLVER, how, &["up.example"]))
        });
        let pcap = dir.join("wire.pcap");
        let said = dir.join("tcpdump.log");
        let mut tcpdump = lab.server.service("tcpdump");
        tcpdump
            .args(["-i", "eth0", "-U", "--immediate-mode", "-Z", "root", "-w"])
            .arg(&pcap)
            .arg("port 53 or port 853");
        let capture = Process::spawn(
            tcpdump.stdout(File::create(dir.join("tcpdump.out")).unwrap()).stderr(File::create(&said).unwrap()),
        );
        wait_until("the capture", || fs::read_to_string(&said).unwrap_or_default().contains("listening on"));
        Resolver { _server: server, capture, pcap }
    }

    /// Ends the capture and tells what `scan` finds in it.
    fn wire(&mut self, list: &Path) -> Findings {
        self.capture.signal("INT");
        self.capture.wait(crate::common::wait::PATIENCE).expect("tcpdump ends");
        let mut scan = Command::new(env!("CARGO_BIN_EXE_stakeout"));
        scan.args(["scan", "--format", "jsonl", "--rules"]).arg(list).arg(&self.pcap);
        let output = run(&mut scan).unwrap();
        let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        closed(&String::from_utf8(output.stdout).unwrap().lines().map(parse).collect::<Vec<_>>())
    }
}

/// Asks for the names in turn, in a way that `how` says; tells whether all were answered.
fn dig(lab: &Lab, server: &str, how: &[&str], names: &[&str]) -> bool {
    names.iter().all(|name| {
        let mut dig = lab.client.command(10, "dig");
        dig.args([&format!("@{server}"), "+tries=1", "+time=3", "+nocookie"]).args(how).arg(name);
        run(&mut dig).is_ok()
    })
}

fn supports_tls(lab: &Lab) -> bool {
    let mut dig = lab.client.command(5, "dig");
    let said = dig.arg("-h").output().map(|o| [o.stdout, o.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&said).contains("tls")
}

/// A certificate for DNS over TLS: its path and that of its key.
fn certificate(dir: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (dir.join("tls.pem"), dir.join("tls.key"));
    let mut openssl = Command::new("openssl");
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=dns.example";
    openssl.args(arguments.split(' '));
    run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate)).unwrap();
    (certificate, key)
}

/// Where AppArmor is in force it keeps a resolver from reading a configuration in a test's folder.
fn confined(program: &str) -> bool {
    let profiles = fs::read_to_string("/sys/kernel/security/apparmor/profiles").unwrap_or_default();
    profiles.lines().any(|line| line.contains(program) && line.contains("(enforce)"))
}

/// The lab, a folder in it, and a daemon outside that is fed by dnstap alone.
fn place(program: &str) -> Option<(Lab, PathBuf, Daemon)> {
    let lab = Lab::new(&[program, "dig", "openssl", "tcpdump"])?;
    if confined(program) {
        need::skip(&format!("AppArmor confines {program}"));
        return None;
    }
    if !supports_tls(&lab) {
        need::skip("this dig cannot ask over TLS");
        return None;
    }
    let dir = lab.dir().join("resolver");
    fs::create_dir_all(&dir).unwrap();
    let daemon = Daemon::start(Settings { block: BLOCK, ..Settings::default() });
    Some((lab, dir, daemon))
}

/// Asks in every way and compares.
fn compare(lab: &Lab, daemon: &mut Daemon, mut resolver: Resolver) {
    // What the daemon has of the time before the capture is about a name that is not listed.
    daemon.wait_metric("stakeout_dnstap_connections_open", "", 1);
    for server in [RESOLVER, RESOLVER6] {
        assert!(dig(lab, server, &[], &NAMES), "over UDP to {server}");
        assert!(dig(lab, server, &["+tcp"], &NAMES), "over TCP to {server}");
    }
    assert!(dig(lab, RESOLVER, &[], &["www.casino.example"]), "once more");
    assert!(dig(lab, RESOLVER, &["+tls"], &[TLS_NAME, "www.casino.example", "news.example"]), "over TLS");
    // Resolvers hand over what they have every second or so. Listed names alone make matches.
    let listed = NAMES.iter().filter(|n| n.contains("casino") || n.contains("bets")).count();
    let visits = 4 * listed as u64 + 1 + 2;
    daemon.wait_metric("stakeout_hits_total", "", 2 * visits);
    daemon.wait_metric("stakeout_dnstap_messages_read_total", "\"dot\"", 2 * 3);

    let wire = resolver.wire(&daemon.dir().join("block.txt"));
    let mut told = daemon.findings();
    assert_eq!(wire.len(), listed, "{wire:#?}");
    let key = |name: &str| ("dns".to_owned(), name.to_owned());
    assert_eq!(told.remove(&key(TLS_NAME)), Some((1, 1, "{\"noerror\":1}".into())), "{told:#?}");
    // One more visit to this one was made over TLS.
    let both = told.get_mut(&key("www.casino.example")).unwrap();
    assert_eq!(*both, (6, 6, "{\"noerror\":6}".into()));
    *both = (5, 5, "{\"noerror\":5}".into());
    assert_eq!(told, wire);
}

#[test]
fn unbound_tells_what_the_wire_tells_and_what_was_encrypted() {
    let Some((lab, dir, mut daemon)) = place("unbound") else { return };
    let (certificate, key) = certificate(&dir);
    let data: String = NAMES[..5]
        .iter()
        .chain([&TLS_NAME, &"up.example"])
        .map(|name| format!("  local-data: \"{name}. A 192.0.2.80\"\n"))
        .collect();
    let text = format!(
        "server:\n  interface: {RESOLVER}@53\n  interface: {RESOLVER6}@53\n  interface: {RESOLVER}@853\n  tls-port: 853\n\
         \x20 tls-service-pem: {}\n  tls-service-key: {}\n  access-control: 0.0.0.0/0 allow\n  access-control: ::/0 allow\n\
         \x20 username: \"\"\n  chroot: \"\"\n  directory: {}\n  pidfile: \"\"\n  do-daemonize: no\n  use-syslog: no\n\
         \x20 num-threads: 1\n  module-config: \"iterator\"\n  local-zone: \"example.\" static\n{data}\
         remote-control:\n  control-enable: no\n\
         dnstap:\n  dnstap-enable: yes\n  dnstap-socket-path: {}\n  dnstap-log-client-query-messages: yes\n\
         \x20 dnstap-log-client-response-messages: yes\n",
        certificate.display(),
        key.display(),
        dir.display(),
        daemon.socket().display(),
    );
    fs::write(dir.join("unbound.conf"), text).unwrap();
    let mut command = lab.server.service("unbound");
    command.arg("-d").arg("-c").arg(dir.join("unbound.conf"));
    let resolver = Resolver::start(&lab, &dir, &mut command);
    compare(&lab, &mut daemon, resolver);
}

#[test]
fn bind_tells_what_the_wire_tells_and_what_was_encrypted() {
    let Some((lab, dir, mut daemon)) = place("named") else { return };
    let (certificate, key) = certificate(&dir);
    let records: String =
        NAMES[..5].iter().chain([&TLS_NAME, &"up.example"]).map(|name| format!("{name}. A 192.0.2.80\n")).collect();
    let head = "$TTL 300\n@ SOA ns.example. root.example. 1 3600 600 86400 60\n@ NS ns.example.\nns A 192.0.2.53\n";
    fs::write(dir.join("example.zone"), format!("{head}{records}")).unwrap();
    let text = format!(
        "tls lab {{ cert-file \"{}\"; key-file \"{}\"; }};\n\
         options {{\n  directory \"{dir}\";\n  pid-file none;\n  session-keyfile none;\n  lock-file none;\n\
         \x20 listen-on {{ {RESOLVER}; }};\n  listen-on-v6 {{ {RESOLVER6}; }};\n  listen-on port 853 tls lab {{ {RESOLVER}; }};\n\
         \x20 recursion yes;\n  allow-recursion {{ any; }};\n  allow-query {{ any; }};\n  dnssec-validation no;\n\
         \x20 dnstap {{ client; }};\n  dnstap-output unix \"{}\";\n}};\n\
         controls {{ }};\nzone \"example\" {{ type primary; file \"example.zone\"; }};\n\
         zone \".\" {{ type hint; file \"/dev/null\"; }};\n",
        certificate.display(),
        key.display(),
        daemon.socket().display(),
        dir = dir.display(),
    );
    fs::write(dir.join("named.conf"), text).unwrap();
    let mut command = lab.server.service("named");
    command.args(["-g", "-n", "1", "-c"]).arg(dir.join("named.conf"));
    let resolver = Resolver::start(&lab, &dir, &mut command);
    compare(&lab, &mut daemon, resolver);
}
