//! The formats: what each can say, and how it says it. One file a format.

mod adblock;
pub(super) mod csv;
mod dnsmasq;
mod hosts;
mod mikrotik;
mod plain;
mod rpz;
mod stix;
mod unbound;

use std::io::{self, Write};

use super::options::{Answer, Options, Target, Unfit};

/// How far an entry reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    /// The name and those under it.
    Whole,
    /// The name alone.
    Own,
    /// Those under it alone.
    Below,
}

impl Reach {
    pub(super) const ALL: [Reach; 3] = [Reach::Whole, Reach::Own, Reach::Below];

    pub(super) const fn of(own: bool, below: bool) -> Option<Reach> {
        match (own, below) {
            (true, true) => Some(Reach::Whole),
            (true, false) => Some(Reach::Own),
            (false, true) => Some(Reach::Below),
            (false, false) => None,
        }
    }

    pub(super) const fn is_own(self) -> bool {
        matches!(self, Reach::Whole | Reach::Own)
    }

    pub(super) const fn is_below(self) -> bool {
        matches!(self, Reach::Whole | Reach::Below)
    }
}

/// What a format can say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Able {
    /// How far a block can reach.
    pub(super) blocks: &'static [Reach],
    /// How far an exception from a block above can.
    pub(super) passes: &'static [Reach],
}

/// What it can say of names of a length.
pub(super) struct Ability<'a> {
    able: Able,
    syntax: &'a dyn Syntax,
}

impl<'a> Ability<'a> {
    pub(super) fn of(syntax: &'a dyn Syntax) -> Self {
        Ability { able: syntax.able(), syntax }
    }

    /// Whether blocks cover names under theirs.
    pub(super) fn covers(&self) -> bool {
        self.able.blocks.iter().any(|reach| reach.is_below())
    }

    /// Whether a block of some name can reach so far.
    pub(super) fn knows_block(&self, reach: Reach) -> bool {
        self.able.blocks.contains(&reach)
    }

    /// Whether a block of a name of so many octets can.
    pub(super) fn can_block(&self, reach: Reach, octets: usize) -> bool {
        let fits = match self.syntax.fit(octets) {
            Fit::Whole => true,
            Fit::Apex => reach == Reach::Own,
            Fit::Not => false,
        };
        fits && self.knows_block(reach)
    }

    /// Whether an exception of a name of so many octets can. Servers cut questions that are too long for a zone from the
    /// left, so where those under the name do not fit its entry speaks for them.
    pub(super) fn can_pass(&self, reach: Reach, octets: usize) -> bool {
        let fits = match self.syntax.fit(octets) {
            Fit::Whole => true,
            Fit::Apex => reach == Reach::Whole,
            Fit::Not => false,
        };
        fits && self.able.passes.contains(&reach)
    }
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

    /// What is to be told of an entry that blocks with another answer than was asked for.
    fn answers_otherwise(&self, _name: &str, _reach: Reach, _pass: bool) -> Option<&'static str> {
        None
    }

    /// What begins a comment line, if the format has comments.
    fn comment(&self) -> Option<&'static str>;

    /// What everybody who uses the file must know, in one line.
    fn limits(&self) -> Option<&'static str> {
        None
    }

    /// The first lines, before the comments.
    fn head(&self, _serial: u32, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Blocks a name that no entry above does, for the sake of a list. As far as the format is able to.
    fn block(&mut self, name: &str, reach: Reach, list: &str, out: &mut dyn Write) -> io::Result<()>;

    /// Excepts a name from the closest entry above, which blocks. As far as the format is able to.
    fn pass(&mut self, _name: &str, _reach: Reach, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// The last lines.
    fn tail(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The format that was asked for; `None` for CSV, which says every rule and needs no plan.
///
/// # Errors
/// [`Unfit`] if it cannot do what was asked.
pub(super) fn of(options: &Options) -> Result<Option<Box<dyn Syntax>>, Unfit> {
    let Options { target, answer, serial, zone, valid_from } = options;
    let target = *target;
    let chosen = answer.unwrap_or(Answer::NxDomain);
    if target != Target::Rpz && (serial.is_some() || zone.is_some()) {
        return Err(Unfit::NotAZone { target });
    }
    if answer.is_some() && matches!(target, Target::Adblock | Target::Plain | Target::Csv | Target::Stix) {
        return Err(Unfit::NoAnswer { target });
    }
    if target != Target::Stix && valid_from.is_some() {
        return Err(Unfit::NoIndicators { target });
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
        Target::Stix => Box::new(stix::Stix::new(valid_from.ok_or(Unfit::NoDate)?)),
        Target::Csv => return Ok(None),
    };
    Ok(Some(syntax))
}
