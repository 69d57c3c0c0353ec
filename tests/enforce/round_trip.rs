//! Out and in again: what Stakeout reads of its own export says the same of every name, as far as the format goes.
//!
//! unbound and dnsmasq ask the closest entry, and an exception in a list that is read beats every block. So what they can
//! say with a block in an exception comes back as the exception alone, and [`Row::kinds`] is not set for them; that the
//! servers themselves do what is meant is for `servers.rs`.

use std::path::Path;

use proptest::prelude::*;
use stakeout::matching::enforce::{Export, Lists, Options, Serial, Target};
use stakeout::matching::{
    Format, Kind, ListMeta, ListSource, Problem, RuleSet, RuleSetBuilder, Verdict, load_set, parse,
};
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
    /// All kinds of entries come back, not only whole names.
    kinds: bool,
}

const FORMATS: [Row; 7] = [
    Row { target: Target::Plain, read: one_list, format: Format::Plain, alone: false, kinds: true },
    Row { target: Target::Hosts, read: one_list, format: Format::Hosts, alone: true, kinds: true },
    Row { target: Target::Csv, read: csv, format: Format::AdBlock, alone: false, kinds: true },
    Row { target: Target::Rpz, read: one_list, format: Format::Rpz, alone: false, kinds: true },
    Row { target: Target::Adblock, read: one_list, format: Format::AdBlock, alone: false, kinds: true },
    Row { target: Target::Unbound, read: one_list, format: Format::Unbound, alone: false, kinds: false },
    Row { target: Target::Dnsmasq, read: one_list, format: Format::Dnsmasq, alone: false, kinds: false },
];

/// Targets whose exports say all that lists mean.
const WHOLE: [Target; 3] = [Target::Csv, Target::Rpz, Target::Adblock];

fn options(target: Target) -> Options {
    let serial = (target == Target::Rpz).then_some(Serial::Given(1));
    Options { target, answer: None, serial, zone: None, valid_from: None }
}

fn one_list(export: &[u8]) -> Vec<List> {
    vec![(Action::Block, export.to_vec())]
}

/// Blocks and allows, each as a list of filters; names and files in this test need no quotes.
fn csv(export: &[u8]) -> Vec<List> {
    let text = std::str::from_utf8(export).unwrap();
    let mut records = text.split_terminator("\r\n").map(|line| line.split(',').collect::<Vec<_>>());
    assert_eq!(records.next().unwrap(), ["name", "action", "kind", "list", "line"]);
    let (mut block, mut allow) = (String::new(), String::new());
    for record in records {
        let [name, action, kind, list, number] = record[..] else { panic!("{record:?}") };
        let text = match action {
            "block" | "watch" => &mut block,
            "allow" => &mut allow,
            other => panic!("{other}"),
        };
        assert!(list.ends_with(".txt") && number.parse::<u32>().unwrap() > 0, "{record:?}");
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).unwrap();
        text.push_str(&line(name, kind));
    }
    vec![(Action::Block, block.into_bytes()), (Action::Allow, allow.into_bytes())]
}

/// An entry as a filter list writes it.
fn line(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Covers => format!("||{name}^\n"),
        Kind::Exact => format!("|https://{name}^\n"),
        Kind::Below => format!("||*.{name}^\n"),
        Kind::Allow => format!("@@||{name}^\n"),
        Kind::AllowExact => format!("@@|https://{name}^\n"),
        Kind::AllowBelow => format!("@@||*.{name}^\n"),
        Kind::Watch => format!("https://{name}/page\n"),
    }
}

type Entries = Vec<(String, Kind)>;

fn sources(dir: &Path, block: &Entries, allow: &Entries) -> Vec<ListSource> {
    let lists = [("block.txt", block, Action::Block), ("allow.txt", allow, Action::Allow)];
    let lists = lists.into_iter().filter(|(_, entries, _)| !entries.is_empty());
    lists
        .map(|(file, entries, action)| {
            let path = dir.join(file);
            std::fs::write(&path, entries.iter().map(|(name, kind)| line(name, *kind)).collect::<String>()).unwrap();
            ListSource::of_file(path, action)
        })
        .collect()
}

/// The set that the export's lists make; without a rule it is empty.
fn read_again(row: &Row, export: &[u8]) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    for (action, text) in (row.read)(export) {
        match parse(&text[..], row.format, 1 << 20) {
            Err(Problem::NoRule(facts)) => assert_eq!(facts.counts.rejected, 0, "{:?}", row.target),
            list => {
                let list = list.unwrap();
                assert_eq!(list.facts().counts.rejected, 0, "{:?}: {:?}", row.target, list.facts().rejections);
                builder.add_list(ListMeta::bare(action.name(), action), list);
            }
        }
    }
    builder.build().unwrap()
}

/// Names of few labels, so that many cover each other.
fn a_name() -> impl Strategy<Value = String> {
    let label = prop::sample::select(&["a", "b", "a-b", "_x", "0"][..]);
    prop::collection::vec(label, 1..4).prop_map(|labels| labels.join(".") + ".example")
}

fn entries(kinds: &'static [Kind], least: usize) -> impl Strategy<Value = Entries> {
    prop::collection::vec((a_name(), prop::sample::select(kinds)), least..10)
}

fn is_blocked(set: &RuleSet, name: &str) -> bool {
    matches!(set.lookup(&DomainName::from_text(name.as_bytes()).unwrap()), Verdict::Block(_))
}

/// Compares what the lists say of names with what comes back of a format.
fn compare(row: &Row, block: &Entries, allow: &Entries, asked: &[String]) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let sources = sources(dir.path(), block, allow);
    let (set, _) = load_set(&sources).unwrap();
    let lists = Lists::load(&sources).unwrap();
    let options = options(row.target);
    let export = Export::new(&lists, &options).unwrap();
    let mut text = Vec::new();
    export.write(&mut text).unwrap();
    let again = read_again(row, &text);
    let notes: Vec<String> = export.notes().collect();
    prop_assert!(!WHOLE.contains(&row.target) || notes.is_empty(), "{:?}: {:?}", row.target, notes);
    for name in asked.iter().chain(block.iter().chain(allow).map(|(name, _)| name)) {
        let (meant, is) = (is_blocked(&set, name), is_blocked(&again, name));
        if row.alone {
            // Each listed name that no allow covers, whatever stands above it.
            let listed = block.iter().any(|(own, kind)| own == name && kind.action(Action::Block) == Action::Block);
            prop_assert!(is || !(meant && listed), "{:?} {}", row.target, name);
            continue;
        }
        prop_assert!(meant || !is, "{:?} blocks {}", row.target, name);
        let told = notes
            .iter()
            .filter_map(|note| note.split(' ').next())
            .any(|own| name == own || name.ends_with(&format!(".{own}")));
        prop_assert!(is || !meant || told, "{:?} does not block {}: {:#?}", row.target, name, notes);
    }
    Ok(())
}

proptest! {
    #[test]
    fn whole_names_come_back_in_every_format(
        block in entries(&[Kind::Covers, Kind::Allow], 1),
        allow in entries(&[Kind::Covers], 0),
        asked in prop::collection::vec(a_name(), 10),
    ) {
        FORMATS.iter().try_for_each(|row| compare(row, &block, &allow, &asked))?;
    }

    #[test]
    fn every_kind_comes_back_where_the_format_can_say_it(
        block in entries(&Kind::ALL, 1),
        allow in entries(&Kind::ALL, 0),
        asked in prop::collection::vec(a_name(), 10),
    ) {
        FORMATS.iter().filter(|row| row.kinds).try_for_each(|row| compare(row, &block, &allow, &asked))?;
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
        let options = options(row.target);
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
