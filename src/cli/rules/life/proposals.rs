//! `stakeout rules proposals` and `stakeout rules show ID`: what waits for people, and what exactly they would sign.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::super::super::exit::Exit;
use super::common::{Failure, StoreArgs, count};
use crate::control::rules::store::{Access, Change, Names, Proposal, Status, Store};

/// The longest text of a proposal that is read, in octets.
const MAX_TEXT: u64 = 256 << 20;
/// How much of it is shown, in lines.
const SHOWN: usize = 200;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules proposals
  7 change no-orders: 2 in, 0 out; by anna on 2026-11-24T20:00:00Z: letter of 20 November; signed by anna";

/// List the proposals that wait for people
///
/// Reads the store. `rules show ID` prints all of one. Exit code 0; 3 if it cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct ProposalsArgs {
    /// Those that are decided too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &ProposalsArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let store = args.store.open(Access::Read, err)?;
    for proposal in store.state().proposals.values() {
        if args.all || proposal.status == Status::Open {
            writeln!(out, "{}", line(proposal))?;
        }
    }
    Ok(Exit::Done)
}

/// A proposal on one line.
pub(super) fn line(proposal: &Proposal) -> String {
    let list = proposal.change.list().map(|list| format!(" {list}")).unwrap_or_default();
    let what = match &proposal.change {
        Change::Source { before: None, .. } => "a new definition".into(),
        Change::Source { .. } => "another definition".into(),
        Change::Import { content, guards, .. } if guards.is_empty() => {
            format!("a file with {}", count(content.rules, "rule"))
        }
        Change::Import { content, guards, .. } => {
            format!("a file with {} that tripped {}", count(content.rules, "rule"), count(guards.len() as u64, "guard"))
        }
        Change::Review { count, .. } => format!("{count} names that were held back"),
        Change::Names(Names { add, remove, .. }) => format!("{} in, {} out", add.len(), remove.len()),
        Change::Enrol(person) => format!("enrol {}", person.name),
        Change::Revoke { name } => format!("revoke {name}"),
    };
    let signed: Vec<&str> = proposal.approvals.iter().map(|approval| approval.person.as_str()).collect();
    let signed =
        if signed.is_empty() { "nobody signed yet".into() } else { format!("signed by {}", signed.join(", ")) };
    let status = match proposal.status {
        Status::Open => String::new(),
        Status::Taken(line) => format!("; in force since line {line}"),
        Status::Rejected => "; rejected".into(),
        Status::Superseded(by) => format!("; superseded by {by}"),
    };
    let (id, kind, actor, time) = (proposal.id, proposal.change.kind(), &proposal.actor, proposal.time);
    format!("{id} {kind}{list}: {what}; by {} on {time}: {}; {signed}{status}", actor.who, actor.why)
}

/// Prints all of a proposal. With `text_out`, writes what is to be signed to a file, for `minisign -S -m`.
///
/// # Errors
/// There is no such proposal, or the store cannot be read.
pub(in crate::cli::rules) fn show(
    (id, args, all): (u64, &StoreArgs, bool),
    text_out: Option<&PathBuf>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let store = args.open(Access::Read, err)?;
    let proposal = store.proposal(id)?;
    writeln!(out, "{}", line(proposal))?;
    if let Some(order) = proposal.order {
        writeln!(out, "order: SHA-256 {order}")?;
    }
    for approval in &proposal.approvals {
        writeln!(out, "signed by {} on {}", approval.person, approval.time)?;
    }
    let text = store.objects().text(&proposal.text, MAX_TEXT)?;
    writeln!(out, "text, SHA-256 {}:", proposal.text)?;
    let most = if all { usize::MAX } else { SHOWN };
    for line in text.lines().take(most) {
        writeln!(out, "  {line}")?;
    }
    let lines = text.lines().count();
    if lines > most {
        writeln!(out, "  and {} more lines: say --all", lines - most)?;
    }
    writeln!(out, "signatures are over:")?;
    let signed = store.signing_text(id)?;
    for line in signed.lines() {
        writeln!(out, "  {line}")?;
    }
    if let Some(path) = text_out {
        std::fs::write(path, &signed).map_err(|error| Failure::file(path, &error))?;
    }
    what_next(&store, proposal, out)?;
    Ok(Exit::Done)
}

fn what_next(store: &Store, proposal: &Proposal, out: &mut dyn Write) -> Result<(), Failure> {
    if proposal.status == Status::Open {
        let missing = store.settings().approvals.saturating_sub(proposal.approvals.len());
        writeln!(
            out,
            "it waits for {missing} of the enrolled people: `stakeout rules approve {} --key …`, or `stakeout rules reject {} --why …`",
            proposal.id, proposal.id
        )?;
    }
    Ok(())
}
