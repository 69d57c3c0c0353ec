//! An append-only file in which only whole lines stand, whatever happens to the disk.
//!
//! A write that stops in the middle of a line is cut back to the line before it. If even that fails, or if the program
//! was killed in the middle of a line, the next opening cuts the file back before anything is appended.

use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::disk::{self, LogFile, Opener};
use super::{Batch, FileConfig, SinkError, rotate};
use crate::model::Timestamp;

/// No line of ours is longer; what is torn at the end of a file is at most this long.
const LONGEST_LINE: u64 = 1 << 20;

/// The file and what is known of it.
pub(super) struct LineFile {
    config: FileConfig,
    open: Opener,
    clock: fn() -> Timestamp,
    /// None after trouble: the next use opens and mends it.
    file: Option<OpenFile>,
    rotation_trouble: Option<String>,
}

struct OpenFile {
    handle: Box<dyn LogFile>,
    begun: Timestamp,
}

impl LineFile {
    pub(super) fn new(config: FileConfig) -> Self {
        Self::with(config, Box::new(disk::open), Timestamp::now)
    }

    pub(super) fn with(config: FileConfig, open: Opener, clock: fn() -> Timestamp) -> Self {
        LineFile { config, open, clock, file: None, rotation_trouble: None }
    }

    /// Why the file could not be rotated; it is written to beyond its limits until it can.
    pub(super) fn rotation_trouble(&self) -> Option<&str> {
        self.rotation_trouble.as_deref()
    }

    /// Closes the file and opens what now stands under its path.
    pub(super) fn reopen(&mut self) -> Result<(), SinkError> {
        let synced = self.file.take().map_or(Ok(()), |mut file| file.handle.sync());
        let opened = self.opened().map(|_| ());
        opened.and(synced).map_err(|e| self.error(0, "cannot open", e))
    }

    /// Puts what was written on the disk; rotates a file that is too old.
    pub(super) fn flush(&mut self) -> Result<(), SinkError> {
        let now = (self.clock)();
        let result = self.opened().and_then(|file| Ok((file.handle.len()?, file.begun)));
        let result = result.and_then(|(len, begun)| {
            if len > 0 && self.too_old(begun, now) {
                self.rotate(now);
            }
            self.file.as_mut().map_or(Ok(()), |file| file.handle.sync())
        });
        result.map_err(|e| self.error(0, "cannot flush", e))
    }

    /// Appends the lines, rotating between them as due.
    pub(super) fn append(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let mut from = 0;
        while from < batch.bytes.len() {
            match self.append_some(batch, from) {
                Ok(to) => from = to,
                Err((whole, e)) => return Err(self.error(batch.events_in(whole), "cannot write", e)),
            }
        }
        Ok(())
    }

    /// Appends as many lines from octet `from` on as go into one file. Returns the octet behind the last line that is
    /// wholly in the file, in an error too.
    fn append_some(&mut self, batch: &Batch, from: usize) -> Result<usize, (usize, io::Error)> {
        let nothing = |e| (from, e);
        let now = (self.clock)();
        let file = self.opened().map_err(nothing)?;
        let (mut len, begun) = (file.handle.len().map_err(nothing)?, file.begun);
        let next = batch.events_in(from);
        let first = batch.ends.get(next).map_or(0, |end| end - from) as u64;
        let max = self.config.max_bytes.unwrap_or(u64::MAX);
        if len > 0 && (len.saturating_add(first) > max || self.too_old(begun, now)) && self.rotate(now) {
            len = self.opened().map_err(nothing)?.handle.len().map_err(nothing)?;
        }
        if len == 0
            && let Some(file) = &mut self.file
        {
            // The age of a file is that of its first line.
            file.begun = now;
        }
        // One line at least: one that is longer than a file may be has a file of its own.
        let room = max.saturating_sub(len);
        let fitting = batch.ends.partition_point(|end| end.saturating_sub(from) as u64 <= room);
        let to = batch.ends.get(fitting.max(next + 1) - 1).copied().unwrap_or(batch.bytes.len());

        let file = self.opened().map_err(nothing)?;
        let mut at = from;
        let failure = loop {
            match file.handle.write(batch.bytes.get(at..to).unwrap_or_default()) {
                Ok(n) if at + n >= to => return Ok(to),
                Ok(0) => break io::ErrorKind::WriteZero.into(),
                Ok(n) => at += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => break e,
            }
        };
        let whole = batch.ends[..batch.events_in(at)].last().map_or(from, |end| (*end).max(from));
        if at > whole && file.handle.truncate(len + (whole - from) as u64).is_err() {
            self.file = None;
        }
        Err((whole, failure))
    }

    fn too_old(&self, begun: Timestamp, now: Timestamp) -> bool {
        self.config.max_age.is_some_and(|age| u128::from(now.nanos_since(begun)) >= age.as_nanos())
    }

    /// Sets the file aside; false if that failed, and the file goes on as it is.
    fn rotate(&mut self, now: Timestamp) -> bool {
        let path = &self.config.path;
        let synced = self.file.as_mut().map_or(Ok(()), |file| file.handle.sync());
        let result = synced.and_then(|()| rotate::set_aside(path, now));
        let moved = result.is_ok();
        if moved {
            self.file = None;
        }
        let pruned = match self.config.keep {
            0 => Ok(()),
            keep if moved => rotate::prune(path, keep),
            _ => Ok(()),
        };
        self.rotation_trouble =
            result.and(pruned).err().map(|e| format!("cannot rotate {}: {e}", self.config.path.display()));
        moved
    }

    fn opened(&mut self) -> io::Result<&mut OpenFile> {
        if self.file.as_ref().is_none_or(|file| file.handle.is_deleted()) {
            self.file = None;
            self.file = Some(open_mended(&mut self.open, &self.config.path, (self.clock)())?);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn error(&self, delivered: usize, doing: &str, source: io::Error) -> SinkError {
        SinkError::new(delivered, format!("{doing} {}", self.config.path.display()), source)
    }
}

/// Opens the file, and cuts off a line that a crash left torn.
fn open_mended(open: &mut Opener, path: &Path, now: Timestamp) -> io::Result<OpenFile> {
    let mut handle = open(path)?;
    let len = handle.len()?;
    let mut tail = vec![0; len.min(LONGEST_LINE) as usize];
    let tail_at = len - tail.len() as u64;
    handle.read_at(&mut tail, tail_at)?;
    if tail.last().is_some_and(|b| *b != b'\n') {
        let torn = tail.iter().rposition(|b| *b == b'\n').map_or(0, |line_feed| line_feed + 1);
        // Only what we may have begun is cut: the operator may have given us some other file by mistake.
        if tail.get(torn) != Some(&b'{') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it ends in the middle of a line that is not JSON; move it away or name another file",
            ));
        }
        handle.truncate(tail_at + torn as u64)?;
    }
    let begun = handle.begun().filter(|_| len > 0).and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    let begun = begun.map_or(now, |d| Timestamp::from_parts(d.as_secs(), u64::from(d.subsec_nanos())));
    Ok(OpenFile { handle, begun })
}
