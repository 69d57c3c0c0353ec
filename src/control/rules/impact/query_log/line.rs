//! One line of a query log, in whichever format it is.
//!
//! Each program marks its queries with words that the others do not write, and whatever stands before them (a time, a
//! process, a host in front of these from syslog) is of no interest:
//!
//! | program | setting | line |
//! |---|---|---|
//! | unbound | `log-queries`, also with `log-tag-queryreply` | `… info: CLIENT NAME. A IN`, `… query: CLIENT NAME. A IN` |
//! | dnsmasq, Pi-hole | `log-queries`, also `=extra` | `… query[A] NAME from CLIENT` |
//! | BIND | the category `queries`, `rndc querylog on` | `… client @0x… CLIENT#PORT (NAME): query: NAME IN A +E(0) (SERVER)` |
//! | PowerDNS Recursor | `quiet=no` | `… msg="Question" … qname="NAME" qtype="A" remote="CLIENT:PORT"`, before 4.9 `… question for 'NAME\|A' from CLIENT` |
//! | plain | | `NAME`, or a count and a name as `uniq -c` writes |

use memchr::memmem;

use super::Unreadable;
use super::name::{self, Escapes};
use crate::model::DomainName;

/// The format of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum LogFormat {
    /// unbound's.
    Unbound,
    /// dnsmasq's and Pi-hole's.
    Dnsmasq,
    /// BIND's.
    Bind,
    /// That of the PowerDNS Recursor.
    PowerDns,
    /// A name, perhaps with a count before it.
    Plain,
}

impl LogFormat {
    /// Every one, in the order of their discriminants.
    pub const ALL: [LogFormat; 5] =
        [LogFormat::Unbound, LogFormat::Dnsmasq, LogFormat::Bind, LogFormat::PowerDns, LogFormat::Plain];

    /// Its name in output.
    pub const fn name(self) -> &'static str {
        match self {
            LogFormat::Unbound => "unbound",
            LogFormat::Dnsmasq => "dnsmasq",
            LogFormat::Bind => "bind",
            LogFormat::PowerDns => "powerdns",
            LogFormat::Plain => "plain",
        }
    }
}

/// What a line says.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and a box would allocate for every line")]
pub(super) enum Read<'a> {
    /// Somebody asked for a name.
    Query(Query<'a>),
    /// Something that is no query.
    Other,
    /// A query, but which cannot be told.
    Unreadable(Unreadable),
}

/// A query.
pub(super) struct Query<'a> {
    pub(super) format: LogFormat,
    pub(super) name: DomainName,
    /// Who asked, as it stands there.
    pub(super) client: Option<&'a [u8]>,
    pub(super) times: u64,
}

/// Reads a line.
pub(super) fn read(line: &[u8]) -> Read<'_> {
    let line = line.trim_ascii();
    // The first reader that knows the marks decides.
    [bind, dnsmasq, powerdns, unbound, plain].iter().find_map(|read| read(line)).unwrap_or(Read::Other)
}

fn bind(line: &[u8]) -> Option<Read<'_>> {
    let (before, after) = around(line, b" query: ")?;
    let client = match around(before, b"client ") {
        Some((_, client)) => client,
        None => return None,
    };
    let mut words = words(client);
    let client = words.find(|word| !word.starts_with(b"@"));
    let mut words = self::words(after);
    let (name, class) = (words.next()?, words.next());
    Some(match class {
        Some(_) => query(LogFormat::Bind, name, client),
        None => Read::Unreadable(Unreadable::Cut),
    })
}

fn dnsmasq(line: &[u8]) -> Option<Read<'_>> {
    let after = match line.strip_prefix(b"query[") {
        Some(after) => after,
        None => around(line, b" query[")?.1,
    };
    // A name may hold spaces and words like `from`, since dnsmasq writes all that can be printed.
    let Some((_, rest)) = around(after, b"] ") else { return Some(Read::Unreadable(Unreadable::Cut)) };
    let Some(at) = memmem::rfind(rest, b" from ") else { return Some(Read::Unreadable(Unreadable::Cut)) };
    let (name, client) = (rest.get(..at)?, rest.get(at + b" from ".len()..)?);
    Some(query(LogFormat::Dnsmasq, name, Some(client)))
}

fn powerdns(line: &[u8]) -> Option<Read<'_>> {
    if let Some((_, after)) = around(line, b" question for '") {
        let Some((name, rest)) = around(after, b"|") else { return Some(Read::Unreadable(Unreadable::Cut)) };
        let client = around(rest, b"' from ").map(|(_, client)| client);
        return Some(query(LogFormat::PowerDns, name, client));
    }
    let (_, after) = around(line, b"msg=\"Question\"")?;
    let value = |key: &[u8]| around(after, key).and_then(|(_, value)| around(value, b"\"")).map(|(value, _)| value);
    Some(match value(b" qname=\"") {
        Some(name) => query(LogFormat::PowerDns, name, value(b" remote=\"")),
        None => Read::Unreadable(Unreadable::Cut),
    })
}

fn unbound(line: &[u8]) -> Option<Read<'_>> {
    let (_, after) = around(line, b"] info: ").or_else(|| around(line, b"] query: "))?;
    let mut words = words(after);
    let (client, name, _rtype, class) = (words.next()?, words.next()?, words.next()?, words.next()?);
    // Anything else that unbound has to say, and the lines of `log-replies`, which go on with a code and times.
    let is_query = is_class(class) && words.next().is_none();
    Some(if is_query { query(LogFormat::Unbound, name, Some(client)) } else { Read::Other })
}

fn plain(line: &[u8]) -> Option<Read<'_>> {
    let mut words = words(line);
    let (first, second) = (words.next()?, words.next());
    if words.next().is_some() || first.starts_with(b"#") {
        return None;
    }
    let Some(name) = second else { return Some(query(LogFormat::Plain, first, None)) };
    if !first.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let times = std::str::from_utf8(first).ok().and_then(|digits| digits.parse().ok());
    let Some(times) = times else { return Some(Read::Unreadable(Unreadable::BadCount)) };
    Some(match query(LogFormat::Plain, name, None) {
        Read::Query(query) => Read::Query(Query { times, ..query }),
        other => other,
    })
}

fn query<'a>(format: LogFormat, name: &[u8], client: Option<&'a [u8]>) -> Read<'a> {
    let escapes = if format == LogFormat::Dnsmasq { Escapes::None } else { Escapes::Known };
    match name::name(name, escapes) {
        Some(name) => Read::Query(Query { format, name, client, times: 1 }),
        None => Read::Unreadable(Unreadable::BadName),
    }
}

/// A class as unbound writes it (RFC 1035 section 3.2.4, RFC 3597 section 5).
fn is_class(word: &[u8]) -> bool {
    [&b"IN"[..], b"CH", b"HS", b"NONE", b"ANY"].contains(&word) || word.starts_with(b"CLASS")
}

/// What stands before and after the first `mark`.
fn around<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memmem::find(text, mark)?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}
