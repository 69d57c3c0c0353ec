//! Which of the names in an index or a directory is the register: the newest, or the only one. Never a guess.

use jiff::civil::Date;
use reqwest::Url;

use super::address;
use super::error::IndexFault;
use super::links;
use super::pattern::{Match, NamePattern};

/// One candidate: what matched, and what it stands for.
pub(super) type Candidate<T> = (Match, T);

/// Picks from `candidates`; the same one given twice counts once. `last` is the name that was taken the time before.
pub(super) fn choose<T: PartialEq>(
    mut candidates: Vec<Candidate<T>>,
    pattern: &NamePattern,
    last: Option<&str>,
    latest: Date,
) -> Result<Candidate<T>, IndexFault> {
    let newest = candidates.iter().map(|(m, _)| m.rank).max().ok_or(IndexFault::NoMatch)?;
    candidates.retain(|(m, _)| m.rank == newest);
    let (chosen, target) = candidates.swap_remove(0);
    let others = candidates.iter().filter(|(_, other)| *other != target).count();
    if others > 0 {
        return Err(IndexFault::Ambiguous(others + 1));
    }
    // A last name that another pattern took says nothing.
    let before = last.and_then(|last| pattern.matches(last, latest));
    match before {
        Some(before) if before.rank > chosen.rank => {
            Err(IndexFault::WentBack { newest: chosen.name, last: before.name })
        }
        _ => Ok((chosen, target)),
    }
}

/// The address that the page at `at` gives for `pattern`, and the name it goes by.
pub(super) fn from_page(
    page: &str,
    at: &Url,
    pattern: &NamePattern,
    last: Option<&str>,
    latest: Date,
    allowed: impl Fn(&Url) -> bool,
) -> Result<(String, Url), IndexFault> {
    let links = links::read(page);
    if !links.whole {
        return Err(IndexFault::HalfPage);
    }
    let base = links.base.and_then(|base| at.join(&base).ok()).unwrap_or_else(|| at.clone());
    let mut here = Vec::new();
    let mut elsewhere = None;
    for href in &links.hrefs {
        let Ok(mut url) = base.join(href) else { continue };
        url.set_fragment(None);
        let Some(matched) = pattern.matches(url.path(), latest) else { continue };
        if allowed(&url) {
            here.push((matched, url));
        } else if elsewhere.is_none() {
            elsewhere = Some(address::origin(&url));
        }
    }
    if let Some(host) = elsewhere {
        // A newer one may be among those elsewhere, so that none of those here can be called the newest.
        return Err(IndexFault::Elsewhere(host));
    }
    choose(here, pattern, last, latest).map(|(matched, url)| (matched.name, url))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 11, 24);

    fn pick(page: &str, pattern: &str, last: Option<&str>) -> Result<(String, String), IndexFault> {
        let at = Url::parse("https://blocklist.example/lists/").unwrap();
        let allowed = |url: &Url| url.host_str() == Some("blocklist.example") && url.scheme() == "https";
        from_page(page, &at, &pattern.parse().unwrap(), last, TODAY, allowed).map(|(name, url)| (name, url.to_string()))
    }

    const LISTING: &str = "<html><a href=\"../\">up</a>\
        <a href=\"gespa_blocklist_20261015.txt\">a</a><a href=\"gespa_blocklist_20261015.sign\">a</a>\
        <a href=\"gespa_blocklist_20261101.txt\">b</a><a href=\"gespa_blocklist_20261101.sign\">b</a>\
        <a href=\"gespa_blocklist_20251231.txt\">c</a><a href=\"gespa_blocklist_99991231.txt\">d</a></html>";
    const GESPA: &str = "gespa_blocklist_{date}.txt";

    #[test]
    fn the_newest_by_name() {
        let newest = "gespa_blocklist_20261101.txt";
        let expected = (newest.to_owned(), format!("https://blocklist.example/lists/{newest}"));
        for last in [None, Some("gespa_blocklist_20261015.txt"), Some(newest), Some("another"), Some("a_20990101.txt")]
        {
            assert_eq!(pick(LISTING, GESPA, last), Ok(expected.clone()), "{last:?}");
        }
    }

    #[test]
    fn never_back() {
        let last = "gespa_blocklist_20261102.txt";
        let fault = IndexFault::WentBack { newest: "gespa_blocklist_20261101.txt".to_owned(), last: last.to_owned() };
        assert_eq!(pick(LISTING, GESPA, Some(last)), Err(fault));
    }

    #[test]
    fn half_a_page_gives_nothing() {
        for end in ["b</a>", "20261101.txt\">", "20261015.txt\">a"] {
            let half = &LISTING[..LISTING.find(end).unwrap() + end.len()];
            assert_eq!(pick(half, GESPA, None), Err(IndexFault::HalfPage), "{end}");
        }
    }

    #[test]
    fn one_link_that_changes() {
        let page = "<html><a href='/documents/1/elenco_siti_inibiti_88.txt/4e-5f?t=1&amp;v=2'>x</a>\
            <a href='/documents/1/elenco_siti_inibiti_88.txt/4e-5f?t=1&amp;v=2#again'>x</a>\
            <a href='/documents/1/controllo.txt/77'>y</a></html>";
        let (name, url) = pick(page, "elenco_siti_inibiti*.txt/*", Some("elenco_siti_inibiti_9.txt/1")).unwrap();
        assert_eq!(name, "elenco_siti_inibiti_88.txt/4e-5f");
        assert_eq!(url, "https://blocklist.example/documents/1/elenco_siti_inibiti_88.txt/4e-5f?t=1&v=2");
        assert_eq!(pick(page, "*.txt/*", None), Err(IndexFault::Ambiguous(2)));
        assert_eq!(pick(page, "*.csv", None), Err(IndexFault::NoMatch));
    }

    #[test]
    fn a_link_elsewhere_is_never_followed() {
        for href in ["https://evil.example/g_20261103.txt", "http://blocklist.example/g_20261103.txt"] {
            let page = format!("<html><a href='g_20261101.txt'>x</a><a href='{href}'>x</a></html>");
            assert!(matches!(pick(&page, "g_{date}.txt", None), Err(IndexFault::Elsewhere(_))), "{href}");
        }
        // The page cannot move itself elsewhere either.
        let page = "<html><base href='https://evil.example/'><a href='g_20261101.txt'>x</a></html>";
        assert_eq!(pick(page, "g_{date}.txt", None), Err(IndexFault::Elsewhere("https://evil.example".to_owned())));
    }
}
