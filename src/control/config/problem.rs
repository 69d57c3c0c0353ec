//! What is wrong with a configuration, where, and what to do about it.

use std::collections::BTreeSet;
use std::fmt;

/// How bad a problem is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The daemon does not start.
    Error,
    /// The daemon starts, but somebody should look.
    Warning,
}

/// One problem, placed in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// `LINE:COL: error: message; what to do`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}: {severity}: {}", self.line, self.column, self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// The place of a problem that is about no line: something is not there. It is told at the start of the file.
pub(in crate::control) const WHOLE_FILE: usize = usize::MAX;

/// Collects problems by their octet offset in `text`.
#[derive(Debug)]
pub(in crate::control) struct Problems<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    /// With the offset each was told at.
    found: Vec<(usize, Problem)>,
}

impl<'t> Problems<'t> {
    pub(in crate::control) fn new(text: &'t str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Problems { text, line_starts, found: Vec::new() }
    }

    /// Line and column, from 1, of an octet offset; an offset past the end is taken for the end.
    pub(in crate::control) fn place(&self, at: usize) -> (usize, usize) {
        let at = if at == WHOLE_FILE { 0 } else { at.min(self.text.len()) };
        let line = self.line_starts.partition_point(|start| *start <= at);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..at).unwrap_or("");
        (line, before.trim_start_matches('\u{feff}').chars().count() + 1)
    }

    fn push(&mut self, at: usize, severity: Severity, message: String, help: String) {
        let (line, column) = self.place(at);
        self.found.push((at, Problem { line, column, severity, message, help }));
    }

    pub(in crate::control) fn error(&mut self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, Severity::Error, message.into(), help.into());
    }

    pub(in crate::control) fn warning(&mut self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, Severity::Warning, message.into(), help.into());
    }

    /// The lines that already have a problem.
    pub(in crate::control) fn lines(&self) -> BTreeSet<usize> {
        self.found.iter().map(|(_, p)| p.line).collect()
    }

    /// Adds what `other` found in a mended copy of the text, at the offsets that `original` gives; except on the lines
    /// given, where a syntax error made nonsense of the value.
    pub(in crate::control) fn absorb(
        &mut self,
        other: Problems<'_>,
        original: impl Fn(usize) -> usize,
        except_lines: &BTreeSet<usize>,
    ) {
        for (at, problem) in other.found {
            let at = if at == WHOLE_FILE { at } else { original(at) };
            if at == WHOLE_FILE || !except_lines.contains(&self.place(at).0) {
                self.push(at, problem.severity, problem.message, problem.help);
            }
        }
    }

    /// All of them in the order of the file.
    pub(in crate::control) fn into_sorted(mut self) -> Vec<Problem> {
        // `WHOLE_FILE` comes first.
        self.found.sort_by_key(|(at, p)| (at.wrapping_add(1), p.severity));
        let mut problems: Vec<_> = self.found.into_iter().map(|(_, p)| p).collect();
        problems.dedup();
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let p = Problems::new("\u{feff}a = 1\nżółć = 2\n\nz");
        for (needle, place) in [("a = 1", (1, 1)), ("= 1", (1, 3)), ("żółć", (2, 1)), ("= 2", (2, 6)), ("z", (4, 1))]
        {
            assert_eq!(p.place(p.text.find(needle).unwrap()), place, "{needle}");
        }
        assert_eq!((p.place(9999), p.place(WHOLE_FILE)), ((4, 2), (1, 1)));
        assert_eq!(Problems::new("").place(0), (1, 1));
    }

    #[test]
    fn problems_are_told_in_the_order_of_the_file() {
        let mut p = Problems::new("a\nb\n");
        p.warning(2, "late", "");
        p.error(0, "early", "do this");
        let shown: Vec<_> = p.into_sorted().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["1:1: error: early; do this", "2:1: warning: late"]);
    }
}
