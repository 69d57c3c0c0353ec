//! The servers of a lab: DNS for every name there is; HTTP, TLS 1.3 and HTTP/3 for every site there is.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::lab::{Lab, RESOLVER, RESOLVER6, SITE, SITE6};
use super::process::{Process, run};
use super::wait::wait_until;

/// The tools that this takes.
pub(crate) const TOOLS: [&str; 6] = ["python3", "caddy", "openssl", "dig", "curl", "sh"];

/// What DNS answers beside addresses.
#[derive(Default)]
pub(crate) struct Zone<'a> {
    /// From, to.
    pub(crate) cnames: &'a [(&'a str, &'a str)],
    /// Names that do not exist.
    pub(crate) nxdomain: &'a [&'a str],
    /// File names and contents of pages that every site has.
    pub(crate) pages: &'a [(&'a str, &'a str)],
}

pub(crate) struct Servers {
    access_log: PathBuf,
    certificate: PathBuf,
    _running: [Process; 2],
}

impl Servers {
    /// Starts them, and waits until they answer. They run as long as what is returned.
    pub(crate) fn start(lab: &Lab, zone: &Zone<'_>) -> Servers {
        let dir = lab.dir().join("servers");
        fs::create_dir_all(dir.join("pages")).unwrap();
        for (name, text) in zone.pages {
            fs::write(dir.join("pages").join(name), text).unwrap();
        }
        let log = |name: &str| File::create(dir.join(name)).unwrap();

        let mut dns = lab.server.service("python3");
        dns.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tools/live/dns_server.py"));
        dns.args(["--listen", RESOLVER, "--listen", RESOLVER6, "--a", SITE, "--aaaa", SITE6]);
        for (from, to) in zone.cnames {
            dns.arg("--cname").arg(format!("{from}={to}"));
        }
        for name in zone.nxdomain {
            dns.args(["--nxdomain", name]);
        }
        let dns = Process::spawn(dns.stdout(log("dns.out")).stderr(log("dns.log")));

        let (certificate, key) = (dir.join("certificate.pem"), dir.join("key.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=lab.example".split(' '),
        );
        openssl.args(["-addext", "subjectAltName=DNS:lab.example"]);
        run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&certificate)).unwrap();

        let access_log = dir.join("access.log");
        let caddyfile = dir.join("Caddyfile");
        // Each address by itself: from a socket for all of them, QUIC's answers would come from whichever is preferred.
        let site = format!(
            "\tbind {SITE} {SITE6}\n\tlog {{\n\t\toutput file {}\n\t\tformat json\n\t}}\n\troot * {}\n\t@page file\n\thandle @page {{\n\t\t\
             file_server\n\t}}\n\thandle {{\n\t\trespond \"the lab, by {{http.request.proto}}\"\n\t}}\n",
            access_log.display(),
            dir.join("pages").display()
        );
        let text = format!(
            "{{\n\tadmin off\n\tauto_https off\n}}\nhttp://:80 {{\n{site}}}\nhttps://:443, https://:8443 {{\n\ttls {} {}\n{site}}}\n",
            certificate.display(),
            key.display()
        );
        fs::write(&caddyfile, text).unwrap();
        let mut caddy = lab.server.service("caddy");
        caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(&caddyfile);
        caddy.env("HOME", &dir).env("XDG_DATA_HOME", &dir).env("XDG_CONFIG_HOME", &dir);
        let caddy = Process::spawn(caddy.stdout(log("caddy.out")).stderr(log("caddy.log")));

        let servers = Servers { access_log, certificate, _running: [dns, caddy] };
        wait_until("the DNS server, in IPv4 and IPv6", || {
            [RESOLVER, RESOLVER6].iter().all(|server| {
                let mut dig = lab.client.command(5, "dig");
                dig.args([&format!("@{server}"), "+tries=1", "+time=1", "+short", "up.lab.example"]);
                run(&mut dig).is_ok_and(|o| String::from_utf8_lossy(&o.stdout).trim() == SITE)
            })
        });
        wait_until("the web server, in IPv4 and IPv6", || {
            [SITE, "[2001:db8:5e::10]"].iter().all(|server| {
                let mut curl = lab.client.command(5, "curl");
                curl.args(["-sk", "--max-time", "2", &format!("https://{server}/up")]);
                run(&mut curl).is_ok()
            })
        });
        servers
    }

    /// The visits that the web server saw: protocol as in `HTTP/3.0`, and the name of the site.
    pub(crate) fn visits(&self) -> BTreeSet<(String, String)> {
        let text = fs::read_to_string(&self.access_log).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let visit = |line: Value| {
            let part = |name: &str| line["request"][name].as_str().unwrap_or_default().to_owned();
            (part("proto"), part("host"))
        };
        lines.map(visit).collect()
    }

    /// The hash of the certificate's public key, by which Chromium is told to accept it.
    pub(crate) fn key_hash(&self) -> String {
        let pipe = "openssl x509 -pubkey -noout -in \"$0\" | openssl pkey -pubin -outform der \
                    | openssl dgst -sha256 -binary | openssl base64";
        let output = run(Command::new("sh").args(["-c", pipe]).arg(&self.certificate)).unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
