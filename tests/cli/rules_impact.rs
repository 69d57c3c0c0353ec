//! `rules impact`: what a change of lists would hit, in a capture and in query logs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile, write_pcap};

use super::frames::{self, ETHERNET, client_hello, dns, ethernet, tcp, udp};
use super::{Files, Ran, run, run_with_input};

const RESOLVER: &str = "198.51.100.53:53";

/// Two visits to a site that is newly blocked, one to a site that no longer is, one to a site that both block, one by
/// CNAME to a newly blocked one, and one to a name that no list has.
fn capture() -> Vec<u8> {
    let ask = |client: &str, name: &str| ethernet(&[], &udp(client, RESOLVER, &dns(0x0100, name, 1, &[])));
    let hello = client_hello("www.new-casino.example", &["h2"], false);
    let cname = dns(0x8180, "alias.test", 1, &[("alias.test", 5, frames::dns_name("edge.new-casino.example"))]);
    frames::pcap(
        ETHERNET,
        &[
            ask("192.0.2.7:4000", "www.new-casino.example"),
            ethernet(&[], &tcp("192.0.2.7:4001", "203.0.113.1:443", 1, &hello)),
            ask("192.0.2.8:4000", "old-casino.example"),
            ask("192.0.2.8:4000", "casino.example"),
            ask("192.0.2.9:4000", "alias.test"),
            ethernet(&[], &udp(RESOLVER, "192.0.2.9:4000", &cname)),
        ],
    )
}

struct Case {
    files: Files,
    old: String,
    new: String,
}

fn case() -> Case {
    let files = Files::new();
    Case {
        old: files.write("old.txt", "casino.example\nold-casino.example\n"),
        new: files.write("new.txt", "casino.example\nnew-casino.example\nnever-visited.example\n"),
        files,
    }
}

impl Case {
    fn impact(&self, words: &[&str]) -> Ran {
        let (old, new) = (format!("pl={}", self.old), format!("pl={}", self.new));
        run(&[&["rules", "impact", "--old", &old, "--new", &new][..], words].concat())
    }

    fn report(&self, words: &[&str]) -> Value {
        let ran = self.impact(&[words, &["--json"]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{words:?}");
        serde_json::from_str(&ran.out).unwrap()
    }
}

#[test]
fn a_capture_tells_what_the_change_would_hit() {
    let c = case();
    let capture = c.files.write("made.pcap", capture());
    let report = c.report(&["--capture", &capture]);
    assert_eq!(report["seen"], json!({ "visits": 5, "unlisted": 1, "answers": 1, "not_kept": 0 }));
    let names: Vec<_> = report["names"].as_array().unwrap().iter().collect();
    let told =
        |row: &Value| (row["change"].clone(), row["name"].clone(), row["visits"].clone(), row["answers"].clone());
    assert_eq!(
        names.iter().map(|row| told(row)).collect::<Vec<_>>(),
        [
            (json!("newly_blocked"), json!("www.new-casino.example"), json!(2), json!(0)),
            (json!("newly_blocked"), json!("edge.new-casino.example"), json!(0), json!(1)),
            (json!("no_longer_blocked"), json!("old-casino.example"), json!(1), json!(0)),
        ]
    );
    assert_eq!(
        names[0]["after"],
        json!({ "action": "block", "pattern": "new-casino.example", "list": "pl", "line": 2, "order": null })
    );
    assert_eq!(names[0]["before"], Value::Null);
    assert_eq!(report["lists"], json!([{ "list": "pl", "rules": 3, "hit": 2, "hit_nothing": 1 }]));

    let ran = c.impact(&["--capture", &capture, "--warn-share", "39"]);
    for words in [
        "seen     5 visits, 1 of them to names that neither side lists\n",
        "effect   newly blocked: 2 names, 2 visits, 1 answers by CNAME\n",
        "effect   no longer blocked: 1 name, 1 visits\n",
        "WARNING  new-casino.example (pl:2) newly blocks 40.00 % of all visits (2 visits to 2 names)\n",
        "list     pl: 2 of 3 rules cover a name that was seen, 1 would hit nothing\n",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let row = ran.out.lines().find(|line| line.contains("old-casino")).unwrap();
    let row = row.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(row, "no longer blocked 1 20.00 % 0 old-casino.example block by old-casino.example (pl:2) -");
    for secret in ["192.0.2.", "alias.test"] {
        assert!(!ran.out.contains(secret), "{secret}: {}", ran.out);
    }
    let quiet = c.impact(&["--capture", &capture, "--warn-share", "40"]);
    assert!(!quiet.out.contains("WARNING"), "{}", quiet.out);
}

#[test]
fn without_old_lists_all_is_new_and_each_place_is_told() {
    let c = case();
    let licensed = c.files.write("gb.txt", "casino.example\n");
    let said = "[lists.pl]\nauthority = \"MF\"\njurisdictions = [\"PL\"]\nlegal_basis = \"art. 15f\"\nreference = \"r\"\n\
        [lists.gb]\nauthority = \"GC\"\njurisdictions = [\"GB\"]\nlegal_basis = \"Act\"\nreference = \"r\"\n";
    let said = c.files.write("said.toml", said);
    let log = c.files.write("names.txt", "  40 www.casino.example\n60 other.test\n");
    let (new, gb) = (format!("pl={}", c.new), format!("gb={licensed}"));
    let words = ["rules", "impact", "--new", &new, "--new-licensed", &gb, "--describe", &said, "--query-log", &log];
    let ran = run(&words);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for words in [
        "read     2 lines: queries: 2 plain; 0 are no query\n",
        "effect   in GB newly licensed: 1 name, 40 visits\n",
        "effect   in PL newly blocked: 1 name, 40 visits\n",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let only = run(&[&words[..], &["--jurisdiction", "GB"]].concat());
    assert!(only.code == 0 && !only.out.contains("PL") && only.out.contains("in GB"), "{}", only.out);
    // A description of a list that is on neither side is a mistake.
    let ran = run(&["rules", "impact", "--new", &new, "--describe", &said, "--query-log", &log]);
    assert!(ran.code == 2 && ran.err.contains("describes the list \"gb\""), "{}", ran.err);
}

/// Lines of all formats, one client in each. The client is in the log, and in nothing that the command says.
const LOG: &str = "\
[1795512000] unbound[52:0] notice: init module 0: iterator
[1795512000] unbound[52:0] info: 192.0.2.7 www.new-casino.example. A IN
Nov 24 10:00:00 dnsmasq[52]: query[A] www.new-casino.example from 192.0.2.7
Nov 24 10:00:00 dnsmasq[52]: reply www.new-casino.example is 203.0.113.1
24-Nov-2026 10:00:00.000 queries: info: client @0x7f01 192.0.2.7#4000 (new-casino.example): query: new-casino.example IN A + (::1)
Nov 24 10:00:00 msg=\"Question\" mtid=\"1\" qname=\"192-0-2-7.new-casino.example\" qtype=\"A\" remote=\"192.0.2.7:4000\"
Nov 24 10:00:00 dnsmasq[52]: query[A] secret-unlisted.test from 192.0.2.7
";

#[test]
fn logs_of_every_format_are_read_compressed_or_not_and_clients_stay_out() {
    let c = case();
    let plain = c.files.write("queries.log", LOG);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, LOG.as_bytes()).unwrap();
    let gzip = c.files.write("queries.log.gz", gzip.finish().unwrap());
    let zstd = c.files.write("queries.log.zst", zstd::encode_all(LOG.as_bytes(), 1).unwrap());
    let expected = c.impact(&["--query-log", &plain]);
    assert_eq!((expected.code, expected.err.as_str()), (0, ""));
    for words in [
        "read     7 lines: queries: 1 unbound, 2 dnsmasq, 1 bind, 1 powerdns; 2 are no query\n",
        "seen     5 visits, 1 of them",
        "newly blocked: 3 names, 4 visits\n",
        " *.new-casino.example ",
    ] {
        assert!(expected.out.contains(words), "{words}: {}", expected.out);
    }
    assert!(LOG.contains("192.0.2.7") && LOG.contains("192-0-2-7") && LOG.contains("secret-unlisted"));
    let json = c.impact(&["--query-log", &plain, "--json"]);
    for ran in [&expected, &json] {
        for secret in ["192.0.2.7", "192-0-2-7", "c0000207", "secret-unlisted", "4000"] {
            assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{secret}: {}", ran.out);
        }
    }
    for file in [&gzip, &zstd] {
        assert_eq!(c.impact(&["--query-log", file]).out, expected.out);
    }
    let (old, new) = (format!("pl={}", c.old), format!("pl={}", c.new));
    let piped = run_with_input(&["rules", "impact", "--old", &old, "--new", &new, "--query-log", "-"], LOG.as_bytes());
    assert_eq!((piped.code, piped.out), (0, expected.out));
}

#[test]
fn what_cannot_be_read_is_counted_and_is_exit_code_1() {
    let c = case();
    let long = "x".repeat(70_000);
    let log = format!(
        "{long}\nNov 24 dnsmasq[52]: query[A] cut.examp\n99999999999999999999 a.example\na..b\ncasino.example\n"
    );
    let log = c.files.write("queries.log", log);
    let ran = c.impact(&["--query-log", &log]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let words = "unread   1 too long, 1 with a name that is none, 1 with a count that is no number, 1 cut short\n";
    assert!(ran.out.contains(words), "{}", ran.out);

    let noise = c.files.write("noise.log", "[1795512000] unbound[52:0] notice: init module 0: iterator\n");
    let ran = c.impact(&["--query-log", &noise]);
    assert!(ran.code == 1 && ran.err.contains("no query in its 1 lines; are queries logged?"), "{}", ran.err);

    // Long enough for several blocks, so that the first can be read.
    let many: String = (0..100_000_u32).map(|i| format!("x{}.test\n", i.wrapping_mul(2_654_435_761))).collect();
    let mut cut = zstd::encode_all(many.as_bytes(), 1).unwrap();
    cut.truncate(cut.len() / 2);
    let cut = c.files.write("cut.zst", cut);
    let ran = c.impact(&["--query-log", &cut]);
    assert!(ran.code == 1 && ran.err.contains("reading ended after"), "{}", ran.err);
    for (words, code) in [
        (&["--query-log", "/no/such.log"][..], 3),
        (&["--query-log", c.files.path().to_str().unwrap()], 3),
        (&["--capture", "/no/such.pcap"], 3),
        (&["--query-log", &log, "--popular", "/no/such.csv"], 3),
        (&["--query-log", &log, "--capture", "x.pcap"], 2),
        (&["--query-log", &log, "--warn-share", "101"], 2),
        (&[], 2),
    ] {
        assert_eq!(c.impact(words).code, code, "{words:?}");
    }
}

#[test]
fn popular_names_and_rules_that_hit_nothing() {
    let c = case();
    let log = c.files.write("names.txt", "casino.example\n");
    let popular = c.files.write("top.csv", "1,never-visited.example\n2,fine.test\n");
    let unhit = c.files.path().join("unhit.txt").to_str().unwrap().to_owned();
    let ran = c.impact(&["--query-log", &log, "--popular", &popular, "--unhit", &unhit]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("effect   none: no name that was seen has another verdict\n"), "{}", ran.out);
    let warning =
        "WARNING  never-visited.example is a popular name, and never-visited.example (pl:3) newly blocks it\n";
    assert!(ran.out.contains(warning) && !ran.out.contains("fine.test"), "{}", ran.out);
    let told = std::fs::read_to_string(&unhit).unwrap();
    assert_eq!(told, "pl:2 new-casino.example\npl:3 never-visited.example\n");
    let report = c.report(&["--query-log", &log, "--popular", &popular]);
    assert_eq!(report["popular_blocked"][0]["name"], "never-visited.example");

    // A prebuilt set answers the same, and does not tell its rules.
    let set = c.files.path().join("new.stkset").to_str().unwrap().to_owned();
    assert_eq!(run(&["rules", "build", "--out", &set, "--rules", &format!("pl={}", c.new)]).code, 0);
    let old = format!("pl={}", c.old);
    let built = run(&["rules", "impact", "--old", &old, "--new", &set, "--query-log", &log, "--popular", &popular]);
    assert_eq!((built.code, built.out), (0, ran.out));
    let words = ["rules", "impact", "--new", &set, "--query-log", &log, "--unhit", &unhit];
    let built = run(&words);
    assert!(built.code == 1 && built.err.contains("cannot be told one by one"), "{}", built.err);
}

/// Invented traffic of the project's generator: with nothing in force, every name that `scan` finds is newly blocked, with
/// as many visits.
#[test]
fn visits_are_those_that_scan_finds() {
    let files = Files::new();
    let listed: Vec<String> = (0..20).map(|i| format!("casino-{i}.example")).collect();
    let list = files.write("list.txt", listed.join("\n"));
    let start = Timestamp::from_parts(1_795_521_600, 0);
    let mut generator = Generator::new(Profile::demo(), 7, listed, start);
    let path = files.path().join("made.pcap");
    write_pcap(&mut generator, std::fs::File::create(&path).unwrap(), true).unwrap();
    let capture = path.to_str().unwrap();

    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for found in run(&["scan", "--rules", &list, "--format", "jsonl", capture]).json() {
        *expected.entry(found["name"].as_str().unwrap().to_owned()).or_default() += found["count"].as_u64().unwrap();
    }
    assert!(expected.values().sum::<u64>() > 20, "{expected:?}");
    let ran = run(&["rules", "impact", "--new", &list, "--capture", capture, "--top", "100000", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let rows = report["names"].as_array().unwrap();
    let told: BTreeMap<String, u64> =
        rows.iter().map(|row| (row["name"].as_str().unwrap().to_owned(), row["visits"].as_u64().unwrap())).collect();
    assert_eq!(told, expected);
    assert!(rows.iter().all(|row| row["change"] == "newly_blocked"));
    let weights: Vec<u64> =
        rows.iter().map(|row| row["visits"].as_u64().unwrap() + row["answers"].as_u64().unwrap()).collect();
    assert!(weights.is_sorted_by(|a, b| a >= b), "{weights:?}");
}
