//! How each resolver is told to use an export: checked by its own checker first, then started before the server upstream.

use std::path::Path;
use std::process::Command;

use crate::common::process::run;
use crate::place::{Place, RESOLVER, UPSTREAM};

pub(crate) const BIND: [&str; 2] = ["named", "named-checkzone"];
pub(crate) const UNBOUND: [&str; 2] = ["unbound", "unbound-checkconf"];
pub(crate) const DNSMASQ: [&str; 1] = ["dnsmasq"];

impl Place {
    /// BIND with a response policy zone.
    pub(crate) fn start_bind(&mut self, zone: &Path) {
        // As strict as named itself is with a zone of its own.
        run(Command::new("named-checkzone").args(["-k", "fail", "stakeout.rpz"]).arg(zone)).unwrap();
        let text = format!(
            "options {{\n  directory \"{dir}\";\n  pid-file none;\n  session-keyfile none;\n  lock-file none;\n\
             \x20 listen-on {{ {RESOLVER}; }};\n  listen-on-v6 {{ none; }};\n  recursion yes;\n  allow-query {{ any; }};\n\
             \x20 dnssec-validation no;\n  forward only;\n  forwarders {{ {UPSTREAM}; }};\n  empty-zones-enable no;\n\
             \x20 response-policy {{ zone \"stakeout.rpz\"; }};\n}};\ncontrols {{ }};\n\
             zone \"stakeout.rpz\" {{ type primary; file \"{zone}\"; allow-query {{ none; }}; }};\n",
            dir = self.dir().display(),
            zone = zone.display(),
        );
        let mut command = self.service("named");
        command.args(["-g", "-n", "1", "-c"]).arg(self.write("named.conf", &text));
        self.start(&mut command);
    }

    /// unbound that includes an export.
    pub(crate) fn start_unbound(&mut self, export: &Path) {
        self.unbound("iterator", &format!("include: \"{}\"\n", export.display()));
    }

    /// unbound with a response policy zone.
    pub(crate) fn start_unbound_rpz(&mut self, zone: &Path) {
        self.unbound("respip iterator", &format!("rpz:\n  name: stakeout.rpz\n  zonefile: \"{}\"\n", zone.display()));
    }

    fn unbound(&mut self, modules: &str, export: &str) {
        let text = format!(
            "server:\n  interface: {RESOLVER}\n  username: \"\"\n  chroot: \"\"\n  directory: \"{}\"\n  pidfile: \"\"\n\
             \x20 do-daemonize: no\n  use-syslog: no\n  num-threads: 1\n  module-config: \"{modules}\"\n\
             \x20 do-not-query-localhost: no\n  qname-minimisation: no\n{export}\
             forward-zone:\n  name: \".\"\n  forward-addr: {UPSTREAM}\nremote-control:\n  control-enable: no\n",
            self.dir().display(),
        );
        let configuration = self.write("unbound.conf", &text);
        run(Command::new("unbound-checkconf").arg(&configuration)).unwrap();
        let mut command = self.service("unbound");
        self.start(command.arg("-d").arg("-c").arg(&configuration));
    }

    /// dnsmasq with a file of options.
    pub(crate) fn start_dnsmasq(&mut self, export: &Path) {
        run(Command::new("dnsmasq").arg("--test").arg(format!("--conf-file={}", export.display()))).unwrap();
        self.dnsmasq(&[format!("--conf-file={}", export.display())]);
    }

    /// dnsmasq with a hosts file.
    pub(crate) fn start_dnsmasq_hosts(&mut self, export: &Path) {
        self.dnsmasq(&["--conf-file=/dev/null".to_owned(), format!("--addn-hosts={}", export.display())]);
    }

    fn dnsmasq(&mut self, export: &[String]) {
        let mut command = self.service("dnsmasq");
        command.args(["--keep-in-foreground", "--log-facility=-", "--user=root", "--no-hosts", "--no-resolv"]);
        command.args(["--pid-file", "--bind-interfaces", "--port=53"]);
        command.args([&format!("--listen-address={RESOLVER}"), &format!("--server={UPSTREAM}")]);
        self.start(command.args(export));
    }
}
