//! The table of `docs/list-syntaxes.md` that says what decides, row by row, from lists of text and from the prebuilt set of
//! them.

use std::path::Path;

use stakeout::matching::{ListSource, RuleSet, load_set, save};
use stakeout::model::{Action, DomainName};

/// The rows of the table: what stands between backticks in each cell.
fn rows() -> Vec<Vec<Vec<String>>> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/list-syntaxes.md")).unwrap();
    let (_, table) = page.split_once("| lists | allowed | asked | answer |\n").expect("the table");
    let row = |line: &str| {
        // A bar inside a cell has a backslash before it.
        let line = line.replace("\\|", "\u{1}");
        let cell = |cell: &str| cell.split('`').skip(1).step_by(2).map(|text| text.replace('\u{1}', "|")).collect();
        line.trim_matches('|').split('|').map(cell).collect()
    };
    table.lines().skip(1).take_while(|line| line.starts_with('|')).map(row).collect()
}

fn answer(set: &RuleSet, asked: &str) -> String {
    let asked = DomainName::from_text(asked.as_bytes()).unwrap();
    match set.lookup(&asked).rule() {
        Some(rule) => format!("{} by {}", rule.action().name(), rule.pattern()),
        None => "no match".into(),
    }
}

#[test]
fn every_row_of_the_table_is_true() {
    let rows = rows();
    assert!(rows.len() >= 20, "{}", rows.len());
    for row in rows {
        let [lists, allowed, asked, expected] = row.as_slice() else { panic!("{row:?}") };
        let dir = tempfile::tempdir().unwrap();
        let mut sources = Vec::new();
        for (name, lines, action) in [("block", lists, Action::Block), ("allow", allowed, Action::Allow)] {
            if !lines.is_empty() {
                let path = dir.path().join(name);
                std::fs::write(&path, lines.join("\n") + "\n").unwrap();
                sources.push(ListSource::of_file(path, action));
            }
        }
        let (set, _) = load_set(&sources).unwrap();
        assert_eq!(answer(&set, &asked[0]), expected[0], "{row:?}");
        let built = dir.path().join("set");
        save(&set, &built).unwrap();
        let (prebuilt, _) = load_set(&[ListSource::of_file(&built, Action::Block)]).unwrap();
        assert_eq!(answer(&prebuilt, &asked[0]), expected[0], "prebuilt: {row:?}");
        assert_eq!(prebuilt.len(), set.len());

        // Each line in a list of its own, the other way round: the answer is the same.
        let one = |(n, line): (usize, &String)| {
            let path = dir.path().join(format!("one{n}"));
            std::fs::write(&path, format!("{line}\n")).unwrap();
            ListSource::of_file(path, if n < lists.len() { Action::Block } else { Action::Allow })
        };
        let mut apart: Vec<ListSource> = lists.iter().chain(allowed).enumerate().map(one).collect();
        apart.reverse();
        let (set, _) = load_set(&apart).unwrap();
        assert_eq!(answer(&set, &asked[0]), expected[0], "apart: {row:?}");
    }
}
