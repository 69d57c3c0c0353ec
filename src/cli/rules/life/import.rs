//! `stakeout rules import`: a file of a list, by hand.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::super::super::exit::Exit;
use super::common::{ActorArgs, Failure, StoreArgs, count};
use super::source::say;
use crate::control::rules::source::Place;
use crate::control::rules::store::{Access, Held, Origin, Outcome, Store};

/// How many names that were held back are listed.
const SHOWN: usize = 20;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules import ch-esbk esbk.txt --order sperrliste.pdf --why \"list of 3 November\"
  proposal 14: 1204 rules for ch-esbk: `stakeout rules approve 14 --key …`, by 2 people";

/// Take in a file of a list
///
/// Reads a file in the format of the list's definition, keeps it, and compares it with what is in force. From the very file or
/// directory that the definition names and calls verified it is taken at once if it trips no guard; from anywhere else it
/// waits for two people. A guard (too few rules, too much come or gone, another count than the file states, a cut file) makes it
/// wait as well, and what is in force stays. Single names that people should look at first do not hold up the others. Exit code 0; 1 if the file
/// is refused or tripped a guard; 2 if there is no such list, 3 if a file cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct ImportArgs {
    /// The list
    #[arg(value_name = "LIST")]
    list: String,
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The order on which it stands, such as a letter as PDF; the file itself if none is given
    #[arg(long, value_name = "FILE")]
    order: Option<PathBuf>,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &ImportArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let mut store = args.store.open(Access::Write, err)?;
    let actor = args.actor.actor()?;
    let order = args.order.as_ref().map(|order| store.keep_order(order)).transpose()?;
    let source = store.source(&args.list)?;
    let whole = args.file.canonicalize().map_err(|error| Failure::file(&args.file, &error))?;
    let is_its_own = match &source.place {
        Place::File(place) => place.canonicalize().is_ok_and(|place| place == whole),
        Place::Directory(place) => place.canonicalize().is_ok_and(|place| whole.parent() == Some(&place)),
        _ => false,
    };
    let origin = match &source.place {
        Place::File(place) if is_its_own => Origin::File(place.clone()),
        Place::Directory(place) if is_its_own => Origin::File(place.join(whole.file_name().unwrap_or_default())),
        _ => Origin::Hand(PathBuf::from(args.file.file_name().unwrap_or_default())),
    };
    let outcome = store.receive(&args.list, &args.file, &origin, order, &actor)?;
    tell(&store, &args.list, &outcome, out)
}

/// Says what became of a file.
pub(super) fn tell(store: &Store, list: &str, outcome: &Outcome, out: &mut dyn Write) -> Result<Exit, Failure> {
    match outcome {
        Outcome::Unchanged { snapshot } => {
            writeln!(out, "{list}: nothing new: snapshot {snapshot} has this very file")?;
            Ok(Exit::Done)
        }
        Outcome::Refused { why } => {
            writeln!(out, "{list}: the file is refused: {why}; what is in force stays")?;
            Ok(Exit::Damaged)
        }
        Outcome::Taken { snapshot, rules, review, held } => {
            writeln!(out, "{list}: taken as snapshot {snapshot}, {}", count(*rules, "rule"))?;
            names(held, out)?;
            if let Some(id) = review {
                say(store, *id, "let these names through", out)?;
            }
            Ok(Exit::Done)
        }
        Outcome::Held { proposal, guards, held } => {
            let rules = store.proposal(*proposal).map(|proposal| match &proposal.change {
                crate::control::rules::store::Change::Import { content, .. } => content.rules,
                _ => 0,
            })?;
            say(store, *proposal, &format!("{} for {list}", count(rules, "rule")), out)?;
            for guard in guards {
                writeln!(out, "  guard: {guard}")?;
            }
            names(held, out)?;
            Ok(if guards.is_empty() { Exit::Done } else { Exit::Damaged })
        }
    }
}

fn names(held: &Held, out: &mut dyn Write) -> Result<(), Failure> {
    for (name, why) in held.iter().take(SHOWN) {
        writeln!(out, "  {}: {name} {}", if why.waits { "held back" } else { "refused" }, why.why)?;
    }
    if held.len() > SHOWN {
        writeln!(out, "  and {} more", held.len() - SHOWN)?;
    }
    Ok(())
}
