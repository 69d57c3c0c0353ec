//! What the project ships in `rules/`.

use std::path::{Path, PathBuf};

use stakeout::matching::{Format, Found, ListSource, Verdict, load_file, load_set};
use stakeout::model::{Action, DomainName};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("rules").join(name)
}

fn name(text: &str) -> DomainName {
    DomainName::from_text(text.as_bytes()).unwrap()
}

#[test]
fn the_demo_lists_are_clean_and_invented() {
    for (file, format, rules) in [
        ("demo.txt", Found::Plain, 43),
        ("demo-allow.txt", Found::Plain, 3),
        ("demo-register.xml", Found::PolishRegister, 4),
    ] {
        let list = load_file(&shipped(file), Format::Auto).unwrap();
        assert_eq!((list.facts().format, list.facts().counts.rules), (format, rules), "{file}");
        assert_eq!((list.facts().counts.rejected, list.facts().counts.duplicates), (0, 0), "{file}");
        for (wire, line, _) in list.entries() {
            assert!(wire.ends_with(b"\x07example"), "{file}:{line} is not under .example");
        }
    }
}

#[test]
fn the_demo_lists_together_show_every_verdict() {
    let sources = [
        ListSource::of_file(shipped("demo.txt"), Action::Block),
        ListSource::of_file(shipped("demo-allow.txt"), Action::Allow),
    ];
    let (set, _) = load_set(&sources).unwrap();
    assert!(matches!(set.lookup(&name("www.golden-dice.example")), Verdict::Block(r) if &**r.list() == "demo.txt"));
    assert!(matches!(set.lookup(&name("chat.help.golden-dice.example")), Verdict::Allow(r) if r.line() == 4));
    assert!(matches!(set.lookup(&name("www.state-casino.example")), Verdict::Allow(_)));
    assert!(matches!(set.lookup(&name("example")), Verdict::NoMatch));
    assert!(matches!(set.lookup(&name("mega-jackpot.example")), Verdict::NoMatch));
}
