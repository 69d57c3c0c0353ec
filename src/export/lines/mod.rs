//! A sink that writes one line an event to a file: what JSON lines and EVE have in common.

mod disk;
mod file;
mod rotate;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use super::{Health, Sink, SinkError};
use crate::record::Event;
use file::LineFile;

/// A file of lines and its rotation.
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// The file; its folder must exist. Created with mode 0640.
    pub path: PathBuf,
    /// Rotate before a line would make the file larger, in octets. None: never by size.
    pub max_bytes: Option<u64>,
    /// Rotate when the file was begun so long ago. None: never by age.
    pub max_age: Option<Duration>,
    /// Rotated files that are kept; 0 keeps all.
    pub keep: usize,
}

/// Appends the line of an event, with its line feed; nothing if the event has none in this format.
pub(super) type Encode = fn(&Event, &mut Vec<u8>);

/// Writes one line an event to a file. Made by [`jsonl::open`](super::jsonl::open) and [`eve::open`](super::eve::open).
pub struct LineSink {
    name: &'static str,
    encode: Encode,
    file: LineFile,
    batch: Batch,
    health: Health,
}

/// Lines in one buffer, and where each event's share of it ends.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// How many events lie wholly in the first `bytes` octets.
    fn events_in(&self, bytes: usize) -> usize {
        self.ends.partition_point(|end| *end <= bytes)
    }
}

impl LineSink {
    pub(super) fn open(name: &'static str, encode: Encode, config: FileConfig) -> Result<Self, SinkError> {
        let mut sink =
            LineSink { name, encode, file: LineFile::new(config), batch: Batch::default(), health: Health::Working };
        sink.reopen()?;
        Ok(sink)
    }

    fn told<T>(&mut self, result: Result<T, SinkError>) -> Result<T, SinkError> {
        self.health = match (&result, self.file.rotation_trouble()) {
            (Err(error), _) => Health::Failing(error.to_string()),
            (Ok(_), Some(trouble)) => Health::Failing(trouble.to_owned()),
            (Ok(_), None) => Health::Working,
        };
        result
    }
}

impl Sink for LineSink {
    fn name(&self) -> &str {
        self.name
    }

    fn deliver(&mut self, events: &[Event]) -> Result<(), SinkError> {
        self.batch.bytes.clear();
        self.batch.ends.clear();
        for event in events {
            (self.encode)(event, &mut self.batch.bytes);
            self.batch.ends.push(self.batch.bytes.len());
        }
        if self.batch.bytes.is_empty() {
            // Nothing to write says nothing about the disk.
            return Ok(());
        }
        let result = self.file.append(&self.batch);
        self.told(result)
    }

    fn reopen(&mut self) -> Result<(), SinkError> {
        let result = self.file.reopen();
        self.told(result)
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let result = self.file.flush();
        self.told(result)
    }

    fn health(&self) -> Health {
        self.health.clone()
    }
}
