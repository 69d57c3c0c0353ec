//! `[output.events]` and `[output.eve]`: where events go.

use std::path::{Path, PathBuf};

use super::reader::Table;
use crate::control::units::{ByteSize, Span};

/// Where events go.
#[derive(Clone, PartialEq, Debug)]
pub struct OutputConfig {
    /// `[output.events]`: the events of this program, one JSON object a line (`docs/event-schema.md`).
    pub events: EventFileConfig,
    /// `[output.eve]`: the same findings as alerts in Suricata's EVE JSON, if the table is there.
    pub eve: Option<EventFileConfig>,
}

/// One file of events, with its rotation.
#[derive(Clone, PartialEq, Debug)]
pub struct EventFileConfig {
    /// The file; its directory must exist. Default `"/var/log/stakeout/events.jsonl"` and `"/var/log/stakeout/eve.json"`.
    pub path: PathBuf,
    /// A file of this size is put aside and a new one begun, 64KiB to 1TiB. Default `"256MiB"`.
    pub rotate_size: ByteSize,
    /// A file of this age is put aside and a new one begun, 1m to 366d. Default `"24h"`.
    pub rotate_age: Span,
    /// How many files that were put aside are kept, 1 to 10000; older ones are deleted. Default 14.
    pub keep: u32,
}

impl EventFileConfig {
    fn default_at(path: &str) -> Self {
        EventFileConfig { path: path.into(), rotate_size: ByteSize::mib(256), rotate_age: Span::hours(24), keep: 14 }
    }

    fn read(t: &mut Table<'_, '_>, base: &Path, d: Self) -> Self {
        EventFileConfig {
            path: path(t, "path", base).unwrap_or(d.path),
            rotate_size: t.size("rotate_size", ByteSize::kib(64)..=ByteSize::gib(1024)).unwrap_or(d.rotate_size),
            rotate_age: t.span("rotate_age", Span::secs(60)..=Span::days(366)).unwrap_or(d.rotate_age),
            keep: t.number("keep", 1..=10_000).unwrap_or(d.keep),
        }
    }
}

impl OutputConfig {
    pub(super) fn read(t: &mut Table<'_, '_>, base: &Path) -> Self {
        let events = EventFileConfig::default_at("/var/log/stakeout/events.jsonl");
        let events = t.table("events", |t| EventFileConfig::read(t, base, events));
        let eve = EventFileConfig::default_at("/var/log/stakeout/eve.json");
        let eve = t.table("eve", |t| {
            let eve = EventFileConfig::read(t, base, eve);
            if t.is_present() && eve.path == events.path {
                let message = format!("`output.eve.path` is the file of [output.events], {}", eve.path.display());
                t.error_at("path", message, "give each output a file of its own");
            }
            t.is_present().then_some(eve)
        });
        OutputConfig { events, eve }
    }
}

/// A path of at least one character, made absolute from `base`.
pub(super) fn path(t: &mut Table<'_, '_>, name: &'static str, base: &Path) -> Option<PathBuf> {
    let text = t.string(name)?;
    if text.is_empty() || text.contains('\0') || text.ends_with('/') {
        t.error_at(name, format!("`{name}` is {text:?}, which names no file"), "write the path of a file");
        return None;
    }
    Some(base.join(text))
}
