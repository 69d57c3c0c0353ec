//! Which addresses are fetched from: https, without a password in them, and no host that the source does not name.

use reqwest::Url;

use super::error::{Detour, FetchError};

/// Octets of an address.
const MAX: usize = 4096;

/// Reads an address of a source.
pub(super) fn parse(text: &str, insecure: bool) -> Result<Url, FetchError> {
    let bad = |reason: &str| FetchError::BadUrl { url: without_secrets(text), reason: reason.to_owned() };
    if text.len() > MAX {
        return Err(bad("longer than 4096 octets"));
    }
    let url = Url::parse(text).map_err(|e| bad(&e.to_string()))?;
    match url.scheme() {
        "https" => {}
        "http" if insecure => {}
        "http" => return Err(FetchError::Insecure { url: shown(&url) }),
        _ => return Err(bad("only https can be fetched (file and directory have settings of their own)")),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("without a host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("with a password in it, which would be written to logs and journals"));
    }
    Ok(url)
}

/// Where a redirection from `from` to `location` leads, if it may be followed.
pub(super) fn redirect(from: &Url, location: &str, other_hosts: &[String]) -> Result<Url, FetchError> {
    let refuse = |to: &str, reason: Detour| FetchError::Redirect { url: shown(from), to: without_secrets(to), reason };
    let to = match from.join(location) {
        Ok(to) if location.len() <= MAX => to,
        _ => return Err(refuse(&location.chars().take(100).collect::<String>(), Detour::Nowhere)),
    };
    match to.scheme() {
        "https" => {}
        "http" if from.scheme() == "http" => {}
        "http" => return Err(refuse(&shown(&to), Detour::Downgrade)),
        _ => return Err(refuse(&shown(&to), Detour::Nowhere)),
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err(refuse(&shown(&to), Detour::Nowhere));
    }
    if !same_or_named(from, &to, other_hosts) {
        return Err(refuse(&shown(&to), Detour::OtherHost));
    }
    Ok(to)
}

/// Whether `to` is on the host of `from`, or on one that the source names. The port is free: who can listen on another
/// port of a host and show its certificate is that host.
pub(super) fn same_or_named(from: &Url, to: &Url, other_hosts: &[String]) -> bool {
    let host = to.host_str().unwrap_or("");
    from.host_str() == Some(host) || other_hosts.iter().any(|other| other.eq_ignore_ascii_case(host))
}

/// Whether an index at `index` may link to `to`.
pub(super) fn may_link(index: &Url, to: &Url, other_hosts: &[String]) -> bool {
    let secure = to.scheme() == "https" || (to.scheme() == "http" && index.scheme() == "http");
    secure && to.username().is_empty() && to.password().is_none() && same_or_named(index, to, other_hosts)
}

/// An address for people: without its query and fragment, which may hold a key.
pub(super) fn shown(url: &Url) -> String {
    without_secrets(url.as_str())
}

/// Scheme, host and port.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Host and port.
pub(super) fn host_and_port(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or(""), url.port_or_known_default().unwrap_or(0))
}

/// The same for what may be no address: all up to `?` or `#`, and nothing between `//` and `@`.
fn without_secrets(text: &str) -> String {
    let path = text.split(['?', '#']).next().unwrap_or("");
    let shown = match path.split_once("//") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
            let host = authority.rsplit('@').next().unwrap_or("");
            format!("{scheme}//{host}{path}")
        }
        None => path.to_owned(),
    };
    shown.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_without_a_password() {
        assert!(parse("https://register.example/a?b=c", false).is_ok());
        assert!(matches!(parse("http://register.example/", false), Err(FetchError::Insecure { .. })));
        assert!(parse("http://register.example/", true).is_ok());
        for bad in ["ftp://a.example/", "file:///etc/passwd", "register.example", "https://", "data:text/plain,a"] {
            assert!(matches!(parse(bad, true), Err(FetchError::BadUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn no_secret_is_ever_shown() {
        let e = parse("https://user:hunter2@a.example/list?key=hunter2", false).unwrap_err();
        assert!(!e.to_string().contains("hunter2"), "{e}");
        let e = parse("ftp://user:hunter2@a.example/list?key=hunter2#hunter2", false).unwrap_err();
        assert!(!e.to_string().contains("hunter2"), "{e}");
        let from = parse("https://a.example/list?key=hunter2", false).unwrap();
        let e = redirect(&from, "https://u:hunter2@b.example/?hunter2", &[]).unwrap_err();
        assert!(!e.to_string().contains("hunter2"), "{e}");
    }

    #[test]
    fn redirections_stay_on_the_host() {
        let from = parse("https://a.example/list", false).unwrap();
        let reason = |to: &str, other: &[String]| match redirect(&from, to, other) {
            Err(FetchError::Redirect { reason, .. }) => Some(reason),
            Err(e) => panic!("{e}"),
            Ok(_) => None,
        };
        assert_eq!(reason("/new?x", &[]), None);
        assert_eq!(reason("https://a.example:8443/new", &[]), None);
        assert_eq!(reason("https://A.EXAMPLE/new", &[]), None);
        assert_eq!(reason("https://b.example/", &[]), Some(Detour::OtherHost));
        assert_eq!(reason("//b.example/", &[]), Some(Detour::OtherHost));
        assert_eq!(reason("https://a.example.b.example/", &[]), Some(Detour::OtherHost));
        assert_eq!(reason("https://b.example/", &["B.example".to_owned()]), None);
        assert_eq!(reason("http://a.example/list", &[]), Some(Detour::Downgrade));
        assert_eq!(reason("file:///etc/passwd", &[]), Some(Detour::Nowhere));
        assert_eq!(reason("https://", &[]), Some(Detour::Nowhere));
        let plain = parse("http://a.example/list", true).unwrap();
        assert!(redirect(&plain, "https://a.example/list", &[]).is_ok());
    }
}
