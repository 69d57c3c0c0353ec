//! `stakeout rules source`: which lists there are, how they are defined, and proposing a definition.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::super::super::exit::Exit;
use super::common::{ActorArgs, Failure, StoreArgs};
use crate::control::rules::source::{Source, catalogue, read};
use crate::control::rules::store::{Access, Store};

const EXAMPLE: &str = "\
Examples:
  $ stakeout rules source list --catalogue         # the public registers that the program knows
  $ stakeout rules source show pl-hazard --catalogue > pl.toml
  $ stakeout rules source add pl.toml --why \"ticket 12\"
  proposal 2: the list pl-hazard: `stakeout rules approve 2 --key …`, by 2 people";

/// See which lists there are, and propose definitions
///
/// A definition says what a list is: who orders it, where it holds, by what law, where it comes from, how it is written and what
/// its guards are. docs/rules-store.md has every field. Nothing of the catalogue is in use until it was proposed and signed for.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct SourceArgs {
    #[command(subcommand)]
    command: SourceCommand,
}

#[derive(Subcommand, Debug, Clone)]
enum SourceCommand {
    /// List the definitions, one a line
    ///
    /// Reads the store. Exit code 0; 3 if it cannot be read.
    List(ListArgs),
    /// Print a definition, as it can be proposed again
    ///
    /// Reads the store. Exit code 0; 2 if there is no such list.
    Show(ShowArgs),
    /// Propose the definitions of a file, or one of the catalogue
    ///
    /// Reads a file of definitions, a header [[source]] each, and makes a proposal of each that is new or differs from the one in
    /// force. Exit code 0; 2 if the file is wrong, and every mistake is told with its line.
    Add(AddArgs),
}

#[derive(Args, Debug, Clone)]
struct ListArgs {
    /// Those that the program ships, in place of those of the store
    #[arg(long)]
    catalogue: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug, Clone)]
struct ShowArgs {
    /// The list
    #[arg(value_name = "LIST")]
    list: String,
    /// The one that the program ships
    #[arg(long)]
    catalogue: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Args, Debug, Clone)]
struct AddArgs {
    /// The file
    #[arg(value_name = "FILE", required_unless_present = "catalogue")]
    file: Option<PathBuf>,
    /// The definition that the program ships for this list, as it is
    #[arg(long, value_name = "LIST", conflicts_with = "file")]
    catalogue: Option<String>,
    /// Only the definition of this list
    #[arg(long, value_name = "LIST")]
    only: Option<String>,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &SourceArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    match &args.command {
        SourceCommand::List(args) => {
            for source in all(args.catalogue, &args.store, err)? {
                writeln!(
                    out,
                    "{}: {} in {}, {}, {}, {}",
                    source.id,
                    source.action.name(),
                    source.places(),
                    source.authority,
                    source.format.name(),
                    source.place
                )?;
            }
            Ok(Exit::Done)
        }
        SourceCommand::Show(args) => {
            let sources = all(args.catalogue, &args.store, err)?;
            let found = sources.iter().find(|source| source.id == args.list);
            let found = found.ok_or_else(|| Failure::usage(format!("there is no list {:?}", args.list)))?;
            out.write_all(found.canonical().as_bytes())?;
            Ok(Exit::Done)
        }
        SourceCommand::Add(args) => add(args, out, err),
    }
}

fn all(shipped: bool, store: &StoreArgs, err: &mut dyn Write) -> Result<Vec<Source>, Failure> {
    if shipped {
        return Ok(catalogue());
    }
    let store = store.open(Access::Read, err)?;
    let defined = store.state().lists.iter().filter(|(_, list)| list.definition.is_some());
    defined.map(|(name, _)| store.source(name).map_err(Failure::from)).collect()
}

fn add(args: &AddArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let mut sources = match &args.file {
        None => catalogue(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
            match read(&text) {
                Ok(sources) => sources,
                Err(problems) => {
                    for problem in &problems {
                        writeln!(err, "stakeout: {}:{problem}", path.display())?;
                    }
                    return Ok(Exit::Usage);
                }
            }
        }
    };
    if let Some(wanted) = args.catalogue.as_ref().or(args.only.as_ref()) {
        sources.retain(|source| source.id == *wanted);
        if sources.is_empty() {
            return Err(Failure::usage(format!("there is no definition of {wanted:?} there")));
        }
    }
    let mut store = args.store.open(Access::Write, err)?;
    let (actor, mut exit) = (args.actor.actor()?, Exit::Done);
    for source in &sources {
        match store.propose_source(source, &actor) {
            Ok(id) => say(&store, id, &format!("the list {}", source.id), out)?,
            Err(error) if sources.len() > 1 => {
                writeln!(err, "stakeout: {}: {error}", source.id)?;
                exit = exit.or(super::common::exit_of(&error));
            }
            Err(error) => return Err(error.into()),
        }
        let missing = source.missing();
        if !missing.is_empty() {
            writeln!(out, "  it has no {}: such a list is in no build", missing.join(", no "))?;
        }
    }
    Ok(exit)
}

/// What is to be done with a proposal.
pub(super) fn say(store: &Store, id: u64, what: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let needed = store.settings().approvals;
    writeln!(out, "proposal {id}: {what}: `stakeout rules approve {id} --key …`, by {needed} people")?;
    Ok(())
}
