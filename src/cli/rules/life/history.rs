//! `stakeout rules history`: everything that ever happened, from the journal.

use std::collections::VecDeque;
use std::io::Write;

use clap::Args;

use super::super::super::exit::Exit;
use super::common::{Failure, StoreArgs, count};
use crate::control::rules::store::{Access, Change, Event, Line, Names};

const EXAMPLE: &str = "\
Example:
  $ stakeout rules history --list no-orders
  7 2026-11-24T20:00:00Z anna proposed 2 names in and 0 out of no-orders: letter of 20 November
  8 2026-11-24T20:05:00Z anna signed for proposal 7: signed
  9 2026-11-24T20:30:00Z bert signed for proposal 7, which is in force since: signed";

/// Tell who changed what, when and why
///
/// Reads the journal of the store, oldest line first, and checks that no line was changed. Note the last line's hash elsewhere now and then (`rules status` prints it), and
/// nobody can change what happened before without your noticing. Exit code 0; 1 if the journal is damaged, 3 if it cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct HistoryArgs {
    /// Only what is about this list
    #[arg(long, value_name = "LIST")]
    list: Option<String>,
    /// Only the last so many lines
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    last: usize,
    /// Every line
    #[arg(long, conflicts_with = "last")]
    all: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &HistoryArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let store = args.store.open(Access::Read, err)?;
    let most = if args.all { usize::MAX } else { args.last };
    let (mut lines, mut left_out) = (VecDeque::new(), 0_u64);
    let list_of = |id: u64| store.state().proposals.get(&id).and_then(|proposal| proposal.change.list());
    store.history(|line| {
        if args.list.as_deref().is_none_or(|wanted| is_about(line, wanted, list_of)) {
            lines.push_back(say(line));
            if lines.len() > most {
                lines.pop_front();
                left_out += 1;
            }
        }
    })?;
    if left_out > 0 {
        writeln!(out, "{left_out} earlier lines: say --all")?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(Exit::Done)
}

fn is_about<'a>(line: &Line, wanted: &str, list_of: impl Fn(u64) -> Option<&'a str>) -> bool {
    match &line.event {
        Event::Propose(proposed) => proposed.change.list() == Some(wanted),
        Event::Approve(approved) => list_of(approved.proposal) == Some(wanted),
        Event::Reject(rejected) => list_of(rejected.proposal) == Some(wanted),
        Event::Take(taken) => taken.list == wanted,
        Event::Trouble(trouble) => trouble.list == wanted,
        Event::Publish(published) => published.lists.contains_key(wanted),
        Event::Rollback(_) => true,
        Event::Init(_) | Event::Gc(_) | Event::Migrate(_) => false,
    }
}

fn say(line: &Line) -> String {
    let what = match &line.event {
        Event::Init(init) => {
            let people: Vec<&str> = init.people.iter().map(|person| person.name.as_str()).collect();
            format!("made the store, with {}", people.join(", "))
        }
        Event::Propose(proposed) => match &proposed.change {
            Change::Source { list, before, .. } => {
                format!("proposed {} definition of {list}", if before.is_none() { "the" } else { "another" })
            }
            Change::Import { list, content, guards, .. } if guards.is_empty() => {
                format!("proposed a file of {list} with {}", count(content.rules, "rule"))
            }
            Change::Import { list, content, guards, .. } => {
                format!("held a file of {list} with {} rules: {}", content.rules, guards.join("; "))
            }
            Change::Review { list, count, .. } => format!("held {count} names of {list} back"),
            Change::Names(Names { list, add, remove, .. }) => {
                format!("proposed {} names in and {} out of {list}", add.len(), remove.len())
            }
            Change::Enrol(person) => format!("proposed to enrol {}", person.name),
            Change::Revoke { name } => format!("proposed to revoke {name}"),
        },
        Event::Approve(approved) => {
            let end = if approved.completes { ", which is in force since" } else { "" };
            format!("signed for proposal {}{end}", approved.proposal)
        }
        Event::Reject(rejected) => format!("rejected proposal {}", rejected.proposal),
        Event::Take(taken) => {
            let review = taken.review.as_ref().map(|r| format!(", {} names held back", r.count)).unwrap_or_default();
            format!("took a file of {} with {} rules from {}{review}", taken.list, taken.content.rules, taken.origin)
        }
        Event::Trouble(trouble) => {
            format!("refused a file of {} from {}: {}", trouble.list, trouble.origin, trouble.what)
        }
        Event::Publish(published) => {
            format!("published version {} of {} with {} rules", published.version, published.channel, published.rules)
        }
        Event::Rollback(rolled) => format!("went back to version {} of {}", rolled.version, rolled.channel),
        Event::Gc(swept) => format!("removed old files, {} snapshots of each list kept", swept.keep),
        Event::Migrate(migrated) => format!("brought the store from format {} to {}", migrated.from, migrated.to),
    };
    format!("{} {} {} {what}: {}", line.seq, line.time, line.who, line.why)
}
