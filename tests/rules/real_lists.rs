//! Real published lists, where the person who runs the tests has them in `../shared/lists`: each is counted a second
//! time by the simplest means, and every name of it must be found.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stakeout::matching::{Format, Found, ListMeta, RuleSetBuilder, Verdict, load_file};
use stakeout::model::{Action, DomainName};

/// The list's path, or none with a loud word.
pub(crate) fn real(file: &str) -> Option<PathBuf> {
    // A git worktree may lie one folder deeper than the project itself.
    let path = ["../shared/lists", "../../shared/lists"]
        .iter()
        .map(|dir| Path::new(env!("CARGO_MANIFEST_DIR")).join(dir).join(file))
        .find(|path| path.exists());
    if path.is_none() {
        // Past the test harness, which would swallow it.
        let _ = writeln!(std::io::stderr(), "SKIPPED: no ../shared/lists/{file}, so no test against this real list");
    }
    path
}

/// Distinct words that look like a host of two labels or more, lower case, the first `skip` words of a line left out.
fn simple_count(text: &str, skip: usize) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.split_whitespace().nth(skip))
        .filter(|word| word.contains('.') && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)))
        .map(str::to_ascii_lowercase)
        .collect()
}

fn check(file: &str, found: Found, skip: usize, at_least: usize, rejected_at_most: u64) {
    let Some(path) = real(file) else { return };
    let list = load_file(&path, Format::Auto).unwrap();
    let expected = simple_count(&std::fs::read_to_string(&path).unwrap(), skip);
    let counts = list.facts().counts;
    let shown: Vec<_> = list.facts().rejections.iter().map(ToString::to_string).collect();
    assert!(counts.rejected <= rejected_at_most, "{file}: {shown:#?}");
    assert_eq!(counts.rules + counts.rejected, expected.len() as u64, "{file}: {counts:?} {shown:#?}");
    assert!(expected.len() >= at_least && list.facts().format == found, "{file}: {}, {:?}", expected.len(), found);

    let refused: BTreeSet<String> = list.facts().rejections.iter().map(|r| r.text.to_ascii_lowercase()).collect();
    let mut builder = RuleSetBuilder::new();
    builder.add_list(ListMeta { name: Arc::from(file), action: Action::Block }, list);
    let set = builder.build().unwrap();
    for text in expected.difference(&refused) {
        let sub = DomainName::from_text(format!("www.{text}").as_bytes()).unwrap();
        assert!(matches!(set.lookup(&sub), Verdict::Block(_)), "{file}: {text}");
        let glued = DomainName::from_text(format!("x{text}").as_bytes()).unwrap();
        if let Verdict::Block(rule) = set.lookup(&glued) {
            assert!(glued.is_within(&rule.pattern()), "{file}: {text}");
        }
    }
}

#[test]
fn plain_lists_load_whole() {
    check("ee-plain.txt", Found::Plain, 0, 1_892, 0);
    check("cz-plain.txt", Found::Plain, 0, 700, 0);
    check("id-plain.txt", Found::Plain, 0, 88_000, 0);
    // One line of it is an address.
    check("vn-plain.txt", Found::Plain, 0, 65_000, 1);
}

#[test]
fn the_hosts_list_loads_whole() {
    check("gambling.hosts", Found::Hosts, 1, 2_600, 0);
}
