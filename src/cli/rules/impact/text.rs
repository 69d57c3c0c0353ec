//! The report of `rules impact` as text for people: totals, warnings, names, lists.

use std::io::{self, Write};

use crate::control::rules::impact::popular::Popular;
use crate::control::rules::impact::query_log::{LogCounts, LogFormat, Unreadable};
use crate::control::rules::impact::{PlaceReport, Report, Row, RuleText};
use crate::model::{DomainName, Jurisdiction};

/// Writes it.
///
/// # Errors
/// What the writer says.
pub(super) fn write(
    out: &mut dyn Write,
    report: &Report,
    popular: &Popular,
    log: Option<&LogCounts>,
) -> io::Result<()> {
    if let Some(log) = log {
        lines(out, log)?;
    }
    let seen = &report.seen;
    writeln!(out, "seen     {} visits, {} of them to names that neither side lists", seen.visits, seen.unlisted)?;
    if seen.answers > 0 {
        writeln!(out, "         {} DNS answers lead by CNAME to a listed name", seen.answers)?;
    }
    if seen.not_kept > 0 {
        writeln!(out, "         {} to listed names beyond those kept: in the totals, not below", seen.not_kept)?;
    }
    report.places.iter().try_for_each(|place| effect(out, place))?;
    warnings(out, report, popular)?;
    if !report.names.is_empty() {
        writeln!(out)?;
        table(out, &report.names)?;
    }
    if report.names_left_out > 0 {
        writeln!(out, "… and {} more names; --top shows more.", report.names_left_out)?;
    }
    writeln!(out)?;
    for list in &report.lists {
        let (name, rules, hit, nothing) = (&list.list, list.rules, list.hit, list.hit_nothing);
        writeln!(
            out,
            "list     {name}: {hit} of {rules} rules cover a name that was seen, {nothing} would hit nothing"
        )?;
    }
    Ok(())
}

/// A name in wire form as text.
pub(super) fn of_wire(wire: &[u8]) -> DomainName {
    let mut name = DomainName::root();
    // It came from a name, so it fits one.
    let _ = name.push_wire_labels(wire);
    name
}

fn lines(out: &mut dyn Write, log: &LogCounts) -> io::Result<()> {
    let formats = LogFormat::ALL.iter().map(|format| (log.queries(*format), format.name()));
    let formats: Vec<String> = formats.filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    let formats = if formats.is_empty() { "none".to_owned() } else { formats.join(", ") };
    writeln!(out, "read     {} lines: queries: {formats}; {} are no query", log.lines, log.other)?;
    let unread = Unreadable::ALL.iter().map(|why| (log.unreadable(*why), why.words()));
    let unread: Vec<String> = unread.filter(|(n, _)| *n > 0).map(|(n, why)| format!("{n} {why}")).collect();
    if unread.is_empty() { Ok(()) } else { writeln!(out, "unread   {}", unread.join(", ")) }
}

fn effect(out: &mut dyn Write, place: &PlaceReport) -> io::Result<()> {
    let at = within(place.jurisdiction);
    if place.changes.is_empty() {
        return writeln!(out, "effect  {at} none: no name that was seen has another verdict");
    }
    for total in &place.changes {
        let names = if total.names == 1 { "1 name".to_owned() } else { format!("{} names", total.names) };
        let answers = if total.answers > 0 { format!(", {} answers by CNAME", total.answers) } else { String::new() };
        writeln!(out, "effect  {at} {}: {names}, {} visits{answers}", total.change.words(), total.visits)?;
    }
    Ok(())
}

fn warnings(out: &mut dyn Write, report: &Report, popular: &Popular) -> io::Result<()> {
    for share in &report.warnings {
        let (rule, at) = (place_of(&share.rule), within(share.jurisdiction));
        let names = if share.names == 1 { "1 name".to_owned() } else { format!("{} names", share.names) };
        let visits = share.visits;
        let what = format!("newly blocks {:.2} % of all visits{at} ({visits} visits to {names})", share.share);
        writeln!(out, "WARNING  {rule} {what}")?;
    }
    for blocked in &popular.blocked {
        let (rule, at) = (place_of(&blocked.rule), within(blocked.jurisdiction));
        writeln!(out, "WARNING  {} is a popular name, and {rule} newly blocks it{at}", blocked.name)?;
    }
    if popular.more > 0 {
        writeln!(out, "WARNING  {} more popular names would be newly blocked", popular.more)?;
    }
    if popular.unreadable > 0 {
        writeln!(out, "         {} lines of popular names hold none", popular.unreadable)?;
    }
    Ok(())
}

fn table(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    let with_place = rows.iter().any(|row| row.jurisdiction.is_some());
    let head = ["CHANGE", "IN", "VISITS", "SHARE", "BY CNAME", "NAME", "BEFORE", "AFTER"].map(str::to_owned);
    let mut cells = vec![head];
    for row in rows {
        let rule = |rule: &Option<RuleText>| rule.as_ref().map_or("-".to_owned(), decided);
        cells.push([
            row.change.words().to_owned(),
            row.jurisdiction.map(|code| code.to_string()).unwrap_or_default(),
            row.visits.to_string(),
            format!("{:.2} %", row.share),
            row.answers.to_string(),
            row.name.clone(),
            rule(&row.before),
            rule(&row.after),
        ]);
    }
    let mut widths = [0; 8];
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in &cells {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Numbers to the right, text to the left.
            match i {
                1 if !with_place => {}
                2..=4 => line.push_str(&format!("{cell:>width$}  ")),
                _ => line.push_str(&format!("{cell:<width$}  ")),
            }
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// ` in CH`, or nothing where the lists name no place.
fn within(place: Option<Jurisdiction>) -> String {
    place.map(|code| format!(" in {code}")).unwrap_or_default()
}

fn place_of(rule: &RuleText) -> String {
    format!("{} ({}:{})", rule.pattern, rule.list, rule.line)
}

fn decided(rule: &RuleText) -> String {
    format!("{} by {}", rule.action, place_of(rule))
}
