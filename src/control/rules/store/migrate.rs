//! From one format of the store to the next, and back.
//!
//! | format | what differs |
//! |---|---|
//! | 0 | the journal's lines have neither `prev` nor `sum` (the format before the first release) |
//! | 1 | each line has the hash of the one before and a checksum of itself |
//!
//! The new journal is written beside the old one, which stays as `journal.format-N`; then it is renamed, and `format` is
//! written last. A kill in between leaves a store of the old format, whose journal may have the new form already: the
//! migration reads either, so that it can simply be run again.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::StoreError;
use super::event::{Event, Migrated};
use super::files::{format_of, lock, place};
use super::hash::Hash;
use super::journal::{Actor, Line, for_each_line};
use super::state::State;
use super::{Access, FORMAT};
use crate::matching::bundle::replace;

/// A line of any format that is known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnyLine {
    seq: u64,
    time: String,
    who: String,
    why: String,
    action: String,
    data: Value,
    #[serde(default)]
    prev: Option<String>,
    #[serde(default)]
    sum: Option<String>,
}

/// Brings a store to the format `to`. Gives the format it had.
///
/// # Errors
/// There is no way from one to the other; the journal is damaged; the store cannot be written.
pub fn migrate(dir: &Path, to: u32, actor: &Actor) -> Result<u32, StoreError> {
    let from = format_of(dir)?;
    if to > FORMAT {
        return Err(StoreError::refused(format!("this version of stakeout knows formats up to {FORMAT}")));
    }
    let lock = lock(dir, Access::Write)?;
    if from == to {
        return Ok(from);
    }
    let path = dir.join("journal");
    let mut lines = read(&path)?;
    if to > 0 {
        let seq = lines.last().map_or(1, |line| line.seq + 1);
        let (who, why, event) = (actor.who.clone(), actor.why.clone(), Event::Migrate(Migrated { from, to }));
        lines.push(Line { seq, time: super::now(), who, why, event });
    }
    let mut state = State::default();
    for line in &lines {
        state.apply(line).map_err(|what| StoreError::Journal { path: path.clone(), line: line.seq, what })?;
    }
    keep(&path, &dir.join(format!("journal.format-{from}")))?;
    replace::<std::io::Error>(&path, 0o640, |file| {
        let mut last = Hash::ZERO;
        for line in &lines {
            let text = if to == 0 { without_hashes(line) } else { line.encode(&last) };
            last = Hash::of(text.as_bytes());
            writeln!(file, "{text}")?;
        }
        Ok(())
    })
    .map_err(StoreError::io(&path))?;
    place(&dir.join("format"), &format!("{to}\n"))?;
    drop(lock);
    Ok(from)
}

/// The lines of a journal of any format. Hashes are checked where they are.
fn read(path: &Path) -> Result<Vec<Line>, StoreError> {
    let file = File::open(path).map_err(StoreError::io(path))?;
    let (mut lines, mut last) = (Vec::new(), Hash::ZERO);
    for_each_line(path, &file, |text, _| {
        let seq = lines.len() as u64 + 1;
        let any: AnyLine = serde_json::from_str(text).map_err(|error| format!("is no line of a journal: {error}"))?;
        let line = if any.prev.is_some() || any.sum.is_some() {
            Line::decode(text, seq, &last)?
        } else {
            Line::from_parts((any.seq, seq), &any.time, (any.who, any.why), any.action, any.data)?
        };
        last = Hash::of(text.as_bytes());
        lines.push(line);
        Ok(())
    })?;
    Ok(lines)
}

fn without_hashes(line: &Line) -> String {
    let full: Value = serde_json::from_str(&line.encode(&Hash::ZERO)).unwrap_or_default();
    let field = |name: &str| full.get(name).cloned().unwrap_or_default();
    let fields = json!({
        "seq": line.seq, "time": field("time"), "who": line.who, "why": line.why,
        "action": field("action"), "data": field("data"),
    });
    fields.to_string()
}

/// Keeps the old journal under another name; one that an interrupted migration kept stays.
fn keep(path: &Path, old: &Path) -> Result<(), StoreError> {
    match fs::hard_link(path, old) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Io { path: old.to_owned(), error }),
    }
}
