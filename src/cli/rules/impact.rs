//! `stakeout rules impact`: what a change of rules would hit before it goes live.

mod text;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::super::describe::Description;
use super::super::exit::Exit;
use super::super::{input, lists};
use crate::capture::{CaptureError, decompressed};
use crate::control::rules::impact::popular::{Blocked, Popular};
use crate::control::rules::impact::query_log::{self, LogCounts, LogFormat, Unreadable};
use crate::control::rules::impact::{Pair, Report, ReportOptions, Seen};
use crate::flow::Reading;
use crate::matching::{ListSource, RuleSet, load_file};
use crate::model::Action;
use crate::pipeline::{Limits, Worker};

const EXAMPLE: &str = "\
Examples:
  $ stakeout rules impact --new rules.txt --capture monday.pcap.zst
  $ stakeout rules impact --old pl-mf=old.xml --new pl-mf=new.xml --describe lists.toml \\
        --query-log /var/log/unbound.log --query-log /var/log/unbound.log.1.gz --popular top-sites.csv

Exit codes: 0 done, whatever the change hits; 1 done, but a list, a capture or a log was damaged or had lines that
cannot be read; 2 usage or refused lists; 3 a file cannot be read or written.";

/// Tell what a change of rules would hit before it goes live
///
/// Reads rule files, the new ones and those in force (without `--old` all of the new is new), and names that were seen: in
/// captures, or in query logs of unbound, dnsmasq, Pi-hole, BIND or the PowerDNS Recursor, or plain lists of names with or
/// without counts; all of them also compressed with gzip or zstd. For each place it tells which names would be newly
/// blocked, no longer blocked, newly allowed or licensed, most visited first, and how many rules of each list would hit
/// nothing. A DNS answer that leads by CNAME from an unlisted name to a listed one counts for the listed one.
///
/// Names that neither side lists are only counted. No client's address is shown or kept, and a name that spells one
/// is shown as the listed name that covers it. Nothing is written but the report.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct ImpactArgs {
    /// A rule file to come, whose names are to block; may be given several times
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1, required_unless_present_any = ["new_allow", "new_licensed"])]
    new: Vec<PathBuf>,
    /// The same for names that are allowed
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    new_allow: Vec<PathBuf>,
    /// The same for names of operators that have a licence
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    new_licensed: Vec<PathBuf>,
    /// A rule file in force, whose names are to block; may be given several times
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    old: Vec<PathBuf>,
    /// The same for names that are allowed
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    old_allow: Vec<PathBuf>,
    /// The same for names of operators that have a licence
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    old_licensed: Vec<PathBuf>,
    /// Who ordered each list, old or new, by which law, and where that holds: TOML, as docs/security-staff.md shows
    #[arg(long, value_name = "FILE")]
    describe: Option<PathBuf>,
    #[command(flatten)]
    places: lists::PlaceArgs,
    /// A capture with traffic as it is; `-` is standard input; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1, required_unless_present = "query_log")]
    capture: Vec<PathBuf>,
    /// A resolver's query log, its format told line by line; `-` is standard input; may be given several times
    #[arg(long, value_name = "FILE", num_args = 1, conflicts_with = "capture")]
    query_log: Vec<PathBuf>,
    /// Names that everybody uses, one a line or `rank,name`: warn of each that would be newly blocked, seen or not
    #[arg(long, value_name = "FILE")]
    popular: Option<PathBuf>,
    /// Warn of a rule that newly blocks more than this part of all visits
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1, value_parser = percent)]
    warn_share: f64,
    /// The most names that are shown
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    top: u32,
    /// Write the new rules that would hit nothing to this file, `list:line name` each; not for prebuilt sets, which do not
    /// tell their names
    #[arg(long, value_name = "FILE")]
    unhit: Option<PathBuf>,
    /// Write the report as one JSON object
    #[arg(long)]
    json: bool,
}

/// The report with what was read for it.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    report: Report,
    /// Popular names that would be newly blocked.
    popular_blocked: Vec<Blocked>,
    popular_blocked_left_out: u64,
    /// What the lines of query logs came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    query_log: Option<serde_json::Value>,
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(args: &ImpactArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let (pair, sources, mut exit) = match load(args, err) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let mut seen = Seen::new(&pair, Seen::MAX_NAMES);
    let mut log = LogCounts::default();
    for file in &args.query_log {
        exit = exit.or(read_log(file, &mut log, &mut seen, err)?);
    }
    if !args.capture.is_empty() {
        exit = exit.or(replay(&args.capture, &mut seen));
    }
    let popular = match &args.popular {
        Some(path) => match check_popular(path, &pair, err)? {
            Some(popular) => popular,
            None => return Ok(Exit::Io),
        },
        None => Popular::default(),
    };
    let options = ReportOptions { top: args.top as usize, warn_share: args.warn_share };
    let report = Report::new(&seen, &options);
    if let Some(path) = &args.unhit {
        exit = exit.or(write_unhit(path, &sources, &seen, err)?);
    }
    let is_log = !args.query_log.is_empty();
    if args.json {
        let query_log = is_log.then(|| log_json(&log));
        let (popular_blocked, popular_blocked_left_out) = (popular.blocked, popular.more);
        let whole = Whole { report, popular_blocked, popular_blocked_left_out, query_log };
        serde_json::to_writer_pretty(&mut *out, &whole)?;
        writeln!(out)?;
    } else {
        text::write(out, &report, &popular, is_log.then_some(&log))?;
    }
    Ok(exit)
}

/// Both sets, the sources of the new one, and [`Exit::Damaged`] if entries were rejected.
fn load(args: &ImpactArgs, err: &mut dyn Write) -> Result<(Pair, Vec<ListSource>, Exit), Exit> {
    let of = |paths: &[PathBuf], action| paths.iter().map(|given| lists::source(given, action)).collect::<Vec<_>>();
    let mut sides = [
        [of(&args.new, Action::Block), of(&args.new_allow, Action::Allow), of(&args.new_licensed, Action::Licensed)]
            .concat(),
        [of(&args.old, Action::Block), of(&args.old_allow, Action::Allow), of(&args.old_licensed, Action::Licensed)]
            .concat(),
    ];
    let mut say = |text: String| {
        let _ = writeln!(err, "stakeout: {text}");
    };
    if let Some(path) = &args.describe {
        let told = Description::read(path).and_then(|described| {
            described.apply_to_any(&mut sides).map_err(|why| (format!("{}: {why}", path.display()), Exit::Usage))
        });
        if let Err((why, exit)) = told {
            say(why);
            return Err(exit);
        }
    }
    let [sources, old] = sides;
    let new = lists::load_sources(&sources, err)?;
    let (old, exit) = if old.is_empty() {
        (RuleSet::empty(), Exit::Done)
    } else {
        let old = lists::load_sources(&old, err)?;
        (old.rules, old.exit)
    };
    match Pair::new(old, new.rules, args.places.codes()) {
        Ok(pair) => Ok((pair, sources, new.exit.or(exit))),
        Err(error) => {
            let _ = writeln!(err, "stakeout: {error}");
            Err(Exit::Usage)
        }
    }
}

/// Names out of captures, which are read as one.
fn replay(files: &[PathBuf], seen: &mut Seen<'_>) -> Exit {
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut exit = Exit::Done;
    for file in files {
        let mut unread = input::UnreadLinkTypes::default();
        exit = exit.or(input::replay(file, None, |frames| {
            worker.frames(frames.iter().inspect(|frame| unread.note(frame.linktype)), seen);
            true
        }));
        exit = exit.or(input::report_link_types(file, unread.counts()));
    }
    worker.finish(seen);
    exit
}

/// Opens a file of text, compressed or not; or says why it cannot be read.
fn open(path: &Path, err: &mut dyn Write) -> io::Result<Result<impl io::BufRead + use<>, Exit>> {
    let opened = if path == Path::new("-") {
        decompressed(io::stdin())
    } else {
        File::open(path).map_err(CaptureError::Open).and_then(decompressed)
    };
    match opened {
        Ok(reader) => Ok(Ok(BufReader::with_capacity(256 * 1024, reader))),
        Err(CaptureError::Directory) => {
            writeln!(err, "stakeout: {}: is a directory; name the files in it", path.display())?;
            Ok(Err(Exit::Io))
        }
        Err(error) => {
            writeln!(err, "stakeout: {}: {error}", path.display())?;
            let is_system = matches!(error, CaptureError::Open(_) | CaptureError::Read { .. });
            Ok(Err(if is_system { Exit::Io } else { Exit::Damaged }))
        }
    }
}

fn read_log(path: &Path, all: &mut LogCounts, seen: &mut Seen<'_>, err: &mut dyn Write) -> io::Result<Exit> {
    let reader = match open(path, err)? {
        Ok(reader) => reader,
        Err(exit) => return Ok(exit),
    };
    let mut counts = LogCounts::default();
    let ended = query_log::read(reader, &mut counts, seen);
    all.add(&counts);
    let mut exit = if counts.all_unreadable() > 0 { Exit::Damaged } else { Exit::Done };
    if let Err(error) = ended {
        writeln!(err, "stakeout: {}: reading ended after {} lines: {error}", path.display(), counts.lines)?;
        exit = Exit::Damaged;
    } else if counts.all_queries() == 0 {
        let help = "are queries logged? unbound: log-queries, dnsmasq: log-queries, BIND: the category `queries`";
        writeln!(err, "stakeout: {}: no query in its {} lines; {help}", path.display(), counts.lines)?;
        exit = Exit::Damaged;
    }
    Ok(exit)
}

fn check_popular(path: &Path, pair: &Pair, err: &mut dyn Write) -> io::Result<Option<Popular>> {
    let Ok(reader) = open(path, err)? else { return Ok(None) };
    match Popular::check(pair, reader) {
        Ok(popular) => Ok(Some(popular)),
        Err(error) => {
            writeln!(err, "stakeout: {}: cannot be read: {error}", path.display())?;
            Ok(None)
        }
    }
}

/// Writes the rules of lists of text that would hit nothing.
fn write_unhit(path: &Path, sources: &[ListSource], seen: &Seen<'_>, err: &mut dyn Write) -> io::Result<Exit> {
    let mut exit = Exit::Done;
    let mut written = File::create(path).map(io::BufWriter::new).and_then(|mut file| {
        for source in sources {
            // It was read before; what fails now is a prebuilt set, or a file that changed meanwhile.
            let list = match load_file(&source.path, source.format) {
                Ok(list) => list,
                Err(error) => {
                    let _ = writeln!(err, "stakeout: its rules cannot be told one by one: {error}");
                    exit = Exit::Damaged;
                    continue;
                }
            };
            for (wire, line, kind) in list.entries() {
                if !seen.is_hit(&source.name, kind, wire) {
                    writeln!(file, "{}:{line} {}", source.name, text::of_wire(wire))?;
                }
            }
        }
        file.flush()
    });
    if let Err(error) = std::mem::replace(&mut written, Ok(())) {
        writeln!(err, "stakeout: {}: cannot be written: {error}", path.display())?;
        exit = Exit::Io;
    }
    Ok(exit)
}

fn log_json(log: &LogCounts) -> serde_json::Value {
    let queries: serde_json::Map<_, _> =
        LogFormat::ALL.iter().map(|format| (format.name().to_owned(), log.queries(*format).into())).collect();
    let unreadable: serde_json::Map<_, _> =
        Unreadable::ALL.iter().map(|why| (why.words().to_owned(), log.unreadable(*why).into())).collect();
    serde_json::json!({ "lines": log.lines, "queries": queries, "other": log.other, "unreadable": unreadable })
}

/// A share in percent.
fn percent(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "is no number".to_owned())?;
    (0.0..=100.0).contains(&value).then_some(value).ok_or_else(|| "must be 0 to 100".to_owned())
}
