//! Options of dnsmasq(8) for a file named by `conf-file` or in `conf-dir`. The longest domain decides.
//!
//! `*.` in front of a domain, which dnsmasq knows since 2.86, means the names under it.

use std::io::{self, Write};

use super::{Able, Answer, Reach, Syntax};

pub(super) struct Dnsmasq(pub(super) Answer);

impl Syntax for Dnsmasq {
    fn able(&self) -> Able {
        Able { blocks: &Reach::ALL, passes: &Reach::ALL }
    }

    fn comment(&self) -> Option<&'static str> {
        Some("#")
    }

    fn block(&mut self, name: &str, reach: Reach, _list: &str, out: &mut dyn Write) -> io::Result<()> {
        match reach {
            Reach::Whole => self.blocked("", name, out),
            Reach::Below => self.blocked("*.", name, out),
            Reach::Own => {
                self.blocked("", name, out)?;
                writeln!(out, "server=/*.{name}/#")
            }
        }
    }

    fn pass(&mut self, name: &str, reach: Reach, out: &mut dyn Write) -> io::Result<()> {
        match reach {
            Reach::Whole => writeln!(out, "server=/{name}/#"),
            Reach::Below => writeln!(out, "server=/*.{name}/#"),
            Reach::Own => {
                writeln!(out, "server=/{name}/#")?;
                self.blocked("*.", name, out)
            }
        }
    }
}

impl Dnsmasq {
    fn blocked(&self, below: &str, name: &str, out: &mut dyn Write) -> io::Result<()> {
        if let Answer::Sink(sink) = &self.0 {
            sink.addresses().try_for_each(|address| writeln!(out, "address=/{below}{name}/{address}"))?;
        }
        // Beside an address, or questions for other types (HTTPS, MX) would be asked upstream.
        writeln!(out, "local=/{below}{name}/")
    }
}
