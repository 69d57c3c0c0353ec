//! `stakeout rules`: look after lists before they are used.
//!
//! `lint` tells what a list holds and which of its lines are no rule; `test` tells what a set of lists says about a
//! name.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::matching::{
    Format, ListFacts, ListSource, Problem, RuleRef, RuleSet, Verdict, load_file, load_set, to_name,
};
use crate::model::{Action, DomainName};

/// Exit codes of this command, as the whole program documents them.
mod exit {
    pub(super) const DONE: u8 = 0;
    pub(super) const DAMAGED: u8 = 1;
    pub(super) const INPUT_FAILED: u8 = 3;
}

/// Check rule lists, and ask what they say about a name.
#[derive(Args, Debug, Clone)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Subcommand, Debug, Clone)]
enum RulesCommand {
    /// Tell how many rules a list holds, and which lines are not rules and why
    ///
    /// Prints `N rules` (each name once; a duplicate is no error), then a line for each thing that is no rule, then
    /// what else was counted. Exit code 0 if nothing was rejected, 1 if something was or the file is refused as a
    /// whole, 3 if it cannot be read.
    Lint(LintArgs),
    /// Tell what lists say about names
    ///
    /// Prints `NAME: block by RULE`, `NAME: allow by RULE` or `NAME: no match`. A listed name covers itself and every
    /// name under it; any allow beats every block; otherwise the most specific block is named.
    Test(TestArgs),
}

#[derive(Args, Debug, Clone)]
struct LintArgs {
    /// The list
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Format of the list
    #[arg(long, value_enum, default_value_t = FormatArg::Auto)]
    format: FormatArg,
}

#[derive(Args, Debug, Clone)]
struct TestArgs {
    /// A list of names to block; may be given several times
    #[arg(long = "rules", value_name = "FILE", required = true)]
    rules: Vec<PathBuf>,
    /// A list of names to allow, which beats every block; may be given several times
    #[arg(long = "allow", value_name = "FILE")]
    allow: Vec<PathBuf>,
    /// Also tell the list and the line of the rule, and the other rules that cover the name
    #[arg(long, short)]
    verbose: bool,
    /// Names to look up
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum FormatArg {
    /// Find out
    Auto,
    /// One name a line
    Plain,
    /// A hosts file: an address, then names
    Hosts,
    /// The XML of the register of the Polish Ministry of Finance
    PolishRegister,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Auto => Format::Auto,
            FormatArg::Plain => Format::Plain,
            FormatArg::Hosts => Format::Hosts,
            FormatArg::PolishRegister => Format::PolishRegister,
        }
    }
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(args: &RulesArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    match &args.command {
        RulesCommand::Lint(args) => lint(args, out, err),
        RulesCommand::Test(args) => test(args, out, err),
    }
}

fn lint(args: &LintArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    match load_file(&args.file, args.format.into()) {
        Ok(list) => {
            report(args, list.facts(), out)?;
            Ok(if list.facts().counts.rejected > 0 { exit::DAMAGED } else { exit::DONE })
        }
        Err(error) if error.problem.is_unreadable() => {
            writeln!(err, "stakeout: {error}")?;
            Ok(exit::INPUT_FAILED)
        }
        Err(error) => {
            match &error.problem {
                Problem::NoRule(facts) => report(args, facts, out)?,
                _ => writeln!(out, "0 rules")?,
            }
            writeln!(out, "the file is refused: {error}")?;
            Ok(exit::DAMAGED)
        }
    }
}

fn report(args: &LintArgs, facts: &ListFacts, out: &mut dyn Write) -> io::Result<()> {
    let counts = &facts.counts;
    writeln!(out, "{} rules", counts.rules)?;
    for rejection in &facts.rejections {
        writeln!(out, "{}:{rejection}", args.file.display())?;
    }
    let kept = facts.rejections.len() as u64;
    if counts.rejected > kept {
        writeln!(out, "{}: {} more were rejected", args.file.display(), counts.rejected - kept)?;
    }
    writeln!(
        out,
        "read as {}: {} lines, {} duplicates, {} ignored, {} removed, {} rejected",
        facts.format.name(),
        facts.lines,
        counts.duplicates,
        counts.ignored,
        counts.removed,
        counts.rejected
    )
}

fn test(args: &TestArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let blocks = args.rules.iter().map(|path| ListSource::of_file(path, Action::Block));
    let allows = args.allow.iter().map(|path| ListSource::of_file(path, Action::Allow));
    let (set, reports) = match load_set(&blocks.chain(allows).collect::<Vec<_>>()) {
        Ok(loaded) => loaded,
        Err(error) => {
            writeln!(err, "stakeout: {error}")?;
            return Ok(exit::INPUT_FAILED);
        }
    };
    for report in reports.iter().filter(|report| report.facts.counts.rejected > 0) {
        let (path, rejected) = (report.source.path.display(), report.facts.counts.rejected);
        writeln!(err, "stakeout: {path}: {rejected} entries are not rules: `stakeout rules lint` tells which")?;
    }
    for typed in &args.names {
        match to_name(typed) {
            Ok(name) => answer(&set, typed, &name, args.verbose, out)?,
            Err(reason) => {
                writeln!(err, "stakeout: {typed:?} {reason}")?;
                writeln!(out, "{typed}: no match")?;
            }
        }
    }
    Ok(exit::DONE)
}

fn answer(set: &RuleSet, typed: &str, name: &DomainName, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    let verdict = set.lookup(name);
    let Some(rule) = verdict.rule() else { return writeln!(out, "{typed}: no match") };
    let action = if matches!(verdict, Verdict::Allow(_)) { Action::Allow } else { Action::Block };
    write!(out, "{typed}: {} by {}", action.name(), rule.pattern())?;
    if !verbose {
        return writeln!(out);
    }
    writeln!(out, " ({})", place(&rule))?;
    for other in set.lookup_all(name) {
        if (other.pattern(), other.line(), other.list()) != (rule.pattern(), rule.line(), rule.list()) {
            writeln!(out, "  also {} by {} ({})", other.action().name(), other.pattern(), place(&other))?;
        }
    }
    Ok(())
}

fn place(rule: &RuleRef<'_>) -> String {
    format!("list {}, line {}", rule.list(), rule.line())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::path::Path;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        rules: RulesArgs,
    }

    /// Exit code, standard output, standard error.
    fn command(words: &[&str]) -> (u8, String, String) {
        let cli = Cli::try_parse_from(std::iter::once(&"rules").chain(words)).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(&cli.rules, &mut out, &mut err).unwrap();
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn file(dir: &Path, name: &str, text: &str) -> String {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn lint_counts_and_explains() {
        let dir = tempfile::tempdir().unwrap();
        let list = file(dir.path(), "list.txt", "a.example\nA.example\n12 b.example\n");
        let (code, out, err) = command(&["lint", &list]);
        let expected = format!(
            "1 rules\n{list}:3: has a space inside the name: 12 b.example (perhaps b.example)\n\
             read as plain: 3 lines, 1 duplicates, 0 ignored, 0 removed, 1 rejected\n"
        );
        assert_eq!((code, out, err), (1, expected, String::new()));

        let clean = file(dir.path(), "clean.txt", "0.0.0.0 a.example\n");
        assert_eq!(command(&["lint", &clean]).0, 0);
        assert_eq!(command(&["lint", "--format", "plain", &clean]).0, 1);
    }

    #[test]
    fn lint_tells_a_refused_file_from_an_unreadable_one() {
        let dir = tempfile::tempdir().unwrap();
        let empty = file(dir.path(), "empty.txt", "");
        let (code, out, _) = command(&["lint", &empty]);
        assert!(code == 1 && out.starts_with("0 rules\n") && out.contains("no rule in it"), "{out}");
        let cut = file(dir.path(), "cut.xml", "<Rejestr><PozycjaRejestru><AdresDomeny>a.example");
        let (code, out, _) = command(&["lint", &cut]);
        assert!(code == 1 && out.starts_with("0 rules\n") && out.contains("cut.xml:1: ends before"), "{out}");
        let (code, out, err) = command(&["lint", dir.path().to_str().unwrap()]);
        assert!(code == 3 && out.is_empty() && err.contains("is a directory"), "{err}");
        assert_eq!(command(&["lint", "/no/such/file"]).0, 3);
    }

    #[test]
    fn test_names_the_rule_that_decides() {
        let dir = tempfile::tempdir().unwrap();
        let block = file(dir.path(), "block.txt", "higan.org\ncasino.example\n");
        let allow = file(dir.path(), "allow.txt", "help.casino.example\n");
        let lists = ["test", "--rules", &block, "--allow", &allow];
        let names = ["WWW.Higan.org.", "michigan.org", "help.casino.example", "x.casino.example"];
        let (code, out, err) = command(&[&lists[..], &names].concat());
        assert_eq!(
            out,
            "WWW.Higan.org.: block by higan.org\nmichigan.org: no match\n\
             help.casino.example: allow by help.casino.example\nx.casino.example: block by casino.example\n"
        );
        assert_eq!((code, err.as_str()), (0, ""));

        let (_, out, _) = command(&[&lists[..], &["--verbose", "help.casino.example"]].concat());
        assert_eq!(
            out,
            "help.casino.example: allow by help.casino.example (list allow.txt, line 1)\n  \
             also block by casino.example (list block.txt, line 2)\n"
        );
    }

    #[test]
    fn each_option_takes_one_value() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (file(dir.path(), "a.txt", "a.example\n"), file(dir.path(), "b.txt", "b.example\n12 c.example"));
        let (_, out, err) = command(&["test", "--rules", &a, "--rules", &b, "a.example", "b.example", "c.example"]);
        assert_eq!(out, "a.example: block by a.example\nb.example: block by b.example\nc.example: no match\n");
        assert!(err.contains("b.txt: 1 entries are not rules"), "{err}");
        assert!(Cli::try_parse_from(["rules", "test", "a.example"]).is_err());
    }
}
