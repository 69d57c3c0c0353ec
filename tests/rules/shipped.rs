//! What the project ships in `rules/`.

use std::collections::BTreeSet;
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

#[test]
fn the_catalogue_is_complete_and_its_words_are_the_known_ones() {
    let text = std::fs::read_to_string(shipped("sources.toml")).unwrap();
    let catalogue: toml::Table = text.parse().unwrap();
    let sources = catalogue["source"].as_array().unwrap();
    assert!(sources.len() >= 20);
    let mut ids = BTreeSet::new();
    for source in sources {
        let source = source.as_table().unwrap();
        let text =
            |key: &str| source.get(key).and_then(toml::Value::as_str).unwrap_or_else(|| panic!("{key}: {source}"));
        assert!(ids.insert(text("id")), "{} twice", text("id"));
        let jurisdiction = text("jurisdiction");
        assert!(jurisdiction.len() == 2 && jurisdiction.bytes().all(|b| b.is_ascii_uppercase()), "{jurisdiction}");
        assert!(text("id").starts_with(&format!("{}-", jurisdiction.to_lowercase())));
        assert!(["blocklist", "licensed"].contains(&text("kind")));
        assert!(!text("authority").is_empty() && !text("name").is_empty() && !text("notes").is_empty());
        let readable = source["readable"].as_bool().unwrap();
        assert_eq!(
            readable,
            ["plain", "hosts", "adblock", "ublacklist", "dnsmasq", "unbound", "rpz", "polish-register"]
                .contains(&text("format")),
            "{}",
            text("id")
        );
        if let Some(url) = source.get("url") {
            assert!(url.as_str().unwrap().starts_with("https://"));
        }
        let known = ["id", "name", "jurisdiction", "authority", "kind", "url", "format", "readable", "notes"];
        assert!(source.keys().all(|key| known.contains(&key.as_str())), "{source}");
    }
}
