//! A response policy zone (draft-vixie-dnsop-dns-rpz sections 4 and 5), as a master file of names relative to the zone.
//!
//! Some servers look policies up with the rules for wildcards of DNS (RFC 4592 section 4.3): `*.casino.example` says
//! nothing of a name below which the zone has an entry. So beside each exception stand those of its parents that lie
//! under the blocked name, blocked once more: with `a.b.casino.example` excepted, `b.casino.example`.
//!
//! BIND refuses a whole zone in which an address stands at a name that is no host name (`check-names`), such as
//! `_dmarc.casino.example`. No browser asks for the address of such a name, so it is answered with NXDOMAIN in place of
//! the sink, which every server takes.

use std::io::{self, Write};

use super::{Able, Answer, Fit, Reach, Syntax};
use crate::matching::enforce::options::Options;
use crate::model::DomainName;

/// Octets of a name in wire form with the root (RFC 1035 section 3.1).
const MAX_WIRE: usize = 255;

/// How long resolvers and secondaries may keep things, in seconds: short, since a name that is taken off a list must
/// come back soon.
const TTL: u32 = 300;

pub(super) struct Rpz {
    answer: Answer,
    /// Octets of the zone's name in wire form with the root.
    zone: usize,
    /// The names in the zone that are parents of the last one, and it, and whether names under them are blocked.
    path: Vec<(String, bool)>,
}

impl Rpz {
    pub(super) fn new(answer: Answer, zone: Option<&DomainName>) -> Self {
        // Without the root's octet the default has one more than its text.
        let octets = zone.map_or(Options::ZONE.len() + 1, |zone| zone.as_wire().len());
        Rpz { answer, zone: octets + 1, path: Vec::new() }
    }

    /// Blocks a name, or with `*.` for a wildcard those under it.
    fn blocked(&self, wildcard: &str, name: &str, out: &mut dyn Write) -> io::Result<()> {
        match &self.answer {
            Answer::Sink(sink) if is_host_name(name) => {
                sink.v4.iter().try_for_each(|address| writeln!(out, "{wildcard}{name} A {address}"))?;
                sink.v6.iter().try_for_each(|address| writeln!(out, "{wildcard}{name} AAAA {address}"))
            }
            _ => writeln!(out, "{wildcard}{name} CNAME ."),
        }
    }

    /// Goes to a name, and blocks those of its parents once more for which the wildcard above does not speak from now on.
    fn enter(&mut self, name: &str, below: bool, out: &mut dyn Write) -> io::Result<()> {
        while self.path.last().is_some_and(|(top, _)| !is_within(name, top)) {
            self.path.pop();
        }
        if let Some((top, true)) = self.path.last() {
            // From the blocked name down.
            let labels = name.len().saturating_sub(top.len() + 1);
            for (dot, _) in name.get(..labels).unwrap_or_default().rmatch_indices('.') {
                let parent = name.get(dot + 1..).unwrap_or_default();
                self.blocked("", parent, out)?;
                self.blocked("*.", parent, out)?;
                self.path.push((parent.to_owned(), true));
            }
        }
        self.path.push((name.to_owned(), below));
        Ok(())
    }
}

impl Syntax for Rpz {
    fn able(&self) -> Able {
        Able { blocks: &Reach::ALL, passes: &Reach::ALL }
    }

    fn fit(&self, octets: usize) -> Fit {
        // The name's text has one octet less than its wire form without the root.
        let wire = octets + 1 + self.zone;
        if wire + "*.".len() <= MAX_WIRE {
            Fit::Whole
        } else if wire <= MAX_WIRE {
            Fit::Apex
        } else {
            Fit::Not
        }
    }

    fn answers_otherwise(&self, name: &str, reach: Reach, pass: bool) -> Option<&'static str> {
        let sink = (!pass || reach != Reach::Whole) && matches!(self.answer, Answer::Sink(_));
        (sink && !is_host_name(name))
            .then_some("answered with NXDOMAIN, not the sink: servers refuse an address at what is no host name")
    }

    fn comment(&self) -> Option<&'static str> {
        Some(";")
    }

    fn head(&self, serial: u32, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "$TTL {TTL}")?;
        // Refresh and retry are short for the same reason. Secondaries that lose their primary keep blocking for four weeks.
        writeln!(out, "@ IN SOA localhost. hostmaster.localhost. {serial} 3600 600 2419200 {TTL}")?;
        writeln!(out, "@ IN NS localhost.")
    }

    fn block(&mut self, name: &str, reach: Reach, _list: &str, out: &mut dyn Write) -> io::Result<()> {
        self.enter(name, reach.is_below(), out)?;
        if reach.is_own() {
            self.blocked("", name, out)?;
        }
        if reach.is_below() { self.blocked("*.", name, out) } else { Ok(()) }
    }

    fn pass(&mut self, name: &str, reach: Reach, out: &mut dyn Write) -> io::Result<()> {
        self.enter(name, !reach.is_below(), out)?;
        if reach.is_own() {
            writeln!(out, "{name} CNAME rpz-passthru.")?;
        } else {
            self.blocked("", name, out)?;
        }
        if self.fit(name.len()) != Fit::Whole {
            return Ok(());
        }
        if reach.is_below() { writeln!(out, "*.{name} CNAME rpz-passthru.") } else { self.blocked("*.", name, out) }
    }
}

/// Whether an address may stand there (RFC 952, RFC 1123 section 2.1).
fn is_host_name(name: &str) -> bool {
    name.split('.').all(|label| !label.contains('_') && !label.starts_with('-') && !label.ends_with('-'))
}

fn is_within(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
