//! One name a line, which covers its subdomains, as Stakeout and most registers mean it. There are no exceptions.

use std::io::{self, Write};

use super::{Able, Reach, Syntax};

pub(super) struct Plain;

impl Syntax for Plain {
    fn able(&self) -> Able {
        Able { blocks: &[Reach::Whole], passes: &[] }
    }

    fn comment(&self) -> &'static str {
        "#"
    }

    fn block(&mut self, name: &str, _reach: Reach, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{name}")
    }
}
