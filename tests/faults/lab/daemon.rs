//! `stakeout run` as a child process: its configuration in a folder of its own, its log in a file, and its HTTP.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::namespace::MIRROR;

/// In a namespace of its own no other program has the port.
const HTTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9618);
const PATIENCE: Duration = Duration::from_secs(30);

/// What a configuration says; the defaults are those of most tests.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) interface: String,
    /// Further settings of `[capture]`.
    pub(crate) capture: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) review_date: &'static str,
    /// Block rules, then allow rules, one name a line.
    pub(crate) block: String,
    pub(crate) allow: String,
    /// Whole sections: `[networks]`, `[findings]`, `[limits]` …
    pub(crate) sections: String,
    pub(crate) log_format: &'static str,
    /// Where `events.jsonl` and `eve.json` go.
    pub(crate) output: PathBuf,
}

impl Settings {
    pub(crate) fn new(output: &Path) -> Settings {
        Settings {
            interface: MIRROR.to_owned(),
            capture: "",
            scope: r#"["dns", "tls", "quic", "http"]"#,
            review_date: "2099-12-31",
            block: "casino.example\n".to_owned(),
            allow: "help.casino.example\n".to_owned(),
            sections: String::new(),
            log_format: "text",
            output: output.to_owned(),
        }
    }

    /// Writes configuration and rules into `dir`, and tells the path of the former.
    pub(crate) fn write(&self, dir: &Path) -> PathBuf {
        fs::write(dir.join("block.txt"), &self.block).unwrap();
        fs::write(dir.join("allow.txt"), &self.allow).unwrap();
        let Settings { interface, capture, scope, review_date, sections, log_format, .. } = self;
        let output = self.output.display();
        // These tests count packets, so all of them must come up; those of the prefilter say otherwise.
        let all = if sections.contains("[prefilter]") { "" } else { "[prefilter]\nmode = \"off\"" };
        // And names are told one by one, however many of one listed name there are.
        let each = if sections.contains("[findings]") { "" } else { "[findings]\nmax_names_per_rule = 100000" };
        let text = format!(
            r#"[sensor]
name = "lab"
jurisdictions = ["PL"]
[legal]
basis = "A law of the test"
reference = "order 1"
contact = "the test"
review_date = {review_date}
scope = {scope}
[capture]
interfaces = ["{interface}"]
buffer = "16MiB"
timeout = "20ms"
{capture}
[[rules]]
list = "block"
path = "block.txt"
authority = "Test authority"
jurisdictions = ["PL"]
legal_basis = "Gambling Act"
reference = "Register 1"
[[rules]]
list = "allow"
path = "allow.txt"
authority = "Test authority"
jurisdictions = ["PL"]
legal_basis = "Gambling Act"
reference = "Register 1"
action = "allow"
{sections}
{all}
{each}
[output.events]
path = "{output}/events.jsonl"
rotate_size = "64KiB"
keep = 1000
[output.eve]
path = "{output}/eve.json"
rotate_size = "64KiB"
keep = 1000
[http]
listen = "{HTTP}"
[log]
level = "debug"
format = "{log_format}"
"#
        );
        let file = dir.join("stakeout.toml");
        fs::write(&file, text).unwrap();
        file
    }
}

/// Status code and body of what the daemon in this namespace answers; `None` if nobody listens.
pub(crate) fn get(path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&HTTP, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let code = answer.split(' ').nth(1)?.parse().ok()?;
    Some((code, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

/// The running daemon; killed at the end if it was not stopped.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it in the folder `work`, with its log in `work/log`, and waits until it is ready.
    pub(crate) fn start(config: &Path, work: &Path) -> Daemon {
        let log = work.join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_stakeout"))
            .args(["run", "--config"])
            .arg(config)
            .current_dir(work)
            .stdin(Stdio::null())
            .stdout(File::create(work.join("stdout")).unwrap())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut daemon = Daemon { child, log };
        daemon.wait_for("readiness", |d| d.get("/readyz").is_some_and(|(code, _)| code == 200));
        daemon
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Status code and body; `None` if nobody listens.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        get(path)
    }

    /// The sum of a metric's series whose labels hold `label`; 0 if there are none.
    pub(crate) fn metric(&self, name: &str, label: &str) -> f64 {
        let (_, text) = self.get("/metrics").unwrap_or_default();
        text.lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(series, _)| series.split('{').next() == Some(name) && series.contains(label))
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .sum()
    }

    pub(crate) fn wait_for(&mut self, what: &str, mut done: impl FnMut(&Daemon) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the daemon ended with {status} before {what}:\n{}", self.log());
            }
            if Instant::now() > deadline {
                let told = ["/readyz", "/metrics"].map(|p| self.get(p).map(|(_, text)| text).unwrap_or_default());
                panic!("no {what}:\n{}\n{}", told.join("\n"), self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until it has taken this many frames since its start.
    pub(crate) fn wait_for_packets(&mut self, frames: usize) {
        self.wait_for(&format!("{frames} packets"), |d| d.metric("stakeout_packets_total", "") >= frames as f64);
        // Counts are published a moment after the packets, names of streams that wait for nothing more with them.
        let lost = self.metric("stakeout_capture_kernel_drops_total", "");
        assert!(lost == 0.0, "the kernel dropped {lost} packets: the sender is too fast for this machine");
    }

    /// Octets of memory that it has in use.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|s| s.success()), "kill -{signal}");
    }

    /// Tells it to end, and waits for that.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the daemon does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
