//! The one way to write a definition: what people sign, and what the store keeps under its hash.

use std::fmt::{Display, Write};

use super::{Place, Source};

impl Source {
    /// TOML with every field that is set, in a fixed order, defaults included. [`super::read`] gives the same source back.
    pub fn canonical(&self) -> String {
        let mut out = String::from("[[source]]\n");
        let mut text = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(out, "{name} = {}", quote(value));
            }
        };
        text("id", &self.id);
        text("title", &self.title);
        text("authority", &self.authority);
        let places: Vec<String> = self.jurisdictions.iter().map(|place| quote(place.as_str())).collect();
        let _ = writeln!(out, "jurisdictions = [{}]", places.join(", "));
        let mut text = |name: &str, value: &dyn Display| {
            let value = value.to_string();
            if !value.is_empty() {
                let _ = writeln!(out, "{name} = {}", quote(&value));
            }
        };
        text("action", &self.action.name());
        text("legal_basis", &self.legal_basis);
        text("reference", &self.reference);
        if let Some(deadline) = self.deadline {
            text("deadline", &deadline);
        }
        text("format", &self.format.name());
        match &self.place {
            Place::Url(url) => text("url", url),
            Place::File(path) => text("file", &path.display()),
            Place::Directory(path) => text("directory", &path.display()),
            Place::Push | Place::Typed => {}
        }
        let transfer = &self.transfer;
        text("pattern", &transfer.pattern.as_deref().unwrap_or_default());
        text("accept", &transfer.accept.as_deref().unwrap_or_default());
        if let Some(schedule) = self.schedule {
            text("schedule", &schedule);
        }
        text("timeout", &self.timeout);
        text("max_bytes", &self.max_bytes);
        if let Some(url) = &self.modification_url {
            text("modification_url", url);
        }
        text("max_growth", &self.max_growth);
        text("max_shrink", &self.max_shrink);
        if let Some(stated) = &self.stated_count {
            text("stated_count", stated);
        }
        if let Some((column, value)) = &self.only {
            text("only", &format_args!("{column}={value}"));
        }
        text("notes", &self.notes);
        if self.place == Place::Push {
            out.push_str("push = true\n");
        }
        if !transfer.other_hosts.is_empty() {
            let hosts: Vec<String> = transfer.other_hosts.iter().map(|host| quote(host)).collect();
            let _ = writeln!(out, "other_hosts = [{}]", hosts.join(", "));
        }
        if transfer.mislabelled {
            out.push_str("mislabelled = true\n");
        }
        let _ = writeln!(out, "verified = {}\nmin_count = {}", self.verified, self.min_count);
        for (table, map) in [("columns", &self.columns), ("pointers", &self.pointers)] {
            let set: Vec<_> =
                map.fields().into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
            if !set.is_empty() {
                let _ = writeln!(out, "[source.{table}]");
                set.iter().for_each(|(name, value)| {
                    let _ = writeln!(out, "{name} = {}", quote(value));
                });
            }
        }
        out
    }
}

/// A basic string of TOML on one line.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
