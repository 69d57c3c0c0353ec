//! Events as JSON lines in a file, in the schema of `docs/event-schema.md`.

use super::{FileConfig, LineSink, SinkError};
use crate::record::Event;

/// Opens the file, mending its last line if a crash tore it.
///
/// # Errors
/// If the file cannot be opened, locked or mended.
pub fn open(config: FileConfig) -> Result<LineSink, SinkError> {
    LineSink::open("jsonl", Event::write_json_line, config)
}
