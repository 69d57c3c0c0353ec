//! `stakeout rules build`: lists as a prebuilt rule set.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::exit::Exit;
use super::super::lists;
use super::life;
use super::sign::{self, Order};
use crate::matching::{RuleSet, SaveError, save};

const EXAMPLE: &str = "\
Example:
  $ stakeout rules build --out rules.stkset --rules demo=rules/demo.txt --allow rules/demo-allow.txt
  46 rules of 2 lists in 1926 octets: rules.stkset
  $ stakeout scan --rules rules.stkset capture.pcapng";

/// Build lists into a file that starts without parsing
///
/// Reads rule files of text and writes one prebuilt rule set, for `--rules` of `scan` and `rules test` and for `[[rules]]`
/// of the daemon. Its lists have names (NAME, or that of the file) and keep whether they block or allow, their lines and
/// their SHA-256; findings are the same as with the lists themselves. The file is not signed, unless `--sign` makes it a
/// bundle: take it only from where you would
/// take the lists, and build it again after an upgrade if it is refused. It is written beside FILE and then renamed, so a
/// daemon that reads FILE goes from the old rules to the new ones. Exit code 0, or 1 if an entry of a list was rejected
/// (the file is written without it); 2 if a list is refused as a whole, 3 if a file cannot be read or written.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct BuildArgs {
    /// Where the prebuilt rule set goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    lists: lists::ListArgs,
    /// Write a signed bundle in place of the bare set, signed with this secret key; see `rules sign`. The channel is the one
    /// that the description names
    #[arg(long, value_name = "FILE", requires = "describe")]
    sign: Option<PathBuf>,
    #[command(flatten)]
    life: sign::LifeArgs,
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(args: &BuildArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    if let Some(dir) = args.lists.store() {
        return life::told(life::build(dir, &args.out, out, err), err);
    }
    let (sources, channel) = match args.lists.sources() {
        Ok(sources) => sources,
        Err((why, exit)) => {
            writeln!(err, "stakeout: {why}")?;
            return Ok(exit);
        }
    };
    let lists::Loaded { rules, exit, .. } = match lists::load_sources(&sources, err) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let mut names = HashSet::new();
    if let Some((meta, _)) = rules.lists().find(|(meta, _)| !names.insert(meta.name())) {
        let name = meta.name();
        writeln!(
            err,
            "stakeout: two lists are named {name}, and lists in a rule set need names of their own: NAME=PATH"
        )?;
        return Ok(Exit::Usage);
    }
    if let (Some(secret_key), Some(description)) = (&args.sign, args.lists.description()) {
        let Some(channel) = channel else {
            let help = "names no channel: add a first line such as channel = \"national\"";
            writeln!(err, "stakeout: {}: {help}", description.display())?;
            return Ok(Exit::Usage);
        };
        if let Some((meta, _)) = rules.lists().find(|(meta, _)| meta.origin.provenance.is_none()) {
            let (name, path) = (meta.name(), description.display());
            let help = "with authority, jurisdictions, legal_basis and reference";
            writeln!(
                err,
                "stakeout: {path}: does not say who ordered the list \"{name}\": add a table [lists.{name}] {help}"
            )?;
            return Ok(Exit::Usage);
        }
        let (set, channel) = (&bare(&args.out), channel.as_str());
        let order = Order { set, told_as: description, secret_key, channel, out: &args.out, life: &args.life };
        return signed(&rules, &order, exit, out, err);
    }
    match save(&rules, &args.out) {
        Ok(octets) => {
            let lists = if names.len() == 1 { "1 list".into() } else { format!("{} lists", names.len()) };
            writeln!(out, "{} rules of {lists} in {octets} octets: {}", rules.len(), args.out.display())?;
            Ok(exit)
        }
        Err(error) => {
            writeln!(err, "stakeout: {}: {error}", args.out.display())?;
            Ok(if matches!(error, SaveError::Io(_)) { Exit::Io } else { Exit::Usage })
        }
    }
}

/// Where the bare set is while a bundle is made of it.
fn bare(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!(".{name}.{}.set", std::process::id()))
}

fn signed(
    rules: &RuleSet,
    order: &Order<'_>,
    exit: Exit,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let result = match save(rules, order.set) {
        Ok(_) => sign::sign(order, out, err).map(|signed| exit.or(signed)),
        Err(error) => {
            writeln!(err, "stakeout: {}: {error}", order.out.display())?;
            Ok(if matches!(error, SaveError::Io(_)) { Exit::Io } else { Exit::Usage })
        }
    };
    let _ = std::fs::remove_file(order.set);
    result
}
