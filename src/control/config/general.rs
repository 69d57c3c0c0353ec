//! `[sensor]` and `[log]`.

use super::reader::{Table, text_item};
use crate::model::{Jurisdiction, JurisdictionError, is_label};
use crate::telemetry::{Format, Level};

/// What to write for it.
const WHAT_IT_SERVES: &str =
    "the places whose law counts where the watched traffic is, such as jurisdictions = [\"PL\"]";

/// The most places that one sensor serves. Each listed visit is a finding for each of them.
const MAX_SERVED: usize = 16;

/// Who is speaking, and for which places.
#[derive(Clone, PartialEq, Debug)]
pub struct SensorConfig {
    /// Name of this sensor in events and in `/status`: 1 to 64 of `a-z 0-9 . _ -`. Default `"sensor"`.
    pub name: String,
    /// The places whose law counts where the watched traffic is: ISO 3166-1 (`"CH"`) or 3166-2 (`"US-NJ"`), 1 to 16. A
    /// list decides only where it holds, and every finding is for one of these. Required.
    pub jurisdictions: Vec<Jurisdiction>,
}

impl Default for SensorConfig {
    fn default() -> Self {
        SensorConfig { name: "sensor".into(), jurisdictions: Vec::new() }
    }
}

impl SensorConfig {
    /// Reads it from the document's root.
    pub(super) fn read(root: &mut Table<'_, '_>) -> Self {
        let (present, sensor) = root.table("sensor", |t| {
            let name = label(t, "name").unwrap_or(Self::default().name);
            let jurisdictions = if t.is_missing("jurisdictions", WHAT_IT_SERVES) {
                Vec::new()
            } else {
                jurisdictions(t, "jurisdictions", MAX_SERVED).unwrap_or_default()
            };
            (t.is_present(), SensorConfig { name, jurisdictions })
        });
        if !present {
            let help = format!("add a header [sensor] and under it {WHAT_IT_SERVES}");
            root.error_at("sensor", "the table [sensor] is missing", help);
        }
        sensor
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

/// A list of codes of ISO 3166, at least one.
pub(super) fn jurisdictions(t: &mut Table<'_, '_>, name: &'static str, most: usize) -> Option<Vec<Jurisdiction>> {
    t.list(name, 1..=most, |item| {
        let text = text_item(item)?;
        text.parse().map_err(|e: JurisdictionError| format!("{text:?} {e}"))
    })
}

/// A name that is fit for a metric label and a file name.
pub(super) fn label(t: &mut Table<'_, '_>, name: &'static str) -> Option<String> {
    let text = t.string(name)?;
    if is_label(text) {
        return Some(text.to_owned());
    }
    let message = format!("`{name}` is {text:?}, which is not fit for a metric label");
    t.error_at(name, message, "use 1 to 64 of the characters a-z 0-9 . _ -");
    None
}
