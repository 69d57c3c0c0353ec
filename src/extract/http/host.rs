//! The host in an authority, `userinfo@host:port` (RFC 3986 section 3.2), without what surrounds it.

use crate::model::DomainName;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Where a request names its host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostSource {
    /// The Host field (RFC 9110 section 7.2).
    HostHeader,
    /// A target in absolute form, as sent to proxies (RFC 9112 section 3.2.2); it outranks the Host field.
    AbsoluteTarget,
    /// The target of a CONNECT (RFC 9110 section 9.3.6).
    ConnectAuthority,
}

/// A host as a request names it. Userinfo, which may hold a password, is never in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Host<'a> {
    /// As sent, without port, brackets and surrounding white space; never empty.
    pub text: &'a [u8],
    /// Where it stood.
    pub source: HostSource,
    /// An IPv4 address in dotted form or anything in brackets: no domain name.
    pub is_ip_literal: bool,
}

impl<'a> Host<'a> {
    /// The host in `authority`, `None` if there is none.
    pub(super) fn parse(authority: &'a [u8], source: HostSource) -> Option<Self> {
        let authority = authority.trim_ascii();
        let host_port = match authority.iter().rposition(|b| *b == b'@') {
            Some(at) => authority.get(at + 1..)?,
            None => authority,
        };
        let (text, is_ip_literal) = match host_port.strip_prefix(b"[") {
            Some(inner) => (inner.split(|b| *b == b']').next()?, true),
            None if parses::<Ipv6Addr>(host_port) => (host_port, true),
            None => {
                let host = host_port.split(|b| *b == b':').next()?.trim_ascii_end();
                (host, parses::<Ipv4Addr>(host.strip_suffix(b".").unwrap_or(host)))
            }
        };
        (!text.is_empty()).then_some(Host { text, source, is_ip_literal })
    }

    /// The host as a domain name; `None` for an IP literal, a lone dot, or more than a name can hold.
    pub fn name(&self) -> Option<DomainName> {
        if self.is_ip_literal { None } else { DomainName::from_text(self.text).ok() }
    }

    /// Whether both are the same host, whatever their case and whether or not a dot ends them.
    pub(super) fn is_same(&self, other: &Host<'_>) -> bool {
        let bare = |text: &'a [u8]| text.strip_suffix(b".").unwrap_or(text);
        bare(self.text).eq_ignore_ascii_case(other.text.strip_suffix(b".").unwrap_or(other.text))
    }
}

fn parses<T: std::str::FromStr>(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<T>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(authority: &str) -> Option<(&str, bool)> {
        let host = Host::parse(authority.as_bytes(), HostSource::HostHeader)?;
        Some((std::str::from_utf8(host.text).unwrap(), host.is_ip_literal))
    }

    #[test]
    fn what_surrounds_a_host_is_left_out() {
        assert_eq!(host("Example.COM"), Some(("Example.COM", false)));
        assert_eq!(host(" \texample.com:8080 "), Some(("example.com", false)));
        assert_eq!(host("example.com:"), Some(("example.com", false)));
        assert_eq!(host("example.com:http"), Some(("example.com", false)));
        assert_eq!(host("user:pa:ss@word@example.com:80"), Some(("example.com", false)));
        for none in ["", "  ", ":80", "user@", "[]", "[]:80"] {
            assert_eq!(host(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_are_told_from_names() {
        assert_eq!(host("192.0.2.1:80"), Some(("192.0.2.1", true)));
        assert_eq!(host("192.0.2.1."), Some(("192.0.2.1.", true)));
        assert_eq!(host("[2001:db8::1]:443"), Some(("2001:db8::1", true)));
        assert_eq!(host("[2001:db8::1"), Some(("2001:db8::1", true)));
        assert_eq!(host("2001:db8::1"), Some(("2001:db8::1", true)));
        assert_eq!(host("192.0.2.1.example"), Some(("192.0.2.1.example", false)));
        assert_eq!(host("192.0.2.256"), Some(("192.0.2.256", false)));
    }

    #[test]
    fn names_are_lower_case_and_literals_none() {
        let name = |text: &str| {
            let host = Host::parse(text.as_bytes(), HostSource::HostHeader).unwrap();
            host.name().map(|n| n.to_string())
        };
        assert_eq!(name("WWW.Example.com.:80"), Some("www.example.com".into()));
        assert_eq!(name("xn--bcher-kva.example"), Some("xn--bcher-kva.example".into()));
        assert_eq!(name("192.0.2.1"), None);
        assert_eq!(name("[::1]"), None);
        assert_eq!(name("."), None);
        assert_eq!(name(&"a.".repeat(200)), None);
    }
}
