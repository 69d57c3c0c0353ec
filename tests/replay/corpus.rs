//! Real captures with the names that are in them, where somebody has them in `../shared/corpus/dev`: its own script
//! compares, with the thresholds that the project is held to.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The corpus, or none with a loud word.
fn corpus() -> Option<PathBuf> {
    // A git worktree may lie one folder deeper than the project itself.
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let found = ["../shared/corpus", "../../shared/corpus"]
        .iter()
        .map(|dir| root.join(dir))
        .find(|dir| dir.join("check.py").exists() && dir.join("dev/truth").is_dir());
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let usable = found.filter(|_| python.is_ok_and(|status| status.success()));
    if usable.is_none() {
        // Past the test harness, which would swallow it.
        let _ =
            writeln!(std::io::stderr(), "SKIPPED: no ../shared/corpus/dev or no python3, so no test on real captures");
    }
    usable
}

fn check(thresholds: &[&str]) {
    let Some(corpus) = corpus() else { return };
    let observe = format!("'{}' observe {{}}", env!("CARGO_BIN_EXE_stakeout"));
    // A time-out is for hangs, not for a busy machine.
    let output = Command::new("python3")
        .arg(corpus.join("check.py"))
        .arg(corpus.join("dev"))
        .args([observe.as_str(), "--timeout", "60"])
        .args(thresholds)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("\nPASS") && said.contains("bad lines 0"), "{said}");
}

#[test]
fn real_captures_overall() {
    check(&["--min-recall", "0.995", "--min-precision", "0.995", "--min-mean-recall", "0.98"]);
}

#[test]
fn real_captures_by_protocol() {
    check(&["--each", "--min-recall", "0.97", "--min-precision", "0.98"]);
}
