//! dnsmasq's configuration: `local`, `address` and `server` with domains between slashes.
//!
//! ```text
//! local=/casino.example/
//! address=/casino.example/bets.example/0.0.0.0
//! server=/licensed.example/#
//! ```
//!
//! A domain means itself and everything under it. `local` and `server` without an upstream answer no, `address` answers
//! with an address, whichever it is: all block. `server=/d/#` goes to the usual servers in spite of rules for a parent,
//! so it is an exception; any other upstream is no rule.

use super::super::kind::Kind;
use super::super::rejection::Reason;
use super::Out;

/// Domains of one line that are read. dnsmasq's own lines end at 1,024 octets.
const MAX_DOMAINS: usize = 1_024;

fn split(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    (!key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')).then_some((key, value))
}

/// Whether a line can only be of this syntax.
pub(in super::super) fn is(text: &str) -> bool {
    split(text).is_some_and(|(key, value)| match key {
        "local" | "address" | "server" => value.starts_with('/'),
        "ipset" | "nftset" | "cname" | "host-record" | "conf-file" | "conf-dir" | "addn-hosts" | "servers-file" => true,
        _ => false,
    })
}

/// Reads a line.
pub(in super::super) fn read(text: &str, out: &mut Out<'_>) {
    let Some((key, value)) = split(text) else {
        let option = text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        return out.reject(if option { Reason::Setting("dnsmasq") } else { Reason::NotOf("dnsmasq") });
    };
    match key {
        "local" | "address" | "server" => {}
        "conf-file" | "conf-dir" | "addn-hosts" | "servers-file" => return out.reject(Reason::Include),
        _ => return out.reject(Reason::Setting("dnsmasq")),
    }
    let Some((domains, target)) = value.strip_prefix('/').and_then(|value| value.rsplit_once('/')) else {
        return out.reject(Reason::Setting("dnsmasq"));
    };
    let kind = match (key, target.trim()) {
        ("address", _) | (_, "") => Kind::Covers,
        (_, "#") => Kind::Allow,
        _ => return out.reject(Reason::NoRule("an upstream")),
    };
    if domains.contains("://") {
        // Its parts would be read as domains, and the host as meant whole.
        return out.reject(Reason::Character(':'));
    }
    let several = domains.contains('/');
    for (count, domain) in domains.split('/').enumerate() {
        if count == MAX_DOMAINS {
            return out.reject(Reason::TooMany);
        }
        let mut shown = if several { out.showing(domain) } else { out.showing(text) };
        match domain.trim() {
            "#" | "*" => shown.reject(Reason::Everything),
            domain => shown.host(domain, kind),
        }
    }
}
