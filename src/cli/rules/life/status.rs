//! `stakeout rules status`: how things stand.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;

use super::super::super::exit::Exit;
use super::common::{Failure, StoreArgs, count};
use crate::control::rules::store::{Access, ListStatus};

const EXAMPLE: &str = "\
Example:
  $ stakeout rules status
  ch-gespa: 813 rules (snapshot 12) in force here since 2026-11-24T20:00:00Z, looked for 0 h ago
  no proposal waits
  national: version 4 of 2026-11-24T20:10:00Z, expires 2026-12-24T20:10:00Z (in 29 days)";

/// Tell how old each list is, what is due, and who is waited for
///
/// Reads the store. Exit code 0; 1 if something wants somebody's attention: a file that was not taken, a list that should have been looked at, a deadline
/// that passed, a bundle that expires within a week; 3 if the store cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct StatusArgs {
    #[command(flatten)]
    store: StoreArgs,
}

/// A bundle that expires sooner wants attention.
const SOON_HOURS: i64 = 7 * 24;

pub(super) fn run(args: &StatusArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let store = args.store.open(Access::Read, err)?;
    let now = Timestamp::now();
    let status = store.status(now)?;
    let mut exit = Exit::Done;
    for list in &status.lists {
        exit = exit.or(tell(list, now, out)?);
    }
    for (id, kind, list, signed) in &status.waiting {
        let list = list.as_ref().map(|list| format!(" of {list}")).unwrap_or_default();
        let needed = store.settings().approvals;
        writeln!(out, "waiting: proposal {id} ({kind}{list}), signed by {signed} of {needed} people")?;
    }
    if status.waiting.is_empty() {
        writeln!(out, "no proposal waits")?;
    }
    for publication in &status.published {
        let what = &publication.what;
        let left = what.expires.parse::<Timestamp>().map_or(0, |expires| hours(now, expires));
        let (channel, version, time, expires) = (&what.channel, what.version, publication.time, &what.expires);
        let left_words = match left {
            ..=0 => "expired: publish again".to_owned(),
            1..48 => format!("in {left} hours"),
            _ => format!("in {} days", left / 24),
        };
        writeln!(out, "{channel}: version {version} of {time}, expires {expires} ({left_words})")?;
        exit = exit.or(if left < SOON_HOURS { Exit::Damaged } else { Exit::Done });
    }
    if status.published.is_empty() {
        writeln!(out, "nothing was published yet")?;
    }
    let (line, hash) = store.last_line();
    writeln!(out, "journal: {}, the last one has SHA-256 {hash}", count(line, "line"))?;
    Ok(exit)
}

fn tell(list: &ListStatus, now: Timestamp, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    let name = &list.list;
    let looked = list.looked.map(|time| format!(", looked for {} h ago", hours(time, now))).unwrap_or_default();
    match (list.head, list.since) {
        (Some((id, rules)), Some(since)) => {
            writeln!(out, "{name}: {} (snapshot {id}) in force here since {since}{looked}", count(rules, "rule"))?;
        }
        _ => writeln!(out, "{name}: nothing in force{looked}")?,
    }
    let mut attention = |text: String, out: &mut dyn Write| {
        exit = Exit::Damaged;
        writeln!(out, "  attention: {text}")
    };
    if let Some((time, what)) = &list.trouble {
        attention(format!("the file of {time} was not taken: {what}"), out)?;
    }
    if list.overdue {
        attention("nobody looked for a new file for longer than its schedule says".into(), out)?;
    }
    match list.due {
        Some(due) if due < now => attention(format!("should have been published by {due}"), out)?,
        Some(due) => writeln!(out, "  to be published by {due}")?,
        None => {}
    }
    if !list.missing.is_empty() {
        attention(format!("its definition has no {}, so it is in no build", list.missing.join(", no ")), out)?;
    }
    if let Some(date) = list.next_date {
        writeln!(out, "  next change by a date: {date}; build and publish again then")?;
    }
    if list.held > 0 {
        writeln!(out, "  {} of its file do not count", count(list.held, "name"))?;
    }
    if list.tripped > 0 {
        writeln!(out, "  guards tripped so far: {}", list.tripped)?;
    }
    Ok(exit)
}

/// Whole hours from one time to another.
fn hours(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_second() - from.as_second()) / 3_600
}
