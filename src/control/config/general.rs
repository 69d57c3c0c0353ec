//! `[sensor]` and `[log]`.

use super::reader::Table;
use crate::telemetry::{Format, Level};

/// Who is speaking.
#[derive(Clone, PartialEq, Debug)]
pub struct SensorConfig {
    /// Name of this sensor in events and in `/status`: 1 to 64 of `a-z 0-9 . _ -`. Default `"sensor"`.
    pub name: String,
}

impl Default for SensorConfig {
    fn default() -> Self {
        SensorConfig { name: "sensor".into() }
    }
}

impl SensorConfig {
    pub(super) fn read(t: &mut Table<'_, '_>) -> Self {
        let d = Self::default();
        SensorConfig { name: label(t, "name").unwrap_or(d.name) }
    }
}

/// What is logged to standard error, and how.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LogConfig {
    /// `"error"`, `"warn"`, `"info"` (default) or `"debug"`.
    pub level: Level,
    /// `"text"` (default) or `"json"`.
    pub format: Format,
}

impl LogConfig {
    pub(super) fn read(t: &mut Table<'_, '_>) -> Self {
        let levels = [("error", Level::Error), ("warn", Level::Warn), ("info", Level::Info), ("debug", Level::Debug)];
        LogConfig {
            level: t.choice("level", &levels).unwrap_or_default(),
            format: t.choice("format", &[("text", Format::Text), ("json", Format::Json)]).unwrap_or_default(),
        }
    }
}

/// A name that is fit for a metric label and a file name.
pub(super) fn label(t: &mut Table<'_, '_>, name: &'static str) -> Option<String> {
    let text = t.string(name)?;
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
        return Some(text.to_owned());
    }
    let message = format!("`{name}` is {text:?}, which is not fit for a metric label");
    t.error_at(name, message, "use 1 to 64 of the characters a-z 0-9 . _ -");
    None
}
