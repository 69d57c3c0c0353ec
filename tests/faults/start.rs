//! When the daemon must not start, and what it says then. It ends before it opens an interface, so this needs no root.

use std::fs;
use std::path::Path;

use crate::commands::stakeout;
use crate::lab::daemon::Settings;
use crate::lab::namespace::{inside, run_inside};

/// The configuration after a change to its text; exit code and what was said.
fn run(dir: &Path, settings: &Settings, change: impl FnOnce(String) -> String) -> (i32, String) {
    let file = settings.write(dir);
    let text = change(fs::read_to_string(&file).unwrap());
    fs::write(&file, text).unwrap();
    let (code, out, err) = stakeout(dir, &["run", "--config", "stakeout.toml"], None);
    assert_eq!(out, "", "standard output is for results");
    (code, err)
}

#[test]
fn without_a_legal_ground_it_does_not_start_and_says_what_is_wanted() {
    let temp = tempfile::tempdir().unwrap();
    let settings = Settings::new(temp.path());
    let (code, said) = run(temp.path(), &settings, |text| {
        let (before, rest) = text.split_once("[legal]").unwrap();
        format!("{before}[capture]{}", rest.split_once("[capture]").unwrap().1)
    });
    assert_eq!(code, 2, "{said}");
    for word in ["legal", "basis", "reference", "contact", "review_date", "scope"] {
        assert!(said.contains(word), "{word} is not in: {said}");
    }
    for key in ["basis", "reference", "contact", "review_date", "scope"] {
        let (code, said) = run(temp.path(), &settings, |text| {
            text.lines().filter(|l| !l.starts_with(&format!("{key} ="))).map(|l| format!("{l}\n")).collect()
        });
        assert!(code == 2 && said.contains(key), "without {key}: {code} {said}");
    }
    let (code, said) = run(temp.path(), &Settings { scope: "[]", ..settings }, |text| text);
    assert!(code == 2 && said.contains("scope"), "an empty scope: {code} {said}");
}

#[test]
fn with_bad_rules_it_does_not_start() {
    let temp = tempfile::tempdir().unwrap();
    for block in ["", "# nothing but a remark\n", "\0\x01\x02\x03"] {
        let settings = Settings { block: block.to_owned(), ..Settings::new(temp.path()) };
        let (code, said) = run(temp.path(), &settings, |text| text);
        assert!(code == 2 && said.contains("block.txt"), "{block:?}: {code} {said}");
    }
    let (code, said) = run(temp.path(), &Settings::new(temp.path()), |text| {
        text.replace("path = \"block.txt\"", "path = \"none.txt\"")
    });
    assert!(code == 2 && said.contains("none.txt"), "{code} {said}");
    fs::create_dir(temp.path().join("folder.txt")).unwrap();
    let (code, said) =
        run(temp.path(), &Settings::new(temp.path()), |text| text.replace("\"block.txt\"", "\"folder.txt\""));
    assert!(code == 2 && said.contains("folder.txt"), "{code} {said}");
}

#[test]
fn without_a_place_for_events_it_does_not_start() {
    let temp = tempfile::tempdir().unwrap();
    let (code, said) = run(temp.path(), &Settings::new(&temp.path().join("nowhere")), |text| text);
    assert!((code == 2 || code == 3) && said.contains("nowhere"), "{code} {said}");
    let (code, said) = run(temp.path(), &Settings::new(temp.path()), |text| text.replace("events.jsonl", ""));
    assert!((code == 2 || code == 3) && said.contains("output.events"), "{code} {said}");
}

#[test]
fn a_configuration_that_is_none_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    fs::create_dir(dir.join("folder")).unwrap();
    fs::write(dir.join("binary"), [0xff, 0, 0xfe, 1, 2]).unwrap();
    fs::write(dir.join("empty"), "").unwrap();
    fs::write(dir.join("huge"), "# remark\n".repeat(200_000)).unwrap();
    fs::write(dir.join("nested"), "a = ".to_owned() + &"[".repeat(100_000)).unwrap();
    for (file, codes) in [
        ("folder", [3, 3]),
        ("missing", [3, 3]),
        ("binary", [2, 2]),
        ("empty", [2, 2]),
        ("huge", [2, 3]),
        ("nested", [2, 2]),
    ] {
        for command in ["run", "check"] {
            let (code, out, err) = stakeout(dir, &[command, "--config", file], None);
            assert!(codes.contains(&code), "{command} {file}: {code} {out}{err}");
            assert!(
                format!("{out}{err}").contains(file) && out.len() + err.len() < 20_000,
                "{command} {file}: {out}{err}"
            );
        }
    }
}

#[test]
fn an_interface_without_permission_is_told() {
    run_inside("start::inside_without_permission");
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_without_permission() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let config = Settings::new(temp.path()).write(temp.path());
    let run = std::process::Command::new("setpriv")
        .args(["--bounding-set=-net_raw", env!("CARGO_BIN_EXE_stakeout"), "run", "--config"])
        .arg(config)
        .output();
    let Ok(run) = run else { return crate::lab::skip("needs `setpriv`") };
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(3), "{said}");
    assert!(said.contains("CAP_NET_RAW"), "{said}");
}
