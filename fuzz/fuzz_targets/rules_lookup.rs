//! A rule set of a few lists, and names asked of it: made of few labels, so that they often meet. What must hold: the
//! set answers as a walk through a map of all rules does.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use stakeout::matching::{Format, ListMeta, RuleSetBuilder, Verdict, parse};
use stakeout::model::{Action, DomainName};
use stakeout_fuzz::Input;

const LABELS: [&str; 12] = ["a", "b", "ab", "ba", "aa", "x1", "www", "casino", "a-b", "example", "shop", "0a"];

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    // The names of allow and block rules, each with the number of its list and its line there: the first counts.
    let mut oracle: BTreeMap<(bool, Vec<u8>), (usize, u32)> = BTreeMap::new();
    let mut builder = RuleSetBuilder::new();
    let mut names = Vec::new();
    for list in 0..1 + input.u8() % 4 {
        let allow = input.u8() % 3 == 0;
        let mut text = String::new();
        for line in 1..=1 + u32::from(input.u8() % 32) {
            let listed = text_name(&mut input);
            let name = DomainName::from_text(listed.as_bytes()).unwrap();
            oracle.entry((allow, name.as_wire().to_vec())).or_insert((usize::from(list), line));
            names.push(name);
            text = text + &listed + "\n";
        }
        let action = if allow { Action::Allow } else { Action::Block };
        let meta = ListMeta::bare(format!("{list}"), action);
        builder.add_list(meta, parse(text.as_bytes(), Format::Plain, 1 << 20).unwrap());
    }
    let rules = builder.build().unwrap();
    while !input.is_empty() && names.len() < 400 {
        names.push(queried(&mut input));
    }
    for name in names {
        let verdict = rules.lookup(&name);
        let rule = verdict.rule().map(|rule| {
            let matched = rule.to_matched(rules.only_place().expect("bare lists have one place"));
            assert_eq!(matches!(verdict, Verdict::Allow(_)), matched.action == Action::Allow);
            assert!(name.is_within(&matched.pattern));
            let list = matched.list.name.parse::<usize>().unwrap();
            (matched.action == Action::Allow, matched.pattern.as_wire().to_vec(), list, matched.line)
        });
        let expected = [true, false].into_iter().find_map(|allow| {
            suffixes(name.as_wire()).find_map(|suffix| {
                let (list, line) = oracle.get(&(allow, suffix.to_vec()))?;
                Some((allow, suffix.to_vec(), *list, *line))
            })
        });
        assert_eq!(rule, expected, "{name}");
        assert_eq!(rules.lookup_all(&name).is_empty(), rule.is_none());
    }
});

/// One to four labels under a top-level domain that is no public suffix by itself.
fn text_name(input: &mut Input<'_>) -> String {
    let labels = 1 + input.u8() % 4;
    let label = |_| LABELS[usize::from(input.u8()) % LABELS.len()];
    (0..labels).map(label).chain(["example"]).collect::<Vec<_>>().join(".")
}

/// Such a name, or labels of any octets in front of one.
fn queried(input: &mut Input<'_>) -> DomainName {
    let mut name = DomainName::root();
    let choice = input.u8();
    if choice & 1 != 0 {
        let len = usize::from(choice >> 1 & 15);
        let _ = name.push_label(input.take(len));
    }
    for label in text_name(input).split('.').skip(usize::from(choice >> 5 & 1)) {
        let _ = name.push_label(label.as_bytes());
    }
    name
}

/// Every suffix at label boundaries, the longest first.
fn suffixes(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(wire), |rest| rest.get(1 + usize::from(*rest.first()?)..)).filter(|s| !s.is_empty())
}
