//! Everything that is wrong with a configuration: in the file itself, and between the file and this machine.
//!
//! `stakeout check` prints the report; `stakeout run` makes the same report before it starts and refuses on any error.
//! Loading rule files is not this layer's business: the caller passes a function that does it.

mod surroundings;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::config::{Config, Draft, Problem, RuleSource, Severity};

/// A configuration is a page or two; a file of more octets than this is something else.
const MAX_CONFIG: u64 = 1 << 20;

/// What a rule file turned out to hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RuleSummary {
    /// Distinct rules.
    pub rules: usize,
    /// Entries that could not be used.
    pub rejected: usize,
    /// The first of those, as `line 7: …`.
    pub first_rejected: Option<String>,
}

/// The result of a check.
#[derive(Clone, PartialEq, Debug)]
pub struct CheckReport {
    /// The configuration file.
    pub file: PathBuf,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
    /// The configuration, if nothing that is wrong is an error.
    pub config: Option<Config>,
    /// Each list whose file could be loaded, with what it holds.
    pub lists: Vec<(String, RuleSummary)>,
}

/// The configuration file itself could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why not, and what to do.
    pub reason: String,
}

/// Checks the configuration in `file` on the local date `today`. `rule_check` loads one rule file and says what it
/// holds, or why it cannot be used; it is called once for each list whose file is there and can be read.
///
/// # Errors
/// The file cannot be read at all.
pub fn check(
    file: &Path,
    today: Date,
    rule_check: &dyn Fn(&RuleSource) -> Result<RuleSummary, String>,
) -> Result<CheckReport, Unreadable> {
    let octets = read_bounded(file).map_err(|reason| Unreadable { path: file.to_owned(), reason })?;
    let not_utf8 = std::str::from_utf8(&octets).err().map(|e| e.valid_up_to());
    let text = String::from_utf8_lossy(&octets);
    let base = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Absolute, so that the paths in the result hold wherever the daemon runs later.
    let base = std::path::absolute(base).unwrap_or_else(|_| base.to_owned());
    let mut draft = Draft::read(&text, &base);
    if let Some(at) = not_utf8 {
        draft.problems.error(at, "from here on this is not UTF-8 text", "save the file as UTF-8");
    }
    let lists = surroundings::examine(&mut draft, today, rule_check);
    let (problems, config) = draft.finish();
    Ok(CheckReport { file: file.to_owned(), problems, config, lists })
}

/// The octets of a regular file of bounded size.
fn read_bounded(file: &Path) -> Result<Vec<u8>, String> {
    let say = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => "there is no such file; name the configuration with --config".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission to read it; run as its owner, or change its mode".to_owned(),
        _ => e.to_string(),
    };
    let meta = std::fs::metadata(file).map_err(say)?;
    if meta.is_dir() {
        return Err("this is a directory; name the file in it".into());
    }
    let mut octets = Vec::new();
    std::fs::File::open(file).map_err(say)?.take(MAX_CONFIG + 1).read_to_end(&mut octets).map_err(say)?;
    if octets.len() as u64 > MAX_CONFIG {
        return Err(format!("longer than {MAX_CONFIG} octets, which no configuration is; name the right file"));
    }
    Ok(octets)
}

impl CheckReport {
    /// How many problems keep the daemon from starting.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|p| p.severity == Severity::Error).count()
    }

    /// How many problems do not.
    pub fn warnings(&self) -> usize {
        self.problems.len() - self.errors()
    }

    /// Writes one line for each problem, as `FILE:LINE:COL: error: message; what to do`, and a summary.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let file = self.file.display();
        for problem in &self.problems {
            writeln!(out, "{file}:{problem}")?;
        }
        let found = join_counts(self.errors(), self.warnings());
        if self.errors() > 0 {
            return writeln!(out, "{file}: {found}: `stakeout run` would not start");
        }
        let rules: usize = self.lists.iter().map(|(_, s)| s.rules).sum();
        writeln!(out, "{file}: good, {} with {}, {found}", count(self.lists.len(), "list"), count(rules, "rule"))
    }
}

fn join_counts(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, w) => count(w, "warning"),
        (e, 0) => count(e, "error"),
        (e, w) => format!("{} and {}", count(e, "error"), count(w, "warning")),
    }
}

fn count(n: impl Display + PartialEq<usize>, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
