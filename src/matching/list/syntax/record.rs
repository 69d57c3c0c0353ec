//! The part of a DNS record in text form (RFC 1035 section 5.1) behind its owner: `[TTL] [class] type data`, which RPZ
//! zones and unbound's `local-data` share.

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
