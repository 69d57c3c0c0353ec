//! `stakeout rules person`: whose signatures count.

use std::io::Write;

use clap::{Args, Subcommand};

use super::super::super::exit::Exit;
use super::common::{ActorArgs, Failure, StoreArgs};
use super::init;
use super::source::say;
use crate::control::rules::store::Access;
use crate::matching::bundle::key_id;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules person enrol carla=carla.pub --why \"joins the team\"
  proposal 9: enrol carla: `stakeout rules approve 9 --key …`, by 2 people";

/// See whose signatures count, and propose to enrol or to revoke somebody
///
/// Whoever is enrolled signs with a key of their own. To replace a key, revoke the person and enrol them again: two others sign
/// for both. What somebody signed before they were revoked stays signed; what waits needs another signature.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct PersonArgs {
    #[command(subcommand)]
    command: PersonCommand,
}

#[derive(Subcommand, Debug, Clone)]
enum PersonCommand {
    /// List everybody who is or was enrolled
    ///
    /// Reads the store. Exit code 0; 3 if it cannot be read.
    List(StoreArgs),
    /// Propose to enrol a person
    ///
    /// Reads a public key. Exit code 0; 2 if the person is enrolled, or the key is known.
    Enrol(ChangeArgs),
    /// Propose to revoke a person
    ///
    /// Reads the store. Exit code 0; 2 if nobody has that name, or fewer than two would be left.
    Revoke(ChangeArgs),
}

#[derive(Args, Debug, Clone)]
struct ChangeArgs {
    /// The name; to enrol, also an equals sign and the public key, a file or its last line
    #[arg(value_name = "NAME[=KEY]")]
    person: String,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &PersonArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    match &args.command {
        PersonCommand::List(args) => {
            for person in &args.open(Access::Read, err)?.state().people {
                let until = match person.until {
                    None => "enrolled".to_owned(),
                    Some(line) => format!("revoked since line {line}"),
                };
                let id = key_id(&person.key).unwrap_or_default();
                writeln!(out, "{}: key {id}, {until}, since line {}", person.name, person.since)?;
            }
        }
        PersonCommand::Enrol(args) => {
            let person = init::person(&args.person)?;
            let mut store = args.store.open(Access::Write, err)?;
            let what = format!("enrol {}", person.name);
            let id = store.propose_enrolment(person, &args.actor.actor()?)?;
            say(&store, id, &what, out)?;
        }
        PersonCommand::Revoke(args) => {
            let mut store = args.store.open(Access::Write, err)?;
            let id = store.propose_revocation(&args.person, &args.actor.actor()?)?;
            say(&store, id, &format!("revoke {}", args.person), out)?;
        }
    }
    Ok(Exit::Done)
}
