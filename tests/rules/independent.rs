//! Every list is read a second time by a script in another language (`independent.py`), written from the descriptions of
//! the formats: both must find the same entries of the same kinds, and leave out the same lines. The real lists, where
//! they are there, and one generated list in each syntax with every construct and the dirt that real lists have.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use stakeout::matching::{Format, load_file};
use stakeout::model::DomainName;

use crate::real_lists::real;

/// `KIND NAME` of each entry, and `REJECTED N` for each line that is none.
type Reading = BTreeSet<String>;

/// What the script reads, or none with a loud word where there is no Python.
fn by_script(syntax: &str, file: &Path) -> Option<Reading> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/independent.py");
    let ran = match Command::new("python3").arg(script).arg(syntax).arg(file).output() {
        Ok(ran) => ran,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED: python3 cannot be run ({error}), so no independent reading");
            return None;
        }
    };
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "independent.py {syntax} {}: {errors}", file.display());
    Some(String::from_utf8(ran.stdout).unwrap().lines().map(str::to_owned).collect())
}

fn by_program(file: &Path, format: Format) -> Reading {
    let list = load_file(file, format).unwrap_or_else(|error| panic!("{error}"));
    let entries = list.entries().map(|(wire, line, kind)| {
        let mut name = DomainName::root();
        assert_eq!(name.push_wire_labels(wire), Ok(wire.len()), "line {line}");
        format!("{} {name}", kind.name())
    });
    let facts = list.facts();
    assert_eq!(facts.rejections.len() as u64, facts.counts.rejected, "every rejection is kept");
    let rejected = facts.rejections.iter().map(|rejection| {
        assert!(!rejection.reason.to_string().is_empty() && !rejection.text.is_empty());
        format!("REJECTED {}", rejection.line)
    });
    entries.chain(rejected).collect()
}

/// Gives the number of entries.
fn compare(syntax: &str, file: &Path, formats: &[Format]) -> Option<usize> {
    let script = by_script(syntax, file)?;
    for format in formats {
        let program = by_program(file, *format);
        let text = std::fs::read_to_string(file).unwrap();
        let shown = |only: Vec<&String>| {
            let line = |entry: &String| entry.strip_prefix("REJECTED ").and_then(|n| n.parse::<usize>().ok());
            let show = |entry: &&String| format!("{entry} {:?}", line(entry).and_then(|n| text.lines().nth(n - 1)));
            only.iter().take(20).map(show).collect::<Vec<_>>()
        };
        let (ours, theirs) = (program.difference(&script).collect(), script.difference(&program).collect());
        let (ours, theirs) = (shown(ours), shown(theirs));
        assert!(
            ours.is_empty() && theirs.is_empty(),
            "{} as {format:?}: only the program {ours:#?}, only the script {theirs:#?}",
            file.display()
        );
    }
    Some(script.iter().filter(|entry| !entry.starts_with("REJECTED")).count())
}

#[test]
fn real_lists_are_read_as_the_script_reads_them() {
    for (file, syntax, format, entries) in [
        ("ee-plain.txt", "plain", Format::Plain, 1_893),
        ("cz-plain.txt", "plain", Format::Plain, 721),
        ("id-plain.txt", "plain", Format::Plain, 88_683),
        ("vn-plain.txt", "plain", Format::Plain, 65_757),
        ("gambling.hosts", "hosts", Format::Hosts, 2_642),
        ("ee-adblock.txt", "adblock", Format::AdBlock, 1_893),
        ("ee-ubo.txt", "adblock", Format::AdBlock, 1_893),
        ("ee-ublacklist.txt", "ublacklist", Format::UBlacklist, 1_879),
    ] {
        let Some(path) = real(file) else { continue };
        if let Some(read) = compare(syntax, &path, &[format, Format::Auto]) {
            assert_eq!(read, entries, "{file}");
        }
    }
}

/// A list of `lines` lines made of templates in turn; `{}` stands for a name of its own.
fn generated(templates: &[&str], lines: usize, start: &str) -> String {
    let mut text = String::from(start);
    for line in 0..lines {
        let template = templates[line % templates.len()];
        let round = line / templates.len();
        let name = match round % 5 {
            0 => format!("casino-x{round}.example"),
            1 => format!("www.Bets{round}.EXAMPLE"),
            2 => format!("_a.deep.sl0ts{round}.co.uk"),
            3 => format!("xn--wrfel-kva.{round}-poker.test"),
            _ => format!("{round}.spin-{round}.com.pl"),
        };
        let end = if line % 7 == 3 { "\r\n" } else { "\n" };
        let _ = write!(text, "{}{end}", template.replace("{}", &name));
        if line % 50 == 49 {
            text.push('\n');
        }
    }
    text
}

fn compare_generated(syntax: &str, formats: &[Format], start: &str, templates: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(syntax);
    std::fs::write(&file, generated(templates, 4_000, start)).unwrap();
    if let Some(read) = compare(syntax, &file, formats) {
        assert!(read > 400, "{syntax}: only {read}");
    }
}

#[test]
fn generated_plain_lists() {
    let templates = [
        "{}",
        "*.{}",
        ".{}",
        "{}.",
        "  {}  # why",
        "https://{}/",
        "http://{}:80",
        "https://{}/page?x=1",
        "http://{}:8443/",
        "12 {}",
        "co.uk",
        "com",
        "# {}",
        "! {}",
        "; {}",
        "192.0.2.1",
        "help!.{}",
        "-.{}",
        "a--b.{}",
        "a..{}",
        "casino.*",
    ];
    compare_generated("plain", &[Format::Plain, Format::Auto], "\u{feff}# Version 7\n", &templates);
}

#[test]
fn generated_hosts_files() {
    let templates = [
        "0.0.0.0 {}",
        "127.0.0.1\t{} m.{}",
        ":: {} # why",
        "0.0.0.0 {}#why",
        "::1 localhost ip6-localhost",
        "0.0.0.0 0.0.0.0",
        "# 0.0.0.0 {}",
        "0.0.0.0 co.uk",
        "0.0.0.0 -hyphen.{} _label.{}",
        "0.0.0.0 a..{} b.{}",
    ];
    compare_generated("hosts", &[Format::Hosts, Format::Auto], "", &templates);
}

#[test]
fn generated_adblock_lists() {
    let templates = [
        "||{}^",
        "|||{}^",
        "||{}^$all",
        "||{}^$document,important",
        "||*.{}^",
        "@@||{}^",
        "@@||allowed.{}^$important",
        "||{}/",
        "||{}^|",
        "||{}^*",
        "||{}^$third-party",
        "||popup.{}^$popup",
        "||all.{}^$popup,all",
        "||gone.{}^$all",
        "||gone.{}^$badfilter",
        "@@||gone-too.{}^",
        "@@||gone-too.{}^$badfilter",
        "||stays.{}^",
        "||stays.{}^$script,badfilter",
        "||https://url.{}/page",
        "||http://url-site.{}/",
        "||-hyphen.{}^",
        "||{}^$script",
        "||{}^$domain=other.test",
        "||{}/page/of/it",
        "||{}:8080^",
        "! ||{}^",
        "{}##.banner",
        "/{}[0-9]/",
        "||12  {}^",
        "||co.uk^",
        "||com^",
        "||192.0.2.1^",
        "||{}.*^",
    ];
    compare_generated("adblock", &[Format::AdBlock, Format::Auto], "[Adblock Plus 2.0]\n", &templates);
}

#[test]
fn generated_ublacklist_lists() {
    let templates = [
        "*://*.{}/*",
        "*://*.hyphen-.{}/*",
        "*://one.{}/*",
        "https://*.only.{}/*",
        "@*://*.allowed.{}/*",
        "@*://allowed-alone.{}/*",
        "*://pages.{}/page/*",
        "# {}",
        "*://*.covered.{}/*  # why",
        "*://covered.{}/*",
        "title/{}/",
        "*://*.co.uk/*",
        "*://{}.*/*",
        "*://*/*",
    ];
    compare_generated("ublacklist", &[Format::UBlacklist, Format::Auto], "", &templates);
}

#[test]
fn generated_dnsmasq_configurations() {
    let templates = [
        "local=/{}/",
        "address=/{}/",
        "address=/{}/0.0.0.0",
        "address=/a.{}/b.{}/c.{}/::",
        "address=/{}/#",
        "server=/{}/",
        "server=/allowed.{}/#",
        "local=/allowed-too.{}/#",
        "address=/https://url.{}/page/0.0.0.0",
        "address=/hyphen-.{}/fine.{}/#",
        "server=/{}/192.0.2.53",
        "server=/{}/192.0.2.53#5353",
        "local=/.{}/ # why",
        "# local=/{}/",
        "address=/#/0.0.0.0",
        "address=/good.{}/co.uk/0.0.0.0",
        "local=/lan/",
    ];
    compare_generated("dnsmasq", &[Format::Dnsmasq, Format::Auto], "", &templates);
    compare_generated("dnsmasq", &[Format::Dnsmasq], "domain-needed\nport=53\n", &templates);
}

#[test]
fn generated_unbound_configurations() {
    let templates = [
        "local-zone: \"{}\" always_null",
        "\tlocal-zone: \"{}.\" always_nxdomain",
        "local-zone: '{}' redirect",
        "local-data: \"{} A 192.0.2.1\"",
        "local-data: \"alone.{} 300 IN AAAA ::\" # why",
        "local-data: \"alone.{} TXT because\"",
        "local-zone: {} refuse",
        "local-zone: \"allowed.{}\" always_transparent",
        "local-zone: \"{}\" transparent",
        "local-zone: \"other.{}\" typetransparent",
        "local-zone: \"busy.{}\" transparent",
        "local-data: \"www.busy.{} A 192.0.2.1\"",
        "local-zone: \"unknown{}\" transparent",
        "local-zone: \"nothing.{}\" nodefault",
        "local-zone: \"{}\" made_up",
        "local-zone: \"co.uk\" static",
        "# local-zone: \"{}\" static",
    ];
    compare_generated("unbound", &[Format::Unbound, Format::Auto], "server:\n", &templates);
}

#[test]
fn generated_response_policy_zones() {
    let templates = [
        "{} CNAME .",
        "*.{} CNAME .",
        "*.below.{} 60 IN CNAME *.",
        "alone.{}\tIN 1h CNAME . ; why",
        "allowed.{} CNAME rpz-passthru.",
        "*.allowed.{} CNAME rpz-passthru.",
        "dropped.{} CNAME rpz-drop.",
        "sunk.{} A 192.0.2.1",
        "        AAAA 2001:db8::1",
        "        TXT \"because\"",
        "garden.{} CNAME sink.authority.test.",
        "told.{} TXT \"because\"",
        "-hyphen.{} CNAME .",
        "full.{}.rpz.test. CNAME .",
        "elsewhere.{}. CNAME .",
        "tcp.{} CNAME rpz-tcp-only.",
        "32.1.2.0.192.rpz-ip CNAME .",
        "ns.{}.rpz-nsdname CNAME .",
        "co.uk CNAME .",
        "*.com CNAME .",
        "; {} CNAME .",
    ];
    // A name stands where the SOA's owner would, so the owner is written out.
    let soa = "$TTL 300\n$ORIGIN rpz.test.\nrpz.test. SOA localhost. root.localhost. (\n 1 ; serial\n 1h 15m 30d 2h )\n NS localhost.\n";
    compare_generated("rpz", &[Format::Rpz, Format::Auto], soa, &templates);
}
