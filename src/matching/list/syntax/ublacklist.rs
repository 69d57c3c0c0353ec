//! uBlacklist subscriptions: match patterns of browsers.
//!
//! ```text
//! *://*.casino.example/*
//! *://www.bets.example/*
//! @*://*.licensed.example/*
//! ```
//!
//! `*.` in front means the name and everything under it, otherwise one host is meant; `@` lets a site through. A
//! pattern with a path of its own or an odd port is about a page and is watched. Regular expressions, rules about titles
//! and rules with a condition are refused.

use super::super::kind::Kind;
use super::super::rejection::Reason;
use super::{Out, is_usual_port, split_port};

/// Whether a line can only be of this syntax.
pub(in super::super) fn is(text: &str) -> bool {
    let pattern = text.trim_start_matches(['@', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    let marked = text.starts_with('@') && !text.starts_with("@@");
    text.starts_with("*://")
        || (marked && (without_scheme(pattern).is_some() || pattern.starts_with('/')))
        || without_scheme(text).is_some_and(|rest| rest.ends_with("/*"))
        || is_expression(text)
}

fn is_expression(text: &str) -> bool {
    ["title/", "url/", "title =", "title=", "$site", "path/", "host/", "<all_urls>"]
        .iter()
        .any(|start| text.strip_prefix(start).is_some_and(|rest| !rest.is_empty() || *start == "<all_urls>"))
}

fn without_scheme(pattern: &str) -> Option<&str> {
    ["*://", "http://", "https://"].iter().find_map(|scheme| pattern.strip_prefix(scheme))
}

/// Reads a line.
pub(in super::super) fn read(text: &str, out: &mut Out<'_>) {
    let (exception, pattern) = match text.strip_prefix('@') {
        Some(pattern) => (true, pattern.trim_start()),
        None => (false, text),
    };
    if pattern.starts_with('/') || ["title/", "url/", "path/", "host/"].iter().any(|start| pattern.starts_with(start)) {
        return out.reject(Reason::Regex);
    }
    if exception && pattern.starts_with(|c: char| c.is_ascii_digit()) {
        return out.reject(Reason::NoRule("a colour for search results"));
    }
    let Some(rest) = without_scheme(pattern) else {
        return out.reject(Reason::NotOf("uBlacklist"));
    };
    let mut words = rest.split_whitespace();
    let (whole, rest, behind) = (rest, words.next().unwrap_or_default(), words.next());
    // Seen in the world: a pattern made of a URL.
    let rest = rest.strip_prefix("*.").and_then(without_scheme).map_or(rest.to_owned(), |url| format!("*.{url}"));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = split_port(authority);
    let (host, kind) = match host.strip_prefix("*.") {
        Some(host) => (host, Kind::Covers),
        None => (host, Kind::Exact),
    };
    if host == "*" {
        return out.reject(Reason::Everything);
    }
    match behind {
        None => {}
        Some(condition) if condition.starts_with('@') => return out.reject_host(Reason::Modifier("if"), host),
        // It says that it is a name with a space, which is none.
        Some(_) => return out.name(whole.trim_end_matches("/*"), kind),
    }
    if !matches!(path, "" | "/" | "/*") || !is_usual_port(port) {
        return out.page(host, exception);
    }
    out.name(host, if exception { kind.allowed() } else { kind });
}
