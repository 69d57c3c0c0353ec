//! BIND, unbound and dnsmasq take the export, and answer as the lists mean: blocked names and those under them with the
//! sink, or that there is no such name; allowed names, those under them and all others with the truth.

use crate::place::{Answer, Lists, Place, SINK, SINK6, TRUE, TRUE6};
use crate::start::{BIND, DNSMASQ, UNBOUND};

/// `b.casino.example` has an exception under it and is itself blocked only by what stands above.
const LISTS: Lists<'_> = Lists {
    block: "casino.example\nwww.casino.example\nbets.co.uk\n7.0.example\nin.ok.example\n",
    allow: "help.casino.example\na.b.casino.example\nz.a.b.casino.example\nok.example\n",
    code: 0,
};
const BLOCKED: [&str; 10] = [
    "casino.example",
    "CASINO.example",
    "www.casino.example",
    "x.y.www.casino.example",
    "b.casino.example",
    "c.b.casino.example",
    "xa.b.casino.example",
    "nothelp.casino.example",
    "m.bets.co.uk",
    "w.7.0.example",
];
const REACHED: [&str; 10] = [
    "help.casino.example",
    "deep.under.help.casino.example",
    "a.b.casino.example",
    "z.a.b.casino.example",
    "y.a.b.casino.example",
    "in.ok.example",
    "xcasino.example",
    "casino.example.org",
    "co.uk",
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
fn compare_names(place: &Place, mode: Mode, blocked: &[&str], reached: &[&str]) {
    let wrong: Vec<String> = blocked
        .iter()
        .map(|name| (name, mode.answers()))
        .chain(reached.iter().map(|name| (name, [answer("NOERROR", Some(TRUE)), answer("NOERROR", Some(TRUE6))])))
        .flat_map(|(name, expected)| ["A", "AAAA"].into_iter().zip(expected).map(move |(rtype, e)| (name, rtype, e)))
        .filter_map(|(name, rtype, expected)| {
            let found = place.ask(name, rtype);
            (found != expected).then(|| format!("{name} {rtype}: {found:?}, not {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{mode:?}: {wrong:#?}");
}

fn compare(place: &Place, mode: Mode) {
    compare_names(place, mode, &BLOCKED, &REACHED);
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

#[test]
fn bind_answers_as_the_lists_mean() {
    let Some(mut place) = Place::new(&BIND) else { return };
    for mode in MODES {
        let given = mode.words();
        let words = [&words("rpz", &given)[..], &["--serial", "date"]].concat();
        let zone = place.export("rpz.zone", LISTS, &words);
        place.start_bind(&zone);
        compare(&place, mode);
    }
}

/// Names that no host can have, which lists hold nevertheless: BIND refuses addresses there, so the export to it says
/// NXDOMAIN in place of the sink, and says so; the others answer with the sink.
const ODD: Lists<'_> =
    Lists { block: "_dmarc.odd.example\nmy_slots.example\ncasino.example\n", allow: "ok.example\n", code: 0 };

fn compare_odd(place: &Place, expected: &Answer) {
    for name in ["_dmarc.odd.example", "x._dmarc.odd.example", "my_slots.example", "x.my_slots.example"] {
        assert_eq!(place.ask(name, "A"), *expected, "{name}");
    }
    assert_eq!(place.ask("casino.example", "A"), answer("NOERROR", Some(SINK)));
    for name in ["odd.example", "dmarc.odd.example"] {
        assert_eq!(place.ask(name, "A"), answer("NOERROR", Some(TRUE)), "{name}");
    }
}

#[test]
fn bind_takes_names_that_are_no_host_names() {
    let Some(mut place) = Place::new(&BIND) else { return };
    let lists = Lists { allow: "a._x.casino.example\n", code: 1, ..ODD };
    let zone = place.export("rpz.zone", lists, &["--format", "rpz", "--serial", "1", "--sink", SINK]);
    place.start_bind(&zone);
    compare_odd(&place, &answer("NXDOMAIN", None));
    assert_eq!(place.ask("_x.casino.example", "A"), answer("NXDOMAIN", None));
    assert_eq!(place.ask("a._x.casino.example", "A"), answer("NOERROR", Some(TRUE)));
}

/// Names up to the longest that has room, with and without the wildcard, load; those beyond are left out.
#[test]
fn bind_takes_the_longest_names() {
    let Some(mut place) = Place::new(&BIND) else { return };
    let label = "a".repeat(63);
    let of = |octets: usize, last: char| format!("{label}.{label}.{label}.{}", String::from(last).repeat(octets - 192));
    let (whole, apex, over) = (of(238, 'b'), of(240, 'c'), of(241, 'd'));
    let lists = format!("{whole}\n{apex}\n{over}\ncasino.example\n");
    let lists = Lists { block: &lists, allow: "other.example\n", code: 1 };
    let zone = place.export("rpz.zone", lists, &["--format", "rpz", "--serial", "1"]);
    place.start_bind(&zone);
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
    let Some(mut place) = Place::new(&UNBOUND) else { return };
    for mode in MODES {
        let given = mode.words();
        let export = place.export("blocked.conf", LISTS, &words("unbound", &given));
        place.start_unbound(&export);
        compare(&place, mode);
    }
}

/// The zone is for unbound too.
#[test]
fn unbound_reads_the_zone() {
    let Some(mut place) = Place::new(&UNBOUND) else { return };
    for mode in MODES {
        let given = mode.words();
        let zone = place.export("rpz.zone", LISTS, &[&words("rpz", &given)[..], &["--serial", "date"]].concat());
        place.start_unbound_rpz(&zone);
        compare(&place, mode);
    }
}

#[test]
fn unbound_takes_names_that_are_no_host_names() {
    let Some(mut place) = Place::new(&UNBOUND) else { return };
    let export = place.export("blocked.conf", ODD, &["--format", "unbound", "--sink", SINK]);
    place.start_unbound(&export);
    compare_odd(&place, &answer("NOERROR", Some(SINK)));
}

#[test]
fn dnsmasq_answers_as_the_lists_mean() {
    let Some(mut place) = Place::new(&DNSMASQ) else { return };
    for mode in MODES {
        let given = mode.words();
        let export = place.export("blocked.conf", LISTS, &words("dnsmasq", &given));
        place.start_dnsmasq(&export);
        compare(&place, mode);
    }
}

#[test]
fn dnsmasq_takes_names_that_are_no_host_names() {
    let Some(mut place) = Place::new(&DNSMASQ) else { return };
    let export = place.export("blocked.conf", ODD, &["--format", "dnsmasq", "--sink", SINK]);
    place.start_dnsmasq(&export);
    compare_odd(&place, &answer("NOERROR", Some(SINK)));
}

/// A hosts file is read by a resolver too: each listed name is blocked alone, in both families.
#[test]
fn dnsmasq_reads_the_hosts_file() {
    let Some(mut place) = Place::new(&DNSMASQ) else { return };
    let given = Mode::Sinks.words();
    let export = place.export("blocked.hosts", LISTS, &words("hosts", &given));
    place.start_dnsmasq_hosts(&export);
    for name in ["casino.example", "www.casino.example", "bets.co.uk", "7.0.example"] {
        let found = [place.ask(name, "A"), place.ask(name, "AAAA")];
        assert_eq!(found, Mode::Sinks.answers(), "{name}");
    }
    for name in ["help.casino.example", "x.casino.example", "in.ok.example"] {
        assert_eq!(place.ask(name, "A"), answer("NOERROR", Some(TRUE)), "{name}");
    }
}

/// A list with every kind of entry that blocks or excepts.
const KINDS: Lists<'_> = Lists {
    block: "|https://exact.example^\n||*.below.example^\n||casino.example^\n@@|https://own.b.casino.example^\n\
            @@||*.sub.casino.example^\n|https://in.exact.example^\n",
    allow: "@@||*.deep.below.example^\n",
    code: 0,
};
const KINDS_BLOCKED: [&str; 9] = [
    "exact.example",
    "in.exact.example",
    "x.below.example",
    "y.x.below.example",
    "deep.below.example",
    "b.casino.example",
    "x.own.b.casino.example",
    "sub.casino.example",
    "other.casino.example",
];
const KINDS_REACHED: [&str; 8] = [
    "x.exact.example",
    "x.in.exact.example",
    "below.example",
    "x.deep.below.example",
    "own.b.casino.example",
    "x.sub.casino.example",
    "y.x.sub.casino.example",
    "xbelow.example",
];

#[test]
fn bind_and_unbound_read_every_kind_in_a_zone() {
    let Some(mut place) = Place::new(&[&BIND[..], &UNBOUND].concat()) else { return };
    for mode in MODES {
        let given = mode.words();
        let zone = place.export("rpz.zone", KINDS, &[&words("rpz", &given)[..], &["--serial", "date"]].concat());
        place.start_bind(&zone);
        compare_names(&place, mode, &KINDS_BLOCKED, &KINDS_REACHED);
        place.start_unbound_rpz(&zone);
        compare_names(&place, mode, &KINDS_BLOCKED, &KINDS_REACHED);
    }
}

#[test]
fn dnsmasq_reads_every_kind() {
    let Some(mut place) = Place::new(&DNSMASQ) else { return };
    for mode in MODES {
        let given = mode.words();
        let export = place.export("blocked.conf", KINDS, &words("dnsmasq", &given));
        place.start_dnsmasq(&export);
        compare_names(&place, mode, &KINDS_BLOCKED, &KINDS_REACHED);
    }
}

/// What unbound cannot say is told, so the exit code is 1, and resolves.
#[test]
fn unbound_reads_the_kinds_that_it_can_say() {
    let Some(mut place) = Place::new(&UNBOUND) else { return };
    let unsaid = ["x.below.example", "y.x.below.example", "deep.below.example", "x.own.b.casino.example"];
    let blocked: Vec<&str> = KINDS_BLOCKED.into_iter().filter(|name| !unsaid.contains(name)).collect();
    for mode in MODES {
        let given = mode.words();
        let export = place.export("blocked.conf", Lists { code: 1, ..KINDS }, &words("unbound", &given));
        place.start_unbound(&export);
        compare_names(&place, mode, &[], &[&KINDS_REACHED[..], &unsaid].concat());
        if mode != Mode::NxDomain {
            compare_names(&place, mode, &blocked, &[]);
            continue;
        }
        for name in blocked.iter().copied() {
            let alone = ["exact.example", "in.exact.example", "sub.casino.example"].contains(&name);
            let expected = if alone { answer("NOERROR", Some("0.0.0.0")) } else { answer("NXDOMAIN", None) };
            assert_eq!(place.ask(name, "A"), expected, "{name}");
        }
    }
}
