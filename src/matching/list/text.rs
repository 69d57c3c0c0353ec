//! Lists that are lines of text: one name a line, hosts files, and the syntaxes of other tools.
//!
//! `#`, `!` and `;` start a comment line; ` # …` after a name is a comment too. Where the format is not said, each
//! line is read as what it is, because people put lists of several kinds into one file. Only a zone file is sticky: once
//! a directive or an SOA was seen, all that follows is the zone.

use std::io::BufRead;

use super::entry::{parse_address, parse_entry, parse_simple};
use super::format::{Format, Found};
use super::kind::Kind;
use super::lines::{Line, Lines};
use super::load::Problem;
use super::parsed::ListBuilder;
use super::rejection::{Reason, perhaps};
use super::syntax::rpz::{self, Zone};
use super::syntax::{Out, adblock, dnsmasq, ublacklist, unbound};

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
    let mut state = State { format, list, found: None, zone: Zone::default(), header: false };
    let mut count = 0_u32;
    let result = loop {
        match lines.next() {
            Ok(None) => {
                state.zone.end(&mut Out::new(state.list, count, ""));
                break Ok((state.found(), count));
            }
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
    /// What the lines so far were.
    found: Option<Found>,
    zone: Zone,
    /// Inside the header of a uBlacklist subscription.
    header: bool,
}

impl State<'_> {
    fn found(&self) -> Found {
        match self.format {
            Format::Hosts => Found::Hosts,
            Format::UBlacklist => Found::UBlacklist,
            Format::Dnsmasq => Found::Dnsmasq,
            Format::Unbound => Found::Unbound,
            Format::Rpz => Found::Rpz,
            _ => self.found.unwrap_or(if self.format == Format::AdBlock { Found::AdBlock } else { Found::Plain }),
        }
    }

    /// Notes what a line was.
    fn note(&mut self, found: Found) {
        self.found = match self.found {
            Some(before) if before != found => Some(Found::Mixed),
            _ => Some(found),
        };
    }

    fn line(&mut self, raw: &[u8], number: u32) {
        let line = raw.trim_ascii();
        let in_zone = self.format == Format::Rpz || (self.format == Format::Auto && self.zone.goes_on());
        let is_bare = matches!(self.format, Format::Auto | Format::Plain | Format::AdBlock) && !in_zone && !self.header;
        if is_bare && let Some(name) = parse_simple(line) {
            self.note(Found::Plain);
            self.list.accept(&name, Kind::Covers, number);
            return;
        }
        let has_header = matches!(self.format, Format::Auto | Format::UBlacklist);
        if self.header || (number == 1 && has_header && line == b"---") {
            self.header = number == 1 || line != b"---";
            self.list.ignore();
            return;
        }
        match std::str::from_utf8(raw) {
            Ok(_) if line.is_empty() => {}
            Ok(_) if in_zone && line.starts_with(b"#") => {}
            Ok(text) if in_zone => self.zone_line(text, number),
            Ok(text) => {
                // A byte order mark stands inside a file when files were joined.
                let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
                if !self.is_comment(text, number) {
                    self.entry(text, number);
                }
            }
            Err(_) if matches!(line.first(), Some(b'#' | b'!' | b';')) => {}
            Err(_) => self.list.reject(number, line, Reason::NotUtf8, None),
        }
    }

    /// Whether a line is a comment or looks like one and was dealt with.
    fn is_comment(&mut self, text: &str, number: u32) -> bool {
        let filters = matches!(self.format, Format::Auto | Format::AdBlock);
        match text.as_bytes().first() {
            None | Some(b';') => true,
            Some(b'#') => {
                if filters && adblock::is_generic_cosmetic(text) {
                    self.note(Found::AdBlock);
                    self.reject(text, number, Reason::Cosmetic, None);
                }
                true
            }
            Some(b'!') => {
                if filters && text.starts_with("!#include") {
                    self.reject(text, number, Reason::Include, None);
                }
                true
            }
            _ => false,
        }
    }

    fn zone_line(&mut self, raw: &str, number: u32) {
        self.note(Found::Rpz);
        let text = raw.trim();
        self.zone.read(raw, &mut Out::new(self.list, number, text));
    }

    fn entry(&mut self, text: &str, number: u32) {
        let text = without_comment(text);
        if text.is_empty() {
            return;
        }
        let first_is_address = text.split_whitespace().next().is_some_and(|word| parse_address(word).is_some());
        let is_hosts = first_is_address && text.contains(char::is_whitespace);
        match self.format {
            Format::Hosts if is_hosts => self.hosts_line(text, number),
            Format::Hosts if first_is_address => self.reject(text, number, Reason::NoName, None),
            Format::Hosts => self.reject(text, number, Reason::NoAddress, None),
            Format::Plain if is_hosts => {
                let mut names = text.split_whitespace().skip(1).filter_map(|word| parse_entry(word).ok());
                let suggestion = names.next().map(|(name, _)| perhaps(&name));
                self.reject(text, number, Reason::HostsLine, suggestion);
            }
            Format::Plain => match syntax_of(text) {
                Some((_, called)) => self.reject(text, number, Reason::Syntax(called), None),
                None => self.plain(text, number),
            },
            Format::Auto | Format::AdBlock if is_hosts => self.hosts_line(text, number),
            Format::Auto => match syntax_of(text) {
                Some((found, _)) => self.of_tool(found, text, number),
                None => self.plain(text, number),
            },
            Format::AdBlock if adblock::is(text) || text.contains('$') => self.of_tool(Found::AdBlock, text, number),
            Format::AdBlock => self.plain(text, number),
            Format::UBlacklist => self.of_tool(Found::UBlacklist, text, number),
            Format::Dnsmasq => self.of_tool(Found::Dnsmasq, text, number),
            Format::Unbound => self.of_tool(Found::Unbound, text, number),
            // Neither is read here, but in the zone and as XML.
            Format::Rpz | Format::PolishRegister => self.of_tool(Found::Rpz, text, number),
        }
    }

    fn of_tool(&mut self, found: Found, text: &str, number: u32) {
        self.note(found);
        let mut out = Out::new(self.list, number, text);
        match found {
            Found::AdBlock => adblock::read(text, &mut out),
            Found::UBlacklist => ublacklist::read(text, &mut out),
            Found::Dnsmasq => dnsmasq::read(text, &mut out),
            Found::Unbound => unbound::read(text, &mut out),
            _ => self.zone.read(text, &mut out),
        }
    }

    fn plain(&mut self, text: &str, number: u32) {
        self.note(Found::Plain);
        self.name(text, number);
    }

    fn hosts_line(&mut self, text: &str, number: u32) {
        self.note(Found::Hosts);
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
        match parse_simple(text.as_bytes()).map_or_else(|| parse_entry(text), |name| Ok((name, Kind::Covers))) {
            Ok((name, kind)) => self.list.accept(&name, kind, number),
            Err(refused) => self.reject(text, number, refused.reason, refused.suggestion),
        }
    }

    fn reject(&mut self, text: &str, number: u32, reason: Reason, suggestion: Option<String>) {
        self.list.reject(number, text.as_bytes(), reason, suggestion);
    }
}

/// The tool whose syntax a line can only be in, and what people call it.
fn syntax_of(text: &str) -> Option<(Found, &'static str)> {
    if adblock::is(text) {
        Some((Found::AdBlock, "AdBlock"))
    } else if ublacklist::is(text) {
        Some((Found::UBlacklist, "uBlacklist"))
    } else if dnsmasq::is(text) {
        Some((Found::Dnsmasq, "dnsmasq"))
    } else if unbound::is(text) {
        Some((Found::Unbound, "unbound"))
    } else if rpz::is(text) {
        Some((Found::Rpz, "RPZ"))
    } else {
        None
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
