//! The part of a DNS record in text form (RFC 1035 section 5.1) behind its owner: `[TTL] [class] type data`, which RPZ
//! zones and unbound's `local-data` share; and what a CNAME in one of them means.

use super::super::rejection::Reason;

/// Where search engines and video sites are sent to hide something: no block of the site.
const SAFE_SEARCH: [&str; 10] = [
    "forcesafesearch.google.com",
    "restrict.youtube.com",
    "restrictmoderate.youtube.com",
    "strict.bing.com",
    "safe.duckduckgo.com",
    "safesearch.pixabay.com",
    "familysearch.yandex.ru",
    "forcesafe.search.brave.com",
    "safesearch.qwant.com",
    "api-safe.qwant.com",
];

/// The type and the data, TTL and class in either order left out; none if there is no type.
pub(super) fn split<'w, 't>(words: &'w [&'t str]) -> Option<(&'t str, &'w [&'t str])> {
    let mut rest = words;
    while let Some((first, after)) = rest.split_first() {
        if !is_ttl(first) && !["IN", "CH", "HS"].iter().any(|class| class.eq_ignore_ascii_case(first)) {
            return Some((first, after));
        }
        rest = after;
    }
    None
}

/// `3600`, and `1h30m` as BIND writes it.
fn is_ttl(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_digit() || b"smhdwSMHDW".contains(&b))
}

/// Whether a CNAME leads to another site, as the page of an authority, or why it blocks nothing. The target is in lower
/// case.
pub(super) fn leads_away(owner: &str, target: &str) -> Result<(), Reason> {
    let target = target.strip_suffix('.').unwrap_or(target);
    if SAFE_SEARCH.contains(&target) {
        return Err(Reason::NoRule("a safe-search address"));
    }
    let site = owner.strip_prefix("*.").unwrap_or(owner);
    if target == site || target.strip_suffix(site).is_some_and(|rest| rest.ends_with('.')) {
        return Err(Reason::NoRule("an alias within the site"));
    }
    Ok(())
}
