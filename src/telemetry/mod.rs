//! Logging: one line an event on standard error, as text for people or as JSON for machines.
//!
//! What is logged is listed in [`events`]: each event is a function whose parameters are all that it can say, so that
//! no address and no unlisted name can slip into a format string. Standard output stays free for results.

pub mod events;

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

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
    let is_terminal = std::io::stderr().is_terminal();
    subscriber(format, level, is_terminal, std::io::stderr).try_init()
}

fn subscriber<W>(format: Format, level: Level, colours: bool, writer: W) -> impl Subscriber + Send + Sync + 'static
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let others = level.filter().min(LevelFilter::WARN);
    let filter = Targets::new().with_target("stakeout", level.filter()).with_default(others);
    let base = tracing_subscriber::fmt::layer().with_writer(writer).with_target(false);
    let layer = match format {
        Format::Text => base.with_ansi(colours).boxed(),
        Format::Json => base.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter))
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(octets)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, level: Level, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(format, level, false, move || writer.clone()), log);
        let octets = lines.0.lock().unwrap().clone();
        String::from_utf8(octets).unwrap()
    }

    #[test]
    fn json_has_the_event_and_its_fields() {
        let text =
            logged(Format::Json, Level::Info, || events::rules_reloaded(4, 2, 46_674, Duration::from_millis(12)));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["event"], "rules_reloaded");
        assert_eq!((&line["generation"], &line["rules"], &line["took_ms"]), (&4.into(), &46_674.into(), &12.into()));
    }

    #[test]
    fn text_is_one_plain_line() {
        let text = logged(Format::Text, Level::Info, || events::rules_kept(3, "pl-mf", "line 7:\nnot XML"));
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("ERROR") && text.contains("rules_kept") && !text.contains('\x1b'), "{text}");
    }

    #[test]
    fn levels_hide_what_is_below_and_other_crates_are_quiet() {
        assert_eq!(logged(Format::Text, Level::Warn, || events::capture_up("eth1", 0)), "");
        let other = || tracing::info!(target: "hyper::proto", "peer 192.0.2.1");
        assert_eq!(logged(Format::Text, Level::Debug, other), "");
        assert_ne!(logged(Format::Text, Level::Debug, || tracing::warn!(target: "hyper::proto", "x")), "");
    }
}
