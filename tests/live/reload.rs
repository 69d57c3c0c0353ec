//! Rules are replaced, well and badly, while clients go on: no visit is lost, and a bad file never replaces a good one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::events;
use crate::common::lab::{RESOLVER, SITE};
use crate::common::servers::{self, Zone};
use crate::common::{Daemon, Lab, Servers, wait_until};
use crate::expect::{self, Found};
use crate::visits::{ask, curl, dig};

/// Names asked in one run of `dig`.
const BATCH: u32 = 20;
/// A bound on the loop, should nothing stop it.
const ROUNDS: u32 = 1000;

fn found(proto: &str, name: &str, rule: &str) -> Found {
    (proto.to_owned(), name.to_owned(), format!("orders/{rule}"))
}

/// Raised when the main part of a test ends, also by a panic, so that the thread at its side ends too.
struct Raised<'a>(&'a AtomicBool);

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Visits below a name that is listed throughout, each to another name, until it is told to stop.
fn steady_visits(lab: &Lab, rounds: &AtomicBool, stop: &AtomicBool) -> BTreeSet<Found> {
    let batch = lab.dir().join("batch");
    let mut visited = BTreeSet::new();
    for round in 0..ROUNDS {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let names: Vec<String> = (0..BATCH).map(|n| format!("r{round}n{n}.steady-odds.example")).collect();
        fs::write(&batch, names.join("\n")).unwrap();
        dig(&lab.client, &[&format!("@{RESOLVER}"), "-f", batch.to_str().unwrap()]);
        visited.extend(names.iter().map(|name| found("dns", name, "steady-odds.example")));
        for (proto, scheme, port) in [("http", "http", 80), ("tls", "https", 443)] {
            let name = format!("r{round}{proto}.steady-odds.example");
            curl(lab, &["--resolve", &format!("{name}:{port}:{SITE}"), &format!("{scheme}://{name}/")]);
            visited.insert(found(proto, &name, "steady-odds.example"));
        }
        rounds.store(true, Ordering::Relaxed);
    }
    visited
}

/// Waits for a further round of visits, so that some fall between two steps of the test.
fn a_round_of_visits(rounds: &AtomicBool) {
    // The first to end may have begun before.
    for _ in 0..2 {
        rounds.store(false, Ordering::Relaxed);
        wait_until("a round of visits", || rounds.load(Ordering::Relaxed));
    }
}

/// Puts a list in the place of another at one stroke.
fn replace(list: &Path, content: &[u8]) {
    let new = list.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(&new, list).unwrap();
}

#[test]
fn rules_are_replaced_without_losing_a_visit_and_never_by_a_bad_file() {
    let Some(lab) = Lab::new(&servers::TOOLS) else { return };
    let _servers = Servers::start(&lab, &Zone::default());
    let rules = lab.dir().join("rules");
    fs::create_dir(&rules).unwrap();
    let list = rules.join("orders");
    replace(&list, b"steady-odds.example\n");
    let mut daemon = Daemon::start(&lab, &[("orders", &list, "block")]);
    let generation = || daemon.metric("stakeout_rule_set_generation", "");
    let refused = || daemon.metric("stakeout_rule_set_loads_total", "result=\"refused\"");
    let reload_error = || daemon.status()["rules"]["reload_error"].clone();
    assert_eq!((generation(), refused()), (1.0, 0.0));

    let (rounds, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let put_aside = daemon.dir().join("events.jsonl.old");
    let mut expected = thread::scope(|scope| {
        let steady = scope.spawn(|| steady_visits(&lab, &rounds, &stop));
        let raised = Raised(&stop);
        a_round_of_visits(&rounds);

        ask(&lab, &["before.newcomer.example"]);
        replace(&list, b"steady-odds.example\nnewcomer.example\n");
        wait_until("the new rules", || generation() == 2.0);
        ask(&lab, &["after.newcomer.example"]);
        wait_until("a visit under the new rules", || daemon.has_found("after.newcomer.example"));
        assert!(reload_error().is_null());
        a_round_of_visits(&rounds);

        let binary: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (n, (name, bad)) in [("binary", binary), ("empty", Vec::new())].into_iter().enumerate() {
            replace(&list, &bad);
            let before = n as f64;
            wait_until("the bad file to be refused", || refused() > before);
            assert!(reload_error().is_string());
            assert_eq!(generation(), 2.0, "{name}");
            assert_eq!(daemon.log().matches("\"rules_kept\"").count() as f64, refused());
            let visited = format!("{name}.newcomer.example");
            ask(&lab, &[&visited]);
            wait_until("a visit under the old rules", || daemon.has_found(&visited));
            a_round_of_visits(&rounds);
        }
        assert!(daemon.is_ready(), "the old rules work as before");

        replace(&list, b"steady-odds.example\nnewcomer.example\nlatecomer.example\n");
        wait_until("the third rules", || generation() == 3.0);
        assert!(reload_error().is_null());
        ask(&lab, &["latecomer.example"]);
        wait_until("a visit under the third rules", || daemon.has_found("latecomer.example"));

        fs::rename(daemon.events_path(), &put_aside).unwrap();
        daemon.signal("HUP");
        wait_until("the fourth rules", || generation() == 4.0);
        wait_until("a new event file", || daemon.events_path().exists());
        a_round_of_visits(&rounds);

        drop(raised);
        steady.join().unwrap()
    });
    ask(&lab, &["last.newcomer.example"]);
    wait_until("the last visit to be found", || daemon.has_found("last.newcomer.example"));
    expect::assert_nothing_lost(&daemon);
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());

    let mut events = events::read(&put_aside);
    events.extend(daemon.events());
    for name in ["after", "binary", "empty", "last"] {
        expected.insert(found("dns", &format!("{name}.newcomer.example"), "newcomer.example"));
    }
    expected.insert(found("dns", "latecomer.example", "latecomer.example"));
    expect::assert_same(&expect::opened(&events), &expected);
    expect::assert_whole(&events);
    expect::assert_silent_about(&daemon, &["before.newcomer.example"], &[]);
}
