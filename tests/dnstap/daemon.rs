//! `stakeout run` without an interface, fed by dnstap alone. Everything lies in a folder of its own, and HTTP takes a
//! free port, so that tests run side by side without a namespace.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::events;
use crate::common::process::Process;
use crate::common::wait::{PATIENCE, wait_for, wait_until};

/// What a configuration says beyond what all of them say.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'a> {
    /// Lines of `[dnstap]` besides the socket.
    pub(crate) dnstap: &'a str,
    /// Whole tables.
    pub(crate) sections: &'a str,
    /// Block rules, one name a line.
    pub(crate) block: &'a str,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Settings { dnstap: "", sections: "", block: "casino.example\n" }
    }
}

pub(crate) struct Daemon {
    dir: TempDir,
    http: SocketAddr,
    process: Process,
}

impl Daemon {
    pub(crate) fn start(settings: Settings<'_>) -> Daemon {
        Daemon::start_in(tempfile::tempdir().unwrap(), settings)
    }

    /// In a folder that may hold something already.
    pub(crate) fn start_in(dir: TempDir, settings: Settings<'_>) -> Daemon {
        let out = dir.path().join("out");
        fs::create_dir_all(&out).unwrap();
        fs::write(dir.path().join("block.txt"), settings.block).unwrap();
        let Settings { dnstap, sections, .. } = settings;
        let text = format!(
            "[sensor]\nname = \"lab\"\njurisdictions = [\"PL\"]\n\
             [legal]\nbasis = \"Test Act, article 1\"\nreference = \"test order 1\"\ncontact = \"the tests\"\n\
             review_date = 9999-12-31\nscope = [\"dns\"]\n\
             [dnstap]\nsocket = \"tap.sock\"\n{dnstap}\n\
             [[rules]]\nlist = \"orders\"\npath = \"block.txt\"\nauthority = \"Test authority\"\njurisdictions = [\"PL\"]\nlegal_basis = \"Test Act\"\nreference = \"test order 1\"\n\
             [output.events]\npath = \"out/events.jsonl\"\n[output.eve]\npath = \"out/eve.json\"\n\
             [http]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"debug\"\nformat = \"json\"\n{sections}\n"
        );
        let config = dir.path().join("stakeout.toml");
        fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_stakeout"));
        command.args(["run", "--config"]).arg(&config).current_dir(&out);
        command.stdout(File::create(out.join("stdout")).unwrap()).stderr(File::create(out.join("log")).unwrap());
        let mut process = Process::spawn(&mut command);
        let log = out.join("log");
        let http = wait_for("the address of HTTP in the log", || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            assert!(process.ended().is_none(), "the daemon ended at once:\n{text}");
            let said = text.lines().find(|line| line.contains("http_listening"))?;
            serde_json::from_str::<Value>(said).ok().and_then(|v| find(&v, "at")?.parse().ok())
        });
        let daemon = Daemon { dir, http, process };
        wait_until("the daemon to be ready", || daemon.is_ready());
        daemon
    }

    /// The UNIX socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("tap.sock")
    }

    /// The address of the TCP socket, which was told in the log.
    pub(crate) fn tcp(&self) -> SocketAddr {
        let places = self.log();
        let said = places.lines().filter(|line| line.contains("dnstap_up"));
        let parsed = |line: &str| find(&serde_json::from_str::<Value>(line).ok()?, "at")?.parse().ok();
        said.filter_map(parsed).next().unwrap_or_else(|| panic!("no TCP socket in the log:\n{places}"))
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where it writes.
    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.out().join("log")).unwrap_or_default()
    }

    /// Status and body.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect_timeout(&self.http, Duration::from_secs(5)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let code = answer.split(' ').nth(1)?.parse().ok()?;
        Some((code, answer.split_once("\r\n\r\n")?.1.to_owned()))
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(code, _)| code == 200)
    }

    /// The sum of a metric's series whose labels hold `label`; there must be one.
    pub(crate) fn metric(&self, name: &str, label: &str) -> u64 {
        let (_, text) = self.get("/metrics").expect("an answer to /metrics");
        let series: Vec<f64> = text
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| series.split('{').next() == Some(name) && series.contains(label))
            .map(|(_, value)| value.parse().unwrap())
            .collect();
        assert!(!series.is_empty(), "no series {name} {label}");
        series.iter().sum::<f64>() as u64
    }

    /// Waits until a metric has reached a value.
    pub(crate) fn wait_metric(&self, name: &str, label: &str, least: u64) {
        wait_until(&format!("{name} {label} of {least}"), || self.metric(name, label) >= least);
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Stops it as systemd does, and tells its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.process.wait(PATIENCE).expect("the daemon ends after SIGTERM").code()
    }

    /// Stops it well, and tells what it found.
    pub(crate) fn findings(&mut self) -> Findings {
        assert_eq!(self.stop(), Some(0), "{}", self.log());
        closed(&self.events())
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        events::read(&self.out().join("events.jsonl"))
    }
}

/// A field, at the top or within `fields`.
fn find<'v>(line: &'v Value, field: &str) -> Option<&'v str> {
    line[field].as_str().or_else(|| line["fields"][field].as_str())
}

/// What was found: protocol and name to visits, answers and how these ended.
pub(crate) type Findings = BTreeMap<(String, String), (u64, u64, String)>;

/// The findings that events tell of.
pub(crate) fn closed(events: &[Value]) -> Findings {
    let mut findings = Findings::new();
    for event in events::of_kind(events, "closed") {
        let key = (events::text(event, "proto").to_owned(), events::text(event, "name").to_owned());
        let counts = ["count", "answers"].map(|f| event[f].as_u64().unwrap());
        let before = findings.insert(key, (counts[0], counts[1], event["rcodes"].to_string()));
        assert!(before.is_none(), "a finding in two parts: {event}");
    }
    findings
}
