//! Filter rules of AdBlock's kind for whole hosts, as DNS filters (AdGuard Home, Pi-hole) and browsers read them.

use std::io::{self, Write};

use super::{Able, Syntax};

pub(super) struct Adblock;

impl Syntax for Adblock {
    fn able(&self) -> Able {
        Able { subdomains: true, exceptions: true, apex: false }
    }

    fn comment(&self) -> &'static str {
        "!"
    }

    fn block(&mut self, name: &str, _whole: bool, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "||{name}^")
    }

    fn pass(&mut self, name: &str, _whole: bool, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "@@||{name}^")
    }
}
