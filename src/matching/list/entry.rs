//! One entry of a list: from the text that somebody wrote to the name that it certainly means, or why it means none.
//!
//! Taken: any case, a trailing dot, `*.` or `.` in front (a listed name covers its subdomains anyway), Unicode
//! (through IDNA, UTS 46), a URL of nothing but a host. A URL of a page or an odd port is one to watch: blocking the
//! host would block too much. Refused: whatever would cover more than was meant (a public suffix), or whose meaning is
//! a guess; then the guess is made a suggestion.

use std::net::IpAddr;

use psl::Psl;

use super::kind::Kind;
use super::rejection::{Reason, perhaps};
use crate::model::DomainName;

/// Why an entry is no rule, and what may have been meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refused {
    pub(super) reason: Reason,
    pub(super) suggestion: Option<String>,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Refused { reason, suggestion: None }
    }
}

/// The most characters that are handed to IDNA, whose time is quadratic: more would not fit into a name.
const MAX_UNICODE: usize = 253;

/// Words of an entry that are tried as a suggestion.
const MAX_WORDS: usize = 8;

/// The name of an entry, and whether all of it is meant or a page of it. `text` has no white space around it and no
/// comment.
pub(super) fn parse_entry(text: &str) -> Result<(DomainName, Kind), Refused> {
    if text.contains(char::is_whitespace) {
        return Err(Refused { reason: Reason::Space, suggestion: one_name_among_words(text) });
    }
    if text.contains(char::is_control) {
        return Err(Reason::ControlCharacter.into());
    }
    if is_prefix(text) {
        return Err(Reason::Address.into());
    }
    let (is_url, rest) = match text.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, text),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(Reason::Email.into());
    }
    if is_address(authority) {
        return Err(Reason::Address.into());
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if is_number(port.as_bytes()) => (host, Some(port)),
        _ => (authority, None),
    };
    if is_address(host) {
        return Err(Reason::Address.into());
    }
    // A fragment is never sent to a server; without a URL's scheme or slash it is just a stray `#`.
    let whole_site = path.is_empty() || path == "/" || path.starts_with("/#") || (is_url && path.starts_with('#'));
    if !whole_site && path.starts_with('#') {
        return Err(Reason::Character('#').into());
    }
    let is_usual = whole_site && port.is_none_or(|port| matches!(port, "80" | "443"));
    let kind = if is_usual { Kind::Covers } else { Kind::Watch };
    match parse_host(host) {
        Ok(name) => Ok((name, kind)),
        Err(reason) => {
            let suggestion = match reason {
                Reason::Wildcard => host.rsplit('*').next().and_then(|tail| parse_host(tail).ok()).map(|n| perhaps(&n)),
                _ => None,
            };
            Err(Refused { reason, suggestion })
        }
    }
}

/// The name of a host as a line of another syntax has it: with nothing but the name.
pub(super) fn host(text: &str) -> Result<DomainName, Reason> {
    if let Some(name) = parse_simple(text.as_bytes()) {
        return Ok(name);
    }
    if text.contains(char::is_control) {
        return Err(Reason::ControlCharacter);
    }
    if is_address(text) {
        return Err(Reason::Address);
    }
    parse_host(text)
}

/// A name as somebody types it, to be looked up: any case, a trailing dot, Unicode through IDNA. Unlike an entry of a
/// list it may be any name, a public suffix included.
///
/// # Errors
/// The reason why the text can be no name.
pub fn to_name(text: &str) -> Result<DomainName, Reason> {
    let text = text.trim();
    if text.is_ascii() {
        return DomainName::from_text(text.as_bytes()).map_err(|e| match e {
            crate::model::NameError::TooLong => Reason::TooLong,
            crate::model::NameError::Empty => Reason::NoName,
        });
    }
    to_ascii(text).and_then(|ascii| to_name(&ascii))
}

/// The usual entry, fast: letters, digits, `-`, `_` and dots between them. None says nothing about the reason.
pub(super) fn parse_simple(text: &[u8]) -> Option<DomainName> {
    let (mut label, mut letters) = (0_usize, false);
    let (mut labels, mut before) = (1_usize, b'.');
    for &b in text {
        match b {
            b'0'..=b'9' => label += 1,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                label += 1;
                letters = true;
            }
            b'-' if label > 0 => {
                label += 1;
                letters = true;
            }
            b'.' => {
                if label == 0 || label > 63 || before == b'-' {
                    return None;
                }
                (label, letters) = (0, false);
                labels += 1;
            }
            _ => return None,
        }
        before = b;
    }
    if label == 0 || label > 63 || before == b'-' || !letters || labels < 2 {
        return None;
    }
    let name = DomainName::from_text(text).ok()?;
    (!is_public_suffix(&name)).then_some(name)
}

/// A host without anything around it.
fn parse_host(text: &str) -> Result<DomainName, Reason> {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let text = text.strip_prefix('.').unwrap_or(text);
    let text = text.trim_end_matches('.');
    if text.is_empty() {
        return Err(Reason::NoName);
    }
    if text.contains('*') {
        return Err(Reason::Wildcard);
    }
    if text.is_ascii() { parse_ascii(text) } else { parse_ascii(&to_ascii(text)?) }
}

fn to_ascii(text: &str) -> Result<String, Reason> {
    if text.chars().nth(MAX_UNICODE).is_some() {
        return Err(Reason::TooLong);
    }
    idna::domain_to_ascii(text).map_err(|_| Reason::Idna)
}

fn parse_ascii(text: &str) -> Result<DomainName, Reason> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if let Some(c) = text.chars().find(|c| !matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.')) {
        return Err(Reason::Character(c));
    }
    if text.is_empty() {
        return Err(Reason::NoName);
    }
    if text.len() > 253 {
        return Err(Reason::TooLong);
    }
    for label in text.split('.') {
        match label.len() {
            0 => return Err(Reason::EmptyLabel),
            1..=63 if label.starts_with('-') || label.ends_with('-') => return Err(Reason::Hyphen),
            1..=63 => {}
            _ => return Err(Reason::LabelTooLong),
        }
    }
    let Some((_, last)) = text.rsplit_once('.') else { return Err(Reason::SingleLabel) };
    if is_number(last.as_bytes()) {
        return Err(Reason::EndsInNumber);
    }
    let name = DomainName::from_text(text.as_bytes()).map_err(|_| Reason::TooLong)?;
    if is_public_suffix(&name) {
        return Err(Reason::PublicSuffix);
    }
    Ok(name)
}

/// Whether the name as a whole is in the ICANN section of the public suffix list. An unlisted top-level domain is no
/// public suffix, so `casino.example` is a site.
fn is_public_suffix(name: &DomainName) -> bool {
    // The deepest suffixes of the ICANN section have four labels (`pvt.k12.ma.us`), a wildcard may add one.
    const DEEPEST: usize = 5;
    let mut labels: [&[u8]; DEEPEST] = [&[]; DEEPEST];
    let mut count = 0;
    for label in name.labels() {
        let Some(slot) = labels.get_mut(count) else { return false };
        *slot = label;
        count += 1;
    }
    let info = psl::List.find(labels.iter().take(count).rev().copied());
    // The length of the suffix in text form, which has one octet less than the wire form.
    info.typ == Some(psl::Type::Icann) && info.len + 1 == name.as_wire().len()
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn is_address(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    parse_address(bare).is_some()
}

/// `192.0.2.0/24`.
fn is_prefix(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| is_number(bits.as_bytes()) && is_address(address))
}

/// An IP address, with an IPv6 zone (`fe80::1%lo0`) allowed.
pub(super) fn parse_address(text: &str) -> Option<IpAddr> {
    // Before the parser of the standard library runs: a name's first character seldom passes.
    if !text.as_bytes().first().is_some_and(|b| b.is_ascii_hexdigit() || *b == b':') {
        return None;
    }
    text.split_once('%').map_or(text, |(address, _)| address).parse().ok()
}

/// The only word of an entry that would be a rule by itself.
pub(super) fn one_name_among_words(text: &str) -> Option<String> {
    let mut names = text.split_whitespace().take(MAX_WORDS).filter_map(|word| parse_host(word).ok());
    let name = names.next()?;
    names.next().is_none().then(|| perhaps(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> String {
        match parse_entry(text) {
            Ok((name, Kind::Covers)) => name.to_string(),
            other => panic!("{text} was not taken: {other:?}"),
        }
    }

    fn refused(text: &str) -> (Reason, Option<String>) {
        match parse_entry(text) {
            Ok((name, kind)) => panic!("{text} was taken as {} {name}", kind.name()),
            Err(r) => (r.reason, r.suggestion),
        }
    }

    #[test]
    fn dirt_that_can_only_mean_one_thing_is_taken() {
        for (text, name) in [
            ("0-bdmbet.com", "0-bdmbet.com"),
            ("1XHOV.XYZ", "1xhov.xyz"),
            ("example.com.", "example.com"),
            ("*.example.com", "example.com"),
            (".example.com", "example.com"),
            ("a_b._c.example.com", "a_b._c.example.com"),
            ("a--b.c-d.example.com", "a--b.c-d.example.com"),
            ("https://Casino.Example/", "casino.example"),
            ("http://casino.example", "casino.example"),
            ("casino.example/", "casino.example"),
            ("https://casino.example:443/", "casino.example"),
            ("https://casino.example/#top", "casino.example"),
            ("Glücksspiel.example", "xn--glcksspiel-beb.example"),
            ("*.ставки.example.", "xn--80aesh6ag.example"),
            ("casino。example", "casino.example"),
            ("xn--glcksspiel-beb.example", "xn--glcksspiel-beb.example"),
            ("github.io", "github.io"),
            ("7.casino-royale.co.uk", "7.casino-royale.co.uk"),
        ] {
            assert_eq!(taken(text), name, "{text}");
        }
    }

    #[test]
    fn what_would_cover_too_much_is_refused() {
        for text in ["co.uk", "*.com.", ".COM.PL", "k12.ma.us", "xn--p1ai.", "foo.ck"] {
            let reason = refused(text).0;
            assert!(matches!(reason, Reason::PublicSuffix | Reason::SingleLabel), "{text}: {reason:?}");
        }
        assert_eq!(refused("co.uk").0, Reason::PublicSuffix);
        assert_eq!(refused("localhost").0, Reason::SingleLabel);
    }

    #[test]
    fn a_page_or_an_odd_port_of_a_site_is_watched() {
        for (text, name) in [
            ("https://blog.example/casino/review.html", "blog.example"),
            ("blog.example?q=1", "blog.example"),
            ("http://shared.example:8080/", "shared.example"),
            ("Shared.Example:8443", "shared.example"),
        ] {
            let (taken, kind) = parse_entry(text).unwrap();
            assert_eq!((taken.to_string().as_str(), kind), (name, Kind::Watch), "{text}");
        }
        assert_eq!(refused("https://co.uk/casino").0, Reason::PublicSuffix);
        assert_eq!(refused("01/02/2026").0, Reason::SingleLabel);
    }

    #[test]
    fn guesses_are_only_suggested() {
        assert_eq!(refused("1146  m.fezbet641.com"), (Reason::Space, Some("perhaps m.fezbet641.com".into())));
        assert_eq!(refused("casino.example 01.02.2026"), (Reason::Space, Some("perhaps casino.example".into())));
        assert_eq!(refused("a.example b.example"), (Reason::Space, None));
        assert_eq!(refused("*casino.example"), (Reason::Wildcard, Some("perhaps casino.example".into())));
        assert_eq!(refused("casino.*"), (Reason::Wildcard, None));
    }

    #[test]
    fn addresses_and_other_strangers_are_refused() {
        for text in
            ["192.0.2.1", "192.0.2.0/24", "2001:db8::1", "http://[2001:db8::1]:80/", "[::1]", "https://192.0.2.1/x"]
        {
            assert_eq!(refused(text).0, Reason::Address, "{text}");
        }
        for (text, reason) in [
            ("01.02.2026", Reason::EndsInNumber),
            ("help@casino.example", Reason::Email),
            ("https://user@casino.example/", Reason::Email),
            ("-casino.example", Reason::Hyphen),
            ("casino-.example", Reason::Hyphen),
            ("www.-.example", Reason::Hyphen),
            ("a..example", Reason::EmptyLabel),
            ("..example.com", Reason::EmptyLabel),
            ("...", Reason::NoName),
            ("*.", Reason::NoName),
            ("casino.example,other.example", Reason::Character(',')),
            ("casino.example#x", Reason::Character('#')),
            ("casino!.example", Reason::Character('!')),
            ("casino\u{0}.example", Reason::ControlCharacter),
            ("xn--\u{fc}.example", Reason::Idna),
        ] {
            assert_eq!(refused(text).0, reason, "{text}");
        }
    }

    #[test]
    fn lengths_are_those_of_dns() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(taken(&longest).len(), 253);
        assert_eq!(refused(&format!("{label}.{label}.{label}.{}", "b".repeat(62))).0, Reason::TooLong);
        assert_eq!(refused(&format!("a{label}.example")).0, Reason::LabelTooLong);
        assert_eq!(refused(&"ü".repeat(5_000)).0, Reason::TooLong);
    }

    #[test]
    fn the_fast_way_agrees_with_the_careful_one() {
        for text in [
            "a.example",
            "A.Example",
            "a.b.c.d.e.f.example",
            "co.uk",
            "com",
            "1.2.3.4",
            "a.1",
            "-a.example",
            "a-.example",
            "a.b-",
            "a.-.b",
            "a..b",
            ".a.b",
            "a.b.",
            "a_b.example",
            "a b.example",
            "",
            ".",
            "1.a1",
            "k12.ma.us",
            "xn--p1ai",
        ] {
            if let Some(fast) = parse_simple(text.as_bytes()) {
                assert_eq!(Ok((fast, Kind::Covers)), parse_entry(text), "{text}");
            }
        }
        assert!(parse_simple(b"casino-royale-77.example").is_some());
        assert!(parse_simple(format!("{}.example", "a".repeat(64)).as_bytes()).is_none());
    }

    #[test]
    fn typed_names_may_be_anything_that_is_a_name() {
        assert_eq!(to_name("COM").unwrap().to_string(), "com");
        assert_eq!(to_name("Glücksspiel.example.").unwrap().to_string(), "xn--glcksspiel-beb.example");
        assert_eq!(to_name(""), Err(Reason::NoName));
        assert_eq!(to_name(&"a.".repeat(200)), Err(Reason::TooLong));
    }
}
