//! Logging: one line an event on standard error, as text for people or as JSON for machines.
//!
//! What is logged is listed in [`events`]: each event is a function whose parameters are all that it can say, so that
//! no address and no unlisted name can slip into a format string. Standard output stays free for results.

pub mod events;

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::Layer;

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// One line of text an event.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is logged; each level includes those above it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Level {
    /// Something that needs a person.
    Error,
    /// Something that may need a person.
    Warn,
    /// What the program did: starts, reloads, changes of state.
    #[default]
    Info,
    /// Why it did it; some lines a second.
    Debug,
}

impl Level {
    const fn filter(self) -> LevelFilter {
        match self {
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        }
    }
}

/// Sends log lines to standard error from here on. Other crates are heard from `warn` up only: at lower levels some of
/// them log peers' addresses.
///
/// # Errors
/// Logging was set up before in this process.
pub fn init(format: Format, level: Level) -> Result<(), TryInitError> {
    let others = level.filter().min(LevelFilter::WARN);
    let filter = Targets::new().with_target("stakeout", level.filter()).with_default(others);
    let base = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let layer = match format {
        Format::Text => base.with_ansi(std::io::stderr().is_terminal()).boxed(),
        Format::Json => base.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).try_init()
}
