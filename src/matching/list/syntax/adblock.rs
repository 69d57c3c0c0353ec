//! AdBlock Plus, uBlock Origin and AdGuard filters, as far as they speak of whole sites.
//!
//! ```text
//! ! a comment
//! ||casino.example^
//! ||casino.example^$all
//! @@||licensed.example^
//! ```
//!
//! `||` means the name and everything under it, `|https://` one host. A filter for a path or an odd port is about a
//! page and is watched. Whether a modifier leaves the whole site meant is decided in [`limits`]; cosmetic filters and
//! regular expressions are refused.

use super::super::kind::Kind;
use super::super::rejection::Reason;
use super::{Out, is_usual_port, split_port};

/// Marks of filters that hide or change parts of pages.
const COSMETIC: [&str; 10] = ["##", "#@#", "#?#", "#@?#", "#$#", "#@$#", "#$?#", "#%#", "#@%#", "$$"];

/// Request types: a filter for some of them leaves the visit of the site itself alone.
const TYPES: [&str; 20] = [
    "popup",
    "script",
    "image",
    "stylesheet",
    "css",
    "object",
    "xmlhttprequest",
    "xhr",
    "subdocument",
    "frame",
    "ping",
    "beacon",
    "websocket",
    "webrtc",
    "font",
    "media",
    "other",
    "inline-script",
    "inline-font",
    "popunder",
];

/// Whether a line can only be an AdBlock filter.
pub(in super::super) fn is(text: &str) -> bool {
    text.starts_with('|')
        || text.starts_with("@@")
        || text.starts_with("[Adblock")
        || text.starts_with("[uBlock")
        || text.starts_with("[AdGuard")
        || is_cosmetic(text)
        || is_regex(text)
        || (text.contains('^') && !text.contains(char::is_whitespace))
}

/// Whether a line that starts with `#` is a filter for all pages and no comment.
pub(in super::super) fn is_generic_cosmetic(text: &str) -> bool {
    let selector = text.strip_prefix("##").or_else(|| text.strip_prefix("#@#")).unwrap_or_default();
    let id = selector.strip_prefix('#').is_some_and(|id| id.starts_with(|c: char| c.is_ascii_alphanumeric()));
    selector.starts_with(['.', '[', '^']) || (id && !text.contains(char::is_whitespace))
}

fn is_cosmetic(text: &str) -> bool {
    // A fragment of a URL has one `#`, and no mark has a space before it.
    let hides = |mark| text.split_once(mark).is_some_and(|(sites, _)| !sites.contains(char::is_whitespace));
    COSMETIC.iter().any(|mark| hides(*mark))
}

/// Reads a filter.
pub(in super::super) fn read(text: &str, out: &mut Out<'_>) {
    if text.starts_with('[') {
        return out.ignore();
    }
    let (exception, filter) = match text.strip_prefix("@@") {
        Some(filter) => (true, filter),
        None => (false, text),
    };
    if is_regex(filter) {
        return out.reject(Reason::Regex);
    }
    if is_cosmetic(filter) {
        return out.reject(Reason::Cosmetic);
    }
    let (pattern, modifiers) = match filter.split_once('$') {
        Some((pattern, modifiers)) => (pattern.trim_end(), modifiers),
        None => (filter, ""),
    };
    // Behind the end of the host anything may follow; in a host a star could be the rest of another one.
    let shorter = pattern.trim_end_matches('*');
    let pattern = if shorter.ends_with(['^', '/']) { shorter } else { pattern };
    let (kind, rest) = if let Some(rest) = pattern.strip_prefix("||") {
        // One stroke too many and whole URLs are seen in the world, and mean nothing else.
        let rest = rest.trim_start_matches('|');
        (Kind::Covers, without_scheme(rest).unwrap_or(rest))
    } else if let Some(rest) = pattern.strip_prefix('|').or(Some(pattern)).and_then(without_scheme) {
        (Kind::Exact, rest)
    } else if pattern.starts_with('|') {
        return out.reject(Reason::Wildcard);
    } else {
        (Kind::Covers, pattern)
    };
    let kind = if exception { kind.allowed() } else { kind };
    let (authority, behind) = rest.split_at(rest.find(['^', '/', '|', '?']).unwrap_or(rest.len()));
    let (host, port) = split_port(authority);
    if let Some(modifier) = limits(modifiers, exception) {
        return out.reject_host(Reason::Modifier(modifier), host);
    }
    out.revokes = modifiers.split(',').any(|modifier| modifier.trim().eq_ignore_ascii_case("badfilter"));
    if !matches!(behind, "" | "^" | "/" | "|" | "^|" | "/|" | "/^" | "^/") || !is_usual_port(port) {
        return out.page(host, exception);
    }
    out.host(host, kind);
}

fn is_regex(filter: &str) -> bool {
    filter.starts_with('/') && filter.len() > 2 && (filter.ends_with('/') || filter.contains("/$"))
}

fn without_scheme(pattern: &str) -> Option<&str> {
    ["https://", "http://", "*://", "://"].iter().find_map(|scheme| pattern.strip_prefix(scheme))
}

/// The first modifier by which a filter does not mean the visit of the whole site by everybody, if there is one.
fn limits(modifiers: &str, exception: bool) -> Option<&'static str> {
    let (mut types, mut page) = (None, false);
    for modifier in modifiers.split(',').map(str::trim).filter(|modifier| !modifier.is_empty()) {
        let (name, value) = modifier.split_once('=').unwrap_or((modifier, ""));
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            // The page itself.
            "all" | "document" | "doc" => page = true,
            // How strong the filter is, how it is compared, and requests from the site's own pages, which a visit is.
            "important" | "match-case" | "first-party" | "1p" | "strict1p" | "~third-party" | "~3p" => {}
            // What is taken back is another filter; see `read`.
            "badfilter" => {}
            // What a DNS filter answers.
            "dnsrewrite" if !exception && is_sink(value) => {}
            "third-party" | "3p" | "~first-party" | "~1p" | "strict3p" => return Some("third-party"),
            "domain" | "from" | "to" | "denyallow" => return Some("domain"),
            "client" | "ctag" | "dnstype" | "app" | "method" | "header" | "ipaddress" => return Some("client"),
            "dnsrewrite" => return Some("dnsrewrite"),
            "csp" | "permissions" | "redirect" | "redirect-rule" | "rewrite" | "removeparam" | "queryprune"
            | "replace" | "cookie" | "removeheader" | "hls" | "jsonprune" | "uritransform" | "empty" | "mp4" => {
                return Some("content");
            }
            "elemhide" | "ehide" | "generichide" | "ghide" | "specifichide" | "shide" | "genericblock" | "urlblock"
            | "jsinject" | "content" | "extension" | "stealth" => return Some("elemhide"),
            // All but one type: the page is still meant.
            other if other.strip_prefix('~').is_some_and(|other| TYPES.contains(&other)) => {}
            other => match TYPES.iter().find(|known| **known == other) {
                Some(known) => types = types.or(Some(*known)),
                None => return Some("unknown"),
            },
        }
    }
    if page { None } else { types }
}

/// An answer by which a DNS filter blocks.
fn is_sink(value: &str) -> bool {
    let answer = value.rsplit(';').next().unwrap_or(value);
    value
        .split(';')
        .next()
        .is_some_and(|code| ["NXDOMAIN", "REFUSED", "SERVFAIL"].iter().any(|known| known.eq_ignore_ascii_case(code)))
        || answer.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_unspecified() || address.is_loopback())
}
