//! The file as a whole: the format's head, what the file is in comments, and an entry for each step of the plan.

use std::io::{self, Write};

use super::Export;
use super::note::shown;
use super::plan::Step;
use super::syntax::Syntax;

/// Writes an export in a format.
pub(super) fn write(export: &Export<'_>, syntax: &mut dyn Syntax, serial: u32, out: &mut dyn Write) -> io::Result<()> {
    syntax.head(serial, out)?;
    comments(export, syntax, out)?;
    let mut name = String::new();
    for Step { at, pass, reach } in &export.plan.steps {
        export.names.text(*at, &mut name);
        if *pass {
            syntax.pass(&name, *reach, out)?;
        } else {
            let (list, _) = export.names.place(*at);
            syntax.block(&name, *reach, export.lists.name(list), out)?;
        }
    }
    syntax.tail(out)
}

fn comments(export: &Export<'_>, syntax: &dyn Syntax, out: &mut dyn Write) -> io::Result<()> {
    let Some(mark) = syntax.comment() else { return Ok(()) };
    let counts = export.counts();
    writeln!(out, "{mark} Made by `stakeout rules export --format {}`: do not edit.", export.options.target.name())?;
    for (source, facts) in export.lists.iter() {
        write!(out, "{mark} {} list {}: ", source.action.name(), shown(&source.name))?;
        write!(out, "{} rules, {} rejected, SHA-256 ", facts.counts.rules, facts.counts.rejected)?;
        facts.sha256.iter().try_for_each(|octet| write!(out, "{octet:02x}"))?;
        writeln!(out)?;
    }
    writeln!(out, "{mark} {} names blocked, {} excepted", counts.blocked, counts.exceptions)?;
    writeln!(
        out,
        "{mark} rules without an entry: {} blocks that an allow covers, {} below a blocked name, {} listed twice, \
         {} allows that need none, {} that only watch",
        counts.allowed, counts.redundant, counts.repeated, counts.needless, counts.watched
    )?;
    if let Some(limits) = syntax.limits() {
        writeln!(out, "{mark} {limits}")?;
    }
    let notes = export.notes();
    writeln!(out, "{mark} not expressed: {}", notes.len())?;
    for note in notes {
        writeln!(out, "{mark}   {note}")?;
    }
    Ok(())
}
