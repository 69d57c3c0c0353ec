//! The configuration file. It is checked as `stakeout check` does, from a directory of its own. What must hold: no
//! panic, every problem lies in the file, and a configuration comes out exactly if no problem is an error.
//!
//! The check looks at files that the configuration names, so inputs whose paths could lead out of that directory are
//! passed over: those with a backslash (TOML's escapes) or a slash that is not that of an address range.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::civil::date;
use libfuzzer_sys::{Corpus, fuzz_target};
use stakeout::control::check::{RuleSummary, check};

static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join("stakeout-fuzz-config");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("list.txt"), "casino.example\n").unwrap();
    directory
});

fuzz_target!(|text: &[u8]| -> Corpus {
    let stays = |at: usize| {
        let before = at.checked_sub(1).map(|before| text[before]);
        let after = text.get(at + 1);
        before.is_some_and(|b| b.is_ascii_hexdigit() || b == b':') && after.is_some_and(u8::is_ascii_digit)
    };
    if text.contains(&b'\\') || text.iter().enumerate().any(|(at, b)| *b == b'/' && !stays(at)) {
        return Corpus::Reject;
    }
    let file = DIRECTORY.join(format!("config-{}.toml", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let list = RuleSummary { rules: 1, rejected: 0, first_rejected: None };
    let report = check(&file, date(2026, 6, 1), &|_| Ok(list.clone())).unwrap();
    assert_eq!(report.config.is_some(), report.errors() == 0);
    let mut shown = Vec::new();
    report.write_to(&mut shown).unwrap();
    assert!(!shown.is_empty());
    Corpus::Keep
});
