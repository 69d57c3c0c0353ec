//! `stakeout rules propose`: names that people type in, on an order.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::super::super::exit::Exit;
use super::common::{ActorArgs, Failure, StoreArgs};
use super::source::say;
use crate::control::rules::store::{Access, ChangeOfNames};

const EXAMPLE: &str = "\
Example:
  $ stakeout rules propose no-orders --add casino.example --add casino2.example --order letter.pdf \\
        --reference \"2026/117\" --why \"letter of 20 November\"
  proposal 7: 2 names in, 0 out of no-orders: `stakeout rules approve 7 --key …`, by 2 people";

/// Propose names to list, or to take out
///
/// Reads an order, a document of any kind, whose hash people sign together with the names. The list must be one that people type
/// in. Nothing is in force until two enrolled people signed. Exit code 0; 2 if a name is no good entry, is
/// protected, or is listed or not listed already; 3 if the order cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct ProposeArgs {
    /// The list
    #[arg(value_name = "LIST")]
    list: String,
    /// A name to list, which covers its subdomains; may be given several times
    #[arg(long, value_name = "NAME", num_args = 1..)]
    add: Vec<String>,
    /// A name to take out; may be given several times
    #[arg(long, value_name = "NAME", num_args = 1..)]
    remove: Vec<String>,
    /// The order on which the change stands, such as a letter as PDF
    #[arg(long, value_name = "FILE")]
    order: PathBuf,
    /// Number of the order or of the case
    #[arg(long, value_name = "TEXT")]
    reference: String,
    /// From when on the names are to be blocked, such as 2026-12-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    valid_from: Option<Timestamp>,
    /// Until when they are to be blocked
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
    /// For people
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &ProposeArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let mut store = args.store.open(Access::Write, err)?;
    let order = store.keep_order(&args.order)?;
    let change = ChangeOfNames {
        list: args.list.clone(),
        add: args.add.clone(),
        remove: args.remove.clone(),
        reference: args.reference.clone(),
        valid_from: args.valid_from,
        expires: args.expires,
        note: args.note.clone(),
    };
    let id = store.propose_names(&change, order, &args.actor.actor()?)?;
    let names = format!("{} in, {} out of {}", plural(args.add.len()), args.remove.len(), args.list);
    say(&store, id, &names, out)?;
    Ok(Exit::Done)
}

fn plural(count: usize) -> String {
    format!("{count} name{}", if count == 1 { "" } else { "s" })
}
