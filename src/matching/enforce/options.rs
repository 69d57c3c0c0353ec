//! What is asked of an export, and why it may be refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use jiff::civil::Date;

use crate::model::DomainName;

/// A format to export to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// A response policy zone (draft-vixie-dnsop-dns-rpz): BIND, Knot Resolver, PowerDNS Recursor, unbound.
    Rpz,
    /// `local-zone` statements of unbound.conf(5).
    Unbound,
    /// Options of dnsmasq(8).
    Dnsmasq,
    /// hosts(5).
    Hosts,
    /// Filter rules of AdBlock's kind, as DNS filters read them.
    Adblock,
    /// One name a line.
    Plain,
    /// Every rule with its list and line (RFC 4180).
    Csv,
    /// STIX 2.1 indicators.
    Stix,
    /// A script for MikroTik's RouterOS 7.
    Mikrotik,
}

impl Target {
    /// The name on the command line and in output.
    pub const fn name(self) -> &'static str {
        match self {
            Target::Rpz => "rpz",
            Target::Unbound => "unbound",
            Target::Dnsmasq => "dnsmasq",
            Target::Hosts => "hosts",
            Target::Adblock => "adblock",
            Target::Plain => "plain",
            Target::Csv => "csv",
            Target::Stix => "stix",
            Target::Mikrotik => "mikrotik",
        }
    }
}

/// What a resolver answers for a blocked name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// There is no such name.
    NxDomain,
    /// The addresses of a page that says why.
    Sink(Sink),
}

/// An address of either family, or one of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sink {
    /// For A.
    pub v4: Option<Ipv4Addr>,
    /// For AAAA.
    pub v6: Option<Ipv6Addr>,
}

impl Sink {
    /// The addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.v4.map(IpAddr::V4).into_iter().chain(self.v6.map(IpAddr::V6))
    }
}

/// `ADDR`, or two with a comma between them.
impl FromStr for Sink {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut sink = Sink { v4: None, v6: None };
        for part in text.split(',') {
            let taken = match part.trim().parse() {
                Ok(IpAddr::V4(address)) => sink.v4.replace(address).is_some(),
                Ok(IpAddr::V6(address)) => sink.v6.replace(address).is_some(),
                Err(_) => return Err("not an IP address, nor two with a comma between them"),
            };
            if taken {
                return Err("two addresses of one family: give one IPv4 address, one IPv6 address, or one of each");
            }
        }
        Ok(sink)
    }
}

/// The serial number of a zone (RFC 1035 section 3.3.13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Serial {
    /// This one, which must not be older than that of the file that is replaced.
    Given(u32),
    /// At least this one, made from the date (`YYYYMMDD00`), and always newer than that of the file that is replaced.
    Date(u32),
}

impl Serial {
    pub(super) const fn number(self) -> u32 {
        match self {
            Serial::Given(number) | Serial::Date(number) => number,
        }
    }
}

/// What is asked of an export.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format.
    pub target: Target,
    /// What is answered; `None` for what the format usually does.
    pub answer: Option<Answer>,
    /// Of an RPZ, which must have one.
    pub serial: Option<Serial>,
    /// Of an RPZ: the name under which it is loaded; `None` for [`Options::ZONE`].
    pub zone: Option<DomainName>,
    /// Of STIX indicators, which must have it: the first day of their validity, in UTC.
    pub valid_from: Option<Date>,
}

impl Options {
    /// The name of a zone that is not named.
    pub const ZONE: &str = "stakeout.rpz";
}

/// Why there is no export.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unfit {
    /// The format does not say what is answered.
    #[error("{} says only which names are blocked, and not what is answered: leave out sink and NXDOMAIN", target.name())]
    NoAnswer {
        /// The format.
        target: Target,
    },
    /// A hosts file holds addresses.
    #[error("a hosts file cannot say NXDOMAIN: give a sink, or neither for 0.0.0.0 and ::")]
    HostsNxDomain,
    /// Serial and zone are for RPZ.
    #[error("{} is no zone: serial and zone are for rpz", target.name())]
    NotAZone {
        /// The format.
        target: Target,
    },
    /// An RPZ without a serial.
    #[error("an RPZ needs a serial, or secondary servers would not take up what is new: a number, or `date`")]
    NoSerial,
    /// Indicators without a day.
    #[error("an indicator needs the day from which it is valid; it goes into every one: --valid-from YYYY-MM-DD")]
    NoDate,
    /// The day is for STIX.
    #[error("{} has no indicators: the first day of validity is for stix", target.name())]
    NoIndicators {
        /// The format.
        target: Target,
    },
    /// A name that no reader of lists lets through.
    #[error("list {list}, line {line}: a name with octets that no list may hold; nothing is exported")]
    Octets {
        /// The list.
        list: String,
        /// Its line.
        line: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_has_one_address_of_a_family() {
        let sink = |text: &str| text.parse::<Sink>().map(|sink| sink.addresses().map(|a| a.to_string()).collect());
        assert_eq!(sink("192.0.2.1"), Ok(vec!["192.0.2.1".to_owned()]));
        assert_eq!(sink("2001:db8::1, 192.0.2.1"), Ok(vec!["192.0.2.1".to_owned(), "2001:db8::1".to_owned()]));
        for bad in ["", "192.0.2.1,", "192.0.2.1,192.0.2.2", "::1,::2", "192.0.2.0/24", "sink.example", "1,2,3"] {
            assert!(sink(bad).is_err(), "{bad}");
        }
    }
}
