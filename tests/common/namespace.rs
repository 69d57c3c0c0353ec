//! A network namespace that is removed with everything that runs in it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::process::{run, run_line};

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one; the name is unique on the machine.
    pub(crate) fn new(role: &str) -> Result<Namespace, String> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("stakeout-{}-{number}-{role}", std::process::id());
        run_line(&format!("ip netns add {name}"))?;
        let namespace = Namespace { name };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// `ip` with these arguments, on its links and addresses.
    pub(crate) fn ip(&self, arguments: &str) -> Result<(), String> {
        run_line(&format!("ip -n {} {arguments}", self.name)).map(drop)
    }

    /// `tc` with these arguments.
    pub(crate) fn tc(&self, arguments: &str) -> Result<(), String> {
        run_line(&format!("tc -n {} {arguments}", self.name)).map(drop)
    }

    /// A program inside that ends by itself; it gets `seconds` for that.
    pub(crate) fn command(&self, seconds: u32, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, "timeout", "--kill-after=3", &seconds.to_string(), program]);
        command
    }

    /// A program inside that runs until it is stopped. Should the test itself be killed, it ends too.
    pub(crate) fn service(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, "setpriv", "--pdeathsig", "KILL", program]);
        command
    }

    /// Segments as they are on a wire: without this, veth passes on packets of up to 64 KiB.
    pub(crate) fn no_offloads(&self, device: &str) -> Result<(), String> {
        let mut ethtool = self.command(10, "ethtool");
        ethtool.args(["-K", device, "tso", "off", "gso", "off", "gro", "off", "tx", "off", "rx", "off"]);
        run(&mut ethtool).map(drop)
    }

    /// The resolver that programs inside ask.
    pub(crate) fn resolver(&self, address: &str) -> Result<(), String> {
        let dir = self.etc();
        fs::create_dir_all(&dir)
            .and_then(|()| fs::write(dir.join("resolv.conf"), format!("nameserver {address}\n")))
            .map_err(|e| format!("{}: {e}", dir.display()))
    }

    /// Where `ip netns exec` looks for files to lay over those of `/etc`.
    fn etc(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A browser leaves children; whatever lives in this namespace was started by this test.
        let inside = run_line(&format!("ip netns pids {}", self.name));
        for pid in inside.iter().flat_map(|o| std::str::from_utf8(&o.stdout)).flat_map(str::split_whitespace) {
            let _ = run_line(&format!("kill -KILL {pid}"));
        }
        let _ = run_line(&format!("ip netns del {}", self.name));
        let _ = fs::remove_dir_all(self.etc());
    }
}
