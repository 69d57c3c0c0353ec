//! `stakeout rules impact` reads what BIND, unbound and dnsmasq write of their queries: each listed name with as many
//! visits as the log has lines for it, and nothing of who asked.

use std::fs;
use std::process::{Command, Output};

use crate::common::wait::wait_for;
use crate::place::{Place, RESOLVER, UPSTREAM};
use crate::start::{BIND, DNSMASQ, UNBOUND};

const LISTED: [&str; 3] = ["www.casino.example", "m.bets.co.uk", "CASINO.example"];
/// Asked for too: no list has it.
const UNLISTED: &str = "unlisted.test-zone.example";
/// The last question, so that all before it are in the log when it is.
const LAST: &str = "last.casino.example";

/// Asks the resolver, and gives its log once all the questions are in it.
fn log_of_questions(place: &Place, queries: &impl Fn(&str, &str) -> usize) -> String {
    for name in LISTED.iter().chain(&[UNLISTED, LAST]) {
        place.ask(name, "A");
    }
    let path = place.dir().join("resolver.log");
    wait_for("the log", || fs::read_to_string(&path).ok().filter(|log| queries(log, LAST) > 0))
}

fn impact(place: &Place, words: &[&str]) -> Output {
    let list = place.write("new.txt", "casino.example\nbets.co.uk\nnever.example\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_stakeout"));
    command.args(["rules", "impact", "--new"]).arg(list).args(words);
    command.arg("--query-log").arg(place.dir().join("resolver.log")).output().unwrap()
}

/// What the command tells of the log of a program; `queries` counts the log's lines with a query for A of a name.
fn compare(place: &Place, program: &str, queries: impl Fn(&str, &str) -> usize) {
    let log = log_of_questions(place, &queries);
    let ran = impact(place, &["--json"]);
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert_eq!((ran.status.code(), err.as_str()), (Some(0), ""), "{out}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let rows = report["names"].as_array().unwrap();
    for name in LISTED.iter().chain(&[LAST]) {
        // Another try of a client that waited too long is a line too.
        let lines = queries(&log, name) as u64;
        let row = rows.iter().find(|row| row["name"] == name.to_lowercase());
        let row = row.unwrap_or_else(|| panic!("{program} {name}: {out}\n{log}"));
        assert!(lines > 0 && row["visits"] == lines && row["change"] == "newly_blocked", "{lines} lines: {row}\n{log}");
    }
    assert_eq!(rows.len(), LISTED.len() + 1, "{out}");
    let queries = report["query_log"]["queries"].as_object().unwrap();
    let of_program = queries[program].as_u64().unwrap();
    assert!(of_program > 4 && report["seen"]["visits"] == of_program, "{queries:?}");
    assert_eq!(report["lists"][0]["hit_nothing"], 1, "{out}");
    // The client stands in the log, and so does a name that is nobody's business.
    let text = String::from_utf8(impact(place, &[]).stdout).unwrap();
    for secret in [RESOLVER, UNLISTED] {
        assert!(log.contains(secret), "{secret}: {log}");
        assert!(!out.contains(secret) && !text.contains(secret), "{secret}: {out}{text}");
    }
}

#[test]
fn unbounds_log_is_read() {
    let Some(mut place) = Place::new(&UNBOUND) else { return };
    // Answers too, which must not be taken for queries.
    let options = place.write("log.conf", "log-queries: yes\nlog-replies: yes\n");
    place.start_unbound(&options);
    compare(&place, "unbound", |log, name| log.matches(&format!("info: {RESOLVER} {name}. A IN\n")).count());
}

#[test]
fn dnsmasqs_log_is_read() {
    let Some(mut place) = Place::new(&DNSMASQ) else { return };
    for setting in ["log-queries\n", "log-queries=extra\n"] {
        let options = place.write("log.conf", setting);
        place.start_dnsmasq(&options);
        compare(&place, "dnsmasq", |log, name| log.matches(&format!("query[A] {name} from {RESOLVER}\n")).count());
    }
}

#[test]
fn binds_log_is_read() {
    let Some(mut place) = Place::new(&BIND) else { return };
    let text = format!(
        "options {{\n  directory \"{dir}\";\n  pid-file none;\n  session-keyfile none;\n  lock-file none;\n\
         \x20 listen-on {{ {RESOLVER}; }};\n  listen-on-v6 {{ none; }};\n  recursion yes;\n  dnssec-validation no;\n\
         \x20 forward only;\n  forwarders {{ {UPSTREAM}; }};\n  empty-zones-enable no;\n  querylog yes;\n}};\n\
         controls {{ }};\n",
        dir = place.dir().display(),
    );
    let mut command = place.service("named");
    command.args(["-g", "-n", "1", "-c"]).arg(place.write("named.conf", &text));
    place.start(&mut command);
    compare(&place, "bind", |log, name| log.matches(&format!("query: {name} IN A ")).count());
}
