//! `stakeout rules diff`: what changes from one state of a list to another.

use std::io::Write;
use std::path::Path;

use clap::Args;

use super::super::super::exit::Exit;
use super::common::{Failure, StoreArgs};
use crate::control::rules::store::{Access, Change, Content, DiffLine, Names, Store, differences};
use crate::matching::{Format, Kind, ParsedList, load_file};

/// How many names of each sort are shown.
const SHOWN: usize = 50;

const EXAMPLE: &str = "\
Examples:
  $ stakeout rules diff old.txt new.txt
  $ stakeout rules diff proposal:14                # against what is in force
  $ stakeout rules diff head:ch-gespa gespa_blocklist_20261124.txt
  + newcasino.example
  - oldcasino.example
  1 added, 1 removed, 0 changed, 812 the same";

/// Compare two states of a list, name by name
///
/// Each of the two is a file, `head:LIST` (what is in force), `snapshot:NUMBER` or `proposal:ID`; a proposal alone is compared with
/// what is in force. Prints `+` for names that come, `-` for names that go and `~` for names of which something else is said, the
/// first 50 of each, and the counts. Exit code 0; 2 if there is no such state, 3 if a file cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct DiffArgs {
    /// The old state; or a proposal alone
    #[arg(value_name = "OLD")]
    old: String,
    /// The new state
    #[arg(value_name = "NEW")]
    new: Option<String>,
    /// Every name
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// A state of a list.
enum State {
    List(Option<ParsedList>),
    /// Names that a proposal adds and removes.
    Names(Names),
}

pub(super) fn run(args: &DiffArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let (old, new) = match &args.new {
        Some(new) => (args.old.clone(), new.clone()),
        None => (String::new(), args.old.clone()),
    };
    let is_file =
        |what: &str| what.split_once(':').is_none_or(|(kind, _)| !["head", "snapshot", "proposal"].contains(&kind));
    let store = match [&old, &new].into_iter().all(|what| !what.is_empty() && is_file(what)) {
        true => None,
        false => Some(args.store.open(Access::Read, err)?),
    };
    let (new_state, list) = state(store.as_ref(), &new)?;
    let old_state = if old.is_empty() {
        let list = list.ok_or_else(|| Failure::usage("say what it is to be compared with"))?;
        State::List(head(store.as_ref(), &list)?)
    } else {
        state(store.as_ref(), &old)?.0
    };
    match (old_state, new_state) {
        (State::List(old), State::List(new)) => {
            let found = differences(old.as_ref(), new.as_ref());
            for (sign, lines) in [('+', &found.added), ('-', &found.removed), ('~', &found.changed)] {
                print(sign, lines, args.all, out)?;
            }
            writeln!(
                out,
                "{} added, {} removed, {} changed, {} the same",
                found.added.len(),
                found.removed.len(),
                found.changed.len(),
                found.same
            )?;
        }
        (_, State::Names(names)) => {
            names.add.iter().try_for_each(|name| writeln!(out, "+ {name}"))?;
            names.remove.iter().try_for_each(|name| writeln!(out, "- {name}"))?;
            writeln!(out, "{} added, {} removed, 0 changed", names.add.len(), names.remove.len())?;
        }
        (State::Names(_), _) => {
            return Err(Failure::usage("a proposal of names is compared with what is in force: say it alone"));
        }
    }
    Ok(Exit::Done)
}

fn print(sign: char, lines: &[DiffLine], all: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let most = if all { usize::MAX } else { SHOWN };
    for DiffLine { name, before, after } in lines.iter().take(most) {
        match sign {
            '~' => writeln!(out, "~ {name}: {} before, {} now", kinds(before), kinds(after))?,
            _ => {
                let kinds = kinds(if sign == '+' { after } else { before });
                let kinds = if kinds == Kind::Covers.name() { String::new() } else { format!(" ({kinds})") };
                writeln!(out, "{sign} {name}{kinds}")?;
            }
        }
    }
    if lines.len() > most {
        writeln!(out, "{sign} and {} more: say --all", lines.len() - most)?;
    }
    Ok(())
}

fn kinds(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" and ")
}

/// A state, and the list that it is of.
fn state(store: Option<&Store>, what: &str) -> Result<(State, Option<String>), Failure> {
    let (kind, rest) = what.split_once(':').unwrap_or(("", ""));
    let Some(store) = store else { return Ok((State::List(Some(file(what)?)), None)) };
    let number =
        || rest.parse::<u64>().map_err(|_| Failure::usage(format!("{what:?}: write a number behind the colon")));
    match kind {
        "head" => {
            store.source(rest)?;
            Ok((State::List(head(Some(store), rest)?), Some(rest.to_owned())))
        }
        "snapshot" => {
            let snapshot = store.state().snapshots.get(&number()?);
            let snapshot = snapshot.ok_or_else(|| Failure::usage(format!("there is no snapshot {rest}")))?;
            Ok((State::List(rules(store, &snapshot.content)?), Some(snapshot.list.clone())))
        }
        "proposal" => {
            let change = &store.proposal(number()?)?.change;
            let list = change.list().map(str::to_owned);
            match change {
                Change::Import { content, .. } => Ok((State::List(rules(store, content)?), list)),
                Change::Names(names) => Ok((State::Names(names.clone()), list)),
                _ => Err(Failure::usage(format!(
                    "proposal {rest} changes no list: `stakeout rules show {rest}` prints it"
                ))),
            }
        }
        _ => Ok((State::List(Some(file(what)?)), None)),
    }
}

fn head(store: Option<&Store>, list: &str) -> Result<Option<ParsedList>, Failure> {
    let Some((store, head)) = store.and_then(|store| Some((store, store.state().head(list)?))) else { return Ok(None) };
    rules(store, &head.content)
}

fn rules(store: &Store, content: &Content) -> Result<Option<ParsedList>, Failure> {
    Ok(store.rules(content)?)
}

fn file(path: &str) -> Result<ParsedList, Failure> {
    load_file(Path::new(path), Format::Auto).map_err(|error| {
        let exit = if error.problem.is_unreadable() { Exit::Io } else { Exit::Usage };
        Failure::Said(error.to_string(), exit)
    })
}
