//! Completions and manual pages, which come from the same definitions as the help.

use super::{Files, run};

const COMMANDS: [&str; 8] = ["observe", "scan", "run", "check", "demo", "rules", "completions", "man"];

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(&["completions", shell]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        for word in COMMANDS.iter().chain(&["lint", "exit-code", "allow"]) {
            assert!(ran.out.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn bash_takes_its_completions() {
    let files = Files::new();
    let script = files.write("stakeout.bash", run(&["completions", "bash"]).out);
    let Ok(output) = std::process::Command::new("bash").args(["-n", &script]).output() else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_command_has_a_page() {
    let files = Files::new();
    // A directory that is not there yet.
    let dir = files.path().join("man1");
    assert_eq!(run(&["man", dir.to_str().unwrap()]).code, 0);
    let page = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let first = page("stakeout.1");
    assert!(first.starts_with(".ie") || first.contains(".TH stakeout 1"), "{first}");
    assert!(first.contains("Exit codes:"));
    for command in COMMANDS {
        let text = page(&format!("stakeout-{command}.1"));
        assert!(text.contains(".SH SYNOPSIS") && text.contains(".SH NAME"), "{command}: {text}");
    }
    assert!(page("stakeout-rules-lint.1").contains("stakeout rules lint"), "the page shows what to type");
    assert!(page("stakeout-rules-test.1").contains("licence beats every block"));
    assert!(page("stakeout-scan.1").contains("$ stakeout scan"));
    assert!(!dir.join("stakeout-help.1").exists());
}

#[test]
fn pages_that_cannot_be_written_are_a_failed_output() {
    let files = Files::new();
    let ran = run(&["man", &files.write("a-file", "")]);
    assert!(ran.code == 3 && ran.err.contains("a-file: manual pages cannot be written"), "{}", ran.err);
}
