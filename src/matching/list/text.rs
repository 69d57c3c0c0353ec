//! Lists that are lines of text: one name a line, or hosts files.
//!
//! `#`, `!` and `;` start a comment line; ` # …` after a name is a comment too. Where the format is not said, each
//! line is read as what it is, because people put lists of both kinds into one file.

use std::io::BufRead;

use super::entry::{parse_address, parse_entry, parse_simple};
use super::format::{Format, Found};
use super::lines::{Line, Lines};
use super::load::Problem;
use super::parsed::ListBuilder;
use super::rejection::{Reason, perhaps};

/// Names of a hosts file that mean the machine itself, beside addresses.
const OWN_NAMES: [&str; 15] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
];

/// Reads lines to the end. Gives the format found, the number of lines, and the reader.
pub(super) fn read<R: BufRead>(
    reader: R,
    format: Format,
    list: &mut ListBuilder,
) -> (Result<(Found, u32), Problem>, R) {
    let mut lines = Lines::new(reader);
    let mut state = State { format, list, plain: false, hosts: false };
    let mut count = 0_u32;
    let result = loop {
        match lines.next() {
            Ok(None) => break Ok((state.found(), count)),
            Ok(Some(line)) => {
                count = count.saturating_add(1);
                match line {
                    Line::Whole(line) => state.line(line, count),
                    Line::TooLong(head) => state.list.reject(count, head, Reason::LineTooLong, None),
                }
            }
            Err(e) => break Err(Problem::Io(e)),
        }
    };
    (result, lines.into_inner())
}

struct State<'a> {
    format: Format,
    list: &'a mut ListBuilder,
    /// A line was read as plain, as of a hosts file.
    plain: bool,
    hosts: bool,
}

impl State<'_> {
    fn found(&self) -> Found {
        match (self.format, self.plain, self.hosts) {
            (Format::Hosts, ..) | (Format::Auto, false, true) => Found::Hosts,
            (Format::Auto, true, true) => Found::Mixed,
            _ => Found::Plain,
        }
    }

    fn line(&mut self, line: &[u8], number: u32) {
        let line = line.trim_ascii();
        if self.format != Format::Hosts
            && let Some(name) = parse_simple(line)
        {
            self.plain = true;
            self.list.accept(&name, number);
            return;
        }
        if matches!(line.first(), None | Some(b'#' | b'!' | b';')) {
            return;
        }
        match std::str::from_utf8(line) {
            // A byte order mark stands inside a file when files were joined.
            Ok(text) => self.entry(text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}'), number),
            Err(_) => self.list.reject(number, line, Reason::NotUtf8, None),
        }
    }

    fn entry(&mut self, text: &str, number: u32) {
        let text = without_comment(text);
        if text.is_empty() {
            return;
        }
        let first_is_address = text.split_whitespace().next().is_some_and(|word| parse_address(word).is_some());
        let is_hosts = first_is_address && text.contains(char::is_whitespace);
        match (self.format, is_hosts) {
            (Format::Hosts, false) if first_is_address => self.reject(text, number, Reason::NoName, None),
            (Format::Hosts, false) => self.reject(text, number, Reason::NoAddress, None),
            (Format::Hosts | Format::Auto, true) => self.hosts_line(text, number),
            (Format::Plain, true) => {
                let mut names = text.split_whitespace().skip(1).filter_map(|word| parse_entry(word).ok());
                let suggestion = names.next().map(|name| perhaps(&name));
                self.reject(text, number, Reason::HostsLine, suggestion);
            }
            _ => {
                self.plain = true;
                self.name(text, number);
            }
        }
    }

    fn hosts_line(&mut self, text: &str, number: u32) {
        self.hosts = true;
        // In a hosts file a `#` starts a comment wherever it stands (hosts(5)).
        let text = text.split('#').next().unwrap_or(text);
        let mut names = text.split_whitespace().skip(1).peekable();
        if names.peek().is_none() {
            self.reject(text, number, Reason::NoName, None);
        }
        for name in names {
            if is_own(name) {
                self.list.ignore();
            } else {
                self.name(name, number);
            }
        }
    }

    fn name(&mut self, text: &str, number: u32) {
        match parse_simple(text.as_bytes()).map_or_else(|| parse_entry(text), Ok) {
            Ok(name) => self.list.accept(&name, number),
            Err(refused) => self.reject(text, number, refused.reason, refused.suggestion),
        }
    }

    fn reject(&mut self, text: &str, number: u32, reason: Reason, suggestion: Option<String>) {
        self.list.reject(number, text.as_bytes(), reason, suggestion);
    }
}

/// Cuts a comment that follows white space.
fn without_comment(text: &str) -> &str {
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find('#')).map(|at| from + at) {
        let before = text.get(..at).unwrap_or(text);
        if before.is_empty() || before.ends_with(char::is_whitespace) {
            return before.trim_end();
        }
        from = at + 1;
    }
    text
}

fn is_own(name: &str) -> bool {
    let bare = name.strip_suffix('.').unwrap_or(name);
    OWN_NAMES.iter().any(|own| own.eq_ignore_ascii_case(bare)) || parse_address(bare).is_some()
}
