//! The formats: what each can say, and how it says it. One file a format.

mod adblock;
pub(super) mod csv;
mod dnsmasq;
mod hosts;
mod mikrotik;
mod plain;
mod rpz;
mod unbound;

use std::io::{self, Write};

use super::options::{Answer, Options, Target, Unfit};

/// What a format can say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Able {
    /// An entry covers the names under its own.
    pub(super) subdomains: bool,
    /// A name under a blocked one can be excepted.
    pub(super) exceptions: bool,
    /// A name can be blocked without those under it, although others are blocked with them.
    pub(super) apex: bool,
}

/// How much of an entry a format has room for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fit {
    Whole,
    /// Without the names under it.
    Apex,
    Not,
}

/// One format. Names come in the order of the tree, in lower case, without a final dot, and hold only letters, digits,
/// `-`, `_` and dots.
pub(super) trait Syntax {
    fn able(&self) -> Able;

    /// Whether a name of so many octets, without a final dot, has room.
    fn fit(&self, _octets: usize) -> Fit {
        Fit::Whole
    }

    /// Whether a name is blocked, but not with the answer that was asked for.
    fn answers_otherwise(&self, _name: &str) -> bool {
        false
    }

    /// What begins a comment line.
    fn comment(&self) -> &'static str;

    /// What everybody who uses the file must know, in one line.
    fn limits(&self) -> Option<&'static str> {
        None
    }

    /// The first lines, before the comments.
    fn head(&self, _serial: u32, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Blocks a name; `whole` with those under it.
    fn block(&mut self, name: &str, whole: bool, out: &mut dyn Write) -> io::Result<()>;

    /// Excepts a name below the last block, with those under it, which have no room unless `whole`. Only for formats that
    /// have exceptions.
    fn pass(&mut self, _name: &str, _whole: bool, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The format that was asked for; `None` for CSV, which says every rule and needs no plan.
///
/// # Errors
/// [`Unfit`] if it cannot do what was asked.
pub(super) fn of(options: &Options) -> Result<Option<Box<dyn Syntax>>, Unfit> {
    let Options { target, answer, serial, zone } = options;
    let target = *target;
    let chosen = answer.unwrap_or(Answer::NxDomain);
    if target != Target::Rpz && (serial.is_some() || zone.is_some()) {
        return Err(Unfit::NotAZone { target });
    }
    if answer.is_some() && matches!(target, Target::Adblock | Target::Plain | Target::Csv) {
        return Err(Unfit::NoAnswer { target });
    }
    let syntax: Box<dyn Syntax> = match target {
        Target::Rpz if serial.is_none() => return Err(Unfit::NoSerial),
        Target::Rpz => Box::new(rpz::Rpz::new(chosen, zone.as_ref())),
        Target::Unbound => Box::new(unbound::Unbound(chosen)),
        Target::Dnsmasq => Box::new(dnsmasq::Dnsmasq(chosen)),
        Target::Hosts => Box::new(hosts::Hosts::new(*answer)?),
        Target::Mikrotik => Box::new(mikrotik::Mikrotik(chosen)),
        Target::Adblock => Box::new(adblock::Adblock),
        Target::Plain => Box::new(plain::Plain),
        Target::Csv => return Ok(None),
    };
    Ok(Some(syntax))
}
