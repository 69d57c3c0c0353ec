//! Each syntax by rows: a line, and what it means. All names are invented.

use crate::matching::list::{Format, Found, Kind, MAX_FILE_BYTES, ParsedList, Problem, Reason, parse};
use crate::model::DomainName;

/// What a list in `format` holds: `kind name` of each rule, and the line and the reason of each rejection.
fn read(text: &str, format: Format) -> (Vec<String>, Vec<(u32, Reason)>, Option<ParsedList>) {
    let list = match parse(text.as_bytes(), format, MAX_FILE_BYTES) {
        Ok(list) => list,
        Err(Problem::NoRule(facts)) => {
            return (Vec::new(), facts.rejections.iter().map(|r| (r.line, r.reason)).collect(), None);
        }
        Err(problem) => panic!("{problem}: {text}"),
    };
    let rule = |(wire, _, kind): (&[u8], u32, Kind)| {
        let mut name = DomainName::root();
        assert_eq!(name.push_wire_labels(wire), Ok(wire.len()));
        format!("{} {name}", kind.name())
    };
    let rules = list.entries().map(rule).collect();
    (rules, list.facts().rejections.iter().map(|r| (r.line, r.reason)).collect(), Some(list))
}

/// Every row by itself, with the format said and, where `found` is given, found.
fn rows(format: Format, found: Option<Found>, rows: &[(&str, Result<&str, Reason>)]) {
    for (line, expected) in rows {
        for format in std::iter::once(format).chain(found.map(|_| Format::Auto)) {
            let (rules, rejected, list) = read(line, format);
            match expected {
                Ok("") => assert_eq!((rules.as_slice(), rejected.as_slice()), (&[][..], &[][..]), "{line} {format:?}"),
                Ok(rule) => {
                    assert_eq!((rules.join(", ").as_str(), rejected.as_slice()), (*rule, &[][..]), "{line} {format:?}");
                    if let (Some(found), Some(list)) = (found, list) {
                        assert_eq!(list.facts().format, found, "{line}");
                    }
                }
                Err(reason) => assert_eq!((rules, rejected), (vec![], vec![(1, *reason)]), "{line} {format:?}"),
            }
        }
    }
}

#[test]
fn adblock() {
    let modifier = |name| Err(Reason::Modifier(name));
    rows(
        Format::AdBlock,
        Some(Found::AdBlock),
        &[
            ("||casino.example^", Ok("covers casino.example")),
            ("||Casino.Example^", Ok("covers casino.example")),
            ("|||casino.example^", Ok("covers casino.example")),
            ("||casino.example", Ok("covers casino.example")),
            ("||casino.example/", Ok("covers casino.example")),
            ("||casino.example^*", Ok("covers casino.example")),
            ("||casino.example^|", Ok("covers casino.example")),
            ("||casino.example:443^", Ok("covers casino.example")),
            ("||würfel.example^", Ok("covers xn--wrfel-kva.example")),
            ("||_a.casino.example^", Ok("covers _a.casino.example")),
            ("||*.casino.example^", Ok("below casino.example")),
            ("|https://casino.example^", Ok("exact casino.example")),
            ("|http://casino.example/|", Ok("exact casino.example")),
            ("@@||casino.example^", Ok("allow casino.example")),
            ("@@||*.casino.example^", Ok("allow-below casino.example")),
            ("@@|https://casino.example^$document", Ok("allow-exact casino.example")),
            ("||casino.example^$all", Ok("covers casino.example")),
            ("||casino.example^$document,popup,important", Ok("covers casino.example")),
            ("||casino.example^$all,popup", Ok("covers casino.example")),
            ("||https://casino.example^", Ok("covers casino.example")),
            ("||https://casino.example/page^", Ok("watch casino.example")),
            ("||casino.example^$~third-party", Ok("covers casino.example")),
            ("||casino.example^$~image", Ok("covers casino.example")),
            ("||casino.example^$script,document", Ok("covers casino.example")),
            ("||casino.example^$dnsrewrite=NXDOMAIN;;", Ok("covers casino.example")),
            ("||casino.example^$dnsrewrite=0.0.0.0", Ok("covers casino.example")),
            ("||casino.example^$dnsrewrite=203.0.113.9", modifier("dnsrewrite")),
            ("||casino.example^$third-party", modifier("third-party")),
            ("||casino.example^$all,3p", modifier("third-party")),
            ("||casino.example^$script,image", modifier("script")),
            ("||casino.example^$domain=blog.example", modifier("domain")),
            ("||casino.example^$popup", modifier("popup")),
            ("||casino.example^$popup,third-party", modifier("third-party")),
            ("||casino.example^$badfilter", Ok("")),
            ("||casino.example^$script,badfilter", modifier("script")),
            ("||-casino.example^", Err(Reason::Hyphen)),
            ("||casino.example^$csp=script-src 'none'", modifier("content")),
            ("@@||casino.example^$generichide", modifier("elemhide")),
            ("||casino.example^$client=192.0.2.1", modifier("client")),
            ("||casino.example^$made-up", modifier("unknown")),
            ("||blog.example/casino/*", Ok("watch blog.example")),
            ("||blog.example^casino", Ok("watch blog.example")),
            ("||blog.example:8443^", Ok("watch blog.example")),
            ("@@||blog.example/casino", Err(Reason::NoRule("an exception for a page"))),
            ("||1146  m.fezbet641.com^", Err(Reason::Space)),
            ("||casino.*^", Err(Reason::Wildcard)),
            ("||bets.co.*", Err(Reason::Wildcard)),
            ("||co.uk^", Err(Reason::PublicSuffix)),
            ("||com^", Err(Reason::SingleLabel)),
            ("||192.0.2.1^", Err(Reason::Address)),
            ("||^", Err(Reason::NoName)),
            ("|casino", Err(Reason::Wildcard)),
            ("/casino[0-9]+/", Err(Reason::Regex)),
            ("/^https?:\\/\\/casino/$document", Err(Reason::Regex)),
            ("casino.example##.banner", Err(Reason::Cosmetic)),
            ("casino.example,bets.example#@#.banner", Err(Reason::Cosmetic)),
            ("casino.example#?#div:has(a)", Err(Reason::Cosmetic)),
            ("casino.example##^script:has-text(x)", Err(Reason::Cosmetic)),
            ("##.banner", Err(Reason::Cosmetic)),
            ("###banner", Err(Reason::Cosmetic)),
            ("! ||casino.example^", Ok("")),
            ("[Adblock Plus 2.0]", Ok("")),
            ("# a comment", Ok("")),
            ("### a comment ###", Ok("")),
            ("!#include other.txt", Err(Reason::Include)),
        ],
    );
    rows(
        Format::AdBlock,
        None,
        &[
            ("casino.example", Ok("covers casino.example")),
            ("0.0.0.0 casino.example", Ok("covers casino.example")),
            ("casino.example$all", Ok("covers casino.example")),
        ],
    );
}

#[test]
fn ublacklist() {
    rows(
        Format::UBlacklist,
        Some(Found::UBlacklist),
        &[
            ("*://*.casino.example/*", Ok("covers casino.example")),
            ("*://*.Casino.Example/*", Ok("covers casino.example")),
            ("*://casino.example/*", Ok("exact casino.example")),
            ("https://*.casino.example/*", Ok("covers casino.example")),
            ("https://casino.example:443/*", Ok("exact casino.example")),
            ("*://*.casino.example/* # why", Ok("covers casino.example")),
            ("@*://*.casino.example/*", Ok("allow casino.example")),
            ("@https://casino.example/*", Ok("allow-exact casino.example")),
            ("*://blog.example/casino/*", Ok("watch blog.example")),
            ("*://*.blog.example:8443/*", Ok("watch blog.example")),
            ("@*://blog.example/casino/*", Err(Reason::NoRule("an exception for a page"))),
            ("@1*://*.casino.example/*", Err(Reason::NoRule("a colour for search results"))),
            ("*://*/*", Err(Reason::Everything)),
            ("*://casino.*/*", Err(Reason::Wildcard)),
            ("*://*.https://blog.example/casino/*", Ok("watch blog.example")),
            ("*://*.http://casino.example/*", Ok("covers casino.example")),
            ("*://*.12 casino.example/*", Err(Reason::Space)),
            ("*://*.*.casino.example/*", Err(Reason::NoWildcard)),
            ("*://*.co.uk/*", Err(Reason::PublicSuffix)),
            ("*://192.0.2.1/*", Err(Reason::Address)),
            ("*://*.casino.example/* @if(a)", Err(Reason::Modifier("if"))),
            ("title/casino/i", Err(Reason::Regex)),
            ("@/casino/", Err(Reason::Regex)),
        ],
    );
    rows(
        Format::UBlacklist,
        None,
        &[("casino.example", Err(Reason::NotOf("uBlacklist"))), ("/casino[0-9]/", Err(Reason::Regex))],
    );
    let header = "---\nname: A list\n---\n*://*.casino.example/*\n---\n";
    for format in [Format::UBlacklist, Format::Auto] {
        let (rules, rejected, list) = read(header, format);
        assert_eq!((rules, rejected.len()), (vec!["covers casino.example".to_owned()], 1), "{format:?}");
        assert_eq!(list.unwrap().facts().counts.ignored, 3);
    }
    assert_eq!(read("---\n*://*.casino.example/*\n", Format::Auto).0.len(), 0, "a header that never ends has no rule");
}

#[test]
fn dnsmasq() {
    rows(
        Format::Dnsmasq,
        Some(Found::Dnsmasq),
        &[
            ("local=/casino.example/", Ok("covers casino.example")),
            ("address=/casino.example/", Ok("covers casino.example")),
            ("address=/casino.example/#", Ok("covers casino.example")),
            ("address=/casino.example/0.0.0.0", Ok("covers casino.example")),
            ("address = /casino.example/::  # why", Ok("covers casino.example")),
            ("address=/Casino.Example./192.0.2.1", Ok("covers casino.example")),
            ("server=/casino.example/", Ok("covers casino.example")),
            ("local=/.casino.example/", Ok("covers casino.example")),
            ("local=/*.casino.example/", Ok("below casino.example")),
            ("server=/casino.example/#", Ok("allow casino.example")),
            ("local=/casino.example/#", Ok("allow casino.example")),
            ("address=/https://blog.example/casino/0.0.0.0", Err(Reason::Character(':'))),
            ("ipset=/casino.example/set", Err(Reason::Setting("dnsmasq"))),
            ("conf-file=/etc/more.conf", Err(Reason::Include)),
            (
                "address=/a.example/b.example/c.example/0.0.0.0",
                Ok("covers a.example, covers b.example, covers c.example"),
            ),
            ("server=/casino.example/192.0.2.53", Err(Reason::NoRule("an upstream"))),
            ("local=/casino.example/192.0.2.53", Err(Reason::NoRule("an upstream"))),
            ("address=/#/0.0.0.0", Err(Reason::Everything)),
            ("local=//", Err(Reason::NoName)),
            ("local=/lan/", Err(Reason::SingleLabel)),
            ("address=/co.uk/0.0.0.0", Err(Reason::PublicSuffix)),
            ("local=/*casino.example/", Err(Reason::Wildcard)),
            ("local=/casino example/", Err(Reason::Space)),
            ("local=/casino.example", Err(Reason::Setting("dnsmasq"))),
        ],
    );
    rows(
        Format::Dnsmasq,
        None,
        &[
            ("domain-needed", Err(Reason::Setting("dnsmasq"))),
            ("no-such-option=1", Err(Reason::Setting("dnsmasq"))),
            ("casino.example", Err(Reason::NotOf("dnsmasq"))),
        ],
    );
}

#[test]
fn unbound() {
    for (zone_type, kind) in [
        ("always_null", "covers"),
        ("always_nxdomain", "covers"),
        ("always_nodata", "covers"),
        ("always_refuse", "covers"),
        ("always_deny", "covers"),
        ("refuse", "covers"),
        ("deny", "covers"),
        ("redirect", "covers"),
        ("static", "covers"),
        ("inform_deny", "covers"),
        ("inform_redirect", "covers"),
        ("always_transparent", "allow"),
        ("Always_Null", "covers"),
        ("transparent", ""),
        ("typetransparent", ""),
        ("inform", ""),
        ("nodefault", ""),
    ] {
        let expected = if kind.is_empty() { String::new() } else { format!("{kind} casino.example") };
        let line = format!("local-zone: \"casino.example\" {zone_type}");
        rows(Format::Unbound, Some(Found::Unbound), &[(&line, Ok(&expected))]);
    }
    rows(
        Format::Unbound,
        Some(Found::Unbound),
        &[
            ("\tlocal-zone:\t'casino.example.' refuse # why", Ok("covers casino.example")),
            ("local-zone: casino.example. static", Ok("covers casino.example")),
            ("server: local-zone: \"casino.example\" \"static\"", Ok("covers casino.example")),
            ("local-data: \"casino.example A 0.0.0.0\"", Ok("exact casino.example")),
            ("local-data: 'casino.example. 3600 IN AAAA ::'", Ok("exact casino.example")),
            ("local-data: \"casino.example IN TXT blocked\"", Ok("")),
            ("local-data: \"casino.example CNAME page.authority.test.\"", Ok("exact casino.example")),
            (
                "local-data: \"www.search.test CNAME ForceSafeSearch.Google.com.\"",
                Err(Reason::NoRule("a safe-search address")),
            ),
            ("include: more.conf", Err(Reason::Include)),
            ("forward-zone:", Err(Reason::Setting("unbound"))),
            ("local-zone: \"*.casino.example\" refuse", Err(Reason::NoWildcard)),
            (
                "local-zone: \"a.example\" refuse local-zone: b.example static local-data: \"c.example A 192.0.2.1\"",
                Ok("covers a.example, covers b.example, exact c.example"),
            ),
            ("local-data: \"localhost. A 127.0.0.1\"", Ok("")),
            ("local-data-ptr: \"192.0.2.1 casino.example\"", Ok("")),
            ("server:", Ok("")),
            ("local-zone: \"casino.example\" block_a", Err(Reason::NoRule("a type of zone that blocks no site"))),
            ("local-zone: \"casino.example\" made_up", Err(Reason::NoRule("an unknown type of zone"))),
            ("local-zone: \"casino.example\"", Err(Reason::NoRule("an unknown type of zone"))),
            ("local-zone: \".\" refuse", Err(Reason::Everything)),
            ("local-zone: \"com\" refuse", Err(Reason::SingleLabel)),
            ("local-zone: \"12 casino.example\" refuse", Err(Reason::Space)),
            ("local-data: \"casino.example\"", Err(Reason::Record)),
            ("local-data: \"\"", Err(Reason::NoName)),
        ],
    );
    rows(
        Format::Unbound,
        None,
        &[("verbosity: 1", Err(Reason::Setting("unbound"))), ("casino.example", Err(Reason::NotOf("unbound")))],
    );
    // A zone that redirects, and the data that it answers with, are one rule.
    let text = "local-data: \"casino.example A 192.0.2.1\"\nlocal-zone: \"casino.example\" redirect\n";
    let (rules, rejected, list) = read(text, Format::Auto);
    assert_eq!((rules, rejected), (vec!["covers casino.example".to_owned()], vec![]));
    assert_eq!(list.unwrap().facts().counts.joined, 1);
}

#[test]
fn rpz_lines() {
    rows(
        Format::Rpz,
        Some(Found::Rpz),
        &[
            ("casino.example CNAME .", Ok("exact casino.example")),
            ("casino.example 300 IN CNAME . ; why", Ok("exact casino.example")),
            ("casino.example IN 1h CNAME .", Ok("exact casino.example")),
            ("Casino.Example\tcname\t*.", Ok("exact casino.example")),
            ("*.casino.example CNAME .", Ok("below casino.example")),
            ("casino.example CNAME rpz-drop.", Ok("exact casino.example")),
            ("casino.example CNAME sink.authority.test.", Ok("exact casino.example")),
            ("*.casino.example CNAME *.garden.test.", Ok("below casino.example")),
            ("casino.example A 0.0.0.0", Ok("exact casino.example")),
            ("casino.example AAAA ::", Ok("exact casino.example")),
            ("casino.example CNAME rpz-passthru.", Ok("allow-exact casino.example")),
            ("*.casino.example CNAME rpz-passthru.", Ok("allow-below casino.example")),
            ("casino.example CNAME casino.example.", Ok("allow-exact casino.example")),
            ("casino.example CNAME rpz-tcp-only.", Err(Reason::NoRule("an order to ask again over TCP"))),
            ("casino.example CNAME rpz-passthru", Err(Reason::NoRule("an unknown action of RPZ"))),
            ("www.search.test CNAME forcesafesearch.google.com.", Err(Reason::NoRule("a safe-search address"))),
            ("casino.example CNAME www.casino.example.", Err(Reason::NoRule("an alias within the site"))),
            ("*.casino.example CNAME casino.example.", Err(Reason::NoRule("an alias within the site"))),
            ("32.1.2.0.192.rpz-ip CNAME .", Err(Reason::Trigger)),
            ("24.0.2.0.192.rpz-client-ip CNAME rpz-drop.", Err(Reason::Trigger)),
            ("ns.casino.example.rpz-nsdname CNAME .", Err(Reason::Trigger)),
            ("casino.example. CNAME .", Err(Reason::OutOfZone)),
            ("com CNAME .", Err(Reason::SingleLabel)),
            ("*.com CNAME .", Err(Reason::SingleLabel)),
            ("co.uk CNAME .", Err(Reason::PublicSuffix)),
            ("* CNAME .", Err(Reason::Wildcard)),
            ("a.*.casino.example CNAME .", Err(Reason::Wildcard)),
            ("casino\\.example CNAME .", Err(Reason::Character('\\'))),
            ("$INCLUDE other.zone", Err(Reason::Include)),
            ("$TTL 300", Ok("")),
            ("$ORIGIN rpz.test.", Ok("")),
            ("; casino.example CNAME .", Ok("")),
        ],
    );
    rows(
        Format::Rpz,
        None,
        &[
            ("casino.example TXT \"because; (really)\"", Ok("exact casino.example")),
            ("*.casino.example MX 0 .", Ok("below casino.example")),
            ("casino.example RRSIG CNAME 8 2 60 x", Ok("")),
            ("casino.example DNAME other.test.", Err(Reason::Record)),
            ("casino.example", Err(Reason::Record)),
            ("casino.example CNAME", Err(Reason::Record)),
            ("@ SOA a. b. ( 1", Err(Reason::Record)),
            ("# no comment of a zone file, but seen", Ok("")),
        ],
    );
}

#[test]
fn rpz_zones() {
    let zone = "\
; a zone
$TTL 1h
@ IN SOA localhost. root.localhost. (
    2026112401 ; serial
    1h 15m 30d 2h )
  IN NS localhost.
  TXT \"of the zone\"
casino.example CNAME .
*.casino.example CNAME .
*.bets.example  CNAME .
bets.example    CNAME .
alone.example   CNAME .
*.below.example CNAME .
www.below.example A 192.0.2.1
                  AAAA 2001:db8::1
                  TXT \"because\"
licensed.example CNAME rpz-passthru.
*.licensed.example CNAME rpz-passthru.
12 wrong.example CNAME .
";
    let expected = [
        "covers casino.example",
        "covers bets.example",
        "exact alone.example",
        "below below.example",
        "exact www.below.example",
        "allow licensed.example",
    ];
    for format in [Format::Rpz, Format::Auto] {
        let (rules, rejected, list) = read(zone, format);
        assert_eq!((rules, rejected), (expected.map(String::from).to_vec(), vec![(19, Reason::Record)]), "{format:?}");
        let facts = list.unwrap().facts().clone();
        assert_eq!((facts.format, facts.counts.joined, facts.counts.duplicates), (Found::Rpz, 3, 2));
        assert_eq!(facts.counts.ignored, 4, "TTL, SOA, NS and the TXT of the zone itself");
    }
}

#[test]
fn rpz_owners_are_read_below_the_zone() {
    let soa = "SOA a. b. 1 2 3 4 5";
    for (text, expected) in [
        (format!("$ORIGIN rpz.test.\n@ {soa}\ncasino.example CNAME ."), "exact casino.example"),
        (format!("$ORIGIN rpz.test.\n@ {soa}\ncasino.example.rpz.test. CNAME ."), "exact casino.example"),
        (format!("rpz.test. {soa}\ncasino.example CNAME ."), "exact casino.example"),
        (format!("$ORIGIN .\nrpz.test {soa}\n$ORIGIN rpz.test.\ncasino.example CNAME ."), "exact casino.example"),
        (format!("$ORIGIN test.\nrpz {soa}\n$ORIGIN example.rpz.test.\ncasino CNAME ."), "exact casino.example"),
        (format!("$ORIGIN rpz.test.\n@ {soa}\n$ORIGIN example\n*.casino CNAME ."), "below casino.example"),
        (format!("@ {soa}\n$ORIGIN example.\ncasino CNAME ."), ""),
        ("$ORIGIN rpz.test.\ncasino.example CNAME .".to_owned(), "exact casino.example"),
        ("$ORIGIN rpz.test.\n32.1.2.0.192.rpz-ip CNAME .".to_owned(), ""),
        ("$ORIGIN rpz.test.\ncasino.example.other.test. CNAME .".to_owned(), ""),
        ("$ORIGIN rpz.test.\nrpz.test. CNAME .".to_owned(), ""),
        ("$ORIGIN rpz.test.\nnotrpz.test. CNAME .".to_owned(), ""),
        ("$ORIGIN RPZ.Test.\ncasino.example.rpz.TEST. CNAME .".to_owned(), "exact casino.example"),
    ] {
        let (rules, rejected, _) = read(&text, Format::Auto);
        assert_eq!(rules.join(","), expected, "{text}");
        assert_eq!(rejected.is_empty(), !expected.is_empty(), "{text}: {rejected:?}");
    }
}

#[test]
fn a_record_that_never_ends_takes_bounded_memory_and_is_told() {
    let text = "casino.example CNAME .\n@ SOA a. b. (\n".to_owned() + &"1 ; x\n".repeat(100_000);
    let (rules, rejected, _) = read(&text, Format::Rpz);
    assert_eq!(rules, ["exact casino.example"]);
    assert!(rejected.contains(&(rejected[0].0, Reason::LineTooLong)), "{:?}", rejected.first());
}

/// Switzerland's list with its header, and Italy's with nothing but names.
#[test]
fn registers_that_are_plain_need_nothing_of_their_own() {
    let gespa = "# Version: 20261124\r\n# Serial: 17\r\ncasino.example\r\nwww.bets.example\r\n";
    let italy = "casino.example\nBETS.example\n";
    for (text, expected) in [
        (gespa, ["covers casino.example", "covers www.bets.example"]),
        (italy, ["covers casino.example", "covers bets.example"]),
    ] {
        let (rules, rejected, list) = read(text, Format::Auto);
        assert_eq!((rules, rejected), (expected.map(String::from).to_vec(), vec![]));
        assert_eq!(list.unwrap().facts().format, Found::Plain);
    }
}

#[test]
fn a_file_said_to_be_plain_is_read_as_nothing_else() {
    for (line, syntax) in [
        ("||casino.example^", "AdBlock"),
        ("*://*.casino.example/*", "uBlacklist"),
        ("local=/casino.example/", "dnsmasq"),
        ("local-zone: \"casino.example\" always_null", "unbound"),
        ("casino.example CNAME .", "RPZ"),
    ] {
        rows(Format::Plain, None, &[(line, Err(Reason::Syntax(syntax)))]);
    }
}

#[test]
fn syntaxes_may_be_mixed_where_each_line_shows_its_own() {
    let text = "a.example\n0.0.0.0 b.example\n||c.example^\n*://d.example/*\nlocal=/e.example/\n\
                local-zone: f.example refuse\ng.example CNAME .\nhttps://h.example/page\n";
    let (rules, rejected, list) = read(text, Format::Auto);
    let expected = [
        "covers a.example",
        "covers b.example",
        "covers c.example",
        "exact d.example",
        "covers e.example",
        "covers f.example",
        "exact g.example",
        "watch h.example",
    ];
    assert_eq!((rules, rejected), (expected.map(String::from).to_vec(), vec![]));
    assert_eq!(list.unwrap().facts().format, Found::Mixed);
}

#[test]
fn a_filter_that_is_taken_back_is_no_rule_wherever_that_is_said() {
    let filters = ["||a.example^", "||b.example^$all", "@@||c.example^", "||d.example^"];
    let taken_back = ["||a.example^$badfilter", "||B.example^$all,badfilter", "@@||c.example^$badfilter"];
    // Of other filters, which are not there.
    let others = ["||d.example^$third-party,badfilter", "@@||d.example^$badfilter", "||e.example^$badfilter"];
    for lines in [[&filters[..], &taken_back, &others].concat(), [&others[..], &taken_back, &filters].concat()] {
        let (rules, rejected, list) = read(&lines.join("\n"), Format::Auto);
        assert_eq!((rules, rejected.len()), (vec!["covers d.example".to_owned()], 1));
        let counts = list.unwrap().facts().counts;
        assert_eq!((counts.rules, counts.kinds.total(), counts.removed, counts.ignored), (1, 1, 3, 5));
    }
}

#[test]
fn a_zone_that_resolves_as_usual_is_an_exception_below_one_that_blocks() {
    let blocks = "local-zone: casino.example redirect";
    let transparent = "local-zone: help.casino.example transparent";
    for (lines, expected) in [
        (vec![blocks, transparent], "covers casino.example, allow help.casino.example"),
        (vec![transparent, blocks], "covers casino.example, allow help.casino.example"),
        (vec![blocks, "local-zone: a.b.casino.example inform"], "covers casino.example, allow a.b.casino.example"),
        (vec![blocks, transparent, transparent], "covers casino.example, allow help.casino.example"),
        // Nothing to be excepted from.
        (vec!["local-zone: other.example refuse", transparent], "covers other.example"),
        (vec![blocks, "local-zone: casino.example transparent"], "covers casino.example"),
        (vec![blocks, "local-zone: help.casino.example nodefault"], "covers casino.example"),
        // There for the data in it.
        (
            vec![blocks, transparent, "local-data: \"www.help.casino.example A 192.0.2.1\""],
            "covers casino.example, exact www.help.casino.example",
        ),
        (
            vec!["local-zone: casino.example transparent", "local-data: \"casino.example A 192.0.2.1\""],
            "exact casino.example",
        ),
    ] {
        let (rules, rejected, list) = read(&lines.join("\n"), Format::Auto);
        assert_eq!((rules.join(", ").as_str(), rejected), (expected, vec![]), "{lines:?}");
        let counts = list.unwrap().facts().counts;
        assert_eq!((counts.rules, counts.kinds.total()), (rules.len() as u64, rules.len() as u64));
    }
}

#[test]
fn a_zone_that_leads_to_safe_search_blocks_nothing() {
    let text = "local-zone: www.search.test redirect\n\
                local-data: \"www.search.test CNAME strict.bing.com\"\nlocal-zone: casino.example redirect\n";
    let (rules, rejected, _) = read(text, Format::Auto);
    assert_eq!(rules, ["covers casino.example"]);
    assert_eq!(rejected, [(2, Reason::NoRule("a safe-search address"))]);
}
