//! From files to a rule set: opens, recognises, reads, and refuses whole what cannot be trusted.
//!
//! A refused file never replaces a good one: whoever reloads keeps the rules in force when [`load_set`] fails.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{Format, Found, is_markup};
use super::parsed::{ListBuilder, ListFacts, ParsedList};
use super::source::Source;
use super::{register, text};
use crate::matching::lookup::prebuilt::{self, MAGIC, PrebuiltError};
use crate::matching::lookup::{BuildError, ListMeta, RuleSet, RuleSetBuilder};
use crate::model::{Action, Jurisdiction, ListOrigin, Provenance};

/// The largest rule file that is read, in octets: some 50 million names.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// Octets read at once.
const BUFFER: usize = 128 * 1024;

/// A rule file that could not be read or is refused.
#[derive(Debug)]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Xml { line, .. } | Problem::Cut { line } => {
                write!(f, "{}:{line}: {}", self.path.display(), self.problem)
            }
            problem => write!(f, "{}: {problem}", self.path.display()),
        }
    }
}

impl std::error::Error for LoadError {}

/// What is wrong with a rule file as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// It cannot be opened or read.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// A directory.
    #[error("is a directory, and a rule file is needed here: name each file by itself")]
    Directory,
    /// More than the limit.
    #[error("is larger than {} MiB, so it is not read", limit >> 20)]
    TooLarge {
        /// The limit in octets.
        limit: u64,
    },
    /// A NUL octet, or a signature that no text file starts with.
    #[error("looks like a binary file{}, and a rule file is text in UTF-8", kind.map(|k| format!(" ({k})")).unwrap_or_default())]
    Binary {
        /// The kind, if the first octets show it.
        kind: Option<&'static str>,
    },
    /// Nothing in it became a rule.
    #[error("has no rule in it ({} lines, {} rejected), so it is not taken", .0.lines, .0.counts.rejected)]
    NoRule(Box<ListFacts>),
    /// XML, but not the register's: often an error page in the place of the list.
    #[error(
        "is an XML or HTML page whose root is {root}, not the register's Rejestr: perhaps an error page in the place of the list"
    )]
    WrongRoot {
        /// The root element.
        root: String,
    },
    /// XML that ends inside an element: the download was cut, and what is missing would be unblocked.
    #[error("ends before its XML is complete, as a download that was cut: fetch it again")]
    Cut {
        /// The last line.
        line: u32,
    },
    /// XML that is broken or uses what is not allowed.
    #[error("is not the register's XML: {what}")]
    Xml {
        /// The line, from 1.
        line: u32,
        /// What is wrong there.
        what: String,
    },
    /// A prebuilt rule set that cannot be used.
    #[error(transparent)]
    Prebuilt(#[from] PrebuiltError),
    /// A prebuilt rule set with lists to block, given as one to allow.
    #[error(
        "is a prebuilt rule set whose list {list} blocks: give it as rules; its lists say themselves what they allow"
    )]
    Blocks {
        /// The first list that blocks.
        list: Arc<str>,
    },
    /// A prebuilt rule set, which says itself on whose order its lists stand.
    #[error("is a prebuilt rule set, which says itself on whose order its lists stand: leave that out here")]
    ProvenanceTwice,
    /// A list for a daemon without the order behind it.
    #[error(
        "list {list} does not say on whose order it stands, so a daemon does not take it: name its authority,          jurisdictions, legal basis and reference"
    )]
    NoProvenance {
        /// The list.
        list: Arc<str>,
    },
    /// A list in a prebuilt rule set that is named like another list.
    #[error("holds a list named {list}, and another list has that name too: build it with another name")]
    SameName {
        /// The name.
        list: Arc<str>,
    },
}

impl Problem {
    /// Whether the file could not be read at all; otherwise it was read and refused for what is in it.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Problem::Io(_) | Problem::Directory | Problem::Prebuilt(PrebuiltError::Io(_)))
    }
}

/// A list to load.
#[derive(Clone, Debug)]
pub struct ListSource {
    /// The operator's name for it, which findings carry.
    pub name: Arc<str>,
    /// The file.
    pub path: PathBuf,
    /// Its format.
    pub format: Format,
    /// What its rules say.
    pub action: Action,
    /// On whose order they stand, if that is known. A prebuilt rule set says that itself.
    pub provenance: Option<Arc<Provenance>>,
}

impl ListSource {
    /// As a rule set knows it.
    fn meta(&self) -> ListMeta {
        let origin = ListOrigin { name: Arc::clone(&self.name), provenance: self.provenance.clone() };
        ListMeta { origin: Arc::new(origin), action: self.action }
    }

    /// A file whose own name is the list's, in a format that shows itself.
    pub fn of_file(path: impl Into<PathBuf>, action: Action) -> Self {
        let path = path.into();
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        ListSource { name: Arc::from(&*name), format: Format::Auto, action, path, provenance: None }
    }
}

/// A list that was loaded, without its names.
#[derive(Clone, Debug)]
pub struct ListReport {
    /// Where it came from. A list of a prebuilt rule set has its own name and action, and the path of the set.
    pub source: ListSource,
    /// Whether it came in a prebuilt rule set. What was rejected was then told when that was built.
    pub prebuilt: bool,
    /// What is known of it.
    pub facts: ListFacts,
}

/// Why no rule set could be made.
#[derive(Debug)]
pub enum SetError {
    /// Files that could not be read or are refused: all of them, so that they can be mended in one go.
    Lists(Vec<LoadError>),
    /// The lists are good but too large together.
    Build(BuildError),
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Build(e) => e.fmt(f),
            SetError::Lists(errors) => {
                for (i, error) in errors.iter().enumerate() {
                    write!(f, "{}{error}", if i > 0 { "; " } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for SetError {}

/// Reads a rule file of text.
///
/// # Errors
/// [`LoadError`]: the file cannot be read, or is refused because it is binary, too large, broken or cut XML, or holds
/// no rule. Single bad lines are no error: see [`ListFacts::rejections`].
pub fn load_file(path: &Path, format: Format) -> Result<ParsedList, LoadError> {
    let fail = |problem| LoadError { path: path.to_owned(), problem };
    let (file, size) = open(path).map_err(fail)?;
    parse_sized(file, format, MAX_FILE_BYTES, size.unwrap_or(0)).map_err(fail)
}

/// The file, and its size if it is a regular one.
fn open(path: &Path) -> Result<(File, Option<u64>), Problem> {
    let file = File::open(path).map_err(Problem::Io)?;
    let metadata = file.metadata().map_err(Problem::Io)?;
    if metadata.is_dir() {
        return Err(Problem::Directory);
    }
    Ok((file, metadata.is_file().then_some(metadata.len())))
}

/// What a rule file holds.
enum Loaded {
    Text(ParsedList),
    Prebuilt(RuleSet),
}

/// Reads a rule file of text or a prebuilt one.
fn load_any(source: &ListSource) -> Result<Loaded, Problem> {
    let (mut file, size) = open(&source.path)?;
    if source.format != Format::Auto {
        return parse_sized(file, source.format, MAX_FILE_BYTES, size.unwrap_or(0)).map(Loaded::Text);
    }
    let mut head = Vec::new();
    file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut head).map_err(Problem::Io)?;
    let is_prebuilt = prebuilt::is_prebuilt(&head);
    let whole = head.as_slice().chain(file);
    if !is_prebuilt {
        return parse_sized(whole, source.format, MAX_FILE_BYTES, size.unwrap_or(0)).map(Loaded::Text);
    }
    let set = prebuilt::read(whole, size)?;
    if source.provenance.is_some() {
        return Err(Problem::ProvenanceTwice);
    }
    if source.action.lets_be()
        && let Some((meta, _)) = set.lists().find(|(meta, _)| meta.action == Action::Block)
    {
        return Err(Problem::Blocks { list: Arc::clone(meta.name()) });
    }
    Ok(Loaded::Prebuilt(set))
}

/// What is known of the lists of a set that came from `source`.
fn reports_of(source: &ListSource, set: &RuleSet) -> Vec<ListReport> {
    let report = |(meta, facts): (&ListMeta, &ListFacts)| ListReport {
        source: ListSource {
            name: Arc::clone(meta.name()),
            action: meta.action,
            provenance: meta.origin.provenance.clone(),
            ..source.clone()
        },
        prebuilt: true,
        facts: facts.clone(),
    };
    set.lists().map(report).collect()
}

/// Reads a rule file, or a prebuilt rule set, and tells what lists are in it.
///
/// # Errors
/// As [`load_file`]; and a prebuilt set that is damaged, or blocks and was given to allow.
pub fn describe(source: &ListSource) -> Result<Vec<ListReport>, LoadError> {
    match load_any(source) {
        Err(problem) => Err(LoadError { path: source.path.clone(), problem }),
        Ok(Loaded::Prebuilt(set)) => Ok(reports_of(source, &set)),
        Ok(Loaded::Text(mut list)) => {
            Ok(vec![ListReport { source: source.clone(), prebuilt: false, facts: list.take_facts() }])
        }
    }
}

/// Reads a list from any reader, at most `limit` octets.
///
/// # Errors
/// As [`load_file`].
pub fn parse<R: Read>(reader: R, format: Format, limit: u64) -> Result<ParsedList, Problem> {
    parse_sized(reader, format, limit, 0)
}

/// `size` is what the file seems to hold, for the first guess at memory.
fn parse_sized<R: Read>(reader: R, format: Format, limit: u64, size: u64) -> Result<ParsedList, Problem> {
    // Some 20 octets a line is usual. A wrong guess costs little: untouched memory, or a table that grows once.
    let guess = usize::try_from(size.min(limit) / 20).unwrap_or(0);
    let mut list = ListBuilder::with_capacity(guess);
    let mut reader = BufReader::with_capacity(BUFFER, Source::new(reader, limit));
    let (result, mut reader) = match recognise(&mut reader, format) {
        Err(problem) => (Err(problem), reader),
        Ok(Format::PolishRegister) => {
            let (result, reader) = register::read(reader, &mut list);
            (result.map(|lines| (Found::PolishRegister, lines)), reader)
        }
        Ok(format) => text::read(reader, format, &mut list),
    };
    let (found, lines) = match (reader.get_mut().problem(), result) {
        // The source knows the reason better than the parser, which only saw an I/O error.
        (Some(problem), _) => return Err(problem),
        (None, Err(problem)) => return Err(problem),
        (None, Ok(read)) => read,
    };
    if list.is_full() {
        return Err(Problem::TooLarge { limit: u64::from(u32::MAX) });
    }
    let mut parsed = list.finish(found, lines, reader.get_ref().digest());
    if parsed.facts().counts.rules == 0 {
        return Err(Problem::NoRule(Box::new(parsed.take_facts())));
    }
    Ok(parsed)
}

/// Skips a byte order mark and settles the format.
fn recognise<R: Read>(reader: &mut BufReader<Source<R>>, format: Format) -> Result<Format, Problem> {
    let head = reader.fill_buf().map_err(Problem::Io)?;
    let mark = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let markup = is_markup(head.get(mark..).unwrap_or_default());
    reader.consume(mark);
    Ok(if format == Format::Auto && markup { Format::PolishRegister } else { format })
}

/// Reads every list, of text or prebuilt, and makes the rule set. All or nothing: one refused file refuses the set.
///
/// # Errors
/// [`SetError`], with every file that is wrong.
pub fn load_set(sources: &[ListSource]) -> Result<(RuleSet, Vec<ListReport>), SetError> {
    load_set_with(sources, Vec::new())
}

/// As [`load_set`], with prebuilt sets that were read already, each with what it is told as. They come behind the others.
///
/// # Errors
/// As [`load_set`].
fn load_set_with(
    sources: &[ListSource],
    sets: Vec<(ListSource, RuleSet)>,
) -> Result<(RuleSet, Vec<ListReport>), SetError> {
    let mut builder = RuleSetBuilder::new();
    let mut reports = Vec::with_capacity(sources.len());
    let mut errors = Vec::new();
    for source in sources {
        match load_any(source) {
            Err(problem) => errors.push(LoadError { path: source.path.clone(), problem }),
            Ok(Loaded::Text(mut list)) => {
                // The report keeps the rejections, the set has no use for them.
                reports.push(ListReport { source: source.clone(), prebuilt: false, facts: list.take_facts() });
                builder.add_list(source.meta(), list);
            }
            Ok(Loaded::Prebuilt(set)) => {
                reports.extend(reports_of(source, &set));
                builder.add_prebuilt(set);
            }
        }
    }
    for (source, set) in sets {
        reports.extend(reports_of(&source, &set));
        builder.add_prebuilt(set);
    }
    errors.extend(same_names(&reports));
    if !errors.is_empty() {
        return Err(SetError::Lists(errors));
    }
    let set = builder.build().map_err(SetError::Build)?;
    Ok((set, reports))
}

/// As [`load_set`], with prebuilt sets that were read already, for a sensor that serves these places: every list must say
/// on whose order it stands.
///
/// # Errors
/// As [`load_set`]; and [`Problem::NoProvenance`].
pub fn load_for_sensor(
    sources: &[ListSource],
    sets: Vec<(ListSource, RuleSet)>,
    served: &[Jurisdiction],
) -> Result<(RuleSet, Vec<ListReport>), SetError> {
    let (set, reports) = load_set_with(sources, sets)?;
    let nameless = reports.iter().filter(|report| report.source.provenance.is_none()).map(|report| LoadError {
        path: report.source.path.clone(),
        problem: Problem::NoProvenance { list: Arc::clone(&report.source.name) },
    });
    let nameless: Vec<LoadError> = nameless.collect();
    if !nameless.is_empty() {
        return Err(SetError::Lists(nameless));
    }
    let set = set.serving(served).map_err(|error| SetError::Build(BuildError::Places(error)))?;
    Ok((set, reports))
}

/// Lists of prebuilt sets that are named like another list. Who gives lists of text names them, and can tell them apart.
fn same_names(reports: &[ListReport]) -> Option<LoadError> {
    let mut names: HashMap<&Arc<str>, &ListReport> = HashMap::new();
    for report in reports {
        let Some(other) = names.insert(&report.source.name, report) else { continue };
        if let Some(built) = [report, other].into_iter().find(|report| report.prebuilt) {
            let problem = Problem::SameName { list: Arc::clone(&built.source.name) };
            return Some(LoadError { path: built.source.path.clone(), problem });
        }
    }
    None
}
