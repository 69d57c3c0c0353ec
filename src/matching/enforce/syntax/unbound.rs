//! `local-zone` and `local-data` of unbound.conf(5), to be included. Of two zones the more specific decides.

use std::io::{self, Write};
use std::net::IpAddr;

use super::{Able, Answer, Syntax};

/// In seconds: short, since a name that is taken off a list must come back soon.
const TTL: u32 = 300;

pub(super) struct Unbound(pub(super) Answer);

impl Syntax for Unbound {
    fn able(&self) -> Able {
        Able { subdomains: true, exceptions: true, apex: false }
    }

    fn comment(&self) -> &'static str {
        "#"
    }

    fn head(&self, _serial: u32, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "server:")
    }

    fn block(&mut self, name: &str, _whole: bool, out: &mut dyn Write) -> io::Result<()> {
        let Answer::Sink(sink) = &self.0 else { return writeln!(out, "local-zone: \"{name}.\" always_nxdomain") };
        writeln!(out, "local-zone: \"{name}.\" redirect")?;
        sink.addresses().try_for_each(|address| {
            let rtype = if matches!(address, IpAddr::V4(_)) { "A" } else { "AAAA" };
            writeln!(out, "local-data: \"{name}. {TTL} IN {rtype} {address}\"")
        })
    }

    fn pass(&mut self, name: &str, _whole: bool, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "local-zone: \"{name}.\" always_transparent")
    }
}
