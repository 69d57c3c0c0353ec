//! Filter rules of AdBlock's kind for whole hosts, as DNS filters (AdGuard Home, Pi-hole) and browsers read them.

use std::io::{self, Write};

use super::{Able, Reach, Syntax};

pub(super) struct Adblock;

impl Syntax for Adblock {
    fn able(&self) -> Able {
        Able { blocks: &Reach::ALL, passes: &Reach::ALL }
    }

    fn comment(&self) -> Option<&'static str> {
        Some("!")
    }

    fn block(&mut self, name: &str, reach: Reach, _list: &str, out: &mut dyn Write) -> io::Result<()> {
        filters("", name, reach, out)
    }

    fn pass(&mut self, name: &str, reach: Reach, out: &mut dyn Write) -> io::Result<()> {
        filters("@@", name, reach, out)
    }
}

/// A name alone is said by the start of its URLs; DNS filters compare names as if they were in one of `http`.
fn filters(mark: &str, name: &str, reach: Reach, out: &mut dyn Write) -> io::Result<()> {
    match reach {
        Reach::Whole => writeln!(out, "{mark}||{name}^"),
        Reach::Own => writeln!(out, "{mark}|http://{name}^\n{mark}|https://{name}^"),
        Reach::Below => writeln!(out, "{mark}||*.{name}^"),
    }
}
