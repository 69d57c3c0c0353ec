//! The working day of docs/security-staff.md, command by command: what the page shows is what the program prints.
//!
//! In the page `…` stands for what differs from day to day: times, hashes, a machine's paths.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Files, run};

/// A command of the page, with what it prints.
struct Step {
    command: String,
    printed: Vec<String>,
}

/// Everything that stands in the code blocks of the section.
fn steps() -> Vec<Step> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security-staff.md")).unwrap();
    let (_, day) = page.split_once("\n## A working day\n").expect("the section");
    let day = day.split("\n## ").next().unwrap();
    let mut steps: Vec<Step> = Vec::new();
    for line in day.lines().filter_map(|line| line.strip_prefix("    ")) {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.into(), printed: Vec::new() }),
            (None, Some(step)) if step.command.ends_with('\\') => {
                step.command.pop();
                step.command.push_str(line.trim_start());
            }
            (None, Some(step)) => step.printed.push(line.into()),
            (None, None) => panic!("output without a command: {line}"),
        }
    }
    steps
}

/// Whether a line is what the page shows, `…` standing for anything.
fn fits(shown: &str, printed: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
        last = Some(part);
    }
    // Without `…` at its end the line must end there.
    rest.is_empty() || last == Some("")
}

#[test]
fn the_page_shows_what_happens() {
    let files = Files::new();
    let names: String = (1..=60).map(|n| format!("golden-dice{n}.example\n")).collect();
    files.write("gespa.txt", format!("# Sperrliste, version 41\n{names}bets.example\n"));
    files.write("gb.txt", "bets.example\n");
    files.write("letter.pdf", "a letter\n");
    files.write(
        "queries.log",
        "golden-dice7.example\nwww.casino-fjord.example\nwww.casino-fjord.example\nnews.example\n",
    );
    for key in ["anna", "bert", "rules"] {
        let (secret, public) = (files.path().join(format!("{key}.key")), files.path().join(format!("{key}.pub")));
        let words = ["rules", "keygen", "--no-password", "--secret-key", secret.to_str().unwrap(), "--public-key"];
        assert_eq!(run(&[&words[..], &[public.to_str().unwrap()]].concat()).code, 0);
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_stakeout")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let steps = steps();
    assert!(steps.len() > 15, "{}", steps.len());
    for Step { command, printed } in steps {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{command} 2>&1")]).current_dir(files.path()).stdin(Stdio::null());
        shell.env("PATH", &path).env("STAKEOUT_STORE", "store").env("STAKEOUT_WHO", "dora");
        shell.env_remove("STAKEOUT_KEY_PASSWORD");
        let out = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        // An empty line would end the block in the page.
        let lines: Vec<&str> = out.lines().filter(|line| !line.trim().is_empty()).collect();
        let same = lines.len() == printed.len() && lines.iter().zip(&printed).all(|(out, shown)| fits(shown, out));
        assert!(same, "$ {command}\nprints\n{out}\nand the page shows\n{}", printed.join("\n"));
    }
}

#[test]
fn dots_stand_for_what_differs() {
    assert!(fits("a … c", "a b c") && fits("a …", "a b") && fits("… c", "b c") && fits("abc", "abc"));
    assert!(!fits("a … c", "a b d") && !fits("abc", "abcd") && !fits("b …", "a b") && !fits("a … c", "a b cd"));
}
