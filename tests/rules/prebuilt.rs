//! The same answers from lists as they are and from the prebuilt set of them: real lists, where they are there, and
//! generated ones.

use std::path::{Path, PathBuf};

use stakeout::matching::{ListSource, RuleSet, load_set, save};
use stakeout::model::{Action, DomainName};

use crate::real_lists::real;

/// Everything that a look-up tells.
fn told(set: &RuleSet, name: &DomainName) -> String {
    format!("{:?} {:?}", set.lookup(name), set.lookup_all(name))
}

/// Names to ask: those of the lists themselves, under them, and beside them.
fn asked(lists: &[PathBuf]) -> Vec<DomainName> {
    let texts = lists.iter().map(|list| std::fs::read_to_string(list).unwrap());
    let words: Vec<String> =
        texts.flat_map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    let forms =
        words.iter().flat_map(|word| [word.clone(), format!("www.{word}"), format!("x{word}"), format!("{word}.test")]);
    forms.filter_map(|text| DomainName::from_text(text.as_bytes()).ok()).collect()
}

fn compare(lists: &[PathBuf], rules: u64) {
    let dir = tempfile::tempdir().unwrap();
    let sources: Vec<ListSource> = lists
        .iter()
        .enumerate()
        .map(|(i, list)| ListSource::of_file(list, if i % 3 == 2 { Action::Allow } else { Action::Block }))
        .collect();
    let (text, reports) = load_set(&sources).unwrap();
    let built = dir.path().join("set");
    save(&text, &built).unwrap();
    let (prebuilt, again) = load_set(&[ListSource::of_file(&built, Action::Block)]).unwrap();
    assert_eq!((prebuilt.len(), text.len() >= rules), (text.len(), true));
    for (report, again) in reports.iter().zip(&again) {
        assert_eq!((&report.source.name, report.source.action), (&again.source.name, again.source.action));
        assert_eq!((report.facts.sha256, report.facts.counts), (again.facts.sha256, again.facts.counts));
    }
    for name in asked(lists) {
        assert_eq!(told(&prebuilt, &name), told(&text, &name), "{name}");
    }
}

#[test]
fn real_lists_say_the_same_when_they_are_prebuilt() {
    let files = ["ee-plain.txt", "cz-plain.txt", "gambling.hosts", "id-plain.txt", "vn-plain.txt"];
    let Some(lists) = files.iter().map(|file| real(file)).collect::<Option<Vec<_>>>() else { return };
    compare(&lists, 155_000);
}

#[test]
fn generated_lists_say_the_same_when_they_are_prebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let write = |file: &str, names: &mut dyn Iterator<Item = String>| {
        let path = dir.path().join(file);
        std::fs::write(&path, names.map(|name| name + "\n").collect::<String>()).unwrap();
        path
    };
    // The same names in several lists, parents and children, and endings that are shared.
    let lists = [
        write("numbers", &mut (0..5_000).map(|i| format!("casino{i}.example"))),
        write("deep", &mut (0..5_000).map(|i| format!("a{}.b{}.c{i}.casino{}.example", i % 7, i % 11, i % 50))),
        write("allowed", &mut (0..500).map(|i| format!("c{i}.casino{}.example", i % 50))),
        write("again", &mut (0..5_000).step_by(3).map(|i| format!("casino{i}.example"))),
    ];
    compare(&lists, 12_000);
    let shipped = ["demo.txt", "demo-register.xml", "demo-allow.txt"];
    let shipped = shipped.map(|file| Path::new(env!("CARGO_MANIFEST_DIR")).join("rules").join(file));
    compare(&shipped, 50);
}
