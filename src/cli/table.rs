//! Findings as a table for people: most visited first.

use std::fmt::Write;

use crate::model::MatchedRule;
use crate::record::Event;

/// Most findings that a table holds; JSON lines have no such limit.
pub(super) const MAX_ROWS: usize = 10_000;

/// The table, with a line that tells how many findings did not fit.
pub(super) fn findings(mut rows: Vec<Event>, total: u64) -> String {
    rows.sort_by(|a, b| {
        (b.count, b.answers, &a.subject.name, a.subject.proto).cmp(&(
            a.count,
            a.answers,
            &b.subject.name,
            b.subject.proto,
        ))
    });
    let mut text = String::new();
    if rows.is_empty() {
        text.push_str("Nothing listed was visited.\n");
        return text;
    }
    let cells: Vec<[String; 8]> = rows
        .iter()
        .map(|e| {
            [
                e.subject.name.to_string(),
                e.subject.proto.name().to_owned(),
                e.count.to_string(),
                e.answers.to_string(),
                e.distinct_subscribers.to_string(),
                seconds(e.first_seen.to_string()),
                seconds(e.last_seen.to_string()),
                rule(&e.subject.rule),
            ]
        })
        .collect();
    let head = ["NAME", "PROTO", "VISITS", "ANSWERS", "CLIENTS", "FIRST SEEN", "LAST SEEN", "RULE (LIST:LINE)"];
    let mut widths = head.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut line = |row: &[&str]| {
        let mut shown = String::new();
        for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Numbers to the right, text to the left.
            let _ = match i {
                2..=4 => write!(shown, "{cell:>width$}  "),
                _ => write!(shown, "{cell:<width$}  "),
            };
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    };
    line(&head);
    for row in &cells {
        line(&row.each_ref().map(String::as_str));
    }
    let left_out = total - rows.len() as u64;
    if left_out > 0 {
        let _ = writeln!(text, "… and {left_out} more findings; --format jsonl shows all.");
    }
    text
}

/// A time without its decimals.
fn seconds(time: String) -> String {
    match time.split_once('.') {
        Some((whole, _)) => format!("{whole}Z"),
        None => time,
    }
}

/// The rule, where it stands, and for which place it is the verdict if that is known.
fn rule(rule: &MatchedRule) -> String {
    let place = rule.jurisdiction.map(|place| format!(" in {place}")).unwrap_or_default();
    format!("{} ({}:{}){place}", rule.pattern, rule.list.name, rule.line)
}
