//! Bad files on the command line: a clear message and the documented exit code, whatever the file is.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::captures::pcap;

/// Runs the program in `dir` with its standard input from `input`; it must end by itself, and not by a panic.
pub(crate) fn stakeout(dir: &Path, args: &[&str], input: Option<&[u8]>) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stakeout"))
        .args(args)
        .current_dir(dir)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(File::create(dir.join("stdout")).unwrap())
        .stderr(File::create(dir.join("stderr")).unwrap())
        .spawn()
        .unwrap();
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        // It may well end before it has read everything.
        let _ = stdin.write_all(input);
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{args:?} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |name: &str| String::from_utf8_lossy(&fs::read(dir.join(name)).unwrap()).into_owned();
    let (out, err) = (read("stdout"), read("stderr"));
    let code = status.code().unwrap_or_else(|| panic!("{args:?}: {status}\n{err}"));
    assert!(code != 101 && !err.contains("panicked"), "{args:?}: {code}\n{err}");
    (code, out, err)
}

/// Files that are none: name, whether opening or reading fails (else the content is what is wrong), and octets.
fn bad_files(dir: &Path) -> Vec<(&'static str, bool)> {
    let noise: Vec<u8> = (0..5_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (name, octets) in
        [("empty", &[][..]), ("binary", &noise), ("zeros", &[0; 4096]), ("text", b"hello, world\x07\n")]
    {
        fs::write(dir.join(name), octets).unwrap();
    }
    fs::create_dir(dir.join("folder")).unwrap();
    vec![("empty", false), ("binary", false), ("zeros", false), ("folder", true), ("missing", true)]
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    fs::write(dir.join("list"), "casino.example\n").unwrap();
    let mut files = bad_files(dir);
    files.push(("text", false));
    for (file, unreadable) in files {
        for args in [vec!["observe", file], vec!["scan", "--format", "jsonl", "--rules", "list", file]] {
            let (code, out, err) = stakeout(dir, &args, None);
            assert_eq!(code, if unreadable { 3 } else { 1 }, "{args:?}: {err}");
            assert!(err.contains(&format!("{file}:")) && out.is_empty(), "{args:?}: {out}{err}");
        }
    }
    // The others are read all the same.
    fs::write(dir.join("good"), pcap().0).unwrap();
    let (code, out, err) = stakeout(dir, &["observe", "empty", "folder", "good", "missing"], None);
    assert_eq!(code, 3, "{err}");
    assert!(out.lines().count() > 8 && err.lines().count() == 3, "{err}");
}

#[test]
fn damaged_captures_are_read_as_far_as_they_go_and_said_to_be_damaged() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let (file, ends) = pcap();
    fs::write(dir.join("good"), &file).unwrap();
    let (code, whole, err) = stakeout(dir, &["observe", "good"], None);
    assert_eq!((code, err.as_str()), (0, ""));
    for cut in [24, 30, ends[1], ends[2] + 16, ends[5] - 1, file.len() - 1] {
        let (code, out, err) = stakeout(dir, &["observe", "-"], Some(&file[..cut]));
        let at_an_end = ends.contains(&cut);
        assert_eq!(code, i32::from(!at_an_end), "cut at {cut}: {err}");
        assert_eq!(err.is_empty(), at_an_end, "cut at {cut}: {err}");
        assert!(whole.starts_with(&out) || !at_an_end, "cut at {cut}");
        assert!(out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "cut at {cut}: {out}");
    }
    let (code, out, _) = stakeout(dir, &["observe", "-"], Some(&file));
    assert_eq!((code, out), (0, whole));
}

#[test]
fn outputs_that_fail_are_told_by_the_exit_code() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    fs::write(dir.join("good"), pcap().0).unwrap();
    fs::write(dir.join("list"), "casino.example\n").unwrap();
    for args in [&["observe", "good"][..], &["scan", "--rules", "list", "--format", "jsonl", "good"], &["demo"]] {
        let run = |out: Stdio| -> Output {
            Command::new(env!("CARGO_BIN_EXE_stakeout")).args(args).current_dir(dir).stdout(out).output().unwrap()
        };
        let full = run(File::options().write(true).open("/dev/full").unwrap().into());
        let said = String::from_utf8_lossy(&full.stderr).into_owned();
        assert_eq!(full.status.code(), Some(3), "{args:?}: {said}");
        assert!(said.contains("No space left") && !said.contains("panicked"), "{args:?}: {said}");
    }
    // A reader that has seen enough, as `head`, is no failure.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let closed = Command::new(env!("CARGO_BIN_EXE_stakeout"))
        .args(["observe", "good"])
        .current_dir(dir)
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(closed.status.code(), Some(0), "{}", String::from_utf8_lossy(&closed.stderr));
}

/// Rule files that must not be taken, and one that is taken but for its worst lines.
fn rule_files(dir: &Path) -> Vec<(&'static str, bool)> {
    let mut files = bad_files(dir);
    fs::write(dir.join("one-line"), "a".repeat(10 << 20)).unwrap();
    fs::write(dir.join("one-name"), ["a.".repeat(5 << 20).as_str(), "example"].concat()).unwrap();
    fs::write(dir.join("unclosed.xml"), format!("<Rejestr><PozycjaRejestru><AdresDomeny>{}", "x".repeat(1 << 20)))
        .unwrap();
    fs::write(dir.join("nested.xml"), "<a>".repeat(1 << 20)).unwrap();
    files.extend(["one-line", "one-name", "unclosed.xml", "nested.xml"].map(|f| (f, false)));
    files
}

#[test]
fn rule_files_that_are_none_are_refused_with_a_reason() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    fs::write(dir.join("good"), pcap().0).unwrap();
    for (file, unreadable) in rule_files(dir) {
        let (code, out, err) = stakeout(dir, &["rules", "lint", file], None);
        assert_eq!(code, if unreadable { 3 } else { 1 }, "lint {file}: {out}{err}");
        assert!(format!("{out}{err}").contains(&format!("{file}:")), "lint {file}: {out}{err}");
        assert!(out.len() + err.len() < 10_000, "lint {file} prints {} octets", out.len() + err.len());
        for args in [vec!["scan", "--rules", file, "good"], vec!["rules", "test", "--rules", file, "a.example"]] {
            let (code, out, err) = stakeout(dir, &args, None);
            assert!(code == 2 || code == 3, "{args:?}: {code} {err}");
            assert!(err.contains(&format!("{file}:")) && out.is_empty() && err.len() < 10_000, "{args:?}: {out}{err}");
        }
    }
}

#[test]
fn names_of_64_kib_among_good_ones_are_rejected_alone() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    let long = |unit: &str| unit.repeat((64 << 10) / unit.len());
    let text =
        format!("first.example\n{}.example\n{}example\n{}\nlast.example\n", long("x"), long("y."), long("\u{e9}"));
    fs::write(dir.join("list"), text).unwrap();
    let (code, out, err) = stakeout(dir, &["rules", "lint", "list"], None);
    assert_eq!(code, 1, "{err}");
    assert!(out.starts_with("2 rules\n"), "{}", out.chars().take(200).collect::<String>());
    assert!(out.len() + err.len() < 10_000);
    let (code, out, _) =
        stakeout(dir, &["rules", "test", "--rules", "list", "www.last.example", "first.example", "y.example"], None);
    assert_eq!(code, 1, "lines of the list were rejected");
    assert_eq!(
        out,
        "www.last.example: block by last.example\nfirst.example: block by first.example\ny.example: no match\n"
    );
}

#[test]
fn names_of_64_kib_on_the_command_line_are_no_trap() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("list"), "casino.example\n").unwrap();
    for name in ["x".repeat(64 << 10), "x.".repeat(32 << 10), format!("{}casino.example", "x.".repeat(30 << 10))] {
        let (code, out, err) = stakeout(temp.path(), &["rules", "test", "--rules", "list", &name], None);
        assert!(code <= 2, "{code}: {}", err.chars().take(300).collect::<String>());
        assert!(!out.contains("block by"));
    }
}
