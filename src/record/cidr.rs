//! Address ranges of the operator's own networks, as `10.0.0.0/8` or `2001:db8::/32`.
//!
//! Only ranges that the operator wrote in the configuration are held here, so they may be shown in messages.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network prefix (RFC 4632, RFC 4291 section 2.3) whose host bits are zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cidr {
    network: IpAddr,
    prefix_len: u8,
}

impl Cidr {
    /// The first address of the range.
    pub const fn network(self) -> IpAddr {
        self.network
    }

    /// Number of leading bits that all addresses of the range share: 0 to 32, or 0 to 128.
    pub const fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// Whether the two ranges share an address.
    pub fn overlaps(self, other: Cidr) -> bool {
        let shorter = self.prefix_len.min(other.prefix_len);
        self.network.is_ipv4() == other.network.is_ipv4()
            && masked(self.network, shorter) == masked(other.network, shorter)
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (addr, len) = match text.split_once('/') {
            Some((addr, len)) => (addr, Some(len)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| format!("{addr:?} is not an IPv4 or IPv6 address"))?;
        let max = if addr.is_ipv4() { 32 } else { 128 };
        let prefix_len = match len {
            None => max,
            Some(len) => {
                let digits = !len.is_empty() && len.bytes().all(|b| b.is_ascii_digit());
                let n = len.parse::<u8>().ok().filter(|n| digits && *n <= max);
                n.ok_or_else(|| format!("the prefix length {len:?} is not a number from 0 to {max}"))?
            }
        };
        let network = masked(addr, prefix_len);
        if network != addr {
            return Err(format!("{text} has bits set after the prefix: did you mean {network}/{prefix_len}?"));
        }
        Ok(Cidr { network, prefix_len })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix_len)
    }
}

/// `addr` with all but its first `len` bits cleared.
fn masked(addr: IpAddr, len: u8) -> IpAddr {
    match addr {
        IpAddr::V4(a) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(u32::from(len))).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(a) & mask))
        }
        IpAddr::V6(a) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(u32::from(len))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(a) & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    #[test]
    fn reads_prefixes_and_single_addresses() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("2001:db8::1", "2001:db8::1/128"),
        ] {
            assert_eq!(cidr(text).to_string(), shown);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let err = |text: &str| text.parse::<Cidr>().unwrap_err();
        assert!(err("10.0.0.5/8").contains("did you mean 10.0.0.0/8?"));
        assert!(err("10.0.0.0/33").contains("from 0 to 32"));
        assert!(err("2001:db8::/129").contains("from 0 to 128"));
        for bad in ["", "/8", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/a", "10.0.0/8", "10.0.0.256", "example.net"] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn overlap_is_symmetric_and_by_family() {
        let (wide, narrow, apart) = (cidr("10.0.0.0/8"), cidr("10.9.0.0/16"), cidr("11.0.0.0/8"));
        assert!(wide.overlaps(narrow) && narrow.overlaps(wide) && wide.overlaps(wide));
        assert!(!wide.overlaps(apart) && !apart.overlaps(narrow));
        assert!(!cidr("0.0.0.0/0").overlaps(cidr("::/0")));
    }
}
