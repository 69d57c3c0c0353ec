//! `local-zone` and `local-data` of unbound.conf(5), to be included. Of two zones the more specific decides.
//!
//! A zone covers what is under its name. A name alone is blocked by data in a `transparent` zone, in which all other names
//! resolve; data cannot say that there is no such name.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Able, Answer, Reach, Syntax};
use crate::matching::enforce::options::Sink;

/// In seconds: short, since a name that is taken off a list must come back soon.
const TTL: u32 = 300;

pub(super) struct Unbound(pub(super) Answer);

impl Syntax for Unbound {
    fn able(&self) -> Able {
        Able { blocks: &[Reach::Whole, Reach::Own], passes: &[Reach::Whole, Reach::Below] }
    }

    fn comment(&self) -> Option<&'static str> {
        Some("#")
    }

    fn head(&self, _serial: u32, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "server:")
    }

    fn answers_otherwise(&self, _name: &str, reach: Reach, pass: bool) -> Option<&'static str> {
        let alone = reach == if pass { Reach::Below } else { Reach::Own };
        (alone && self.0 == Answer::NxDomain).then_some(
            "answered with 0.0.0.0 and ::, not NXDOMAIN, which unbound cannot say of a name without its subdomains",
        )
    }

    fn block(&mut self, name: &str, reach: Reach, _list: &str, out: &mut dyn Write) -> io::Result<()> {
        match (reach, &self.0) {
            (Reach::Own, _) => self.alone(name, out),
            (_, Answer::NxDomain) => writeln!(out, "local-zone: \"{name}.\" always_nxdomain"),
            (_, Answer::Sink(sink)) => {
                writeln!(out, "local-zone: \"{name}.\" redirect")?;
                data(name, sink, out)
            }
        }
    }

    fn pass(&mut self, name: &str, reach: Reach, out: &mut dyn Write) -> io::Result<()> {
        match reach {
            Reach::Below => self.alone(name, out),
            _ => writeln!(out, "local-zone: \"{name}.\" always_transparent"),
        }
    }
}

impl Unbound {
    /// Blocks a name, and lets those under it through.
    fn alone(&self, name: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "local-zone: \"{name}.\" transparent")?;
        match &self.0 {
            Answer::Sink(sink) => data(name, sink, out),
            Answer::NxDomain => {
                data(name, &Sink { v4: Some(Ipv4Addr::UNSPECIFIED), v6: Some(Ipv6Addr::UNSPECIFIED) }, out)
            }
        }
    }
}

fn data(name: &str, sink: &Sink, out: &mut dyn Write) -> io::Result<()> {
    sink.addresses().try_for_each(|address| {
        let rtype = if matches!(address, IpAddr::V4(_)) { "A" } else { "AAAA" };
        writeln!(out, "local-data: \"{name}. {TTL} IN {rtype} {address}\"")
    })
}
