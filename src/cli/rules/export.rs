//! `stakeout rules export`: lists as what a resolver, a router or a browser enforces.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::super::describe::Description;
use super::super::exit::Exit;
use super::super::lists::{place, source};
use crate::matching::enforce::{Answer, Export, Lists, Options, SaveExportError, Saved, Serial, Sink, Target};
use crate::matching::{ListSource, SetError, to_name};
use crate::model::{Action, DomainName, Jurisdiction};

const EXAMPLE: &str = "\
Examples:
  $ stakeout rules export --format rpz --serial date --out rpz.zone --allow rules/demo-allow.txt rules/demo.txt
  43 names blocked, 1 excepted, 0 not expressed, serial 2026112400: rpz.zone
  $ stakeout rules export --format unbound --sink 192.0.2.80,2001:db8::80 rules/demo.txt > blocked.conf
  $ stakeout rules export --format hosts rules/demo.txt

docs/security-staff.md has the table of what each format can and cannot say.";

/// Write lists in the format of a resolver, a router or a browser
///
/// Reads rule files of text (not prebuilt sets) and writes what blocks their names and every name under them, except what an
/// allow covers: such a name is never blocked by the export. What the format cannot say is listed on standard error and in
/// the file's comments, with the rule's list and line; a block with an exception that cannot be said is written without its
/// subdomains, or left out where that cannot be said either. Stakeout itself blocks nothing. The same lists and options
/// give the same octets.
///
/// With --out the file is written beside FILE and then renamed, and not touched if it holds the same already; otherwise the
/// export goes to standard output. Exit code 0; 1 if an entry of a list was rejected or a rule cannot be said (the export is
/// written without it); 2 if a list or an option is refused, 3 if a file cannot be read or written.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct ExportArgs {
    /// The format
    #[arg(long, value_enum)]
    format: FormatArg,
    /// Answer with these addresses: an IPv4 address, an IPv6 address, or both with a comma between them
    #[arg(long, value_name = "ADDR[,ADDR6]")]
    sink: Option<Sink>,
    /// Answer that there is no such name, as is done without --sink
    #[arg(long, conflicts_with = "sink")]
    nxdomain: bool,
    /// A list of names to allow, which beats every block; may be given several times
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    allow: Vec<PathBuf>,
    /// The same for names of operators that have a licence; may be given several times
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    licensed: Vec<PathBuf>,
    /// Who ordered each list, by which law, and where that holds: TOML, as docs/security-staff.md shows
    #[arg(long, value_name = "FILE", requires = "jurisdiction")]
    describe: Option<PathBuf>,
    /// The place for which names are blocked (CH, US-NJ): lists that do not hold there are left out
    #[arg(long, value_name = "CODE", value_parser = place)]
    jurisdiction: Option<Jurisdiction>,
    /// Serial of an RPZ: a number not lower than that in --out, or `date` for YYYYMMDD00, or one more than that in --out
    #[arg(long, value_name = "N|date", value_parser = parse_serial)]
    serial: Option<SerialArg>,
    /// Name under which an RPZ will be loaded, which decides which names fit; stakeout.rpz if not given
    #[arg(long, value_name = "NAME", value_parser = parse_zone)]
    zone: Option<DomainName>,
    /// The day from which STIX indicators are valid, in UTC
    #[arg(long, value_name = "YYYY-MM-DD")]
    valid_from: Option<jiff::civil::Date>,
    /// Where the export goes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Lists of names to block, and what they are called if not like their files
    #[arg(value_name = "[NAME=]FILE", required = true)]
    files: Vec<PathBuf>,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
enum FormatArg {
    /// A response policy zone: BIND, Knot Resolver, PowerDNS Recursor, unbound
    Rpz,
    /// local-zone statements for unbound
    Unbound,
    /// Options for dnsmasq
    Dnsmasq,
    /// A hosts file, which covers no subdomains
    Hosts,
    /// AdBlock rules for DNS filters and browsers
    Adblock,
    /// One name a line, without exceptions
    Plain,
    /// Every rule with its action, list and line
    Csv,
    /// STIX 2.1 indicators, which cover no subdomains
    Stix,
    /// A script for MikroTik RouterOS 7
    Mikrotik,
}

impl From<FormatArg> for Target {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Rpz => Target::Rpz,
            FormatArg::Unbound => Target::Unbound,
            FormatArg::Dnsmasq => Target::Dnsmasq,
            FormatArg::Hosts => Target::Hosts,
            FormatArg::Adblock => Target::Adblock,
            FormatArg::Plain => Target::Plain,
            FormatArg::Csv => Target::Csv,
            FormatArg::Stix => Target::Stix,
            FormatArg::Mikrotik => Target::Mikrotik,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum SerialArg {
    Number(u32),
    Date,
}

fn parse_serial(text: &str) -> Result<SerialArg, String> {
    match text {
        "date" => Ok(SerialArg::Date),
        number => number.parse().map(SerialArg::Number).map_err(|_| "not a number up to 4294967295, nor `date`".into()),
    }
}

fn parse_zone(text: &str) -> Result<DomainName, String> {
    to_name(text).map_err(|reason| reason.to_string())
}

/// The lists that hold in the place that is asked for; one that is left out is told.
///
/// # Errors
/// Output that cannot be written; inside, the exit code if the description is wrong.
fn sources(args: &ExportArgs, err: &mut dyn Write) -> io::Result<Result<Vec<ListSource>, Exit>> {
    let of = |paths: &[PathBuf], action| paths.iter().map(move |given| source(given, action)).collect::<Vec<_>>();
    let mut sources = of(&args.files, Action::Block);
    sources.extend(of(&args.allow, Action::Allow));
    sources.extend(of(&args.licensed, Action::Licensed));
    if let Some(path) = &args.describe {
        let described = Description::read(path).and_then(|described| {
            described.apply(&mut sources).map_err(|why| (format!("{}: {why}", path.display()), Exit::Usage))
        });
        if let Err((why, exit)) = described {
            writeln!(err, "stakeout: {why}")?;
            return Ok(Err(exit));
        }
    }
    if let Some(place) = args.jurisdiction {
        let holds = |source: &ListSource| source.provenance.as_ref().is_none_or(|p| p.holds_in(place));
        for source in sources.iter().filter(|source| !holds(source)) {
            writeln!(err, "stakeout: the list {} does not hold in {place} and is left out", source.name)?;
        }
        sources.retain(holds);
    }
    Ok(Ok(sources))
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(args: &ExportArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let sources = match sources(args, err)? {
        Ok(sources) => sources,
        Err(exit) => return Ok(exit),
    };
    let lists = match Lists::load(&sources) {
        Ok(lists) => lists,
        Err(error) => return refused(&error, err),
    };
    let options = options(args);
    let export = match Export::new(&lists, &options) {
        Ok(export) => export,
        Err(unfit) => {
            writeln!(err, "stakeout: {unfit}")?;
            return Ok(Exit::Usage);
        }
    };
    if let Some(path) = &args.out {
        match export.save(path) {
            Ok(saved) => writeln!(out, "{}: {}", summary(&export, saved), path.display())?,
            Err(error) => {
                writeln!(err, "stakeout: {}: {error}", path.display())?;
                return Ok(if matches!(error, SaveExportError::Io(_)) { Exit::Io } else { Exit::Usage });
            }
        }
    } else {
        let mut out = BufWriter::with_capacity(1 << 16, out);
        export.write(&mut out)?;
        out.flush()?;
    }
    tell(&lists, &export, err)
}

fn options(args: &ExportArgs) -> Options {
    // One day for everybody who exports the same.
    let today = || jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let serial = args.serial.map(|serial| match serial {
        SerialArg::Number(number) => Serial::Given(number),
        SerialArg::Date => Serial::Date(date_serial(today())),
    });
    let answer = args.sink.map(Answer::Sink).or(args.nxdomain.then_some(Answer::NxDomain));
    Options { target: args.format.into(), answer, serial, zone: args.zone, valid_from: args.valid_from }
}

/// `YYYYMMDD00`.
fn date_serial(date: jiff::civil::Date) -> u32 {
    let part = |number: i8| u32::from(number.unsigned_abs());
    ((u32::from(date.year().unsigned_abs()) * 100 + part(date.month())) * 100 + part(date.day())) * 100
}

fn summary(export: &Export<'_>, saved: Saved) -> String {
    let counts = export.counts();
    let how = match saved {
        Saved::Unchanged => ", unchanged".to_owned(),
        Saved::Written { serial: Some(serial), .. } => format!(", serial {serial}"),
        Saved::Written { .. } => String::new(),
    };
    let (blocked, excepted, notes) = (counts.blocked, counts.exceptions, export.notes().len());
    format!("{blocked} names blocked, {excepted} excepted, {notes} not expressed{how}")
}

/// Says what is not in the export, and gives the exit code.
fn tell(lists: &Lists, export: &Export<'_>, err: &mut dyn Write) -> io::Result<Exit> {
    let notes = export.notes();
    let exit = if notes.len() > 0 || lists.rejected() > 0 { Exit::Damaged } else { Exit::Done };
    let mut err = BufWriter::new(err);
    for (source, facts) in lists.iter().filter(|(_, facts)| facts.counts.rejected > 0) {
        let (path, rejected) = (source.path.display(), facts.counts.rejected);
        let entries = if rejected == 1 { "1 entry was".into() } else { format!("{rejected} entries were") };
        writeln!(err, "stakeout: {path}: {entries} rejected; `stakeout rules lint` tells which and why")?;
    }
    let watched = export.counts().watched;
    if watched > 0 && export.leaves_out_watched() {
        writeln!(err, "stakeout: {watched} that only watch block nothing, and are left out")?;
    }
    if let Some(limits) = export.limits() {
        writeln!(err, "stakeout: {limits}")?;
    }
    if notes.len() > 0 {
        writeln!(err, "stakeout: not expressed: {}", notes.len())?;
    }
    for note in notes {
        writeln!(err, "  {note}")?;
    }
    err.flush()?;
    Ok(exit)
}

/// Says why lists were refused, as the other commands do.
fn refused(error: &SetError, err: &mut dyn Write) -> io::Result<Exit> {
    let SetError::Lists(errors) = error else {
        writeln!(err, "stakeout: {error}")?;
        return Ok(Exit::Usage);
    };
    for error in errors {
        writeln!(err, "stakeout: {error}")?;
    }
    Ok(if errors.iter().any(|error| error.problem.is_unreadable()) { Exit::Io } else { Exit::Usage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_serial_with_room_for_a_hundred_a_day() {
        assert_eq!(date_serial(jiff::civil::date(2026, 1, 9)), 2_026_010_900);
        assert_eq!(date_serial(jiff::civil::date(2026, 12, 31)), 2_026_123_100);
    }
}
