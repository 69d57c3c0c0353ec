//! Address ranges of the operator's own networks, as `10.0.0.0/8` or `2001:db8::/32`.
//!
//! Only ranges that the operator wrote in the configuration are held here, so they may be shown in messages.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::model::Addr;

/// An address prefix (RFC 4632, RFC 4291 section 2.3) whose host bits are zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Cidr {
    network: IpAddr,
    len: u8,
}

impl Cidr {
    /// The first `len` bits of `network`: 0 to 32, or 0 to 128; more count as all. Bits behind them do not matter.
    pub fn new(network: IpAddr, len: u8) -> Self {
        let len = len.min(if network.is_ipv4() { 32 } else { 128 });
        Cidr { network: masked(network, len), len }
    }

    /// Number of leading bits that all addresses of the range share: 0 to 32, or 0 to 128.
    pub(super) const fn len(self) -> u8 {
        self.len
    }

    /// Whether it is a range of IPv4 addresses.
    pub(super) const fn is_v4(self) -> bool {
        self.network.is_ipv4()
    }

    /// The first address of the range as a number; IPv4 in its mapped form, as in [`Addr`].
    pub(super) fn bits(self) -> u128 {
        u128::from_be_bytes(Addr::from(self.network).octets())
    }

    /// Whether every address of `other` is also in this range.
    pub fn covers(self, other: Cidr) -> bool {
        self.is_v4() == other.is_v4() && self.len <= other.len && masked(other.network, self.len) == self.network
    }
}

/// The bits of [`Cidr::bits`] that a prefix of `len` keeps; IPv4 sits behind its 96 mapped ones.
pub(super) const fn mask(len: u8, v4: bool) -> u128 {
    let kept = if v4 { len as u32 + 96 } else { len as u32 };
    match u128::MAX.checked_shl(128u32.saturating_sub(kept)) {
        Some(mask) => mask,
        None => 0,
    }
}

/// `addr` with all but its first `len` bits cleared.
fn masked(addr: IpAddr, len: u8) -> IpAddr {
    match addr {
        // The mapped form's last 32 bits are the address.
        IpAddr::V4(a) => IpAddr::V4(Ipv4Addr::from(u32::from(a) & mask(len, true) as u32)),
        IpAddr::V6(a) => IpAddr::V6(Ipv6Addr::from(u128::from(a) & mask(len, false))),
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
        if let IpAddr::V6(mapped) = addr
            && let Some(plain) = mapped.to_ipv4_mapped()
        {
            // Packets never bear it, so the range would quietly hold nobody.
            return Err(format!("{addr} is an IPv4 address in IPv6 form: write it as {plain}"));
        }
        let max = if addr.is_ipv4() { 32 } else { 128 };
        let len = match len {
            None => max,
            Some(len) => {
                let digits = !len.is_empty() && len.bytes().all(|b| b.is_ascii_digit());
                let n = len.parse::<u8>().ok().filter(|n| digits && *n <= max);
                n.ok_or_else(|| format!("the prefix length {len:?} is not a number from 0 to {max}"))?
            }
        };
        let cidr = Cidr::new(addr, len);
        if cidr.network != addr {
            return Err(format!("{text} has bits set after the prefix: did you mean {cidr}?"));
        }
        Ok(cidr)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.len)
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
        assert!(err("::ffff:192.0.2.0/120").contains("write it as 192.0.2.0"));
        for bad in ["", "/8", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/a", "10.0.0/8", "10.0.0.256", "example.net"] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_range_covers_what_lies_within_it_and_only_its_own_family() {
        let (wide, narrow, apart) = (cidr("10.0.0.0/8"), cidr("10.9.0.0/16"), cidr("11.0.0.0/8"));
        assert!(wide.covers(narrow) && wide.covers(wide) && !narrow.covers(wide));
        assert!(!wide.covers(apart) && !apart.covers(narrow));
        assert!(!cidr("0.0.0.0/0").covers(cidr("::/0")) && !cidr("::/0").covers(narrow));
    }
}
