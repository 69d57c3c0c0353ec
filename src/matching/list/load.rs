//! From files to a rule set: opens, recognises, reads, and refuses whole what cannot be trusted.
//!
//! A refused file never replaces a good one: whoever reloads keeps the rules in force when [`load_set`] fails.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::format::{Format, Found, is_markup};
use super::parsed::{ListBuilder, ListFacts, ParsedList};
use super::source::Source;
use super::{register, text};
use crate::matching::lookup::{BuildError, ListMeta, RuleSet, RuleSetBuilder};
use crate::model::Action;

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
}

impl Problem {
    /// Whether the file could not be read at all; otherwise it was read and refused for what is in it.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Problem::Io(_) | Problem::Directory)
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
}

impl ListSource {
    /// A file whose own name is the list's, in a format that shows itself.
    pub fn of_file(path: impl Into<PathBuf>, action: Action) -> Self {
        let path = path.into();
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        ListSource { name: Arc::from(&*name), format: Format::Auto, action, path }
    }
}

/// A list that was loaded, without its names.
#[derive(Clone, Debug)]
pub struct ListReport {
    /// Where it came from.
    pub source: ListSource,
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

/// Reads a rule file.
///
/// # Errors
/// [`LoadError`]: the file cannot be read, or is refused because it is binary, too large, broken or cut XML, or holds
/// no rule. Single bad lines are no error: see [`ListFacts::rejections`].
pub fn load_file(path: &Path, format: Format) -> Result<ParsedList, LoadError> {
    let fail = |problem| LoadError { path: path.to_owned(), problem };
    let file = File::open(path).map_err(|e| fail(Problem::Io(e)))?;
    let metadata = file.metadata().map_err(|e| fail(Problem::Io(e)))?;
    if metadata.is_dir() {
        return Err(fail(Problem::Directory));
    }
    parse_sized(file, format, MAX_FILE_BYTES, metadata.len()).map_err(fail)
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

/// Reads every list and builds the rule set. All or nothing: one refused file refuses the set.
///
/// # Errors
/// [`SetError`], with every file that is wrong.
pub fn load_set(sources: &[ListSource]) -> Result<(RuleSet, Vec<ListReport>), SetError> {
    let mut builder = RuleSetBuilder::new();
    let mut reports = Vec::with_capacity(sources.len());
    let mut errors = Vec::new();
    for source in sources {
        match load_file(&source.path, source.format) {
            Err(error) => errors.push(error),
            Ok(mut list) => {
                // The report keeps the rejections, the set has no use for them.
                reports.push(ListReport { source: source.clone(), facts: list.take_facts() });
                builder.add_list(ListMeta { name: Arc::clone(&source.name), action: source.action }, list);
            }
        }
    }
    if !errors.is_empty() {
        return Err(SetError::Lists(errors));
    }
    let set = builder.build().map_err(SetError::Build)?;
    Ok((set, reports))
}
