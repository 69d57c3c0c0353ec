//! `check`, and how `run` refuses what `check` finds.

use super::{Files, run};

const CONFIG: &str = r#"[sensor]
jurisdictions = ["PL"]
[legal]
basis = "Gambling Act, article 15f"
reference = "Order 7/2026"
contact = "noc@isp.test"
review_date = 2999-01-01
scope = ["dns", "tls"]

[capture]
interfaces = ["lo"]

[[rules]]
list = "demo"
path = "list.txt"
authority = "Test authority"
jurisdictions = ["PL"]
legal_basis = "Gambling Act"
reference = "Register 1"

[output.events]
path = "events.jsonl"

[http]
listen = "127.0.0.1:0"
"#;

fn files() -> Files {
    let files = Files::new();
    files.write("list.txt", "casino.example\n");
    files
}

#[test]
fn a_good_configuration_is_good() {
    let files = files();
    let ran = run(&["check", "--config", &files.write("stakeout.toml", CONFIG)]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert!(ran.out.ends_with("stakeout.toml: good, 1 list with 1 rule, 0 warnings\n"), "{}", ran.out);
}

#[test]
fn everything_wrong_is_told_at_once_with_its_line() {
    let files = files();
    let broken = CONFIG
        .replace("\"tls\"", "\"smtp\"")
        .replace("list.txt", "missing.txt")
        .replace("interfaces", "interfacs")
        .replace("contact = \"noc@isp.test\"\n", "");
    let path = files.write("stakeout.toml", broken);
    let ran = run(&["check", "--config", &path]);
    assert_eq!(ran.code, 2);
    for (line, words) in [(3, "contact"), (7, "smtp"), (10, "interfacs"), (14, "missing.txt")] {
        let place = format!("{path}:{line}:");
        let told = ran.out.lines().any(|l| l.starts_with(&place) && l.contains("error: ") && l.contains(words));
        assert!(told, "no error about {words} in line {line}:\n{}", ran.out);
    }
}

#[test]
fn the_legal_block_is_required() {
    let files = files();
    let (_, rest) = CONFIG.split_once("\n\n").unwrap();
    let path = files.write("stakeout.toml", rest);
    let ran = run(&["check", "--config", &path]);
    assert!(ran.code == 2 && ran.out.contains("legal"), "{}", ran.out);
    // `run` makes the same check first and does not start.
    let ran = run(&["run", "--config", &path]);
    assert!(ran.code == 2 && ran.out.is_empty() && ran.err.contains("legal"), "{ran:?}");
}

#[test]
fn damaged_toml_and_no_file_at_all() {
    let files = files();
    let path = files.write("stakeout.toml", "[legal\nbasis = 1\n");
    let ran = run(&["check", "--config", &path]);
    assert!(ran.code == 2 && ran.out.contains(&format!("{path}:1:")), "{}", ran.out);
    for command in ["check", "run"] {
        let ran = run(&[command, "--config", "/no/such/stakeout.toml"]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{command}");
        assert!(ran.err.contains("/no/such/stakeout.toml"), "{}", ran.err);
    }
}

#[test]
fn the_shipped_configuration_has_only_the_surroundings_against_it() {
    let path = format!("{}/packaging/stakeout.toml", env!("CARGO_MANIFEST_DIR"));
    let ran = run(&["check", "--config", &path]);
    for line in ran.out.lines().filter(|l| l.contains(": error: ")) {
        assert!(line.contains("/etc/stakeout/rules/") || line.contains("/var/log/stakeout"), "{line}");
    }
}
