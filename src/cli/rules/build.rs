//! `stakeout rules build`: lists as a prebuilt rule set.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::super::exit::Exit;
use super::super::lists;
use crate::matching::{ListSource, SaveError, save};
use crate::model::Action;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules build --out rules.stkset --rules demo=rules/demo.txt --allow rules/demo-allow.txt
  46 rules of 2 lists in 1926 octets: rules.stkset
  $ stakeout scan --rules rules.stkset capture.pcapng";

/// Build lists into a file that starts without parsing
///
/// Reads rule files of text and writes one prebuilt rule set, for `--rules` of `scan` and `rules test` and for `[[rules]]`
/// of the daemon. Its lists have names (NAME, or that of the file) and keep whether they block or allow, their lines and
/// their SHA-256; findings are the same as with the lists themselves. The file is not signed: take it only from where you would
/// take the lists, and build it again after an upgrade if it is refused. It is written beside FILE and then renamed, so a
/// daemon that reads FILE goes from the old rules to the new ones. Exit code 0, or 1 if an entry of a list was rejected
/// (the file is written without it); 2 if a list is refused as a whole, 3 if a file cannot be read or written.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct BuildArgs {
    /// Where the prebuilt rule set goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A list of names to block, and what it is called if not like its file; may be given several times
    #[arg(long = "rules", value_name = "[NAME=]PATH", required_unless_present = "allow")]
    rules: Vec<PathBuf>,
    /// A list of names to allow, which beats every block; may be given several times
    #[arg(long = "allow", value_name = "[NAME=]PATH")]
    allow: Vec<PathBuf>,
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(args: &BuildArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let blocks = args.rules.iter().map(|given| source(given, Action::Block));
    let allows = args.allow.iter().map(|given| source(given, Action::Allow));
    let sources: Vec<ListSource> = blocks.chain(allows).collect();
    let lists::Loaded { rules, exit, .. } = match lists::load_sources(&sources, err) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let mut names = HashSet::new();
    if let Some((meta, _)) = rules.lists().find(|(meta, _)| !names.insert(&meta.name)) {
        let name = &meta.name;
        writeln!(
            err,
            "stakeout: two lists are named {name}, and lists in a rule set need names of their own: NAME=PATH"
        )?;
        return Ok(Exit::Usage);
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

/// `NAME=PATH`, or a path. A file whose path looks like the first is taken for what it is.
pub(super) fn source(given: &Path, action: Action) -> ListSource {
    let is_name = |name: &str| (1..=64).contains(&name.len()) && name.bytes().all(is_name_octet);
    match given.to_str().and_then(|text| text.split_once('=')) {
        Some((name, path)) if is_name(name) && !given.exists() => {
            ListSource { name: Arc::from(name), ..ListSource::of_file(path, action) }
        }
        _ => ListSource::of_file(given, action),
    }
}

/// Those of a list's name in the configuration.
fn is_name_octet(octet: u8) -> bool {
    octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"._-".contains(&octet)
}
