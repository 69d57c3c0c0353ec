//! `stakeout rules`: look after lists before they are used.
//!
//! `lint` tells what a list holds and which of its lines are no rule; `test` tells what a set of lists says about a
//! name; `build` makes a prebuilt rule set of them, `sign` a bundle that sensors take, which `verify` and `show` look at, and
//! `export` what others enforce; `impact` tells what a change of lists would hit.

mod build;
mod bundle;
mod export;
mod impact;
mod keys;
mod life;
mod sign;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

pub(super) use life::load_store;

use super::exit::Exit;
use super::lists;
use crate::matching::{Format, Kind, ListFacts, ListReport, ListSource, Problem, RuleRef, RuleSet, describe, to_name};
use crate::model::{Action, DomainName};

const LINT_EXAMPLE: &str = "\
Example:
  $ stakeout rules lint list.txt
  2 rules
  list.txt:3: has a space inside the name: 12 b.example (perhaps b.example)
  read as plain: 3 lines, 0 duplicates, 0 ignored, 0 removed, 1 rejected";

const TEST_EXAMPLE: &str = "\
Example:
  $ stakeout rules test --rules rules/demo.txt --allow rules/demo-allow.txt \\
        www.golden-dice.example help.golden-dice.example notgolden-dice.example
  www.golden-dice.example: block by golden-dice.example
  help.golden-dice.example: allow by help.golden-dice.example
  notgolden-dice.example: no match";

/// Check rule lists, ask what they say about a name, build them into one file, export them
///
/// The commands read rule files: `lint` tells what is in a list before you use it, `test` tells what lists say about a
/// name, `build` writes them as a prebuilt rule set, which starts without parsing. `keygen`, `sign`, `verify` and `show` are for
/// signed bundles of them. `export` writes what resolvers and routers enforce, `impact` tells what a change would hit.
#[derive(Args, Debug, Clone)]
pub(super) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Subcommand, Debug, Clone)]
enum RulesCommand {
    /// Tell how many rules a list holds, and which entries are no rules and why
    ///
    /// Reads one rule file: a plain list, a hosts file, the syntaxes of other tools or the Polish register's XML; of a
    /// prebuilt rule set it tells the lists. Prints `N rules` (each entry once; a duplicate is no error), then a line for
    /// each entry that is no rule, then of which kinds the rules are if not all cover a name and its subdomains, then what
    /// else was counted. Exit code 0 if nothing was rejected, 1 if something was or the file is refused as a whole, 3 if it
    /// cannot be read.
    #[command(after_long_help = LINT_EXAMPLE)]
    Lint(LintArgs),
    /// Tell what lists say about names
    ///
    /// Reads the rule files and prints, for each NAME, `NAME: block by RULE`, `NAME: allow by RULE`, `NAME: watch by RULE`
    /// or `NAME: no match`. If the lists name places, there is a line for each place, with ` in CODE` at its end. A listed name
    /// covers itself and every name under it unless its syntax says less; in a place any allow or licence beats every block;
    /// otherwise the most specific block is named; only what neither covers is watched. Exit code 0, or 1 if an entry of
    /// a list or a NAME was rejected; 2 if a file is refused as a whole, 3 if one cannot be read.
    #[command(after_long_help = TEST_EXAMPLE)]
    Test(TestArgs),
    Build(build::BuildArgs),
    Keygen(keys::KeygenArgs),
    Sign(sign::SignArgs),
    Verify(bundle::VerifyArgs),
    Show(bundle::ShowArgs),
    #[command(flatten)]
    Life(life::LifeCommand),
    Export(Box<export::ExportArgs>),
    Impact(Box<impact::ImpactArgs>),
}

#[derive(Args, Debug, Clone)]
struct LintArgs {
    /// The rule file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Format of the list
    #[arg(long, value_enum, default_value_t = FormatArg::Auto)]
    format: FormatArg,
}

#[derive(Args, Debug, Clone)]
struct TestArgs {
    #[command(flatten)]
    lists: lists::ListArgs,
    #[command(flatten)]
    places: lists::PlaceArgs,
    /// Also tell the list and the line of the rule, and the other rules that cover the name
    #[arg(long, short)]
    verbose: bool,
    /// Names to look up
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum FormatArg {
    /// Told from the content, line by line
    Auto,
    /// One name a line
    Plain,
    /// A hosts file: an address, then names
    Hosts,
    /// AdBlock, uBlock Origin and AdGuard filters
    Adblock,
    /// uBlacklist match patterns
    Ublacklist,
    /// dnsmasq configuration: local, address, server
    Dnsmasq,
    /// unbound configuration: local-zone, local-data
    Unbound,
    /// A response policy zone as a zone file
    Rpz,
    /// The XML of the register of the Polish Ministry of Finance
    PolishRegister,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Auto => Format::Auto,
            FormatArg::Plain => Format::Plain,
            FormatArg::Hosts => Format::Hosts,
            FormatArg::Adblock => Format::AdBlock,
            FormatArg::Ublacklist => Format::UBlacklist,
            FormatArg::Dnsmasq => Format::Dnsmasq,
            FormatArg::Unbound => Format::Unbound,
            FormatArg::Rpz => Format::Rpz,
            FormatArg::PolishRegister => Format::PolishRegister,
        }
    }
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(args: &RulesArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    match &args.command {
        RulesCommand::Lint(args) => lint(args, out, err),
        RulesCommand::Test(args) => test(args, out, err),
        RulesCommand::Build(args) => build::run(args, out, err),
        RulesCommand::Keygen(args) => keys::run(args, out, err),
        RulesCommand::Sign(args) => sign::run(args, out, err),
        RulesCommand::Verify(args) => bundle::verify(args, out, err),
        RulesCommand::Show(args) => bundle::show(args, out, err),
        RulesCommand::Life(command) => life::run(command, out, err),
        RulesCommand::Export(args) => export::run(args, out, err),
        RulesCommand::Impact(args) => impact::run(args, out, err),
    }
}

fn lint(args: &LintArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let source = ListSource { format: args.format.into(), ..ListSource::of_file(&args.file, Action::Block) };
    match describe(&source) {
        Ok(lists) if lists.iter().any(|list| list.prebuilt) => {
            prebuilt(&lists, out)?;
            Ok(Exit::Done)
        }
        Ok(lists) => {
            let mut exit = Exit::Done;
            for ListReport { facts, .. } in &lists {
                report(args, facts, out)?;
                exit = exit.or(if facts.counts.rejected > 0 { Exit::Damaged } else { Exit::Done });
            }
            Ok(exit)
        }
        Err(error) if error.problem.is_unreadable() => {
            writeln!(err, "stakeout: {error}")?;
            Ok(Exit::Io)
        }
        Err(error) => {
            match &error.problem {
                Problem::NoRule(facts) => report(args, facts, out)?,
                _ => writeln!(out, "0 rules")?,
            }
            writeln!(out, "the file is refused: {error}")?;
            Ok(Exit::Damaged)
        }
    }
}

/// The lists of a prebuilt rule set. What was rejected is no more in it, so it is no reason to complain now.
fn prebuilt(lists: &[ListReport], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} rules", lists.iter().map(|list| list.facts.counts.rules).sum::<u64>())?;
    writeln!(out, "a prebuilt rule set of {} lists:", lists.len())?;
    for ListReport { source, facts, .. } in lists {
        let sha256: String = facts.sha256.iter().map(|octet| format!("{octet:02x}")).collect();
        writeln!(
            out,
            "{}: {} {} rules{} of {} lines read as {}, {} rejected; SHA-256 of the list {sha256}",
            source.name,
            source.action.name(),
            facts.counts.rules,
            kinds(facts).map(|kinds| format!(" ({kinds})")).unwrap_or_default(),
            facts.lines,
            facts.format.name(),
            facts.counts.rejected
        )?;
    }
    Ok(())
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
    if let Some(kinds) = kinds(facts) {
        writeln!(out, "of the rules: {kinds}")?;
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

/// How many rules there are of each kind, if any is of another than the usual one.
fn kinds(facts: &ListFacts) -> Option<String> {
    let kinds = || facts.counts.kinds.iter();
    let told = || kinds().map(|(kind, count)| format!("{count} {}", kind.name())).collect::<Vec<_>>().join(", ");
    kinds().any(|(kind, _)| kind != Kind::Covers).then(told)
}

fn test(args: &TestArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let lists::Loaded { rules, mut exit, .. } = match args.lists.load(&args.places, err) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    for typed in &args.names {
        match to_name(typed) {
            Ok(name) => answer(&rules, typed, &name, args.verbose, out)?,
            Err(reason) => {
                writeln!(err, "stakeout: {typed:?} {reason}")?;
                writeln!(out, "{typed}: no match")?;
                exit = exit.or(Exit::Damaged);
            }
        }
    }
    Ok(exit)
}

fn answer(set: &RuleSet, typed: &str, name: &DomainName, verbose: bool, out: &mut dyn Write) -> io::Result<()> {
    for place in set.places() {
        // Without jurisdictions there is one place, and it has no name.
        let whereabouts = place.jurisdiction.map(|code| format!(" in {code}")).unwrap_or_default();
        let Some(rule) = set.lookup_in(*place, name).rule() else {
            writeln!(out, "{typed}: no match{whereabouts}")?;
            continue;
        };
        write!(out, "{typed}: {} by {}{whereabouts}", rule.action().name(), rule.pattern())?;
        if !verbose {
            writeln!(out)?;
            continue;
        }
        writeln!(out, " ({})", line_of(&rule))?;
        let is_same = |other: &RuleRef<'_>| {
            (other.pattern(), other.line(), other.list(), other.kind())
                == (rule.pattern(), rule.line(), rule.list(), rule.kind())
        };
        for other in set.lookup_all(name).iter().filter(|other| other.holds_in(*place) && !is_same(other)) {
            writeln!(out, "  also {} by {} ({})", other.action().name(), other.pattern(), line_of(other))?;
        }
    }
    Ok(())
}

/// Where a rule stands, and on whose order.
fn line_of(rule: &RuleRef<'_>) -> String {
    match &rule.origin().provenance {
        Some(provenance) => format!("list {}, line {}; {provenance}", rule.list(), rule.line()),
        None => format!("list {}, line {}", rule.list(), rule.line()),
    }
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
    fn command(words: &[&str]) -> (Exit, String, String) {
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
        assert_eq!((code, out, err), (Exit::Damaged, expected, String::new()));

        let clean = file(dir.path(), "clean.txt", "0.0.0.0 a.example\n");
        assert_eq!(command(&["lint", &clean]).0, Exit::Done);
        assert_eq!(command(&["lint", "--format", "plain", &clean]).0, Exit::Damaged);
    }

    #[test]
    fn lint_tells_a_refused_file_from_an_unreadable_one() {
        let dir = tempfile::tempdir().unwrap();
        let empty = file(dir.path(), "empty.txt", "");
        let (code, out, _) = command(&["lint", &empty]);
        assert!(code == Exit::Damaged && out.starts_with("0 rules\n") && out.contains("no rule in it"), "{out}");
        let cut = file(dir.path(), "cut.xml", "<Rejestr><PozycjaRejestru><AdresDomeny>a.example");
        let (code, out, _) = command(&["lint", &cut]);
        assert!(
            code == Exit::Damaged && out.starts_with("0 rules\n") && out.contains("cut.xml:1: ends before"),
            "{out}"
        );
        let (code, out, err) = command(&["lint", dir.path().to_str().unwrap()]);
        assert!(code == Exit::Io && out.is_empty() && err.contains("is a directory"), "{err}");
        assert_eq!(command(&["lint", "/no/such/file"]).0, Exit::Io);
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
        assert_eq!((code, err.as_str()), (Exit::Done, ""));

        let (_, out, _) = command(&[&lists[..], &["--verbose", "help.casino.example"]].concat());
        assert_eq!(
            out,
            "help.casino.example: allow by help.casino.example (list allow.txt, line 1)\n  \
             also block by casino.example (list block.txt, line 2)\n"
        );
    }

    #[test]
    fn each_place_has_a_verdict_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let (ch, gb) =
            (file(dir.path(), "ch.txt", "# Sperrliste\nbets.example\n"), file(dir.path(), "gb", "bets.example\n"));
        let said = "[lists.ch]\nauthority = \"Gespa\"\njurisdictions = [\"CH\"]\nlegal_basis = \"BGS art. 86\"\n\
            reference = \"Sperrliste\"\n[lists.gb]\nauthority = \"Gambling Commission\"\njurisdictions = [\"GB\"]\n\
            legal_basis = \"Gambling Act 2005\"\nreference = \"register\"\n";
        let (said, ch) = (file(dir.path(), "said.toml", said), format!("ch={ch}"));
        let all = ["test", "--rules", &ch, "--licensed", &gb, "--describe", &said, "--verbose"];
        let (code, out, err) = command(&[&all[..], &["www.bets.example"]].concat());
        assert_eq!(
            out,
            "www.bets.example: block by bets.example in CH (list ch, line 2; Gespa, BGS art. 86, Sperrliste (CH))\n\
             www.bets.example: licensed by bets.example in GB (list gb, line 1; Gambling Commission, Gambling Act 2005, \
             register (GB))\n"
        );
        assert_eq!((code, err.as_str()), (Exit::Done, ""));
        let (_, out, _) =
            command(&[&all[..7], &["--jurisdiction", "gb", "--jurisdiction", "FR", "bets.example"]].concat());
        assert_eq!(out, "bets.example: no match in FR\nbets.example: licensed by bets.example in GB\n");

        let built = dir.path().join("set").to_str().unwrap().to_owned();
        let (code, _, err) = command(&[&["build", "--out", &built][..], &all[1..7]].concat());
        assert_eq!((code, err.as_str()), (Exit::Done, ""));
        let (_, out, _) = command(&["test", "--rules", &built, "bets.example"]);
        assert_eq!(out, "bets.example: block by bets.example in CH\nbets.example: licensed by bets.example in GB\n");
    }

    #[test]
    fn each_option_takes_one_value() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (file(dir.path(), "a.txt", "a.example\n"), file(dir.path(), "b.txt", "b.example\n12 c.example"));
        let (code, out, err) = command(&["test", "--rules", &a, "--rules", &b, "a.example", "b.example", "c.example"]);
        assert_eq!(out, "a.example: block by a.example\nb.example: block by b.example\nc.example: no match\n");
        assert!(code == Exit::Damaged && err.contains("b.txt: 1 entry was rejected"), "{err}");
        assert!(Cli::try_parse_from(["rules", "test", "a.example"]).is_err());
    }
}
