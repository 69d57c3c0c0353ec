//! `stakeout scan`: findings in capture files, as a table for people or JSON lines for programs.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::exit::Exit;
use super::summary::{self, Summary};
use super::table;
use super::{input, usage};
use crate::flow::Reading;
use crate::matching::{ListSource, LoadError, RuleSet, SetError, load_set};
use crate::model::{Action, Observation};
use crate::pipeline::{Limits, Worker, find_hit};
use crate::record::{AggregateConfig, Aggregator, Event, EventKind, Networks};

/// Finds visits to listed names in capture files.
///
/// A listed name covers its subdomains; any matching allow beats every block. Each line of the result is one finding:
/// a name, the rule that it matched and the protocol, with how often it was visited and by how many distinct client
/// addresses. No client's address is shown. Rule files may be plain lists, hosts files or the Polish register's XML.
///
/// Several files are read as one capture in the order given, so that a connection may go on from one to the next.
#[derive(Args, Debug)]
pub(super) struct ScanArgs {
    /// A rule file whose names are to be found; may be given several times.
    #[arg(long, value_name = "PATH", required = true, num_args = 1)]
    rules: Vec<PathBuf>,
    /// A rule file whose names are allowed, whatever the other rules say; may be given several times.
    #[arg(long, value_name = "PATH", num_args = 1)]
    allow: Vec<PathBuf>,
    /// How findings are written; by default a table on a terminal and JSON lines elsewhere.
    #[arg(long, value_enum)]
    format: Option<OutputFormat>,
    /// Add 10 to the exit code when something was found.
    #[arg(long)]
    exit_code: bool,
    /// Capture files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// How findings are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum OutputFormat {
    /// A table, most visited first.
    Table,
    /// One JSON object a finding and line: its `closed` event (docs/event-schema.md).
    Jsonl,
}

/// Runs the command.
pub(super) fn run(args: &ScanArgs) -> ExitCode {
    let (exit, found) = scan(args);
    let found = if args.exit_code && found { Exit::FOUND } else { 0 };
    ExitCode::from(exit as u8 + found)
}

fn scan(args: &ScanArgs) -> (Exit, bool) {
    let format =
        args.format.unwrap_or(if io::stdout().is_terminal() { OutputFormat::Table } else { OutputFormat::Jsonl });
    let before_rules = usage::cpu_time();
    let sources: Vec<ListSource> = (args.rules.iter().map(|p| (p, Action::Block)))
        .chain(args.allow.iter().map(|p| (p, Action::Allow)))
        .map(|(path, action)| ListSource::of_file(path, action))
        .collect();
    let (rules, lists) = match load_set(&sources) {
        Ok(loaded) => loaded,
        Err(error) => return (rules_failed(&error), false),
    };
    let mut exit = Exit::Done;
    for list in &lists {
        let rejected = list.facts.counts.rejected;
        if rejected > 0 {
            input::say(&list.source.path, &format!("{rejected} lines were rejected; `stakeout rules lint` shows them"));
            exit = Exit::Damaged;
        }
    }
    let rules_cpu = usage::cpu_time().saturating_sub(before_rules);

    let progress = progress_bar(&args.files);
    let mut finder =
        Finder::new(&rules, AggregateConfig { window: summary::WHOLE_CAPTURE_NS, ..summary::config("scan") });
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut unread = input::UnreadLinkTypes::default();
    let mut out = Output::new(format);
    for file in &args.files {
        exit = exit.or(input::replay(file, Some(&progress), |frame| {
            unread.note(frame.linktype);
            finder.summary.span(frame.ts);
            worker.frame(frame.linktype, frame.ts, frame.data, frame.orig_len, &mut finder);
            out.take(&mut finder.events);
            out.is_open()
        }));
        input::report_link_types(file, unread.counts());
        unread = input::UnreadLinkTypes::default();
    }
    worker.finish(&mut finder);
    finder.aggregator.finish(&mut finder.events);
    out.take(&mut finder.events);
    progress.finish_and_clear();

    let mut summary = finder.summary;
    summary.rules = rules.len();
    summary.lists = lists.len();
    summary.rules_cpu = rules_cpu;
    summary.scan_cpu = usage::cpu_time().saturating_sub(before_rules + rules_cpu);
    summary.findings = out.findings;
    let found = out.findings > 0;
    let written = out.finish().and_then(|()| {
        let text = summary.text(worker.counters(), worker.gauges());
        match format {
            OutputFormat::Table => io::stdout().write_all(text.as_bytes()),
            OutputFormat::Jsonl => io::stderr().write_all(text.as_bytes()),
        }
    });
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => (exit.or(super::output_failed(&error)), found),
        _ => (exit, found),
    }
}

/// Names to hits to findings, for one capture.
pub(super) struct Finder<'r> {
    rules: &'r RuleSet,
    pub(super) aggregator: Aggregator,
    pub(super) events: Vec<Event>,
    pub(super) summary: Summary,
}

impl<'r> Finder<'r> {
    pub(super) fn new(rules: &'r RuleSet, config: AggregateConfig) -> Self {
        Finder {
            rules,
            aggregator: Aggregator::replay(config, Networks::unknown()),
            events: Vec::new(),
            summary: Summary::default(),
        }
    }
}

impl crate::model::ObservationSink for Finder<'_> {
    #[inline]
    fn observe(&mut self, o: &Observation<'_>) {
        if let Some(hit) = find_hit(self.rules, o) {
            self.summary.hit(&hit);
            self.aggregator.hit(&hit, &mut self.events);
        }
    }
}

/// Where findings go. Only `closed` events are findings here: they hold the final counts.
struct Output {
    format: OutputFormat,
    findings: u64,
    rows: Vec<Event>,
    lines: Vec<u8>,
    failed: Option<io::Error>,
}

impl Output {
    fn new(format: OutputFormat) -> Self {
        Output { format, findings: 0, rows: Vec::new(), lines: Vec::new(), failed: None }
    }

    fn is_open(&self) -> bool {
        self.failed.is_none()
    }

    #[inline]
    fn take(&mut self, events: &mut Vec<Event>) {
        if !events.is_empty() {
            self.take_some(events);
        }
    }

    fn take_some(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            if !matches!(event.kind, EventKind::Closed(_)) {
                continue;
            }
            self.findings += 1;
            match self.format {
                OutputFormat::Jsonl => event.write_json_line(&mut self.lines),
                OutputFormat::Table if self.rows.len() < table::MAX_ROWS => self.rows.push(event),
                OutputFormat::Table => {}
            }
        }
        if !self.lines.is_empty() && self.failed.is_none() {
            self.failed = io::stdout().write_all(&self.lines).err();
            self.lines.clear();
        }
    }

    fn finish(self) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.format == OutputFormat::Table {
            io::stdout().write_all(table::findings(self.rows, self.findings).as_bytes())?;
        }
        io::stdout().flush()
    }
}

fn rules_failed(error: &SetError) -> Exit {
    let say = |text: &dyn std::fmt::Display| {
        let _ = writeln!(io::stderr(), "stakeout: {text}");
    };
    match error {
        SetError::Lists(errors) => {
            errors.iter().for_each(|e| say(e));
            let unreadable = |e: &LoadError| e.problem.is_unreadable();
            if errors.iter().any(unreadable) { Exit::Io } else { Exit::Usage }
        }
        SetError::Build(error) => {
            say(error);
            Exit::Usage
        }
    }
}

/// A bar over all files on a terminal, nothing elsewhere.
fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    let total: u64 = files.iter().filter_map(|f| std::fs::metadata(f).ok()).map(|m| m.len()).sum();
    let bar = ProgressBar::new(total);
    if io::stderr().is_terminal() {
        bar.enable_steady_tick(Duration::from_millis(250));
    } else {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left") {
        bar.set_style(style);
    }
    bar
}
