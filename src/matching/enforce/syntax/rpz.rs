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

use super::{Able, Answer, Fit, Syntax};
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
    /// The last name that is blocked with those under it.
    cover: String,
    /// The last exception below it.
    last: String,
}

impl Rpz {
    pub(super) fn new(answer: Answer, zone: Option<&DomainName>) -> Self {
        // Without the root's octet the default has one more than its text.
        let octets = zone.map_or(Options::ZONE.len() + 1, |zone| zone.as_wire().len());
        Rpz { answer, zone: octets + 1, cover: String::new(), last: String::new() }
    }

    fn names(&self, name: &str, whole: bool, out: &mut dyn Write) -> io::Result<()> {
        let is_host = is_host_name(name);
        for wildcard in ["", "*."].iter().take(if whole { 2 } else { 1 }) {
            match &self.answer {
                Answer::Sink(sink) if is_host => {
                    sink.v4.iter().try_for_each(|address| writeln!(out, "{wildcard}{name} A {address}"))?;
                    sink.v6.iter().try_for_each(|address| writeln!(out, "{wildcard}{name} AAAA {address}"))?;
                }
                _ => writeln!(out, "{wildcard}{name} CNAME .")?,
            }
        }
        Ok(())
    }
}

impl Syntax for Rpz {
    fn able(&self) -> Able {
        Able { subdomains: true, exceptions: true, apex: true }
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

    fn answers_otherwise(&self, name: &str) -> bool {
        matches!(self.answer, Answer::Sink(_)) && !is_host_name(name)
    }

    fn comment(&self) -> &'static str {
        ";"
    }

    fn head(&self, serial: u32, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "$TTL {TTL}")?;
        // Refresh and retry are short for the same reason. Secondaries that lose their primary keep blocking for four weeks.
        writeln!(out, "@ IN SOA localhost. hostmaster.localhost. {serial} 3600 600 2419200 {TTL}")?;
        writeln!(out, "@ IN NS localhost.")
    }

    fn block(&mut self, name: &str, whole: bool, out: &mut dyn Write) -> io::Result<()> {
        name.clone_into(&mut self.cover);
        self.last.clear();
        self.names(name, whole, out)
    }

    fn pass(&mut self, name: &str, whole: bool, out: &mut dyn Write) -> io::Result<()> {
        // From the blocked name down. Those that the exception before this one has for parents too are there already.
        let labels = name.len().saturating_sub(self.cover.len() + 1);
        let dots = name.get(..labels).unwrap_or_default().rmatch_indices('.').map(|(dot, _)| dot);
        for parent in dots.filter_map(|dot| name.get(dot + 1..)) {
            if !is_within(&self.last, parent) {
                self.names(parent, true, out)?;
            }
        }
        name.clone_into(&mut self.last);
        writeln!(out, "{name} CNAME rpz-passthru.")?;
        if whole { writeln!(out, "*.{name} CNAME rpz-passthru.") } else { Ok(()) }
    }
}

/// Whether an address may stand there (RFC 952, RFC 1123 section 2.1).
fn is_host_name(name: &str) -> bool {
    name.split('.').all(|label| !label.contains('_') && !label.starts_with('-') && !label.ends_with('-'))
}

fn is_within(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
