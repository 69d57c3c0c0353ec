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
use super::{input, lists, usage};
use crate::flow::Reading;
use crate::matching::RuleSet;
use crate::model::Observation;
use crate::pipeline::{Limits, Worker, find_hit_and_count};
use crate::record::{AggregateConfig, Aggregator, Event, EventKind, Networks};

const EXAMPLES: &str = "\
Examples:
  $ stakeout scan --rules rules/demo.txt --allow rules/demo-allow.txt capture.pcapng
  $ stakeout scan --rules list.txt --format jsonl monday.pcap.zst tuesday.pcap.zst > findings.jsonl
  $ tcpdump -r capture.pcap -w - 'port 53' | stakeout scan --rules list.txt --exit-code -

Exit codes: 0 done, 1 done but inputs were damaged or rejected, 2 usage or refused lists, 3 input or
output failed; with --exit-code 10 more when something was found.";

/// Find visits to listed names in capture files.
///
/// Reads rule files, and captures in pcap or pcapng, also compressed with gzip or zstd. A listed name covers its subdomains; any matching allow beats every block. Each line of the result is one finding:
/// a name, the rule that it matched and the protocol, with how often it was visited and by how many distinct client
/// addresses. No client's address is shown. Rule files may be plain lists, hosts files, the Polish register's XML or prebuilt by `stakeout rules build`.
///
/// Several files are read as one capture in the order given, so that a connection may go on from one to the next. At the
/// end comes a summary of what was read, found and skipped, and why: below the table, or with JSON lines on standard
/// error.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
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
    let lists::Loaded { rules, lists, mut exit } = match lists::load(&args.rules, &args.allow, &mut io::stderr()) {
        Ok(loaded) => loaded,
        Err(exit) => return (exit, false),
    };
    let rules_cpu = usage::cpu_time().saturating_sub(before_rules);

    let progress = progress_bar(&args.files);
    let mut finder =
        Finder::new(&rules, AggregateConfig { window: summary::WHOLE_CAPTURE_NS, ..summary::config("scan") });
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut unread = input::UnreadLinkTypes::default();
    let mut out = Output::new(format);
    for file in &args.files {
        exit = exit.or(input::replay(file, Some(&progress), |frames| {
            frames.span().into_iter().flatten().for_each(|ts| finder.summary.span(ts));
            worker.frames(frames.iter().inspect(|frame| unread.note(frame.linktype)), &mut finder);
            out.take(&mut finder.events);
            out.is_open()
        }));
        exit = exit.or(input::report_link_types(file, unread.counts()));
        unread = input::UnreadLinkTypes::default();
    }
    worker.finish(&mut finder);
    finder.aggregator.finish(&mut finder.events);
    out.take(&mut finder.events);
    progress.finish_and_clear();

    let mut summary = finder.summary;
    summary.rules = rules.len();
    summary.lists = lists;
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
    (exit.or(super::write_ended(written)), found)
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
    // A hit has none.
    const HELLO_DETAILS: bool = false;

    #[inline]
    fn observe(&mut self, o: &Observation<'_>) {
        if let Some(hit) = find_hit_and_count(self.rules, o, &mut self.summary.watched) {
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

/// A bar over all files on a terminal, nothing elsewhere.
fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    let sizes: Option<Vec<u64>> =
        files.iter().map(|f| std::fs::metadata(f).ok().filter(std::fs::Metadata::is_file).map(|m| m.len())).collect();
    // How much a pipe will give is unknown.
    let (bar, template) = match sizes {
        Some(sizes) => {
            let bar = ProgressBar::new(sizes.iter().sum());
            (bar, "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")
        }
        None => (ProgressBar::no_length(), "{spinner} {bytes}  {bytes_per_sec}"),
    };
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        return bar;
    }
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.tick();
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
