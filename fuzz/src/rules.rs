//! Reading a rule list from memory, for the targets of the list formats.

use std::sync::Arc;

use stakeout::matching::{Format, ListMeta, ParsedList, RuleSetBuilder, Verdict, parse};
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
    builder.add_list(ListMeta { name: Arc::from("list"), action: Action::Block }, list);
    let rules = builder.build().unwrap();
    for (wire, line) in names {
        let mut name = DomainName::root();
        assert_eq!(name.push_wire_labels(&wire), Ok(wire.len()), "a rule is made of DNS labels");
        let Verdict::Block(rule) = rules.lookup(&name) else { panic!("{name} is not found") };
        assert_eq!((rule.pattern(), rule.line()), (name, line));
    }
}

fn owned(list: &ParsedList) -> Vec<(Vec<u8>, u32)> {
    list.entries().map(|(wire, line)| (wire.to_vec(), line)).collect()
}
