//! Why a line did not become a rule, in words for the person who looks after the list.

use std::fmt;

use crate::model::DomainName;

/// A line, or one name of it, that did not become a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Line of the file, from 1.
    pub line: u32,
    /// What stood there: cut to [`Rejection::MAX_CHARS`], with control characters escaped, safe for a terminal.
    pub text: String,
    /// Why.
    pub reason: Reason,
    /// What may have been meant.
    pub suggestion: Option<String>,
}

impl Rejection {
    /// Characters of the text that are kept.
    pub const MAX_CHARS: usize = 120;
}

/// `line: reason: text (suggestion)`.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.line, self.reason, self.text)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " ({suggestion})"),
            None => Ok(()),
        }
    }
}

/// Why it did not become a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// More than 65,536 octets.
    #[error("line is longer than 64 KiB")]
    LineTooLong,
    /// Not UTF-8.
    #[error("is not UTF-8 text")]
    NotUtf8,
    /// An ASCII or Unicode control character.
    #[error("contains a control character")]
    ControlCharacter,
    /// Nothing left without the dots.
    #[error("contains no name")]
    NoName,
    /// White space inside, as where a PDF's row numbers leaked in.
    #[error("has a space inside the name")]
    Space,
    /// A character that no name on the wire has.
    #[error("has a character that does not belong in a name, {0:?}")]
    Character(char),
    /// A wildcard elsewhere than as `*.` in front.
    #[error("has a wildcard that is not a `*.` in front")]
    Wildcard,
    /// In a syntax whose names cover what is under them anyway, or a second one.
    #[error("has a wildcard where the syntax has none")]
    NoWildcard,
    /// Two dots in a row.
    #[error("has an empty label")]
    EmptyLabel,
    /// No label of a host is like that (RFC 5890 section 2.3.1).
    #[error("has a label that begins or ends with a hyphen")]
    Hyphen,
    /// RFC 1035 section 2.3.4.
    #[error("has a label longer than 63 octets")]
    LabelTooLong,
    /// RFC 1035 section 2.3.4.
    #[error("is longer than 253 octets")]
    TooLong,
    /// Unicode that IDNA (UTS 46) cannot turn into a name.
    #[error("is not a valid internationalised name")]
    Idna,
    /// An address or a prefix of addresses.
    #[error("is an IP address, and only names are matched")]
    Address,
    /// Like `01.02.2026`: no top-level domain is a number.
    #[error("ends in a number, so it is not a domain name")]
    EndsInNumber,
    /// One label.
    #[error("is a top-level domain or a bare word: it would cover every site under it")]
    SingleLabel,
    /// In the ICANN section of the public suffix list.
    #[error("is a public suffix: it would cover every site under it")]
    PublicSuffix,
    /// Has an `@`.
    #[error("is an e-mail address or a URL with a user in it, not a name")]
    Email,
    /// In a file said to be plain.
    #[error("is in {0} syntax, but the file is read as plain")]
    Syntax(&'static str),
    /// In a file said to be plain.
    #[error("is a line of a hosts file, but the file is read as plain")]
    HostsLine,
    /// In a file said to be of this syntax.
    #[error("is not in {0} syntax, as which the file is read")]
    NotOf(&'static str),
    /// Matched by text and not by name.
    #[error("is a regular expression, and only names are matched")]
    Regex,
    /// AdBlock: hides or changes parts of pages.
    #[error("is a cosmetic filter, which changes pages and blocks no site")]
    Cosmetic,
    /// AdBlock, uBlacklist: a condition by which less than the whole site is meant.
    #[error("has a condition ({0}) by which not every visit of the site is meant")]
    Modifier(&'static str),
    /// dnsmasq, unbound: `#`, `*`, `.`.
    #[error("would cover every site there is")]
    Everything,
    /// Read one file at a time, so that each has its own source.
    #[error("includes another file, which is not read: give that file too")]
    Include,
    /// A line of a configuration that is about something else.
    #[error("is a setting of {0}, not an entry of a list")]
    Setting(&'static str),
    /// A line that is about sites but blocks none and excepts none.
    #[error("is {0}, which neither blocks a site nor lets it through")]
    NoRule(&'static str),
    /// More names than are read of one line, or more entries about other entries than are kept.
    #[error("is more than is read of such entries")]
    TooMany,
    /// RPZ, unbound: data that cannot be understood, or parentheses that are not closed.
    #[error("is not a whole DNS record of a type that is read")]
    Record,
    /// RPZ: an owner with a dot at the end that is not below the zone, or the zone is not told.
    #[error("is not a name in the zone (no $ORIGIN or SOA tells its name, or another one)")]
    OutOfZone,
    /// RPZ: `rpz-ip` and its like.
    #[error("matches addresses or name servers, and only names are matched")]
    Trigger,
    /// In a file said to be a hosts file.
    #[error("has no IP address in front, but the file is read as a hosts file")]
    NoAddress,
    /// A `PozycjaRejestru` without an `AdresDomeny`.
    #[error("entry of the register has no AdresDomeny")]
    EntryWithoutName,
}

/// A name with `what` around it, as a suggestion.
pub(super) fn perhaps(name: &DomainName) -> String {
    format!("perhaps {name}")
}

/// Text from a file, cut and escaped so that it can be shown on a terminal or written to a log.
pub(super) fn printable(text: &[u8]) -> String {
    // Four octets are the most that a character takes; cutting one in half shows as one replacement character.
    let head = text.get(..Rejection::MAX_CHARS * 4).unwrap_or(text);
    let decoded = String::from_utf8_lossy(head);
    let mut shown = String::with_capacity(decoded.len());
    for (count, c) in decoded.chars().enumerate() {
        if count == Rejection::MAX_CHARS {
            shown.push('…');
            return shown;
        }
        // Beside control characters, those that change the direction of text or take no room could hide something.
        match c {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                shown.extend(c.escape_unicode());
            }
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    if head.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_short_and_tame() {
        assert_eq!(printable(b"a\x1b[31mb\x00\xff"), "a\\u{1b}[31mb\\u{0}\u{fffd}");
        assert_eq!(printable("moc.\u{202e}evil".as_bytes()), "moc.\\u{202e}evil");
        let long = printable("ż".repeat(5_000).as_bytes());
        assert_eq!(long.chars().count(), Rejection::MAX_CHARS + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_rejection_reads_as_one_line() {
        let rejection = Rejection { line: 7, text: "com".into(), reason: Reason::PublicSuffix, suggestion: None };
        assert_eq!(rejection.to_string(), "7: is a public suffix: it would cover every site under it: com");
    }
}
