//! `stakeout rules fetch`: lists from where their authorities put them.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use jiff::Timestamp;

use super::super::super::exit::Exit;
use super::common::{Failure, StoreArgs, WhoArgs, exit_of};
use super::import::tell;
use crate::control::rules::fetch::Trust;
use crate::control::rules::intake::{Brought, Intake, Network};
use crate::control::rules::store::{Access, StoreError};

/// Registers that are asked for at the same time.
const AT_ONCE: usize = 4;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules fetch
  ch-gespa: taken as snapshot 31, 1502 rules
  pl-hazard: nothing new
  $ stakeout rules fetch --due            # for a timer: only what its schedule asks for";

/// Get lists from where their authorities put them
///
/// Fetches the lists of the store that have a `url`, a `file` or a `directory` (or only those that are named), over HTTPS
/// with bounds on time and size, and takes each in as `rules import` does: at once if its definition calls the place
/// verified and no guard trips, else it waits for two people. A download that was cut, a web page in the place of a list, and
/// whatever else is no whole register is never taken; what is in force stays. Exit code 0; 1 if a file was refused or tripped
/// a guard; 2 if there is no such list, 3 if a register could not be had.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct FetchArgs {
    /// The lists; all that can be fetched if none are named
    #[arg(value_name = "LIST")]
    lists: Vec<String>,
    /// Only those that are due by their schedule
    #[arg(long, conflicts_with = "lists")]
    due: bool,
    /// Fetch whole registers, even where nothing has changed
    #[arg(long)]
    whole: bool,
    /// An HTTP proxy, as http://[user:password@]host:port
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// PEM file with authorities that are trusted beside those of the system, for a private mirror
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Attempts after the first, where trying again may help
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=10))]
    retries: u32,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &FetchArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    // Said once, before several threads say it.
    drop(args.store.open(Access::Read, err)?);
    let trust = args.ca.as_ref().map_or(Trust::System, |ca| Trust::SystemAnd(ca.clone()));
    let intake = Intake::new(&args.store.dir(), Network { proxy: args.proxy.clone(), trust, retries: args.retries });
    let actor = args.who.actor(if args.due { "fetched on schedule" } else { "fetched" })?;
    let wanted: Vec<(String, bool)> = if args.due {
        intake.due(Timestamp::now())?.lists
    } else if args.lists.is_empty() {
        intake.sources()?.into_iter().map(|source| (source.id, false)).collect()
    } else {
        args.lists.iter().map(|list| (list.clone(), false)).collect()
    };
    if wanted.is_empty() {
        writeln!(out, "{}", if args.due { "nothing is due" } else { "no list of the store can be fetched" })?;
        return Ok(Exit::Done);
    }
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(wanted.len()) {
            scope.spawn(|| {
                while let Some((list, whole)) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let brought = intake.bring(list, *whole || args.whole, &actor);
                    results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((list, brought));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(list, _)| *list);
    let mut exit = Exit::Done;
    for (list, brought) in &results {
        exit = exit.or(say(args, list, brought, out, err)?);
    }
    Ok(exit)
}

/// Says what became of a list.
fn say(
    args: &FetchArgs,
    list: &str,
    brought: &Result<Brought, StoreError>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    match brought {
        Ok(Brought::NotModified) => {
            writeln!(out, "{list}: nothing new")?;
            Ok(Exit::Done)
        }
        Ok(Brought::Came(outcome)) => tell(&args.store.open(Access::Read, err)?, list, outcome, out),
        Ok(Brought::Failed(error)) => {
            writeln!(err, "stakeout: {list}: {error}; what is in force stays")?;
            Ok(Exit::Io)
        }
        Err(error) => {
            writeln!(err, "stakeout: {error}")?;
            Ok(exit_of(error))
        }
    }
}
