//! The journal: one line for everything that ever happened to the store, and never a line less.
//!
//! ```json
//! {"seq":7,"time":"2026-11-24T20:00:00Z","who":"anna","why":"order 12/2026","action":"propose","data":{…},"prev":"…","sum":"…"}
//! ```
//!
//! `prev` is the SHA-256 of the line before (without its line end), so that no line can be changed, taken out or put in
//! without all that follow; `sum` is the beginning of the SHA-256 of the line itself with an empty `sum`, so that damage
//! to the last one is noticed too. A line is written at once and forced to the disk. A last line without its end was cut
//! by a kill or a power cut: it is taken off, and said. Any other damage refuses the store.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::StoreError;
use super::event::Event;
use super::hash::Hash;
use crate::model::deceives;

/// The longest line, in octets.
pub(super) const MAX_LINE: usize = 1 << 20;
/// The most lines.
pub(super) const MAX_LINES: u64 = 1_000_000;
/// The longest `who` and `why`, in octets.
pub(super) const MAX_WORDS: usize = 2_000;
/// Digits of `sum`.
const SUM: usize = 16;

/// Who does something, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// A name, which proves nothing: signatures do.
    pub who: String,
    /// The reason.
    pub why: String,
}

impl Actor {
    /// # Errors
    /// One of the two is empty, too long or no text of one line.
    pub fn new(who: impl Into<String>, why: impl Into<String>) -> Result<Actor, String> {
        let actor = Actor { who: who.into().trim().to_owned(), why: why.into().trim().to_owned() };
        for (name, text) in [("who", &actor.who), ("why", &actor.why)] {
            if text.is_empty() || text.len() > MAX_WORDS || text.contains(deceives) {
                return Err(format!("`{name}` must be 1 to {MAX_WORDS} octets of text on one line"));
            }
        }
        Ok(actor)
    }
}

/// A line of the journal.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Its number, from 1.
    pub seq: u64,
    /// When it was written.
    pub time: Timestamp,
    /// Who did it, by their own word.
    pub who: String,
    /// Why, by their own word.
    pub why: String,
    /// What happened.
    pub event: Event,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    seq: u64,
    time: String,
    who: String,
    why: String,
    action: String,
    data: Value,
    prev: String,
    sum: String,
}

impl Line {
    /// The line as text, without its end.
    pub(super) fn encode(&self, prev: &Hash) -> String {
        // An event is an object with one field, whose name is the action.
        let event = serde_json::to_value(&self.event).unwrap_or_default();
        let (action, data) = match event {
            Value::Object(fields) => fields.into_iter().next().unwrap_or_default(),
            _ => Default::default(),
        };
        let raw = Raw {
            seq: self.seq,
            time: rfc3339(self.time),
            who: self.who.clone(),
            why: self.why.clone(),
            action,
            data,
            prev: prev.to_string(),
            sum: String::new(),
        };
        // Texts and numbers only: nothing that could fail.
        let open = serde_json::to_string(&raw).unwrap_or_default();
        let sum = sum(&open);
        format!("{}{sum}\"}}", open.strip_suffix("\"}").unwrap_or(&open))
    }

    /// Reads a line back.
    pub(super) fn decode(text: &str, seq: u64, prev: &Hash) -> Result<Line, String> {
        let raw: Raw = serde_json::from_str(text).map_err(|error| format!("is no line of a journal: {error}"))?;
        let head = text.len().saturating_sub(SUM + 2);
        let open = format!("{}\"}}", text.get(..head).unwrap_or_default());
        if raw.sum != sum(&open) || !text.ends_with(&format!("{}\"}}", raw.sum)) {
            return Err("its own checksum does not fit: it was changed".into());
        }
        if raw.prev != prev.to_string() {
            return Err(
                "does not follow on the line before: one of the two was changed, or one between them is gone".into()
            );
        }
        Line::from_parts((raw.seq, seq), &raw.time, (raw.who, raw.why), raw.action, raw.data)
    }

    /// What every format of the journal has.
    pub(super) fn from_parts(
        (seq, expected): (u64, u64),
        time: &str,
        (who, why): (String, String),
        action: String,
        data: Value,
    ) -> Result<Line, String> {
        if seq != expected {
            return Err(format!("says that it is line {seq}"));
        }
        let time = time.parse().map_err(|_| "its time is none".to_owned())?;
        let event = Value::Object([(action, data)].into_iter().collect());
        let event =
            serde_json::from_value(event).map_err(|error| format!("what it says is not understood: {error}"))?;
        Ok(Line { seq, time, who, why, event })
    }
}

fn sum(open: &str) -> String {
    Hash::of(open.as_bytes()).to_string().chars().take(SUM).collect()
}

/// A time as the store writes it, in whole seconds.
pub fn rfc3339(time: Timestamp) -> String {
    time.strftime("%FT%TZ").to_string()
}

/// The journal, open at its end.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Octets that count.
    len: u64,
    /// Number of the next line.
    pub(super) next: u64,
    /// SHA-256 of the last line.
    pub(super) last: Hash,
}

impl Journal {
    /// Reads the whole journal with `visit`. Gives it, and the octets of a last line that was cut.
    pub(super) fn open(
        path: &Path,
        writable: bool,
        mut visit: impl FnMut(Line) -> Result<(), String>,
    ) -> Result<(Journal, u64), StoreError> {
        let file = File::options().read(true).write(writable).open(path).map_err(StoreError::io(path))?;
        let (mut len, mut next, mut last) = (0, 1, Hash::ZERO);
        let cut = for_each_line(path, &file, |text, octets| {
            let line = Line::decode(text, next, &last)?;
            visit(line)?;
            last = Hash::of(text.as_bytes());
            next += 1;
            len += octets;
            Ok(())
        })?;
        if cut > 0 && writable {
            file.set_len(len).and_then(|()| file.sync_all()).map_err(StoreError::io(path))?;
        }
        Ok((Journal { path: path.to_owned(), file, len, next, last }, cut))
    }

    /// Adds a line: written at once and forced to the disk, or not at all.
    pub(super) fn append(&mut self, line: &Line) -> Result<(), StoreError> {
        let mut text = line.encode(&self.last);
        if text.len() >= MAX_LINE || self.next > MAX_LINES {
            return Err(StoreError::refused(
                "the journal is full, or this is more than one line of it takes: do it in parts",
            ));
        }
        let last = Hash::of(text.as_bytes());
        text.push('\n');
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.len))?;
            self.file.write_all(text.as_bytes())?;
            self.file.sync_all()
        };
        if let Err(error) = write() {
            // Half a line is worse than none; if that fails too, the next start cuts it off.
            let _ = self.file.set_len(self.len);
            return Err(StoreError::Io { path: self.path.clone(), error });
        }
        self.len += text.len() as u64;
        self.last = last;
        self.next += 1;
        Ok(())
    }
}

/// Calls `visit` with each line and its octets. Gives the octets of a last line without an end.
pub(super) fn for_each_line(
    path: &Path,
    file: &File,
    mut visit: impl FnMut(&str, u64) -> Result<(), String>,
) -> Result<u64, StoreError> {
    let mut reader = BufReader::with_capacity(128 << 10, file);
    let (mut line, mut number) = (Vec::new(), 0);
    loop {
        line.clear();
        number += 1;
        let damaged = |what: String| StoreError::Journal { path: path.to_owned(), line: number, what };
        let mut part = std::io::Read::take(&mut reader, MAX_LINE as u64 + 1);
        let octets = part.read_until(b'\n', &mut line).map_err(StoreError::io(path))?;
        if octets == 0 {
            return Ok(0);
        }
        if number > MAX_LINES || octets > MAX_LINE {
            return Err(damaged(format!(
                "there are more than {MAX_LINES} lines, or it is longer than {MAX_LINE} octets"
            )));
        }
        let Some((b'\n', text)) = line.split_last() else { return Ok(octets as u64) };
        let text = std::str::from_utf8(text).map_err(|_| damaged("is no UTF-8 text".into()))?;
        visit(text, octets as u64).map_err(damaged)?;
    }
}
