//! `stakeout rules rollback`: back to what a published version had.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::super::super::exit::Exit;
use super::super::keys;
use super::common::{ActorArgs, Failure, StoreArgs};
use super::publish::{SignArgs, publish};
use crate::control::rules::store::Access;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules rollback --to 3 --channel national --key rules.key --out /srv/rules/national.stkbundle \\
        --why \"version 4 blocks the post office\"
  national: what version 3 had is in force again
  channel national version 5: 51230 rules of 3 lists, expires 2026-12-24T18:00:00Z
  /srv/rules/national.stkbundle: published";

/// Put in force again what a published version had
///
/// Sensors never go back to a lower version, so the old rules are signed again with a higher one. Everything in it was signed for or
/// verified then, so one person may do this; a file that is left like this is taken again only when two people sign for it. Exit code
/// as of `rules publish`; 2 too if there was no such version, or its files are not kept any more.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct RollbackArgs {
    /// The version to go back to
    #[arg(long, value_name = "VERSION")]
    to: u64,
    /// Where the bundle goes; may be given several times
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    out: Vec<PathBuf>,
    #[command(flatten)]
    sign: SignArgs,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &RollbackArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let actor = args.actor.actor()?;
    let key = keys::secret(&args.sign.key).map_err(|(why, exit)| Failure::Said(why, exit))?;
    let mut store = args.store.open(Access::Write, err)?;
    store.roll_back(&args.sign.channel, args.to, &actor)?;
    writeln!(out, "{}: what version {} had is in force again", args.sign.channel, args.to)?;
    publish(&mut store, (&args.sign, &key, &args.out), &actor, out, err)
}
