//! `stakeout run` on the mirror's end of a lab.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::events;
use super::lab::{Lab, RESOLVER, RESOLVER6, SUBSCRIBERS, TAP};
use super::namespace::Namespace;
use super::process::{Process, run};
use super::wait::{PATIENCE, wait_until};

/// One list: its name, its file and whether it is `block` or `allow`.
pub(crate) type List<'a> = (&'a str, &'a Path, &'a str);

pub(crate) struct Daemon<'lab> {
    namespace: &'lab Namespace,
    dir: PathBuf,
    process: Process,
}

/// A configuration for a lab, with everything in scope; `capture` is put into the table of that name.
/// On whose order the lists of the tests stand.
const PROVENANCE: &str = "authority = \"Test authority\"\njurisdictions = [\"PL\"]\nlegal_basis = \"Test Act\"\nreference = \"test order 1\"\n";

fn config(dir: &Path, lists: &[List<'_>], capture: &str) -> String {
    let quoted = |all: &[&str]| format!("[{}]", all.iter().map(|a| format!("{a:?}")).collect::<Vec<_>>().join(", "));
    let mut text = format!(
        "[sensor]\nname = \"lab\"\njurisdictions = [\"PL\"]\n\
         [legal]\nbasis = \"Test Act, article 1\"\nreference = \"test order 1\"\ncontact = \"the tests\"\n\
         review_date = 9999-12-31\nscope = [\"dns\", \"tls\", \"quic\", \"http\"]\n\
         [capture]\ninterfaces = [{TAP:?}]\nbuffer = \"16MiB\"\n{capture}\n\
         [networks]\nsubscribers = {}\nresolvers = {}\n\
         [findings]\nmax_names_per_rule = 100000\n\
         [output.events]\npath = {:?}\n[output.eve]\npath = {:?}\n\
         [log]\nlevel = \"debug\"\nformat = \"json\"\n",
        quoted(&SUBSCRIBERS),
        quoted(&[RESOLVER, RESOLVER6]),
        dir.join("events.jsonl"),
        dir.join("eve.json"),
    );
    for (list, path, action) in lists {
        text.push_str(&format!("[[rules]]\nlist = {list:?}\npath = {path:?}\naction = {action:?}\n{PROVENANCE}"));
    }
    text
}

impl<'lab> Daemon<'lab> {
    /// Starts it with these lists and waits until it is ready. It writes to a directory of its own.
    pub(crate) fn start(lab: &'lab Lab, lists: &[List<'_>]) -> Daemon<'lab> {
        Daemon::start_with(lab, lists, "")
    }

    /// The same with further settings of `[capture]`.
    pub(crate) fn start_with(lab: &'lab Lab, lists: &[List<'_>], capture: &str) -> Daemon<'lab> {
        let dir = lab.dir().join("sensor");
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("stakeout.toml");
        fs::write(&path, config(&dir, lists, capture)).unwrap();
        let mut command = lab.sensor.service(env!("CARGO_BIN_EXE_stakeout"));
        command.args(["run", "--config"]).arg(&path).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.stdout(File::create(dir.join("stdout")).unwrap()).stderr(File::create(dir.join("log")).unwrap());
        let mut daemon = Daemon { namespace: &lab.sensor, dir, process: Process::spawn(&mut command) };
        wait_until("the daemon to be ready", || {
            if let Some(status) = daemon.process.ended() {
                panic!("the daemon ended at once: {status}\n{}", daemon.log());
            }
            daemon.is_ready()
        });
        daemon
    }

    /// Status and body of an answer; `None` if there is none.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut curl = self.namespace.command(10, "curl");
        curl.args(["-s", "--max-time", "5", "-w", "\n%{http_code}", &format!("http://127.0.0.1:9618{path}")]);
        let output = String::from_utf8(run(&mut curl).ok()?.stdout).unwrap();
        let (body, status) = output.rsplit_once('\n')?;
        Some((status.parse().unwrap(), body.to_owned()))
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(status, _)| status == 200)
    }

    pub(crate) fn status(&self) -> Value {
        let (_, body) = self.get("/status").expect("an answer to /status");
        serde_json::from_str(&body).unwrap()
    }

    /// The sum of all series of a metric whose labels contain `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> f64 {
        let (_, body) = self.get("/metrics").expect("an answer to /metrics");
        let series: Vec<f64> = body
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])))
            .filter(|line| line.contains(labels))
            .map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
            .collect();
        assert!(!series.is_empty(), "no series {name} {labels}");
        series.iter().sum()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// Stops it as systemd does, and tells its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        self.process.wait(PATIENCE + Duration::from_secs(30)).expect("the daemon ends after SIGTERM").code()
    }

    /// Where it writes.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn events_path(&self) -> PathBuf {
        self.dir.join("events.jsonl")
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        events::read(&self.events_path())
    }

    /// Whether a finding of this name has been opened.
    pub(crate) fn has_found(&self, name: &str) -> bool {
        self.events().iter().any(|event| event["event"] == "opened" && event["name"] == name)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Everything that it wrote, file by file; its own configuration and rules lie elsewhere or are left out.
    pub(crate) fn outputs(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = fs::read_dir(&self.dir).unwrap().map(|e| e.unwrap().path());
        let written = entries.filter(|path| path.is_file() && path.extension().is_none_or(|e| e != "toml"));
        written.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
    }
}
