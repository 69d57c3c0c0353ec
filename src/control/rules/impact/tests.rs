//! Verdicts compared place by place, names counted and withheld, bounds, warnings.

use std::sync::Arc;

use super::popular::Popular;
use super::query_log::{self, LogCounts};
use super::*;
use crate::matching::{Format, ListMeta, RuleSet, RuleSetBuilder, parse};
use crate::model::{Action, Addr, DomainName, Jurisdiction, ListOrigin, Provenance};

fn name(text: &str) -> DomainName {
    DomainName::from_text(text.as_bytes()).unwrap()
}

/// A list: name, action, places, text.
type List<'a> = (&'a str, Action, &'a [&'a str], &'a str);

fn set(lists: &[List<'_>]) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    for (name, action, places, text) in lists {
        let list = parse(text.as_bytes(), Format::AdBlock, 1 << 20).unwrap();
        let places: Vec<Jurisdiction> = places.iter().map(|code| code.parse().unwrap()).collect();
        let provenance =
            (!places.is_empty()).then(|| Arc::new(Provenance::new("authority", "law", "register", places).unwrap()));
        let origin = Arc::new(ListOrigin { name: Arc::from(*name), provenance });
        builder.add_list(ListMeta { origin, action: *action }, list);
    }
    builder.build().unwrap()
}

fn pair(old: &[List<'_>], new: &[List<'_>]) -> Pair {
    let old = if old.is_empty() { RuleSet::empty() } else { set(old) };
    Pair::new(old, set(new), &[]).unwrap()
}

const OPTIONS: ReportOptions = ReportOptions { top: 100, warn_share: 100.0 };

/// Place, change, name, visits, and the actions before and after.
fn rows(report: &Report) -> Vec<(String, &'static str, String, u64, &'static str, &'static str)> {
    let action = |rule: &Option<RuleText>| rule.as_ref().map_or("-", |rule| rule.action);
    let row = |row: &Row| {
        let place = row.jurisdiction.map(|code| code.to_string()).unwrap_or_default();
        (place, row.change.words(), row.name.clone(), row.visits, action(&row.before), action(&row.after))
    };
    report.names.iter().map(row).collect()
}

#[test]
fn every_change_of_verdict_is_told_by_its_name() {
    // Blocked, allowed, licensed, watched, on no list: from each to each other, in names of the form `from-to`.
    let states = ["block", "allow", "licensed", "watch", "none"];
    let list = |side: usize, state: &str| {
        let mut text = String::from("||filler.example^\n");
        for from in states {
            for to in states {
                if [from, to][side] == state {
                    let name = format!("{from}-{to}.example");
                    text.push_str(&if state == "watch" {
                        format!("https://{name}/page\n")
                    } else {
                        format!("||{name}^\n")
                    });
                }
            }
        }
        text
    };
    let side = |side: usize| {
        set(&[
            ("block", Action::Block, &[], &list(side, "block")),
            ("allow", Action::Allow, &[], &list(side, "allow")),
            ("licensed", Action::Licensed, &[], &list(side, "licensed")),
            ("watch", Action::Block, &[], &list(side, "watch")),
        ])
    };
    let pair = Pair::new(side(0), side(1), &[]).unwrap();
    let place = pair.places()[0];
    let mut told = 0;
    for from in states {
        for to in states {
            let change = pair.change(place, &name(&format!("www.{from}-{to}.example")));
            // An entry that watches a page is for its host alone, `www` or not.
            let change = if from == "watch" || to == "watch" {
                pair.change(place, &name(&format!("{from}-{to}.example")))
            } else {
                change
            };
            let expected = match (from, to) {
                (from, to) if from == to => None,
                (_, "block") => Some("newly blocked"),
                ("block", _) => Some("no longer blocked"),
                (_, "allow") => Some("newly allowed"),
                (_, "licensed") => Some("newly licensed"),
                ("allow" | "licensed", _) => Some("no longer allowed"),
                (_, "watch") => Some("newly watched"),
                ("watch", _) => Some("no longer watched"),
                _ => unreachable!(),
            };
            assert_eq!(change.map(Change::words), expected, "{from} to {to}");
            told += usize::from(change.is_some());
        }
    }
    assert_eq!(told, 20);
}

#[test]
fn another_rule_for_the_same_verdict_is_told_and_another_line_is_not() {
    let old: [List<'_>; 1] = [("a", Action::Block, &["CH"], "||moved.example^\n||narrow.x.example^\n||other.example^")];
    let new: [List<'_>; 2] = [
        ("a", Action::Block, &["CH"], "||new.example^\n||moved.example^\n||x.example^\n"),
        ("b", Action::Block, &["CH"], "||other.example^"),
    ];
    let pair = pair(&old, &new);
    let mut seen = Seen::new(&pair, 10);
    for asked in ["moved.example", "narrow.x.example", "other.example"] {
        seen.visit(&name(asked), None, 1);
    }
    let report = Report::new(&seen, &OPTIONS);
    let told: Vec<(&str, &str)> = report.names.iter().map(|row| (row.change.words(), &*row.name)).collect();
    assert_eq!(told, [("rule changed", "narrow.x.example"), ("rule changed", "other.example")]);
    assert!(report.has_effect());
}

#[test]
fn each_place_has_changes_of_its_own() {
    let old: [List<'_>; 1] = [("ch", Action::Block, &["CH"], "||bets.example^")];
    let new: [List<'_>; 2] =
        [("ch", Action::Block, &["CH", "PL"], "||bets.example^"), ("gb", Action::Licensed, &["GB"], "||bets.example^")];
    let pair = pair(&old, &new);
    let mut seen = Seen::new(&pair, 10);
    seen.visit(&name("www.bets.example"), None, 3);
    seen.visit(&name("elsewhere.example"), None, 7);
    let report = Report::new(&seen, &OPTIONS);
    assert_eq!(
        rows(&report),
        [
            ("PL".into(), "newly blocked", "www.bets.example".into(), 3, "-", "block"),
            ("GB".into(), "newly licensed", "www.bets.example".into(), 3, "-", "licensed"),
        ]
    );
    assert_eq!((report.seen.visits, report.seen.unlisted, report.names[0].share), (10, 7, 30.0));
    assert!(report.names[0].after.as_ref().unwrap().order.as_ref().unwrap().contains("authority, law"));
    assert!(report.places[0].changes.is_empty(), "CH: {:?}", report.places[0]);
    // Asked for one place only, the others say nothing.
    let only = Pair::new(set(&old), set(&new), &["GB".parse().unwrap()]).unwrap();
    assert_eq!(only.places().len(), 1);
    assert_eq!(only.change(only.places()[0], &name("bets.example")), Some(Change::NewlyLicensed));
}

#[test]
fn the_most_visited_come_first_and_the_rest_is_counted() {
    let pair =
        pair(&[], &[("a", Action::Block, &[], "||one.example^\n||two.example^\n||three.example^\n||no.example^")]);
    let mut seen = Seen::new(&pair, 10);
    for (asked, times) in [("one.example", 1), ("three.example", 3), ("two.example", 2), ("x.test", 94)] {
        seen.visit(&name(asked), None, times);
    }
    let report = Report::new(&seen, &ReportOptions { top: 2, warn_share: 1.5 });
    let told: Vec<(&str, u64)> = report.names.iter().map(|row| (&*row.name, row.visits)).collect();
    assert_eq!((told, report.names_left_out), (vec![("three.example", 3), ("two.example", 2)], 1));
    let total = report.places[0].changes[0];
    assert_eq!((total.change, total.names, total.visits), (Change::NewlyBlocked, 3, 6));
    let warned: Vec<(&str, u64)> = report.warnings.iter().map(|w| (&*w.rule.pattern, w.visits)).collect();
    assert_eq!(warned, [("three.example", 3), ("two.example", 2)], "one of a hundred visits is no more than 1.5 %");
    assert_eq!(report.lists, [ListUse { list: "a".into(), rules: 4, hit: 3, hit_nothing: 1 }]);
    assert!(seen.is_hit("a", crate::matching::Kind::Covers, name("one.example").as_wire()));
    assert!(!seen.is_hit("a", crate::matching::Kind::Covers, name("no.example").as_wire()));
}

/// Many names below one listed name, each rarely visited, are one rule that blocks much.
#[test]
fn a_warning_is_for_what_a_rule_blocks_in_all() {
    let pair = pair(&[], &[("a", Action::Block, &[], "||cdn.example^")]);
    let mut seen = Seen::new(&pair, 1000);
    (0..50).for_each(|i| seen.visit(&name(&format!("customer-{i}.cdn.example")), None, 1));
    seen.visit(&name("x.test"), None, 950);
    let report = Report::new(&seen, &ReportOptions { top: 3, warn_share: 4.0 });
    let [warning] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
    assert_eq!((&*warning.rule.pattern, warning.visits, warning.names, warning.share), ("cdn.example", 50, 50, 5.0));
}

#[test]
fn names_beyond_the_bound_are_counted_by_change_and_not_kept() {
    let pair = pair(&[], &[("a", Action::Block, &[], "||casino.example^\n||late.example^")]);
    let mut seen = Seen::new(&pair, 3);
    (0..10).for_each(|i| seen.visit(&name(&format!("x{i}.casino.example")), None, 2));
    seen.visit(&name("late.example"), None, 1);
    seen.visit(&name("x0.casino.example"), None, 1);
    let report = Report::new(&seen, &OPTIONS);
    assert_eq!((report.names.len(), report.seen.visits, report.seen.not_kept), (3, 22, 15));
    let total = report.places[0].changes[0];
    assert_eq!((total.names, total.visits), (3, 22));
    assert_eq!(report.lists[0].hit, 2, "rules are noted all the same");
    assert_eq!(report.names[0].name, "x0.casino.example");
}

#[test]
fn a_name_that_spells_an_address_is_shown_as_the_listed_name() {
    let pair = pair(
        &[],
        &[(
            "a",
            Action::Block,
            &[],
            "||casino.example^\n||198-51-100-9.listed.example^\n||in-addr.arpa^\n||8.b.d.0.1.0.0.2.ip6.arpa^",
        )],
    );
    let mut seen = Seen::new(&pair, 10);
    let client = Addr::v4([192, 0, 2, 7]);
    seen.visit(&name("192-0-2-7.casino.example"), Some(client), 1);
    seen.visit(&name("203.0.113.5.casino.example"), None, 1);
    // In hexadecimal only the client's own is known for what it is; who asks first does not matter.
    seen.visit(&name("c0000207.casino.example"), Some(Addr::v4([192, 0, 2, 8])), 1);
    seen.visit(&name("c0000207.casino.example"), Some(client), 1);
    seen.visit(&name("www.casino.example"), Some(client), 2);
    // It is in the list: that is public.
    seen.visit(&name("198-51-100-9.listed.example"), Some(client), 1);
    // A list may hold them, and they are never told.
    for reverse in ["7.2.0.192.in-addr.arpa", "7.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"] {
        seen.visit(&name(reverse), None, 1);
    }
    let report = Report::new(&seen, &OPTIONS);
    assert_eq!(report.seen.unlisted, 2);
    let told: Vec<(&str, u64)> = report.names.iter().map(|row| (&*row.name, row.visits)).collect();
    assert_eq!(told, [("*.casino.example", 4), ("www.casino.example", 2), ("198-51-100-9.listed.example", 1)]);
}

#[test]
fn counts_do_not_wrap() {
    let pair = pair(&[], &[("a", Action::Block, &[], "||casino.example^")]);
    let mut seen = Seen::new(&pair, 10);
    let mut counts = LogCounts::default();
    let log = format!("{max} casino.example\n{max} x.casino.example\n{max} y.test\n", max = u64::MAX);
    query_log::read(log.as_bytes(), &mut counts, &mut seen).unwrap();
    let report = Report::new(&seen, &OPTIONS);
    assert_eq!((report.seen.visits, report.seen.unlisted), (u64::MAX, u64::MAX));
    assert_eq!(report.places[0].changes[0].visits, u64::MAX);
}

#[test]
fn popular_names_are_asked_about_seen_or_not() {
    let pair = pair(
        &[("old", Action::Block, &[], "||known.example^")],
        &[("new", Action::Block, &[], "||known.example^\n||popular.example^\n||deep.host.example^\n")],
    );
    let file = "# ranking\n1,popular.example\n2,www.popular.example,x\nhost.example\nknown.example\n\n3\n\"popular.example\"\n";
    let popular = Popular::check(&pair, file.as_bytes()).unwrap();
    let blocked: Vec<(&str, &str)> = popular.blocked.iter().map(|b| (&*b.name, &*b.rule.pattern)).collect();
    assert_eq!(
        blocked,
        [
            ("popular.example", "popular.example"),
            ("www.popular.example", "popular.example"),
            ("popular.example", "popular.example")
        ]
    );
    assert_eq!((popular.names, popular.unreadable, popular.more), (5, 1, 0));
    let many = "popular.example\n".repeat(Popular::MAX_KEPT + 2);
    let popular = Popular::check(&pair, many.as_bytes()).unwrap();
    assert_eq!((popular.blocked.len(), popular.more), (Popular::MAX_KEPT, 2));
}
