//! `stakeout rules init`: a new store, with the first people.

use std::io::Write;

use clap::Args;

use super::super::super::exit::Exit;
use super::super::keys;
use super::common::{Failure, StoreArgs, WhoArgs};
use crate::control::rules::store::{PersonKey, Store};

const EXAMPLE: &str = "\
Example:
  $ stakeout rules keygen --secret-key anna.key --public-key anna.pub    # each person for themselves
  $ stakeout rules init --person anna=anna.pub --person bert=bert.pub
  /var/lib/stakeout/rules: a new store of rules, whose changes need the signatures of 2 people out of anna, bert";

/// Make a store of rules
///
/// Reads the public keys of at least two people and makes the directory in which lists, their history and the signatures for
/// them are kept. Later people come and go by proposals that two of the enrolled sign. Exit code 0; 2 if there is a store
/// already, or fewer than two people with keys of their own; 3 if it cannot be written.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct InitArgs {
    /// A person and the public key that is theirs, a file or its last line; at least two
    #[arg(long = "person", value_name = "NAME=KEY", required = true)]
    people: Vec<String>,
    /// Why: a note in the journal
    #[arg(long, value_name = "TEXT", default_value = "the store was made")]
    why: String,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &InitArgs, out: &mut dyn Write, _: &mut dyn Write) -> Result<Exit, Failure> {
    let people = args.people.iter().map(|given| person(given)).collect::<Result<Vec<_>, _>>()?;
    let store = Store::init(&args.store.dir(), people, &args.who.actor(&args.why)?)?;
    let names: Vec<&str> = store.state().enrolled().map(|person| person.name.as_str()).collect();
    writeln!(
        out,
        "{}: a new store of rules, whose changes need the signatures of {} people out of {}",
        args.store.dir().display(),
        store.settings().approvals,
        names.join(", ")
    )?;
    Ok(Exit::Done)
}

/// `NAME=KEY`.
pub(super) fn person(given: &str) -> Result<PersonKey, Failure> {
    let (name, key) = given.split_once('=').ok_or_else(|| {
        Failure::usage(format!("{given:?}: write the name, an equals sign and the file of the public key"))
    })?;
    let key = keys::public(key).map_err(|(why, exit)| Failure::Said(why, exit))?;
    Ok(PersonKey { name: name.to_owned(), key })
}
