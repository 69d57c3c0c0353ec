//! BIND, unbound and dnsmasq take the export, and answer as the lists mean: blocked names and those under them with the
//! sink, or that there is no such name; allowed names, those under them and all others with the truth.

use std::path::Path;
use std::process::Command;

use crate::common::process::run;
use crate::place::{Answer, Lists, Place, RESOLVER, SINK, SINK6, TRUE, TRUE6, UPSTREAM};

/// `b.casino.example` has an exception under it and is itself blocked only by what stands above.
const LISTS: Lists<'_> = Lists {
    block: "casino.example\nwww.casino.example\nbets.co.uk\n_dmarc.-odd-.example\n7.0.example\nin.ok.example\n",
    allow: "help.casino.example\na.b.casino.example\nz.a.b.casino.example\nok.example\n",
    code: 0,
};
const BLOCKED: [&str; 11] = [
    "casino.example",
    "CASINO.example",
    "www.casino.example",
    "x.y.www.casino.example",
    "b.casino.example",
    "c.b.casino.example",
    "xa.b.casino.example",
    "nothelp.casino.example",
    "m.bets.co.uk",
    "_dmarc.-odd-.example",
    "w.7.0.example",
];
const REACHED: [&str; 11] = [
    "help.casino.example",
    "deep.under.help.casino.example",
    "a.b.casino.example",
    "z.a.b.casino.example",
    "y.a.b.casino.example",
    "in.ok.example",
    "xcasino.example",
    "casino.example.org",
    "co.uk",
    "-odd-.example",
    "7.1.example",
];

/// How the export answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    NxDomain,
    Sink4,
    Sinks,
}

const MODES: [Mode; 3] = [Mode::NxDomain, Mode::Sink4, Mode::Sinks];

impl Mode {
    fn words(self) -> Vec<String> {
        match self {
            Mode::NxDomain => vec!["--nxdomain".into()],
            Mode::Sink4 => vec!["--sink".into(), SINK.into()],
            Mode::Sinks => vec!["--sink".into(), format!("{SINK},{SINK6}")],
        }
    }

    /// What a blocked name answers for A and AAAA.
    fn answers(self) -> [Answer; 2] {
        match self {
            Mode::NxDomain => [answer("NXDOMAIN", None), answer("NXDOMAIN", None)],
            Mode::Sink4 => [answer("NOERROR", Some(SINK)), answer("NOERROR", None)],
            Mode::Sinks => [answer("NOERROR", Some(SINK)), answer("NOERROR", Some(SINK6))],
        }
    }
}

fn answer(status: &str, data: Option<&str>) -> Answer {
    Answer { status: status.to_owned(), data: data.into_iter().map(str::to_owned).collect() }
}

/// Asks for every name and compares.
fn compare(place: &Place, mode: Mode) {
    let wrong: Vec<String> = BLOCKED
        .iter()
        .map(|name| (name, mode.answers()))
        .chain(REACHED.iter().map(|name| (name, [answer("NOERROR", Some(TRUE)), answer("NOERROR", Some(TRUE6))])))
        .flat_map(|(name, expected)| ["A", "AAAA"].into_iter().zip(expected).map(move |(rtype, e)| (name, rtype, e)))
        .filter_map(|(name, rtype, expected)| {
            let found = place.ask(name, rtype);
            (found != expected).then(|| format!("{name} {rtype}: {found:?}, not {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{mode:?}: {wrong:#?}");
    // A browser that gets the true HTTPS record would not even ask for the address.
    for rtype in ["HTTPS", "MX", "TXT"] {
        let found = place.ask("large.casino.example", rtype);
        assert!(found.data.is_empty(), "{mode:?}: {rtype}: {found:?}");
    }
    assert!(!place.ask("large.help.casino.example", "TXT").data.is_empty(), "{mode:?}");
}

fn words<'a>(format: &'a str, mode: &'a [String]) -> Vec<&'a str> {
    ["--format", format].into_iter().chain(mode.iter().map(String::as_str)).collect()
}

fn bind(place: &Place, zone: &Path) -> Command {
    let text = format!(
        "options {{\n  directory \"{dir}\";\n  pid-file none;\n  session-keyfile none;\n  lock-file none;\n\
         \x20 listen-on {{ {RESOLVER}; }};\n  listen-on-v6 {{ none; }};\n  recursion yes;\n  allow-query {{ any; }};\n\
         \x20 dnssec-validation no;\n  forward only;\n  forwarders {{ {UPSTREAM}; }};\n  empty-zones-enable no;\n\
         \x20 response-policy {{ zone \"stakeout.rpz\"; }};\n}};\ncontrols {{ }};\n\
         zone \"stakeout.rpz\" {{ type primary; file \"{zone}\"; allow-query {{ none; }}; }};\n",
        dir = place.dir().display(),
        zone = zone.display(),
    );
    let mut command = place.service("named");
    command.args(["-g", "-n", "1", "-c"]).arg(place.write("named.conf", &text));
    command
}

#[test]
fn bind_answers_as_the_lists_mean() {
    let Some(mut place) = Place::new(&["named", "named-checkzone"]) else { return };
    for mode in MODES {
        let given = mode.words();
        let words = [&words("rpz", &given)[..], &["--serial", "date"]].concat();
        let zone = place.export("rpz.zone", LISTS, &words);
        run(Command::new("named-checkzone").arg("stakeout.rpz").arg(&zone)).unwrap();
        let mut command = bind(&place, &zone);
        place.start(&mut command);
        compare(&place, mode);
    }
}

/// Names up to the longest that has room, with and without the wildcard, load; those beyond are left out.
#[test]
fn bind_takes_the_longest_names() {
    let Some(mut place) = Place::new(&["named", "named-checkzone"]) else { return };
    let label = "a".repeat(63);
    let of = |octets: usize, last: char| format!("{label}.{label}.{label}.{}", String::from(last).repeat(octets - 192));
    let (whole, apex, over) = (of(238, 'b'), of(240, 'c'), of(241, 'd'));
    let lists = format!("{whole}\n{apex}\n{over}\ncasino.example\n");
    let lists = Lists { block: &lists, allow: "other.example\n", code: 1 };
    let zone = place.export("rpz.zone", lists, &["--format", "rpz", "--serial", "1"]);
    run(Command::new("named-checkzone").arg("stakeout.rpz").arg(&zone)).unwrap();
    let mut command = bind(&place, &zone);
    place.start(&mut command);
    for (name, status) in [
        (whole.clone(), "NXDOMAIN"),
        (format!("x.{whole}"), "NXDOMAIN"),
        (apex, "NXDOMAIN"),
        (over, "NOERROR"),
        ("casino.example".to_owned(), "NXDOMAIN"),
    ] {
        assert_eq!(place.ask(&name, "A").status, status, "{name}");
    }
}

#[test]
fn unbound_answers_as_the_lists_mean() {
    let Some(mut place) = Place::new(&["unbound", "unbound-checkconf"]) else { return };
    for mode in MODES {
        let given = mode.words();
        let export = place.export("blocked.conf", LISTS, &words("unbound", &given));
        let text = format!(
            "server:\n  interface: {RESOLVER}\n  username: \"\"\n  chroot: \"\"\n  directory: \"{}\"\n  pidfile: \"\"\n\
             \x20 do-daemonize: no\n  use-syslog: no\n  num-threads: 1\n  module-config: \"iterator\"\n\
             \x20 do-not-query-localhost: no\n  qname-minimisation: no\ninclude: \"{}\"\n\
             forward-zone:\n  name: \".\"\n  forward-addr: {UPSTREAM}\nremote-control:\n  control-enable: no\n",
            place.dir().display(),
            export.display(),
        );
        let configuration = place.write("unbound.conf", &text);
        run(Command::new("unbound-checkconf").arg(&configuration)).unwrap();
        let mut command = place.service("unbound");
        place.start(command.arg("-d").arg("-c").arg(&configuration));
        compare(&place, mode);
    }
}

#[test]
fn dnsmasq_answers_as_the_lists_mean() {
    let Some(mut place) = Place::new(&["dnsmasq"]) else { return };
    for mode in MODES {
        let given = mode.words();
        let export = place.export("blocked.conf", LISTS, &words("dnsmasq", &given));
        run(Command::new("dnsmasq").arg("--test").arg(format!("--conf-file={}", export.display()))).unwrap();
        let mut command = place.service("dnsmasq");
        command.args(["--keep-in-foreground", "--log-facility=-", "--user=root", "--no-hosts", "--no-resolv"]);
        command.args(["--pid-file", "--bind-interfaces", "--port=53"]);
        command.args([&format!("--listen-address={RESOLVER}"), &format!("--server={UPSTREAM}")]);
        place.start(command.arg(format!("--conf-file={}", export.display())));
        compare(&place, mode);
    }
}

/// A hosts file is read by a resolver too: each listed name is blocked alone, in both families.
#[test]
fn dnsmasq_reads_the_hosts_file() {
    let Some(mut place) = Place::new(&["dnsmasq"]) else { return };
    let given = Mode::Sinks.words();
    let export = place.export("blocked.hosts", LISTS, &words("hosts", &given));
    let mut command = place.service("dnsmasq");
    command.args(["--keep-in-foreground", "--log-facility=-", "--user=root", "--no-hosts", "--no-resolv"]);
    command.args(["--conf-file=/dev/null", "--pid-file", "--bind-interfaces", "--port=53"]);
    command.args([&format!("--listen-address={RESOLVER}"), &format!("--server={UPSTREAM}")]);
    place.start(command.arg(format!("--addn-hosts={}", export.display())));
    for name in ["casino.example", "www.casino.example", "bets.co.uk", "7.0.example"] {
        let found = [place.ask(name, "A"), place.ask(name, "AAAA")];
        assert_eq!(found, Mode::Sinks.answers(), "{name}");
    }
    for name in ["help.casino.example", "x.casino.example", "in.ok.example"] {
        assert_eq!(place.ask(name, "A"), answer("NOERROR", Some(TRUE)), "{name}");
    }
}
