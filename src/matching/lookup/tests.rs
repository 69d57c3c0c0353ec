//! The rule set against a naive oracle, and the meaning of rules case by case.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::matching::list::{Format, MAX_FILE_BYTES, parse};
use crate::model::{Action, DomainName};

fn name(text: &str) -> DomainName {
    DomainName::from_text(text.as_bytes()).unwrap()
}

/// Builds a set of lists given as action and text; the lists are called `list0`, `list1` and so on.
fn set_with(lists: &[(Action, &str)], collide: bool) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    for (i, (action, text)) in lists.iter().enumerate() {
        let list = parse(text.as_bytes(), Format::Plain, MAX_FILE_BYTES).unwrap();
        builder.add_list(ListMeta { name: Arc::from(format!("list{i}")), action: *action }, list);
    }
    if collide {
        builder.collide_everything();
    }
    builder.build().unwrap()
}

fn set(lists: &[(Action, &str)]) -> RuleSet {
    set_with(lists, false)
}

/// `block higan.org list0:1`, or `none`.
fn verdict(set: &RuleSet, text: &str) -> String {
    let verdict = set.lookup(&name(text));
    let Some(rule) = verdict.rule() else { return "none".into() };
    assert_eq!(matches!(verdict, Verdict::Allow(_)), rule.action() == Action::Allow);
    let matched = rule.to_matched();
    assert_eq!((matched.pattern, matched.action, matched.line), (rule.pattern(), rule.action(), rule.line()));
    format!("{} {} {}:{}", matched.action.name(), matched.pattern, matched.list, matched.line)
}

#[test]
fn a_rule_covers_itself_and_what_is_under_it_at_label_boundaries() {
    let set = set(&[(Action::Block, "# a comment\nhigan.org\nCasino.Example.\n")]);
    assert_eq!(verdict(&set, "higan.org"), "block higan.org list0:2");
    assert_eq!(verdict(&set, "www.HIGAN.org."), "block higan.org list0:2");
    assert_eq!(verdict(&set, "a.b.c.casino.example"), "block casino.example list0:3");
    for other in ["michigan.org", "www.michigan.org", "org", "higan.org.example", "higanXorg", "casino.example.org"] {
        assert_eq!(verdict(&set, other), "none", "{other}");
    }
    assert!(matches!(set.lookup(&DomainName::root()), Verdict::NoMatch));
}

#[test]
fn bytes_that_look_like_labels_are_no_match() {
    let set = set(&[(Action::Block, "a.example")]);
    let mut tricky = DomainName::root();
    tricky.push_label(b"x\x01a").unwrap();
    tricky.push_label(b"example").unwrap();
    assert!(matches!(set.lookup(&tricky), Verdict::NoMatch));
    let mut dotted = DomainName::root();
    dotted.push_label(b"a.example").unwrap();
    assert!(matches!(set.lookup(&dotted), Verdict::NoMatch));
}

#[test]
fn the_most_specific_block_is_named_and_any_allow_beats_it() {
    let blocks = "example.com\nb.example.com\na.b.example.com\n";
    let set = set(&[(Action::Block, blocks), (Action::Allow, "b.example.com\nlicensed.example\n")]);
    assert_eq!(verdict(&set, "x.example.com"), "block example.com list0:1");
    // The allow for b.example.com covers a.b.example.com, though the block of that name is longer.
    assert_eq!(verdict(&set, "a.b.example.com"), "allow b.example.com list1:1");
    assert_eq!(verdict(&set, "licensed.example"), "allow licensed.example list1:2");

    let all = set.lookup_all(&name("a.b.example.com"));
    let shown: Vec<_> = all.iter().map(|r| format!("{} {}", r.action().name(), r.pattern())).collect();
    assert_eq!(shown, ["block example.com", "block b.example.com", "allow b.example.com", "block a.b.example.com"]);
}

#[test]
fn of_equal_names_the_first_list_is_named() {
    let set = set(&[(Action::Block, "x.example\na.example"), (Action::Block, "a.example\nb.example")]);
    assert_eq!(verdict(&set, "a.example"), "block a.example list0:2");
    assert_eq!(verdict(&set, "b.example"), "block b.example list1:2");
    assert_eq!(set.len(), 4);
    assert_eq!(set.lists().map(|(meta, rules)| (&*meta.name, rules)).collect::<Vec<_>>(), [("list0", 2), ("list1", 2)]);
}

#[test]
fn an_empty_set_matches_nothing() {
    for set in [RuleSet::empty(), RuleSetBuilder::new().build().unwrap()] {
        assert!(set.is_empty());
        assert!(matches!(set.lookup(&name("a.example")), Verdict::NoMatch));
    }
}

#[test]
fn the_longest_names_are_found() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    let deepest = "a.".repeat(125) + "bc";
    let set = set(&[(Action::Block, &format!("{longest}\n{deepest}\n"))]);
    assert_eq!(verdict(&set, &longest), format!("block {longest} list0:1"));
    assert_eq!(verdict(&set, &deepest), format!("block {deepest} list0:2"));
    assert_eq!(verdict(&set, &("a.".repeat(124) + "bc")), "none");
    assert!(matches!(set.lookup(&name(&".".repeat(253))), Verdict::NoMatch));
}

#[test]
fn memory_is_close_to_the_names_themselves() {
    let names: Vec<_> = (0..50_000).map(|i| format!("casino-royale-{i:05}.example")).collect();
    let set = set(&[(Action::Block, &names.join("\n"))]);
    let text = names.iter().map(String::len).sum::<usize>();
    let overhead = (set.memory_bytes() - text) as f64 / names.len() as f64;
    assert!((7.0..11.0).contains(&overhead), "{overhead} octets a rule beside the text");
}

/// Names of few labels from few letters, so that random rules and random names often meet.
fn small_name() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ab]{1,2}|x1", 2..6).prop_map(|labels| labels.join(".") + ".example")
}

fn small_lists() -> impl Strategy<Value = Vec<(bool, Vec<String>)>> {
    let list = (proptest::bool::weighted(0.3), proptest::collection::vec(small_name(), 1..40));
    proptest::collection::vec(list, 1..4)
}

/// The same question answered by walking the suffixes of the text through a map.
fn oracle(lists: &[(bool, Vec<String>)], queried: &str) -> String {
    let mut rules: BTreeMap<(bool, &str), (usize, usize)> = BTreeMap::new();
    for (i, (allow, names)) in lists.iter().enumerate() {
        for (line, name) in names.iter().enumerate() {
            rules.entry((*allow, name)).or_insert((i, line + 1));
        }
    }
    for allow in [true, false] {
        let mut suffix = Some(queried);
        while let Some(text) = suffix {
            if let Some((list, line)) = rules.get(&(allow, text)) {
                return format!("{} {text} list{list}:{line}", if allow { "allow" } else { "block" });
            }
            suffix = text.split_once('.').map(|(_, rest)| rest);
        }
    }
    "none".into()
}

proptest! {
    #[test]
    fn lookup_agrees_with_a_walk_through_a_map(
        lists in small_lists(),
        queried in proptest::collection::vec(small_name(), 1..60),
        collide: bool,
    ) {
        let texts: Vec<_> = lists.iter().map(|(_, names)| names.join("\n")).collect();
        let given: Vec<_> = lists
            .iter()
            .zip(&texts)
            .map(|((allow, _), text)| (if *allow { Action::Allow } else { Action::Block }, text.as_str()))
            .collect();
        let set = set_with(&given, collide);
        for queried in queried.iter().chain(lists.iter().flat_map(|(_, names)| names)) {
            prop_assert_eq!(verdict(&set, queried), oracle(&lists, queried), "{}", queried);
        }
    }

    #[test]
    fn any_labels_can_be_looked_up(labels in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..30)) {
        let mut odd = DomainName::root();
        for label in &labels {
            let _ = odd.push_label(label);
        }
        let set = set_with(&[(Action::Block, "a.example\nb.a.example")], true);
        let expected = odd.is_within(&name("a.example"));
        prop_assert_eq!(set.lookup(&odd).rule().is_some(), expected);
    }
}
