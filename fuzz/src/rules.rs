//! Reading a rule list from memory, for the targets of the list formats.


use stakeout::matching::{Format, Kind, ListMeta, ParsedList, RuleSetBuilder, parse};
use stakeout::model::{Action, DomainName};

use crate::Trickle;

/// More than any input has.
const LIMIT: u64 = 1 << 20;

/// What must hold for any octets: how they arrive does not matter, every name that was taken is looked up and found at
/// its line, and the counts add up.
pub fn check(octets: &[u8], format: Format) {
    let at_once = parse(octets, format, LIMIT);
    let in_pieces = parse(Trickle::new(octets), format, LIMIT);
    let told = |list: &ParsedList| (list.facts().clone(), owned(list));
    match (&at_once, &in_pieces) {
        (Ok(a), Ok(b)) => assert_eq!(told(a), told(b)),
        (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
        (a, b) => panic!("{a:?} at once, {b:?} in pieces"),
    }
    let Ok(list) = at_once else { return };
    let facts = list.facts();
    assert_eq!(facts.bytes, octets.len() as u64);
    assert!(facts.rejections.iter().all(|r| r.line <= facts.lines && !r.to_string().contains('\n')));
    let names = owned(&list);
    assert_eq!(names.len() as u64, facts.counts.rules);

    let mut builder = RuleSetBuilder::new();
    builder.add_list(ListMeta::bare("list", Action::Block), list);
    let rules = builder.build().unwrap();
    for (wire, line, kind) in names {
        let mut listed = DomainName::root();
        assert_eq!(listed.push_wire_labels(&wire), Ok(wire.len()), "a rule is made of DNS labels");
        // The longest names have none under them.
        let mut below = DomainName::root();
        let under = below.push_label(b"w").is_ok() && below.push_wire_labels(&wire).is_ok();
        for (asked, whole) in std::iter::once((&listed, true)).chain(under.then_some((&below, false))) {
            let all = rules.lookup_all(asked);
            let found = all.iter().any(|rule| (rule.pattern(), rule.line(), rule.kind()) == (listed, line, kind));
            assert_eq!(found, kind.reaches(whole), "{} {listed} for {asked}", kind.name());
            let best = all.iter().map(|rule| rule.action()).max_by_key(|action| *action == Action::Allow);
            assert_eq!(rules.lookup(asked).rule().is_some(), best.is_some());
            if best == Some(Action::Allow) {
                assert_eq!(rules.lookup(asked).rule().map(|rule| rule.action()), best);
            }
        }
    }
}

fn owned(list: &ParsedList) -> Vec<(Vec<u8>, u32, Kind)> {
    list.entries().map(|(wire, line, kind)| (wire.to_vec(), line, kind)).collect()
}
