//! Names that spell an IP address.

use crate::model::DomainName;

/// Whether `name` is in a tree that maps addresses to names: `in-addr.arpa` (RFC 1035 section 3.5), `ip6.arpa`
/// (RFC 3596 section 2.5) or the retired `ip6.int` (RFC 4159).
///
/// Such a question spells out an address, often a subscriber's, so it must be treated as one wherever the program
/// runs on live traffic.
pub fn is_reverse_name(name: &DomainName) -> bool {
    // Nearly every name is dismissed here, without a walk over its labels.
    if !name.as_wire().ends_with(b"\x04arpa") && !name.as_wire().ends_with(b"\x03int") {
        return false;
    }
    let (mut parent, mut top): (&[u8], &[u8]) = (b"", b"");
    for label in name.labels() {
        (parent, top) = (top, label);
    }
    matches!((parent, top), (b"in-addr" | b"ip6", b"arpa") | (b"ip6", b"int"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_reverse_trees_are_reverse() {
        let is = |text: &str| is_reverse_name(&DomainName::from_text(text.as_bytes()).unwrap());
        assert!(is("77.2.0.192.in-addr.arpa"));
        assert!(is("1.0.0.2.IP6.ARPA."));
        assert!(is("lb._dns-sd._udp.0.2.0.192.in-addr.arpa"));
        assert!(is("in-addr.arpa") && is("8.ip6.int"));
        assert!(!is("e164.arpa") && !is("arpa") && !is("home.arpa"));
        assert!(!is("xin-addr.arpa") && !is("in-addr.arpa.example") && !is("who.int"));
        assert!(!is_reverse_name(&DomainName::root()));
        let mut odd = DomainName::root();
        odd.push_label(b"in-addr\x04arpa").unwrap();
        assert!(!is_reverse_name(&odd));
    }
}
