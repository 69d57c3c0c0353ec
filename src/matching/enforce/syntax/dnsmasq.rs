//! Options of dnsmasq(8) for a file named by `conf-file` or in `conf-dir`. The longest domain decides.

use std::io::{self, Write};

use super::{Able, Answer, Syntax};

pub(super) struct Dnsmasq(pub(super) Answer);

impl Syntax for Dnsmasq {
    fn able(&self) -> Able {
        Able { subdomains: true, exceptions: true, apex: false }
    }

    fn comment(&self) -> &'static str {
        "#"
    }

    fn block(&mut self, name: &str, _whole: bool, out: &mut dyn Write) -> io::Result<()> {
        if let Answer::Sink(sink) = &self.0 {
            sink.addresses().try_for_each(|address| writeln!(out, "address=/{name}/{address}"))?;
        }
        // Beside an address, or questions for other types (HTTPS, MX) would be asked upstream.
        writeln!(out, "local=/{name}/")
    }

    fn pass(&mut self, name: &str, _whole: bool, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "server=/{name}/#")
    }
}
