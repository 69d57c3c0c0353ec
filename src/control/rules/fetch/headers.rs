//! What the head of an answer says about its body, and when to ask again.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{self, HeaderMap, HeaderName};

use super::error::FetchError;

/// Octets of a validator that is kept.
const MAX_VALIDATOR: usize = 1024;

pub(super) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

pub(super) fn validator(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    text(headers, name).filter(|value| !value.is_empty() && value.len() <= MAX_VALIDATOR)
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = text(headers, &header::RETRY_AFTER)?;
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    // A date that has passed asks for no wait.
    Some(date.timestamp().duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

/// Whether the body is packed with gzip; an error if with anything else, or twice, or unasked.
pub(super) fn packing(headers: &HeaderMap, allowed: bool, shown: &str) -> Result<bool, FetchError> {
    let unasked = |what: &str| {
        let reason = format!("packed with {}, which was not asked for", what.chars().take(40).collect::<String>());
        Err(FetchError::Encoding { url: shown.to_owned(), reason })
    };
    let all = |name: &HeaderName| {
        let values: Vec<_> = headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        values.join(", ").trim().to_ascii_lowercase()
    };
    match all(&header::TRANSFER_ENCODING).as_str() {
        "" | "chunked" => {}
        other => return unasked(other),
    }
    match all(&header::CONTENT_ENCODING).as_str() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" if allowed => Ok(true),
        other => unasked(other),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_in_both_forms() {
        let now: Timestamp = "2026-11-24T10:00:00Z".parse().unwrap();
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_str(value).unwrap());
            retry_after(&headers, now).map(|d| d.as_secs())
        };
        assert_eq!(read("120"), Some(120));
        assert_eq!(read("Tue, 24 Nov 2026 10:01:30 GMT"), Some(90));
        assert_eq!(read("Tue, 24 Nov 2026 09:00:00 GMT"), Some(0));
        for nonsense in ["", "-1", "soon", "99999999999"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
