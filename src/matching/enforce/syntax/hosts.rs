//! hosts(5): an address and a name. It knows no subdomains, so every listed name is written, and those under it that are
//! not listed themselves stay reachable.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Able, Answer, Reach, Syntax, Unfit};
use crate::matching::enforce::options::Sink;

pub(super) struct Hosts(Sink);

impl Hosts {
    pub(super) fn new(answer: Option<Answer>) -> Result<Self, Unfit> {
        match answer {
            // Both families, or who reads the file would ask a server for the other one.
            None => Ok(Hosts(Sink { v4: Some(Ipv4Addr::UNSPECIFIED), v6: Some(Ipv6Addr::UNSPECIFIED) })),
            Some(Answer::Sink(sink)) => Ok(Hosts(sink)),
            Some(Answer::NxDomain) => Err(Unfit::HostsNxDomain),
        }
    }
}

impl Syntax for Hosts {
    fn able(&self) -> Able {
        Able { blocks: &[Reach::Own], passes: &[] }
    }

    fn comment(&self) -> Option<&'static str> {
        Some("#")
    }

    fn limits(&self) -> Option<&'static str> {
        Some(
            "a hosts file covers no subdomains: each name is blocked alone, and names under it that are not listed are reachable",
        )
    }

    fn block(&mut self, name: &str, _reach: Reach, _list: &str, out: &mut dyn Write) -> io::Result<()> {
        self.0.addresses().try_for_each(|address| writeln!(out, "{address} {name}"))
    }
}
