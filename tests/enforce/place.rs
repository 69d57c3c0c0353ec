//! Where a resolver is tried: a namespace with nothing but its loopback, in it a server that knows every name, and a
//! resolver that asks it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::namespace::Namespace;
use crate::common::need;
use crate::common::process::{Process, run};
use crate::common::wait::wait_until;

/// Where the resolver listens, and where the server that it asks.
pub(crate) const RESOLVER: &str = "127.0.0.1";
pub(crate) const UPSTREAM: &str = "127.0.0.53";
/// The true address of every name.
pub(crate) const TRUE: &str = "198.51.100.10";
pub(crate) const TRUE6: &str = "2001:db8:7e::10";
/// Where blocked names lead.
pub(crate) const SINK: &str = "192.0.2.80";
pub(crate) const SINK6: &str = "2001:db8::80";

const TOOLS: [&str; 6] = ["ip", "timeout", "setpriv", "kill", "python3", "dig"];

/// An answer: its RCODE, and the data of its records.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) status: String,
    pub(crate) data: BTreeSet<String>,
}

pub(crate) struct Place {
    resolver: Option<Process>,
    _upstream: Process,
    namespace: Namespace,
    dir: TempDir,
}

impl Place {
    /// Builds it. `None`, and the reason said, where the machine lacks what that takes, or one of `tools`.
    pub(crate) fn new(tools: &[&str]) -> Option<Place> {
        let tools: Vec<&str> = TOOLS.iter().chain(tools).copied().collect();
        if let Some(reason) = need::missing(&tools) {
            need::skip(&reason);
            return None;
        }
        if let Some(program) = tools.iter().find(|program| confined(program)) {
            need::skip(&format!("AppArmor confines {program}"));
            return None;
        }
        let namespace = match Namespace::new("enforce") {
            Ok(namespace) => namespace,
            Err(reason) => {
                need::skip(&format!("no namespaces here: {reason}"));
                return None;
            }
        };
        let dir = tempfile::tempdir().unwrap();
        let mut command = namespace.service("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/live/dns_server.py"));
        command.args(["--listen", UPSTREAM, "--a", TRUE, "--aaaa", TRUE6]);
        let log = File::create(dir.path().join("upstream.log")).unwrap();
        let upstream = Process::spawn(command.stdout(log.try_clone().unwrap()).stderr(log));
        let place = Place { resolver: None, _upstream: upstream, namespace, dir };
        wait_until("the server upstream", || place.dig(UPSTREAM, "up.test-zone.example", "A").is_some());
        Some(place)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A program in the namespace that runs until it is stopped.
    pub(crate) fn service(&self, program: &str) -> Command {
        self.namespace.service(program)
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Exports lists to a file in the place.
    pub(crate) fn export(&self, out: &str, lists: Lists<'_>, words: &[&str]) -> PathBuf {
        let (block, allow) = (self.write("block.txt", lists.block), self.write("allow.txt", lists.allow));
        let path = self.dir().join(out);
        let mut command = Command::new(env!("CARGO_BIN_EXE_stakeout"));
        command.args(["rules", "export", "--out"]).arg(&path).args(words).arg("--allow").arg(&allow).arg(&block);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(lists.code), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        path
    }

    /// Starts the resolver in the place of the one before, and waits until it answers.
    pub(crate) fn start(&mut self, command: &mut Command) {
        self.resolver = None;
        let log = self.dir().join("resolver.log");
        let output = File::create(&log).unwrap();
        let mut resolver = Process::spawn(command.stdout(output.try_clone().unwrap()).stderr(output));
        wait_until("the resolver", || {
            if let Some(status) = resolver.ended() {
                panic!("the resolver ended with {status}:\n{}", fs::read_to_string(&log).unwrap());
            }
            self.dig(RESOLVER, "up.test-zone.example", "A").is_some_and(|answer| answer.status == "NOERROR")
        });
        self.resolver = Some(resolver);
    }

    /// Asks the resolver.
    pub(crate) fn ask(&self, name: &str, rtype: &str) -> Answer {
        self.dig(RESOLVER, name, rtype).unwrap_or_else(|| panic!("no answer for {name} {rtype}"))
    }

    fn dig(&self, server: &str, name: &str, rtype: &str) -> Option<Answer> {
        let mut dig = self.namespace.command(10, "dig");
        dig.args([
            &format!("@{server}"),
            "+tries=2",
            "+time=3",
            "+nocookie",
            "+noall",
            "+comments",
            "+answer",
            "-q",
            name,
            "-t",
            rtype,
        ]);
        let output = run(&mut dig).ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let status = text.split_once("status: ")?.1.split(',').next()?.to_owned();
        let records = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
        let data = records.filter_map(|line| line.split_whitespace().nth(4)).map(str::to_owned).collect();
        Some(Answer { status, data })
    }
}

/// Lists, and the exit code that their export is to have.
#[derive(Clone, Copy)]
pub(crate) struct Lists<'a> {
    pub(crate) block: &'a str,
    pub(crate) allow: &'a str,
    pub(crate) code: i32,
}

/// Where AppArmor is in force it keeps a resolver from reading a configuration in a test's folder.
fn confined(program: &str) -> bool {
    let profiles = fs::read_to_string("/sys/kernel/security/apparmor/profiles").unwrap_or_default();
    profiles.lines().any(|line| line.contains(program) && line.contains("(enforce)"))
}
