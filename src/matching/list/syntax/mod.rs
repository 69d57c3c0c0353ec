//! The line syntaxes of other tools, a module each, all of one shape.
//!
//! `is` tells whether a line can only be of the syntax, so that files need no format said; `read` makes of one line
//! entries, a rejection with its reason, or something that is no rule but belongs there ([`Out`]). What a construct
//! means is told in docs/list-syntaxes.md, row by row; where it could mean less than the whole site, it is refused.

pub(super) mod adblock;
pub(super) mod dnsmasq;
mod record;
pub(super) mod rpz;
#[cfg(test)]
mod tests;
pub(super) mod ublacklist;
pub(super) mod unbound;

use super::entry::{host, one_name_among_words, parse_entry};
use super::kind::Kind;
use super::parsed::ListBuilder;
use super::rejection::{Reason, perhaps};
use crate::model::DomainName;

/// Where what a line says goes.
pub(super) struct Out<'a> {
    list: &'a mut ListBuilder,
    line: u32,
    /// What a rejection shows.
    text: &'a str,
    /// The entry takes back one that says the same without that.
    revokes: bool,
}

impl<'a> Out<'a> {
    pub(super) fn new(list: &'a mut ListBuilder, line: u32, text: &'a str) -> Self {
        Out { list, line, text, revokes: false }
    }

    /// The same, but a rejection shows a part of the line.
    fn showing<'b>(&'b mut self, text: &'b str) -> Out<'b> {
        Out { list: self.list, line: self.line, text, revokes: self.revokes }
    }

    /// An entry for a host, which may have `*.` in front where that means "only below it".
    fn host(&mut self, text: &str, kind: Kind) {
        let (text, kind) = match text.strip_prefix("*.") {
            Some(rest) if kind == Kind::Covers => (rest, Kind::Below),
            Some(rest) if kind == Kind::Allow => (rest, Kind::AllowBelow),
            _ => (text, kind),
        };
        self.name(text, kind);
    }

    /// An entry for a host without anything in front.
    fn name(&mut self, text: &str, kind: Kind) {
        if text.contains(char::is_whitespace) {
            let suggestion = one_name_among_words(text);
            return self.list.reject(self.line, self.text.as_bytes(), Reason::Space, suggestion);
        }
        match host(text) {
            // A second wildcard behind the first one would be lost.
            Ok(_) if text.starts_with("*.") => self.reject(Reason::NoWildcard),
            Ok(name) => self.take(&name, kind),
            Err(reason) => self.reject(reason),
        }
    }

    /// A page of a host: watched, unless it is let through, which says nothing about the site.
    fn page(&mut self, host: &str, exception: bool) {
        if exception {
            return self.reject(Reason::NoRule("an exception for a page"));
        }
        // Which page does not matter, but the host must be one.
        match parse_entry(&format!("{host}/page")) {
            Ok((name, _)) => self.take(&name, Kind::Watch),
            Err(refused) => self.list.reject(self.line, self.text.as_bytes(), refused.reason, refused.suggestion),
        }
    }

    fn take(&mut self, name: &DomainName, kind: Kind) {
        if !self.revokes {
            return self.list.accept(name, kind, self.line);
        }
        if self.list.revoke(name, kind) { self.ignore() } else { self.reject(Reason::TooMany) }
    }

    /// Takes back an entry for a host, if there is one.
    fn revoke(&mut self, text: &str, kind: Kind) {
        if let Ok(name) = host(text) {
            self.list.revoke(&name, kind);
        }
    }

    /// A zone that resolves as usual: an exception if the list blocks a parent and nothing in it.
    fn pass(&mut self, text: &str) {
        match host(text) {
            Ok(name) if !self.list.pass(&name, self.line) => self.reject(Reason::TooMany),
            _ => self.ignore(),
        }
    }

    /// Part of the syntax, and no rule.
    fn ignore(&mut self) {
        self.list.ignore();
    }

    fn reject(&mut self, reason: Reason) {
        self.list.reject(self.line, self.text.as_bytes(), reason, None);
    }

    /// As [`Out::reject`], with the host as a suggestion if it is one.
    fn reject_host(&mut self, reason: Reason, text: &str) {
        let suggestion = host(text).ok().map(|name| perhaps(&name));
        self.list.reject(self.line, self.text.as_bytes(), reason, suggestion);
    }
}

/// A host and its port, if one is written behind it.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
        _ => (text, None),
    }
}

/// Whether a port is one by which the whole site is meant.
fn is_usual_port(port: Option<&str>) -> bool {
    matches!(port, None | Some("80" | "443"))
}
