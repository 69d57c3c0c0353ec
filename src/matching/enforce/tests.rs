//! What is written of lists and what is not, over all formats, by example.

use std::collections::BTreeSet;

use super::*;
use crate::matching::list::ListSource;
use crate::model::{Action, DomainName};

const SINK: Answer = Answer::Sink(Sink { v4: Some(std::net::Ipv4Addr::new(192, 0, 2, 80)), v6: None });

/// A block list and an allow list, read from files.
pub(super) fn lists(block: &[&str], allow: &[&str]) -> Lists {
    let dir = tempfile::tempdir().unwrap();
    let mut sources = Vec::new();
    for (file, names, action) in [("block.txt", block, Action::Block), ("allow.txt", allow, Action::Allow)] {
        if !names.is_empty() {
            let path = dir.path().join(file);
            std::fs::write(&path, names.join("\n")).unwrap();
            sources.push(ListSource::of_file(path, action));
        }
    }
    Lists::load(&sources).unwrap()
}

pub(super) fn options(target: Target, answer: Option<Answer>) -> Options {
    Options {
        target,
        answer,
        serial: (target == Target::Rpz).then_some(Serial::Given(7)),
        zone: None,
        valid_from: None,
    }
}

/// The lines that are no comments, and the export.
pub(super) fn lines(export: &Export<'_>) -> Vec<String> {
    let mut text = Vec::new();
    export.write(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    text.lines().filter(|line| !line.starts_with(['#', ';', '!'])).map(str::to_owned).collect()
}

const BLOCK: [&str; 4] = ["casino.example", "www.casino.example", "bets.example", "dead.ok.example"];
const ALLOW: [&str; 4] = ["a.b.casino.example", "x.a.b.casino.example", "ok.example", "c.b.casino.example"];

fn written(target: Target, answer: Option<Answer>) -> (Vec<String>, ExportCounts, Vec<String>) {
    let (lists, options) = (lists(&BLOCK, &ALLOW), options(target, answer));
    let export = Export::new(&lists, &options).unwrap();
    (lines(&export), export.counts(), export.notes().collect())
}

const WHOLE: ExportCounts =
    ExportCounts { blocked: 2, exceptions: 2, allowed: 1, redundant: 1, repeated: 0, needless: 2, watched: 0 };

#[test]
fn formats_with_exceptions_say_everything() {
    let expected = [
        (
            Target::Rpz,
            None,
            "$TTL 300|@ IN SOA localhost. hostmaster.localhost. 7 3600 600 2419200 300|@ IN NS localhost.|\
             bets.example CNAME .|*.bets.example CNAME .|casino.example CNAME .|*.casino.example CNAME .|\
             b.casino.example CNAME .|*.b.casino.example CNAME .|\
             a.b.casino.example CNAME rpz-passthru.|*.a.b.casino.example CNAME rpz-passthru.|\
             c.b.casino.example CNAME rpz-passthru.|*.c.b.casino.example CNAME rpz-passthru.",
        ),
        (
            Target::Unbound,
            None,
            "server:|local-zone: \"bets.example.\" always_nxdomain|local-zone: \"casino.example.\" always_nxdomain|\
             local-zone: \"a.b.casino.example.\" always_transparent|local-zone: \"c.b.casino.example.\" always_transparent",
        ),
        (
            Target::Unbound,
            Some(SINK),
            "server:|local-zone: \"bets.example.\" redirect|local-data: \"bets.example. 300 IN A 192.0.2.80\"|\
             local-zone: \"casino.example.\" redirect|local-data: \"casino.example. 300 IN A 192.0.2.80\"|\
             local-zone: \"a.b.casino.example.\" always_transparent|local-zone: \"c.b.casino.example.\" always_transparent",
        ),
        (
            Target::Dnsmasq,
            Some(SINK),
            "address=/bets.example/192.0.2.80|local=/bets.example/|address=/casino.example/192.0.2.80|\
             local=/casino.example/|server=/a.b.casino.example/#|server=/c.b.casino.example/#",
        ),
        (
            Target::Dnsmasq,
            Some(Answer::NxDomain),
            "local=/bets.example/|local=/casino.example/|server=/a.b.casino.example/#|server=/c.b.casino.example/#",
        ),
        (Target::Adblock, None, "||bets.example^|||casino.example^|@@||a.b.casino.example^|@@||c.b.casino.example^"),
    ];
    for (target, answer, text) in expected {
        let (lines, counts, notes) = written(target, answer);
        assert_eq!(lines.join("|"), text, "{target:?}");
        assert_eq!((counts, notes), (WHOLE, vec![]), "{target:?}");
    }
}

#[test]
fn a_format_without_exceptions_blocks_less_and_says_so() {
    let lost = |what: &str| {
        vec![
            format!("casino.example (block, list block.txt, line 1): {what}"),
            "a.b.casino.example (allow, list allow.txt, line 1): no exception can be written, so casino.example is not \
             blocked with its subdomains"
                .to_owned(),
            "c.b.casino.example (allow, list allow.txt, line 4): no exception can be written, so casino.example is not \
             blocked with its subdomains"
                .to_owned(),
        ]
    };
    let (lines, counts, notes) = written(Target::Plain, None);
    // What stands below a name that is left out is written for itself.
    assert_eq!(lines, ["bets.example", "www.casino.example"]);
    assert_eq!(notes, lost("left out, since a.b.casino.example is allowed and cannot be excepted"));
    assert_eq!(counts, ExportCounts { exceptions: 0, redundant: 0, ..WHOLE });

    let (lines, counts, notes) = written(Target::Mikrotik, None);
    assert_eq!(
        lines,
        [
            "/ip dns static",
            "remove [find where comment=\"stakeout\"]",
            "add name=\"bets.example\" type=NXDOMAIN match-subdomain=yes comment=\"stakeout\"",
            "add name=\"casino.example\" type=NXDOMAIN comment=\"stakeout\"",
            "add name=\"www.casino.example\" type=NXDOMAIN match-subdomain=yes comment=\"stakeout\"",
        ]
    );
    assert_eq!(notes, lost("blocked without its subdomains, since a.b.casino.example is allowed"));
    assert_eq!(counts, ExportCounts { blocked: 3, exceptions: 0, redundant: 0, ..WHOLE });
}

#[test]
fn hosts_name_each_name_and_csv_each_rule() {
    let (lines, counts, notes) = written(Target::Hosts, None);
    assert_eq!(
        lines,
        [
            "0.0.0.0 bets.example",
            ":: bets.example",
            "0.0.0.0 casino.example",
            ":: casino.example",
            "0.0.0.0 www.casino.example",
            ":: www.casino.example"
        ]
    );
    assert_eq!(
        (counts, notes.len()),
        (ExportCounts { blocked: 3, exceptions: 0, redundant: 0, needless: 4, ..WHOLE }, 0)
    );

    let (lines, ..) = written(Target::Csv, None);
    assert_eq!(
        lines[..3],
        [
            "name,action,kind,list,line",
            "bets.example,block,covers,block.txt,3",
            "casino.example,block,covers,block.txt,1"
        ]
    );
    assert_eq!(lines.len(), 1 + BLOCK.len() + ALLOW.len());
}

/// A block list with every kind of entry.
const KINDS: [&str; 6] = [
    "|https://exact.example^",
    "||*.below.example^",
    "||casino.example^",
    "@@|https://own.b.casino.example^",
    "@@||*.sub.casino.example^",
    "https://blog.example/page",
];

#[test]
fn each_kind_is_written_as_far_as_the_format_can() {
    let unsaid = |name: &str, action: &str, line: u8, what: &str| {
        format!("{name}.example ({action}, list block.txt, line {line}): {what}")
    };
    let below = unsaid(
        "below",
        "block",
        2,
        "left out, since only names under it are meant, and they cannot be blocked without it",
    );
    let exact = unsaid(
        "exact",
        "block",
        1,
        "left out, since it alone is meant, and it cannot be blocked without its subdomains",
    );
    let lost = |name: &str, line: u8| {
        unsaid(name, "allow", line, "no exception can be written, so casino.example is not blocked with its subdomains")
    };
    let other = |name: &str, action: &str, line: u8| {
        unsaid(
            name,
            action,
            line,
            "answered with 0.0.0.0 and ::, not NXDOMAIN, which unbound cannot say of a name without its subdomains",
        )
    };
    let expected = [
        (
            Target::Rpz,
            "*.below.example CNAME .|casino.example CNAME .|*.casino.example CNAME .|b.casino.example CNAME .|\
             *.b.casino.example CNAME .|own.b.casino.example CNAME rpz-passthru.|*.own.b.casino.example CNAME .|\
             sub.casino.example CNAME .|*.sub.casino.example CNAME rpz-passthru.|exact.example CNAME .",
            vec![],
        ),
        (
            Target::Unbound,
            "local-zone: \"casino.example.\" always_nxdomain|local-zone: \"own.b.casino.example.\" always_transparent|\
             local-zone: \"sub.casino.example.\" transparent|local-data: \"sub.casino.example. 300 IN A 0.0.0.0\"|\
             local-data: \"sub.casino.example. 300 IN AAAA ::\"|local-zone: \"exact.example.\" transparent|\
             local-data: \"exact.example. 300 IN A 0.0.0.0\"|local-data: \"exact.example. 300 IN AAAA ::\"",
            vec![
                below.clone(),
                unsaid(
                    "own.b.casino",
                    "allow",
                    4,
                    "its subdomains are let through with it, since it cannot be excepted alone",
                ),
                other("sub.casino", "allow", 5),
                other("exact", "block", 1),
            ],
        ),
        (
            Target::Dnsmasq,
            "local=/*.below.example/|local=/casino.example/|server=/own.b.casino.example/#|local=/*.own.b.casino.example/|\
             server=/*.sub.casino.example/#|local=/exact.example/|server=/*.exact.example/#",
            vec![],
        ),
        (
            Target::Adblock,
            "||*.below.example^|||casino.example^|@@|http://own.b.casino.example^|@@|https://own.b.casino.example^|\
             @@||*.sub.casino.example^||http://exact.example^||https://exact.example^",
            vec![],
        ),
        (
            Target::Mikrotik,
            "add name=\"casino.example\" type=NXDOMAIN comment=\"stakeout\"|\
             add name=\"exact.example\" type=NXDOMAIN comment=\"stakeout\"",
            vec![
                below.clone(),
                unsaid("casino", "block", 3, "blocked without its subdomains, since own.b.casino.example is allowed"),
                lost("own.b.casino", 4),
                lost("sub.casino", 5),
            ],
        ),
        (
            Target::Plain,
            "",
            vec![
                below.clone(),
                unsaid("casino", "block", 3, "left out, since own.b.casino.example is allowed and cannot be excepted"),
                lost("own.b.casino", 4),
                lost("sub.casino", 5),
                exact,
            ],
        ),
        (Target::Hosts, "0.0.0.0 casino.example|:: casino.example|0.0.0.0 exact.example|:: exact.example", vec![below]),
    ];
    let lists = lists(&KINDS, &[]);
    for (target, text, notes) in expected {
        let options = options(target, None);
        let export = Export::new(&lists, &options).unwrap();
        let head = match target {
            Target::Rpz => 3,
            Target::Mikrotik => 2,
            Target::Unbound => 1,
            _ => 0,
        };
        assert_eq!(lines(&export)[head..].join("|"), text, "{target:?}");
        assert_eq!(export.notes().collect::<Vec<_>>(), notes, "{target:?}");
        assert_eq!(export.counts().watched, 1, "{target:?}");
    }
    let csv = options(Target::Csv, None);
    let export = Export::new(&lists, &csv).unwrap();
    let lines = lines(&export);
    assert_eq!(lines.len(), 1 + KINDS.len());
    assert!(lines.contains(&"blog.example,watch,watch,block.txt,6".to_owned()), "{lines:?}");
    assert!(lines.contains(&"sub.casino.example,allow,allow-below,block.txt,5".to_owned()), "{lines:?}");
}

#[test]
fn names_that_do_not_fit_into_the_zone_are_told() {
    let label = "a".repeat(63);
    // 255 octets with the zone's 14 and the root, then with a wildcard, then one more.
    let of = |octets: usize| format!("{label}.{label}.{label}.{}", "b".repeat(octets - 192));
    let (longest, wildcard, over) = (of(240), of(238), of(241));
    let lists_of = |names: &[&str], allow: &[&str]| lists(names, allow);
    let all = lists_of(&[&longest, &wildcard, &over], &[]);
    let options = options(Target::Rpz, None);
    let export = Export::new(&all, &options).unwrap();
    let (lines, notes) = (lines(&export), export.notes().collect::<Vec<_>>());
    let owners: BTreeSet<&str> = lines[3..].iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(owners, BTreeSet::from([&*longest, &*wildcard, &*format!("*.{wildcard}")]));
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes.iter().any(|n| n.starts_with(&longest) && n.contains("blocked without its subdomains")), "{notes:?}");
    assert!(notes.iter().any(|n| n.starts_with(&over) && n.contains("left out")), "{notes:?}");

    // A server may cut a question that is too long for the zone, so an exception that has no room needs a smaller block.
    let parent = &over[64..];
    let carved = lists_of(&[parent], &[&over]);
    let export = Export::new(&carved, &options).unwrap();
    assert_eq!(self::lines(&export)[3..], [format!("{parent} CNAME .")]);
    assert_eq!(export.notes().len(), 2);

    // The name itself has room, and those under it, which stay blocked, have none: a server would take them for it.
    let alone = lists_of(&[&longest[64..], &format!("@@|https://{longest}^")], &[]);
    let export = Export::new(&alone, &options).unwrap();
    let passed: Vec<_> = self::lines(&export).into_iter().filter(|line| line.starts_with(&*longest)).collect();
    assert_eq!(passed, [format!("{longest} CNAME rpz-passthru.")]);
    let notes: Vec<_> = export.notes().collect();
    assert!(notes.len() == 1 && notes[0].contains("its subdomains are let through"), "{notes:?}");
}

#[test]
fn what_a_format_cannot_do_is_refused() {
    let lists = lists(&BLOCK, &[]);
    let refused = |options: Options| Export::new(&lists, &options).err().expect("refused");
    assert_eq!(refused(Options { serial: None, ..options(Target::Rpz, None) }), Unfit::NoSerial);
    assert_eq!(refused(options(Target::Hosts, Some(Answer::NxDomain))), Unfit::HostsNxDomain);
    for target in [Target::Adblock, Target::Plain, Target::Csv] {
        assert_eq!(refused(options(target, Some(SINK))), Unfit::NoAnswer { target });
    }
    let zone = DomainName::from_text(b"rpz.example").ok();
    assert_eq!(
        refused(Options { zone, ..options(Target::Unbound, None) }),
        Unfit::NotAZone { target: Target::Unbound }
    );
}

#[test]
fn the_same_name_in_two_lists_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let sources: Vec<_> = ["one", "two"]
        .iter()
        .map(|file| {
            let path = dir.path().join(file);
            std::fs::write(&path, "casino.example\n").unwrap();
            ListSource::of_file(path, Action::Block)
        })
        .collect();
    let lists = Lists::load(&sources).unwrap();
    for target in [Target::Hosts, Target::Plain, Target::Rpz] {
        let options = options(target, None);
        let counts = Export::new(&lists, &options).unwrap().counts();
        assert_eq!((counts.blocked, counts.repeated), (1, 1), "{target:?}");
    }
}
