//! The links of a web page, found in one pass without understanding the page.
//!
//! Enough of HTML for directory listings and the pages of authorities: `href` of `<a>` and `<base>`; comments, scripts
//! and styles are passed over. A page that breaks off inside anything, or that opens `<html` and never closes it, is
//! not whole.

/// Links of a page that are looked at; more make a page unusable rather than slow.
const MAX_LINKS: usize = 50_000;

/// What was found in a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Links {
    /// The values of `href` in their order, character references resolved.
    pub(super) hrefs: Vec<String>,
    /// The value of `href` of the first `<base>`.
    pub(super) base: Option<String>,
    /// Whether the page came to its end.
    pub(super) whole: bool,
}

/// Reads a page.
pub(super) fn read(page: &str) -> Links {
    // Lower case for the search, the original for the values; ASCII alone changes, so positions are the same.
    let lower = page.to_ascii_lowercase();
    let mut links = Links { whole: true, ..Links::default() };
    let mut at = 0;
    while let Some(found) = lower[at..].find('<') {
        let start = at + found;
        let rest = &lower[start..];
        let skipped_to = if rest.starts_with("<!--") {
            after(&lower, start + 4, "-->")
        } else if is_tag(rest, "script") {
            after(&lower, start, "</script")
        } else if is_tag(rest, "style") {
            after(&lower, start, "</style")
        } else if is_tag(rest, "a") || is_tag(rest, "base") {
            let name_end = start + if is_tag(rest, "a") { 2 } else { 5 };
            tag(page, name_end).map(|(href, end)| {
                match href {
                    Some(href) if is_tag(rest, "a") => links.hrefs.push(unescape(href)),
                    Some(href) if links.base.is_none() => links.base = Some(unescape(href)),
                    _ => {}
                }
                end
            })
        } else {
            Some(start + 1)
        };
        match skipped_to {
            Some(next) if links.hrefs.len() <= MAX_LINKS => at = next,
            _ => {
                links.whole = false;
                return links;
            }
        }
    }
    if lower.contains("<html") && !lower.contains("</html") {
        links.whole = false;
    }
    links
}

/// Behind the next `end` from `from`, if there is one.
fn after(text: &str, from: usize, end: &str) -> Option<usize> {
    text[from..].find(end).map(|found| from + found + end.len())
}

fn is_tag(rest: &str, name: &str) -> bool {
    rest[1..].strip_prefix(name).is_some_and(|more| more.starts_with([' ', '\t', '\n', '\r', '\x0c', '/', '>']))
}

/// The `href` among the attributes that begin at `at`, and the place behind the tag. `None` if it does not end.
fn tag(page: &str, mut at: usize) -> Option<(Option<&str>, usize)> {
    let octets = page.as_bytes();
    let is_space = |c: u8| c.is_ascii_whitespace() || c == b'/';
    let mut href = None;
    loop {
        while is_space(*octets.get(at)?) {
            at += 1;
        }
        if octets[at] == b'>' {
            return Some((href, at + 1));
        }
        let name_start = at;
        // An attribute has one character at least, even if that is `=`.
        at += 1;
        while !is_space(*octets.get(at)?) && !matches!(octets[at], b'=' | b'>') {
            at += 1;
        }
        let name = &octets[name_start..at];
        while octets.get(at)?.is_ascii_whitespace() {
            at += 1;
        }
        if octets[at] != b'=' {
            continue;
        }
        at += 1;
        while octets.get(at)?.is_ascii_whitespace() {
            at += 1;
        }
        let (value_start, value_end) = match octets[at] {
            quote @ (b'"' | b'\'') => {
                let start = at + 1;
                let end = start + octets[start..].iter().position(|c| *c == quote)?;
                at = end + 1;
                (start, end)
            }
            _ => {
                let start = at;
                while !octets.get(at)?.is_ascii_whitespace() && octets[at] != b'>' {
                    at += 1;
                }
                (start, at)
            }
        };
        if href.is_none() && name.eq_ignore_ascii_case(b"href") {
            // The bounds are ASCII characters, so they are bounds of characters.
            href = page.get(value_start..value_end);
        }
    }
}

/// The character references that stand in addresses.
fn unescape(value: &str) -> String {
    let mut text = value.trim().to_owned();
    for (reference, character) in [
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#47;", "/"),
        ("&#x2f;", "/"),
        ("&#x2F;", "/"),
        ("&#38;", "&"),
        ("&#x26;", "&"),
        // Last, so that nothing is resolved twice.
        ("&amp;", "&"),
    ] {
        if text.contains(reference) {
            text = text.replace(reference, character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_page_makes_it_panic(page in "(<a |<base |<!--|-->|<script|</script|href|=|\"|'|>|/|\n|é|x|&amp;|<html|\\PC){0,60}") {
            let links = read(&page);
            prop_assert!(links.hrefs.iter().all(|href| href.len() <= page.len()));
        }
    }

    #[test]
    fn links_of_listings_and_of_pages() {
        let links = read(concat!(
            "<!DOCTYPE html><HTML><head><base href='/pub/'><style>a > b {}</style></head>\n",
            "<script>var x = '<a href=\"no.txt\">';</script><!-- <a href=\"old.txt\"> -->\n",
            "<a href=\"../\">../</a><A class=x HREF = 'two.txt?a=1&amp;b=2' >two</A>\n",
            "<a href=three.txt>3</a><a name=here>4</a><abbr href=\"five.txt\">5</abbr><a\nhref=\"six.txt\"/>",
            "<a data-href=\"seven.txt\">7</a><area href=\"eight.txt\">\n</body></HTML>\n",
        ));
        assert_eq!(links.hrefs, ["../", "two.txt?a=1&b=2", "three.txt", "six.txt"]);
        assert_eq!(links.base.as_deref(), Some("/pub/"));
        assert!(links.whole);
    }

    #[test]
    fn a_page_that_breaks_off_is_not_whole() {
        let page = "<html><!-- c --><script>x</script><a href=\"list.txt\" class='y'>list</a></html>";
        for end in 0..page.len() - 1 {
            let links = read(&page[..end]);
            // Cut behind `<htm`, nothing tells that it is a page; what it then links to is nothing.
            assert!(!links.whole || (end < 6 && links.hrefs.is_empty()), "{}", &page[..end]);
        }
        assert!(read(page).whole);
        assert!(read("<pre><a href=a.txt>a</a>\n</pre>").whole);
    }

    #[test]
    fn hostile_pages_cost_one_pass() {
        for piece in ["<a ", "<", "<a href=", "<a href='", "<!--", "<script>", "<a =", "<a\n="] {
            let links = read(&piece.repeat(300_000));
            assert!(links.hrefs.len() <= MAX_LINKS + 1, "{piece}");
        }
        let links = read(&"<a href=x>".repeat(60_000));
        assert!(!links.whole);
        // Characters of several octets next to every boundary.
        read("<é><a é=é href=é>é</a href='é' é");
    }
}
