//! One name a line, which covers its subdomains, as Stakeout and most registers mean it. There are no exceptions.

use std::io::{self, Write};

use super::{Able, Reach, Syntax};

pub(super) struct Plain;

impl Syntax for Plain {
    fn able(&self) -> Able {
        Able { blocks: &[Reach::Whole], passes: &[] }
    }

    fn comment(&self) -> Option<&'static str> {
        Some("#")
    }

    fn block(&mut self, name: &str, _reach: Reach, _list: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{name}")
    }
}
