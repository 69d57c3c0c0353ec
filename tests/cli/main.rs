//! The commands as a user types them: the real program, its output, its words and its exit codes.

mod check;
mod demo;
mod frames;
mod generated;
mod help;
mod observe;
mod rules;
mod rules_build;
mod rules_bundles;
mod rules_export;
mod rules_impact;
mod rules_store;
mod scan;
mod size;
mod working_day;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program, to be given arguments.
fn stakeout() -> Command {
    Command::new(env!("CARGO_BIN_EXE_stakeout"))
}

/// What a run of the program gave.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Ran {
            code: output.status.code().expect("ended by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Standard output as JSON lines.
    fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }
}

/// Runs the program with nothing on standard input.
fn run(words: &[&str]) -> Ran {
    Ran::of(stakeout().args(words).stdin(Stdio::null()).output().unwrap())
}

/// Runs the program with octets on standard input.
fn run_with_input(words: &[&str], input: &[u8]) -> Ran {
    let mut child =
        stakeout().args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Small enough for the pipe, or the program reads it before it writes much; a program that stops reading early
    // makes this fail, which is its right.
    let _ = stdin.write_all(input);
    drop(stdin);
    Ran::of(child.wait_with_output().unwrap())
}

/// A directory for one test's files.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Files(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and gives its path.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path: PathBuf = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}
