//! Query logs of resolvers: which names were asked for, in the lines that unbound, dnsmasq (and Pi-hole), BIND and the
//! PowerDNS Recursor write, or as a plain list of names, with or without counts.
//!
//! Each line shows its format itself ([`line`]), so a log of several programs, or one that came through syslog, needs no
//! telling. Lines that are no query (starts, answers, notices) are counted; of lines that cannot be read the reason is
//! counted and nothing is kept, not even for a message: they hold clients' addresses.

mod line;
mod name;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead};
use std::net::IpAddr;

pub use line::LogFormat;
use line::{Query, Read};

use super::Seen;
use crate::matching::list::lines::{Line, Lines};
use crate::model::Addr;

/// Why a line that looks like a query cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// Longer than any log writes (64 KiB).
    TooLong,
    /// What stands in the place of the name is none: cut, not printable, a label of more than 63 octets.
    BadName,
    /// A count that is no number below 2^64.
    BadCount,
    /// It has the marks of a query, and not what must follow them.
    Cut,
}

impl Unreadable {
    /// Every one, in the order of their discriminants.
    pub const ALL: [Unreadable; 4] = [Unreadable::TooLong, Unreadable::BadName, Unreadable::BadCount, Unreadable::Cut];

    /// In words, as they follow a number of lines.
    pub const fn words(self) -> &'static str {
        match self {
            Unreadable::TooLong => "too long",
            Unreadable::BadName => "with a name that is none",
            Unreadable::BadCount => "with a count that is no number",
            Unreadable::Cut => "cut short",
        }
    }
}

/// What the lines of a log came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogCounts {
    /// All lines.
    pub lines: u64,
    queries: [u64; LogFormat::ALL.len()],
    /// Lines that are no query.
    pub other: u64,
    unreadable: [u64; Unreadable::ALL.len()],
}

impl LogCounts {
    /// Adds those of another log.
    pub fn add(&mut self, other: &LogCounts) {
        self.lines += other.lines;
        self.other += other.other;
        self.queries.iter_mut().zip(other.queries).for_each(|(sum, more)| *sum += more);
        self.unreadable.iter_mut().zip(other.unreadable).for_each(|(sum, more)| *sum += more);
    }

    /// Lines with a query, of a format.
    pub fn queries(&self, format: LogFormat) -> u64 {
        self.queries[format as usize]
    }

    /// Lines with a query, of all formats.
    pub fn all_queries(&self) -> u64 {
        self.queries.iter().sum()
    }

    /// Lines that could not be read for this reason.
    pub fn unreadable(&self, why: Unreadable) -> u64 {
        self.unreadable[why as usize]
    }

    /// Lines that could not be read.
    pub fn all_unreadable(&self) -> u64 {
        self.unreadable.iter().sum()
    }
}

/// Reads a log to its end and hands every name to `seen`. What was read before an error stays counted.
///
/// # Errors
/// What the reader says.
pub fn read(reader: impl BufRead, counts: &mut LogCounts, seen: &mut Seen<'_>) -> io::Result<()> {
    let mut lines = Lines::new(reader);
    while let Some(line) = lines.next()? {
        counts.lines += 1;
        let read = match line {
            Line::Whole(text) => line::read(text),
            Line::TooLong(_) => Read::Unreadable(Unreadable::TooLong),
        };
        match read {
            Read::Query(Query { format, name, client, times }) => {
                counts.queries[format as usize] += 1;
                seen.visit(&name, client.and_then(address), times);
            }
            Read::Other => counts.other += 1,
            Read::Unreadable(why) => counts.unreadable[why as usize] += 1,
        }
    }
    Ok(())
}

/// The client's address, if that is what stands there. Its port, if any, follows a `#` or a `:`.
fn address(text: &[u8]) -> Option<Addr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.split('#').next().unwrap_or(text);
    let parsed = bare.parse::<IpAddr>().ok();
    let with_port = || bare.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    parsed.or_else(with_port).map(Addr::from)
}
