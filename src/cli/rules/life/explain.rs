//! `stakeout rules explain`: why a name is blocked, and where, or why it is not.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;

use super::super::super::exit::Exit;
use super::common::{Failure, StoreArgs};
use crate::control::rules::store::{Access, Explanation, Rule, Standing};
use crate::matching::to_name;
use crate::model::Jurisdiction;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules explain www.casino.example --jurisdiction CH
  www.casino.example in CH: blocked
    decides: casino.example of ch-gespa (block), line 17 of file 3f8a…: it is listed, and nothing in CH lets it be
      ordered by Gespa, Interkantonale Geldspielaufsicht, for CH: Sperrliste
      legal basis: Art. 86 BGS
      in force here since 2026-11-24T20:00:00Z (snapshot 12), in bundle national since version 3
      …";

/// Tell why a name is blocked, where, on whose order and since when
///
/// Reads the store, and the files of its lists again. For each jurisdiction it tells what comes out, which rule decides and why, and
/// what else covers the name: list and line, authority, order and reference, legal basis, when it was listed, since when
/// it is in force here, and who signed. Exit code 0; 2 if NAME is none, 3 if the store cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct ExplainArgs {
    /// The name
    #[arg(value_name = "NAME")]
    name: String,
    /// Only for this place (ISO 3166), in place of all that the lists name; may be given several times
    #[arg(long = "jurisdiction", value_name = "CODE")]
    jurisdictions: Vec<Jurisdiction>,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &ExplainArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let name = to_name(&args.name).map_err(|reason| Failure::usage(format!("{:?} {reason}", args.name)))?;
    let store = args.store.open(Access::Read, err)?;
    let found = store.explain(&name, &args.jurisdictions, Timestamp::now())?;
    if found.places.is_empty() {
        writeln!(out, "{name}: there is no list that says where it holds")?;
    }
    for (place, standing, decides) in &found.places {
        writeln!(out, "{name} in {place}: {}", standing.name())?;
        if let Some(rule) = decides.and_then(|index| found.rules.get(index)) {
            writeln!(out, "  decides: {}: {}", head(rule), why(*standing, *place, &found))?;
            detail(rule, out)?;
        }
        for (index, rule) in found.rules_in(*place) {
            if Some(index) != *decides {
                let now = if rule.counts { "" } else { ", not in force now by its dates" };
                writeln!(out, "  also: {}{now}", head(rule))?;
                detail(rule, out)?;
            }
        }
    }
    for (list, why) in &found.held {
        writeln!(out, "not counted: {list} has it, but {why}")?;
    }
    for (id, what) in &found.waiting {
        writeln!(out, "waiting: proposal {id} {what}")?;
    }
    Ok(Exit::Done)
}

fn head(rule: &Rule) -> String {
    let reach =
        if rule.kind == crate::matching::Kind::Covers { String::new() } else { format!(", {}", rule.kind.name()) };
    let Rule { pattern, source, says, line, file, .. } = rule;
    format!("{pattern} of {} ({}{reach}), line {line} of file {}…", source.id, says.name(), file.short())
}

/// Why this rule decides.
fn why(standing: Standing, place: Jurisdiction, found: &Explanation) -> String {
    let blocks = found.rules_in(place).filter(|(_, rule)| rule.counts && !rule.says.lets_be()).count();
    match standing {
        Standing::Blocked => format!("it is listed, and nothing in {place} lets it be"),
        Standing::Allowed | Standing::Licensed if blocks > 0 => {
            format!("whatever lets a site be in {place} beats every block there")
        }
        Standing::Allowed => "it is an exception".into(),
        Standing::Licensed => format!("its operator has a licence in {place}"),
        Standing::Watched => "less than the whole site is listed, so its visits are counted and nothing more".into(),
        Standing::NotListed => String::new(),
    }
}

fn detail(rule: &Rule, out: &mut dyn Write) -> Result<(), Failure> {
    let (source, entry) = (&rule.source, &rule.entry);
    let known = |text: &str| if text.is_empty() { "not told".to_owned() } else { text.to_owned() };
    writeln!(out, "    ordered by {}, for {}: {}", source.authority, source.places(), source.title)?;
    writeln!(
        out,
        "    legal basis: {}; reference of the list: {}",
        known(&source.legal_basis),
        known(&source.reference)
    )?;
    for (what, value) in [
        ("reference", &entry.reference),
        ("listed", &entry.listed),
        ("valid from", &entry.valid_from),
        ("until", &entry.expires),
        ("note", &entry.note),
    ] {
        if let Some(value) = value {
            writeln!(out, "    {what}: {value}")?;
        }
    }
    if let Some(order) = entry.order {
        writeln!(out, "    order: SHA-256 {order}")?;
    }
    if !entry.text.is_empty() && entry.text != rule.pattern {
        writeln!(out, "    the file says: {}", entry.text)?;
    }
    let (snapshot, since) = rule.since;
    let at_least = if rule.at_least { " or longer" } else { "" };
    let published = match &rule.published {
        Some((channel, version, time)) => format!("in bundle {channel} since version {version} of {time}"),
        None => "not published yet".into(),
    };
    writeln!(out, "    in force here since {since}{at_least} (snapshot {snapshot}); {published}")?;
    let signed = if rule.signed.is_empty() {
        "taken from a verified source".to_owned()
    } else {
        format!("signed by {}", rule.signed.join(", "))
    };
    writeln!(out, "    {signed}; file from {}", rule.origin)?;
    Ok(())
}
