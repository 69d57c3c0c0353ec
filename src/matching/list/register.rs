//! The register of the Polish Ministry of Finance: XML, one `PozycjaRejestru` an entry.
//!
//! ```xml
//! <Rejestr xmlns="http://www.hazard.mf.gov.pl/2017/03/21/">
//!  <PozycjaRejestru Lp="1">
//!   <AdresDomeny>casino.example</AdresDomeny>
//!   <DataWpisu>2017-07-01T10:00:00</DataWpisu>
//!   <DataWykreslenia>2018-01-01T10:00:00</DataWykreslenia>
//!  </PozycjaRejestru>
//! </Rejestr>
//! ```
//!
//! An entry with a `DataWykreslenia` is no longer in force. The register lists only what is in force, so a download
//! that was cut would unblock what is missing: a file whose root is not closed is refused whole. A DOCTYPE is refused
//! (no entity is ever expanded beside the five of XML), depth and the length of any one item are bounded.

use std::io::{self, BufRead, BufReader, Read};

use quick_xml::Reader;
use quick_xml::errors::SyntaxError;
use quick_xml::events::{BytesStart, Event};

use super::entry::parse_entry;
use super::load::Problem;
use super::parsed::ListBuilder;
use super::rejection::Reason;

const NAMESPACE: &str = "http://www.hazard.mf.gov.pl/2017/03/21/";

/// Elements inside one another. The register has three.
const MAX_DEPTH: usize = 16;

/// Octets of a single tag, text or comment, give or take one read.
const MAX_ITEM: usize = 64 * 1024;

/// Names of one entry. The register has one.
const MAX_NAMES: usize = 64;

/// Reads the register to the end of the file. Gives the number of lines, and the reader.
pub(super) fn read<R: Read>(reader: BufReader<R>, list: &mut ListBuilder) -> (Result<u32, Problem>, BufReader<R>) {
    let mut xml = Reader::from_reader(Meter { inner: reader, line: 1, allowance: MAX_ITEM, ends_open: false });
    xml.config_mut().expand_empty_elements = true;
    let mut state = State { list, depth: 0, closed: false, field: Field::Other, text: String::new(), entry: None };
    let mut buffer = Vec::new();
    let result = loop {
        buffer.clear();
        xml.get_mut().allowance = MAX_ITEM;
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Eof) => break state.end(xml.get_ref().line_count()),
            Ok(event) => {
                if let Err(problem) = state.event(&event, xml.get_mut().line) {
                    break Err(problem);
                }
            }
            Err(e) => break Err(of_xml(e, xml.get_mut().line)),
        }
    };
    (result, xml.into_inner().inner)
}

fn broken(line: u32, what: impl Into<String>) -> Problem {
    Problem::Xml { line, what: what.into() }
}

fn of_xml(error: quick_xml::Error, line: u32) -> Problem {
    match error {
        quick_xml::Error::Io(e) if e.kind() == io::ErrorKind::FileTooLarge => {
            broken(line, "a tag or text is longer than 64 KiB")
        }
        quick_xml::Error::Io(e) => Problem::Io(io::Error::from(e.kind())),
        quick_xml::Error::Syntax(SyntaxError::InvalidBangMarkup) => broken(line, "`<!` that starts no comment"),
        // All others mean that the file ended inside something.
        quick_xml::Error::Syntax(_) => Problem::Cut { line },
        other => broken(line, other.to_string()),
    }
}

enum Field {
    Name { line: u32 },
    Removed,
    Other,
}

/// The entry that is being read.
struct Entry {
    names: Vec<(u32, String)>,
    removed: bool,
    line: u32,
}

struct State<'a> {
    list: &'a mut ListBuilder,
    depth: usize,
    /// The root was opened and closed again.
    closed: bool,
    field: Field,
    text: String,
    /// None outside an entry.
    entry: Option<Entry>,
}

impl State<'_> {
    fn event(&mut self, event: &Event<'_>, line: u32) -> Result<(), Problem> {
        match event {
            Event::Start(tag) => self.open(tag, line),
            Event::End(_) => self.close(line),
            Event::Text(text) => self.add(&text.xml10_content(), line),
            Event::CData(text) => self.add(&text.xml10_content(), line),
            Event::GeneralRef(entity) => match entity.resolve_char_ref() {
                Ok(Some(c)) => self.add(c.encode_utf8(&mut [0; 4]), line),
                Ok(None) => match quick_xml::escape::resolve_xml_entity(entity) {
                    Some(text) => self.add(text, line),
                    None => Err(broken(line, "an entity that XML does not define")),
                },
                Err(e) => Err(broken(line, e.to_string())),
            },
            Event::DocType(doctype) => {
                let html = doctype.trim_start().get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html"));
                Err(if html {
                    Problem::WrongRoot { root: "html".into() }
                } else {
                    broken(line, "a DOCTYPE is not allowed")
                })
            }
            Event::Decl(decl) => match decl.encoding() {
                Some(Ok(name)) if !["utf-8", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known)) => {
                    Err(broken(line, "the encoding is not UTF-8"))
                }
                Some(Err(e)) => Err(broken(line, e.to_string())),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, line: u32) -> Result<(), Problem> {
        let local = tag.local_name();
        let local: &str = local.as_ref();
        self.depth += 1;
        match self.depth {
            1 if self.closed => return Err(broken(line, "a second root element")),
            1 => check_root(tag, local)?,
            // Anything else below the root is passed over, whatever it holds.
            2 => self.entry = (local == "PozycjaRejestru").then(|| Entry { line, names: Vec::new(), removed: false }),
            3 => {
                self.text.clear();
                self.field = match local {
                    "AdresDomeny" => Field::Name { line },
                    "DataWykreslenia" => Field::Removed,
                    _ => Field::Other,
                };
            }
            4..=MAX_DEPTH => {}
            _ => return Err(broken(line, "elements are nested too deep")),
        }
        Ok(())
    }

    fn add(&mut self, text: &str, line: u32) -> Result<(), Problem> {
        match self.depth {
            0 if text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').is_empty() => Ok(()),
            0 => Err(broken(line, "text outside the root element")),
            _ if matches!(self.field, Field::Other) => Ok(()),
            _ if self.text.len() + text.len() > MAX_ITEM => Err(broken(line, "a tag or text is longer than 64 KiB")),
            _ => {
                self.text.push_str(text);
                Ok(())
            }
        }
    }

    fn close(&mut self, line: u32) -> Result<(), Problem> {
        match self.depth {
            3 => {
                let field = std::mem::replace(&mut self.field, Field::Other);
                let Some(entry) = &mut self.entry else { return self.up() };
                let text = self.text.trim();
                match field {
                    Field::Name { .. } if entry.names.len() >= MAX_NAMES => {
                        return Err(broken(line, "an entry has too many names"));
                    }
                    Field::Name { line } => entry.names.push((line, text.to_owned())),
                    Field::Removed => entry.removed |= !text.is_empty(),
                    Field::Other => {}
                }
            }
            2 => {
                if let Some(entry) = self.entry.take() {
                    self.finish(entry);
                }
            }
            1 => self.closed = true,
            _ => {}
        }
        self.up()
    }

    fn up(&mut self) -> Result<(), Problem> {
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn finish(&mut self, entry: Entry) {
        if entry.names.is_empty() {
            self.list.reject(entry.line, b"", Reason::EntryWithoutName, None);
        }
        for (line, text) in entry.names {
            if entry.removed {
                self.list.remove();
            } else if text.is_empty() {
                self.list.reject(line, b"", Reason::NoName, None);
            } else {
                match parse_entry(&text) {
                    Ok((name, kind)) => self.list.accept(&name, kind, line),
                    Err(refused) => self.list.reject(line, text.as_bytes(), refused.reason, refused.suggestion),
                }
            }
        }
    }

    fn end(&self, lines: u32) -> Result<u32, Problem> {
        if self.depth > 0 || !self.closed { Err(Problem::Cut { line: lines }) } else { Ok(lines) }
    }
}

/// The root must be the register's, in its namespace or in none.
fn check_root(tag: &BytesStart<'_>, local: &str) -> Result<(), Problem> {
    let shown = super::rejection::printable(local.as_bytes());
    if local != "Rejestr" {
        return Err(Problem::WrongRoot { root: shown });
    }
    let own_prefix = tag.name().prefix().map(|prefix| {
        let prefix: &str = prefix.as_ref();
        format!("xmlns:{prefix}")
    });
    let wanted = own_prefix.as_deref().unwrap_or("xmlns");
    for attribute in tag.attributes().with_checks(false).flatten() {
        let key: &str = attribute.key.as_ref();
        if key == wanted && attribute.value.as_ref() != NAMESPACE {
            return Err(Problem::WrongRoot { root: format!("Rejestr of another namespace than {NAMESPACE}") });
        }
    }
    Ok(())
}

/// Counts lines, and stops an item that goes on and on before it fills the memory.
struct Meter<R> {
    inner: BufReader<R>,
    /// The line of the next octet, from 1.
    line: u32,
    /// Octets that the item being read may still take.
    allowance: usize,
    /// The last octet was no line feed.
    ends_open: bool,
}

impl<R> Meter<R> {
    /// Lines so far, the last one counted even without its end.
    fn line_count(&self) -> u32 {
        self.line.saturating_sub(u32::from(!self.ends_open))
    }
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), available.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}

impl<R: Read> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.allowance == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        let used = self.inner.buffer().get(..n).unwrap_or_default();
        let feeds = memchr::memchr_iter(b'\n', used).count();
        self.line = self.line.saturating_add(u32::try_from(feeds).unwrap_or(u32::MAX));
        if let Some(last) = used.last() {
            self.ends_open = *last != b'\n';
        }
        self.allowance = self.allowance.saturating_sub(n);
        self.inner.consume(n);
    }
}
