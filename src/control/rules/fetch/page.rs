//! Tells a web page from a list: what a captive portal, a proxy or a maintenance notice sends instead of a register.

/// How `head`, the first octets of a file, shows that it is a page; `None` if it does not.
pub(super) fn begins_like_page(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    if !text.starts_with('<') {
        return None;
    }
    // Behind an XML declaration or a comment as well (XHTML).
    ["<!doctype html", "<html"].into_iter().find(|mark| text.contains(mark)).map(|mark| format!("it has {mark}"))
}

/// Whether a header `Content-Type` says that it is a page.
pub(super) fn is_page_type(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("application/xhtml+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_lists() {
        for page in [
            "<!DOCTYPE html><title>Login</title>",
            "\u{feff}\r\n <HTML lang=pl>",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">",
            "<!-- proxy --><html>",
        ] {
            assert!(begins_like_page(page.as_bytes()).is_some(), "{page}");
        }
        for list in [
            "",
            "casino.example\n",
            "# from <html> to list\ncasino.example\n",
            "<?xml version=\"1.0\"?><Rejestr xmlns=\"http://www.hazard.mf.gov.pl/2017/03/21/\">",
            "{\"a\": \"<html>\"}",
            "||casino.example^",
        ] {
            assert_eq!(begins_like_page(list.as_bytes()), None, "{list}");
        }
        assert!(is_page_type("Text/HTML; charset=utf-8"));
        assert!(!is_page_type("text/plain"));
    }
}
