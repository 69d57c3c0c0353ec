//! Out and in again: what Stakeout reads of its own export says the same of every name, as far as the format goes.
//!
//! A format whose importer exists is one more row of [`FORMATS`].

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use stakeout::matching::enforce::{Export, Lists, Options, Target};
use stakeout::matching::{Format, ListMeta, ListSource, RuleSet, RuleSetBuilder, Verdict, load_set, parse};
use stakeout::model::{Action, DomainName};

/// A list in an export: what it is for, and its text.
type List = (Action, Vec<u8>);

/// How an export is read again, and what it can say.
struct Row {
    target: Target,
    /// The lists in it.
    read: fn(&[u8]) -> Vec<List>,
    format: Format,
    /// Blocks cover their subdomains when they are read again, but the export is written so that they need not.
    alone: bool,
    /// Allows are read again.
    exceptions: bool,
}

const FORMATS: [Row; 3] = [
    Row { target: Target::Plain, read: one_list, format: Format::Plain, alone: false, exceptions: false },
    Row { target: Target::Hosts, read: one_list, format: Format::Hosts, alone: true, exceptions: false },
    Row { target: Target::Csv, read: csv, format: Format::Plain, alone: false, exceptions: true },
];

fn one_list(export: &[u8]) -> Vec<List> {
    vec![(Action::Block, export.to_vec())]
}

/// Blocks and allows, each as a plain list; names and files in this test need no quotes.
fn csv(export: &[u8]) -> Vec<List> {
    let text = std::str::from_utf8(export).unwrap();
    let mut records = text.split_terminator("\r\n").map(|line| line.split(',').collect::<Vec<_>>());
    assert_eq!(records.next().unwrap(), ["name", "action", "list", "line"]);
    let (mut block, mut allow) = (String::new(), String::new());
    for record in records {
        let [name, action, list, line] = record[..] else { panic!("{record:?}") };
        let text = match action {
            "block" => &mut block,
            "allow" => &mut allow,
            other => panic!("{other}"),
        };
        assert!(list.ends_with(".txt") && line.parse::<u32>().unwrap() > 0, "{record:?}");
        text.push_str(&format!("{name}\n"));
    }
    vec![(Action::Block, block.into_bytes()), (Action::Allow, allow.into_bytes())]
}

fn sources(dir: &Path, block: &BTreeSet<String>, allow: &BTreeSet<String>) -> Vec<ListSource> {
    let lists = [("block.txt", block, Action::Block), ("allow.txt", allow, Action::Allow)];
    let lists = lists.into_iter().filter(|(_, names, _)| !names.is_empty());
    lists
        .map(|(file, names, action)| {
            let path = dir.join(file);
            std::fs::write(&path, names.iter().map(|name| format!("{name}\n")).collect::<String>()).unwrap();
            ListSource::of_file(path, action)
        })
        .collect()
}

/// The set that the export's lists make; without a list it is empty.
fn read_again(row: &Row, export: &[u8]) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    for (action, text) in (row.read)(export) {
        let has_rule = text.split(|b| *b == b'\n').any(|line| !line.is_empty() && !line.starts_with(b"#"));
        if has_rule {
            let list = parse(&text[..], row.format, 1 << 20).unwrap();
            assert_eq!(list.facts().counts.rejected, 0, "{:?}: {:?}", row.target, list.facts().rejections);
            builder.add_list(ListMeta { name: action.name().into(), action }, list);
        }
    }
    builder.build().unwrap()
}

/// Names of few labels, so that many cover each other.
fn names(least: usize) -> impl Strategy<Value = BTreeSet<String>> {
    let label = prop::sample::select(&["a", "b", "a-b", "_x", "0"][..]);
    let name = prop::collection::vec(label, 1..4).prop_map(|labels| labels.join(".") + ".example");
    prop::collection::btree_set(name, least..10)
}

fn is_blocked(set: &RuleSet, name: &str) -> bool {
    matches!(set.lookup(&DomainName::from_text(name.as_bytes()).unwrap()), Verdict::Block(_))
}

proptest! {
    #[test]
    fn what_comes_back_says_the_same(block in names(1), allow in names(0), asked in names(1)) {
        let dir = tempfile::tempdir().unwrap();
        let sources = sources(dir.path(), &block, &allow);
        let (set, _) = load_set(&sources).unwrap();
        let lists = Lists::load(&sources).unwrap();
        for row in &FORMATS {
            let options = Options { target: row.target, answer: None, serial: None, zone: None };
            let export = Export::new(&lists, &options).unwrap();
            let mut text = Vec::new();
            export.write(&mut text).unwrap();
            let again = read_again(row, &text);
            let notes: Vec<String> = export.notes().collect();
            prop_assert!(!row.exceptions || notes.is_empty());
            for name in asked.iter().chain(&block).chain(&allow) {
                let (meant, is) = (is_blocked(&set, name), is_blocked(&again, name));
                if row.alone {
                    // Each listed name that no allow covers, whatever stands above it.
                    prop_assert!(is || !(meant && block.contains(name)), "{:?} {}", row.target, name);
                    continue;
                }
                prop_assert!(meant || !is, "{:?} blocks {}", row.target, name);
                let told = notes.iter().filter_map(|note| note.split_once(" (block,")).any(|(own, _)| {
                    name == own || name.ends_with(&format!(".{own}"))
                });
                prop_assert!(is || !meant || told, "{:?} does not block {}: {:#?}", row.target, name, notes);
            }
        }
    }
}

/// The lists that ship, out and in again, name by name.
#[test]
fn the_shipped_lists_come_back() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/demo.txt");
    let lists = Lists::load(&[ListSource::of_file(&path, Action::Block)]).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let listed: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert!(listed.len() > 40, "{}", listed.len());
    for row in &FORMATS {
        let options = Options { target: row.target, answer: None, serial: None, zone: None };
        let export = Export::new(&lists, &options).unwrap();
        let mut first = Vec::new();
        export.write(&mut first).unwrap();
        let again = read_again(row, &first);
        assert!(listed.iter().all(|name| is_blocked(&again, name)), "{:?}", row.target);
        let mut second = Vec::new();
        Export::new(&lists, &options).unwrap().write(&mut second).unwrap();
        assert_eq!(first, second, "{:?}: the same lists gave other octets", row.target);
    }
}
