//! `stakeout rules gc` and `stakeout rules migrate`: looking after the store itself.

use std::io::Write;

use clap::Args;

use super::super::super::exit::Exit;
use super::common::{Failure, StoreArgs, WhoArgs, count};
use crate::control::rules::store::{self, Access, FORMAT};

const GC_EXAMPLE: &str = "\
Example:
  $ stakeout rules gc --keep 10
  removed 31 files, 184320 octets";

const MIGRATE_EXAMPLE: &str = "\
Example:
  $ stakeout rules migrate
  /var/lib/stakeout/rules: from format 0 to format 1; the old journal is journal.format-0";

/// Remove files of old snapshots
///
/// What is in force, what is proposed, the last snapshots of each list, what the last published versions of each channel had, and
/// everything that answers for rules (definitions, orders, signatures, typed names) stay, and so does the whole journal. `rollback` goes back only to versions whose files are kept. Exit code 0; 3 if the
/// store cannot be written.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = GC_EXAMPLE)]
pub(in crate::cli::rules) struct GcArgs {
    /// How many snapshots of each list, and published versions of each channel, to keep
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
    /// Why: a note in the journal
    #[arg(long, value_name = "TEXT", default_value = "to make room")]
    why: String,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Bring a store to another format
///
/// Reads a store of an older version and makes it one of this version, or of a version before, to go back. The old journal stays
/// beside the new one. A kill in between does no harm: run it again. Exit code 0; 1 if the journal is damaged, 2 if there is no such
/// format, 3 if the store cannot be written.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = MIGRATE_EXAMPLE)]
pub(in crate::cli::rules) struct MigrateArgs {
    /// The format, if not that of this version
    #[arg(long, value_name = "FORMAT", default_value_t = FORMAT)]
    to: u32,
    /// Why: a note in the journal
    #[arg(long, value_name = "TEXT", default_value = "another version of stakeout")]
    why: String,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &GcArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let mut store = args.store.open(Access::Write, err)?;
    let (files, octets) = store.gc(args.keep, &args.who.actor(&args.why)?)?;
    writeln!(out, "removed {}, {octets} octets", count(files, "file"))?;
    Ok(Exit::Done)
}

pub(super) fn migrate(args: &MigrateArgs, out: &mut dyn Write, _: &mut dyn Write) -> Result<Exit, Failure> {
    let (dir, to) = (args.store.dir(), args.to);
    match store::migrate(&dir, to, &args.who.actor(&args.why)?)? {
        from if from == to => writeln!(out, "{}: has format {to} already", dir.display())?,
        from => writeln!(
            out,
            "{}: from format {from} to format {to}; the old journal is journal.format-{from}",
            dir.display()
        )?,
    }
    Ok(Exit::Done)
}
