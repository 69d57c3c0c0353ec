//! Typed reading of one TOML table: every field that is asked for becomes a known field, every field that nobody asked
//! for is unknown, and whatever is wrong is noted while reading goes on.
//!
//! A section's `read` function is therefore the only place that names its fields: `check`, `run`, the list of known
//! fields and the suggestions for misspelt ones all come from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problems, WHOLE_FILE};
use super::suggest::nearest;
use crate::control::units::{ByteSize, Span};

/// What is gathered while a document is read.
pub(in crate::control) struct Reading<'t> {
    pub(in crate::control) problems: Problems<'t>,
    /// Every field that some table asked for, as `capture.snaplen` or `rules[].path`.
    pub(in crate::control) known: BTreeSet<String>,
    /// Where each field that is present has its value, as `capture.snaplen` or `rules[2].path`.
    pub(in crate::control) spots: BTreeMap<String, usize>,
    unknown: Vec<Unknown>,
}

struct Unknown {
    at: usize,
    table: String,
    name: String,
    siblings: Vec<&'static str>,
}

impl<'t> Reading<'t> {
    pub(in crate::control) fn new(text: &'t str) -> Self {
        Reading { problems: Problems::new(text), known: BTreeSet::new(), spots: BTreeMap::new(), unknown: Vec::new() }
    }

    /// Reads the whole document with `read`.
    pub(in crate::control) fn document<R>(
        &mut self,
        root: &'t DeTable<'t>,
        read: impl FnOnce(&mut Table<'_, 't>) -> R,
    ) -> R {
        let mut table = Table::new(self, String::new(), String::new(), WHOLE_FILE, Some(root));
        let result = read(&mut table);
        table.finish();
        self.report_unknown();
        result
    }

    /// Unknown fields are told at the end, when the fields of all tables are known: a field in the wrong table is a
    /// common mistake.
    fn report_unknown(&mut self) {
        for u in std::mem::take(&mut self.unknown) {
            let what = if u.table.is_empty() { "table or field" } else { "field" };
            let elsewhere = || {
                let suffix = format!(".{}", u.name);
                let home = self.known.iter().find_map(|known| known.strip_suffix(&suffix))?;
                Some(format!("`{}` belongs in {}", u.name, header(home)))
            };
            let help = nearest(&u.name, u.siblings.iter().copied())
                .map(|name| format!("did you mean `{name}`?"))
                .or_else(elsewhere)
                .unwrap_or_else(|| format!("known here: {}", u.siblings.join(", ")));
            let place = if u.table.is_empty() { String::new() } else { format!(" in {}", header(&u.table)) };
            self.problems.error(u.at, format!("unknown {what} `{}`{place}", u.name), help);
        }
    }
}

/// `[capture]` or `[[rules]]`, as it stands in the file.
fn header(known_path: &str) -> String {
    match known_path.strip_suffix("[]") {
        Some(path) => format!("[[{path}]]"),
        None => format!("[{known_path}]"),
    }
}

/// One table being read.
pub(in crate::control) struct Table<'r, 't> {
    reading: &'r mut Reading<'t>,
    /// As in `rules[2]`.
    path: String,
    /// As in `rules[]`.
    known_path: String,
    /// Offset of the header.
    at: usize,
    /// `None` if the table is not in the file: every field then has its default.
    entries: Option<&'t DeTable<'t>>,
    /// Something that is no table stands in its place, and was told.
    is_broken: bool,
    names: Vec<&'static str>,
}

impl<'r, 't> Table<'r, 't> {
    fn new(
        reading: &'r mut Reading<'t>,
        path: String,
        known_path: String,
        at: usize,
        entries: Option<&'t DeTable<'t>>,
    ) -> Self {
        Table { reading, path, known_path, at, entries, is_broken: false, names: Vec::new() }
    }

    /// Whether the table, or something that was meant to be it, is in the file.
    pub(in crate::control) fn is_present(&self) -> bool {
        self.entries.is_some() || self.is_broken
    }

    /// Whether the field is in the table, be it right or wrong.
    pub(in crate::control) fn has(&self, name: &str) -> bool {
        self.entries.is_some_and(|t| t.contains_key(name))
    }

    /// Notes an error at field `name`, or at the table's header if the field is absent.
    pub(in crate::control) fn error_at(&mut self, name: &str, message: impl Into<String>, help: impl Into<String>) {
        let at = self.reading.spots.get(&join(&self.path, name)).copied().unwrap_or(self.at);
        self.reading.problems.error(at, message, help);
    }

    fn finish(self) {
        for key in self.entries.into_iter().flat_map(DeTable::keys) {
            if !self.names.contains(&key.get_ref().as_ref()) {
                self.reading.unknown.push(Unknown {
                    at: key.span().start,
                    table: self.known_path.clone(),
                    name: key.get_ref().to_string(),
                    siblings: self.names.clone(),
                });
            }
        }
    }

    /// Makes `name` known, and gives its value if it is there.
    fn value(&mut self, name: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.names.push(name);
        self.reading.known.insert(join(&self.known_path, name));
        let value = self.entries?.get(name)?;
        self.reading.spots.insert(join(&self.path, name), value.span().start);
        Some(value)
    }

    /// Makes `name` known without looking at its value.
    pub(super) fn make_known(&mut self, name: &'static str) {
        self.value(name);
    }

    fn wrong_type(&mut self, name: &str, value: &Spanned<DeValue<'_>>, wanted: &str, example: &str) {
        let message = format!("`{}` is {}, not {wanted}", join(&self.path, name), article(value.get_ref().type_str()));
        self.reading.problems.error(value.span().start, message, format!("write it as {name} = {example}"));
    }

    /// A text.
    pub(in crate::control) fn string(&mut self, name: &'static str) -> Option<&'t str> {
        let value = self.value(name)?;
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => {
                self.wrong_type(name, value, "a text", "\"…\"");
                None
            }
        }
    }

    /// A text that must be there and must say something; `what` tells what to write.
    pub(in crate::control) fn required_text(&mut self, name: &'static str, what: &str) -> Option<String> {
        if self.is_missing(name, what) {
            return None;
        }
        let text = self.string(name)?.trim();
        if text.is_empty() || text.len() > 1024 || text.contains(char::is_control) {
            let message = format!("`{}` must be 1 to 1024 octets of text on one line", join(&self.path, name));
            self.error_at(name, message, format!("write {what}"));
            return None;
        }
        Some(text.to_owned())
    }

    /// Notes an error if `name` is absent from a table that is there (an absent table is told once, as a table).
    pub(in crate::control) fn is_missing(&mut self, name: &'static str, what: &str) -> bool {
        let absent = !self.has(name);
        if absent {
            // Make it known all the same.
            self.value(name);
            if self.entries.is_some() {
                let message = format!("`{name}` is missing from {}", header(&self.known_path));
                self.reading.problems.error(self.at, message, format!("write {what}"));
            }
        }
        absent
    }

    /// A text that `T` can parse; `example` shows a good value.
    pub(in crate::control) fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        name: &'static str,
        example: &str,
    ) -> Option<T> {
        let value = self.value(name)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(name, value, "a text", example);
            return None;
        };
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                let message = format!("`{}` is {text:?}: {why}", join(&self.path, name));
                self.reading.problems.error(value.span().start, message, format!("write it as {name} = {example}"));
                None
            }
        }
    }

    /// A size within `range`.
    pub(in crate::control) fn size(&mut self, name: &'static str, range: RangeInclusive<ByteSize>) -> Option<ByteSize> {
        let size = self.parsed(name, &format!("\"{}\"", range.start()))?;
        self.within(name, size, &range)
    }

    /// A duration within `range`.
    pub(in crate::control) fn span(&mut self, name: &'static str, range: RangeInclusive<Span>) -> Option<Span> {
        let span = self.parsed(name, &format!("\"{}\"", range.start()))?;
        self.within(name, span, &range)
    }

    /// A whole number within `range`.
    pub(in crate::control) fn number<T: TryFrom<i128> + Into<i128> + Copy>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let value = self.value(name)?;
        let bounds = (*range.start()).into()..=(*range.end()).into();
        match integer(value.get_ref()) {
            Some(n) => T::try_from(self.within(name, n, &bounds)?).ok(),
            None => {
                self.wrong_type(name, value, "a whole number", &bounds.start().to_string());
                None
            }
        }
    }

    fn within<T: PartialOrd + Display>(&mut self, name: &str, value: T, range: &RangeInclusive<T>) -> Option<T> {
        if range.contains(&value) {
            return Some(value);
        }
        let message = format!("`{}` is {value}, out of range", join(&self.path, name));
        self.error_at(name, message, format!("the range is {} to {}", range.start(), range.end()));
        None
    }

    /// `true` or `false`.
    pub(in crate::control) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let value = self.value(name)?;
        match value.get_ref() {
            DeValue::Boolean(yes) => Some(*yes),
            _ => {
                self.wrong_type(name, value, "true or false", "true");
                None
            }
        }
    }

    /// One of a few words.
    pub(in crate::control) fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.string(name)?;
        match choice_of(text, choices) {
            Ok(choice) => Some(choice),
            Err(help) => {
                self.error_at(name, format!("`{}` is {text:?}, which is no choice", join(&self.path, name)), help);
                None
            }
        }
    }

    /// A local date without a time, which TOML writes without quotes.
    pub(in crate::control) fn date(&mut self, name: &'static str) -> Option<Date> {
        let value = self.value(name)?;
        if let DeValue::Datetime(d) = value.get_ref()
            && let (Some(date), None, None) = (d.date, d.time, d.offset)
        {
            let parts = (i16::try_from(date.year), i8::try_from(date.month), i8::try_from(date.day));
            if let (Ok(year), Ok(month), Ok(day)) = parts
                && let Ok(date) = Date::new(year, month, day)
            {
                return Some(date);
            }
        }
        self.wrong_type(name, value, "a date", "2027-06-30, without quotes and without a time");
        None
    }

    /// A list of `count` items, each read by `item` from its value; every bad item and every duplicate is told.
    pub(in crate::control) fn list<T: PartialEq>(
        &mut self,
        name: &'static str,
        count: RangeInclusive<usize>,
        mut item: impl FnMut(&'t DeValue<'t>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let value = self.value(name)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(name, value, "a list", "[…]");
            return None;
        };
        let full_name = join(&self.path, name);
        let mut good: Vec<T> = Vec::new();
        for (i, spanned) in items.iter().take(*count.end()).enumerate() {
            let at = spanned.span().start;
            self.reading.spots.insert(format!("{full_name}[{}]", good.len()), at);
            match item(spanned.get_ref()) {
                Ok(it) if good.contains(&it) => {
                    let message = format!("item {} of `{full_name}` stands there twice", i + 1);
                    self.reading.problems.error(at, message, "remove one of them");
                }
                Ok(it) => good.push(it),
                Err(why) => {
                    self.reading.problems.error(
                        at,
                        format!("item {} of `{full_name}`: {why}", i + 1),
                        "correct or remove it",
                    );
                }
            }
        }
        if !count.contains(&items.len()) {
            let message = format!("`{full_name}` has {} items", items.len());
            let help = format!("give it {} to {}", count.start(), count.end());
            self.reading.problems.error(value.span().start, message, help);
        }
        Some(good)
    }

    /// A table inside this one. If it is not in the file `read` sees an empty one, so that its defaults and its known
    /// fields are the same either way.
    pub(in crate::control) fn table<R>(&mut self, name: &'static str, read: impl FnOnce(&mut Table<'_, 't>) -> R) -> R {
        let value = self.value(name);
        let (at, entries) = match value.map(|v| (v, v.get_ref())) {
            Some((v, DeValue::Table(t))) => (v.span().start, Some(t)),
            Some((v, _)) => {
                let message =
                    format!("`{}` is {}, not a table", join(&self.path, name), article(v.get_ref().type_str()));
                let help = format!("write its settings under a header {}", header(&join(&self.path, name)));
                self.reading.problems.error(v.span().start, message, help);
                (v.span().start, None)
            }
            None => (self.at, None),
        };
        let is_broken = value.is_some() && entries.is_none();
        let path = join(&self.path, name);
        let known_path = join(&self.known_path, name);
        let mut table = Table::new(self.reading, path, known_path, at, entries);
        table.is_broken = is_broken;
        let result = read(&mut table);
        table.finish();
        result
    }

    /// The tables written as `[[name]]`. If there is none `read` still runs once on an empty table, for its known
    /// fields, and the result is dropped.
    pub(in crate::control) fn tables<R>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Table<'_, 't>) -> R,
    ) -> Vec<R> {
        static NONE: [Spanned<DeValue<'static>>; 0] = [];
        let items: &'t [Spanned<DeValue<'t>>] = match self.value(name).map(|v| (v, v.get_ref())) {
            Some((_, DeValue::Array(items))) => items.as_ref(),
            Some((v, _)) => {
                let message = format!("`{name}` is {}, not a list of tables", article(v.get_ref().type_str()));
                self.reading.problems.error(v.span().start, message, format!("begin each with a header [[{name}]]"));
                &NONE
            }
            None => &NONE,
        };
        let known_path = format!("{}[]", join(&self.known_path, name));
        let full_name = join(&self.path, name);
        let mut results = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let DeValue::Table(entries) = item.get_ref() else {
                let message = format!("item {} of `{name}` is not a table", i + 1);
                self.reading.problems.error(item.span().start, message, format!("begin each with a header [[{name}]]"));
                continue;
            };
            let path = format!("{full_name}[{i}]");
            let mut table = Table::new(self.reading, path, known_path.clone(), item.span().start, Some(entries));
            results.push(read(&mut table));
            table.finish();
        }
        if items.is_empty() {
            read(&mut Table::new(self.reading, full_name, known_path, self.at, None));
        }
        results
    }
}

/// The choice named by `text`, or what the choices are.
pub(in crate::control) fn choice_of<T: Copy>(text: &str, choices: &[(&'static str, T)]) -> Result<T, String> {
    choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
        let words = choices.iter().map(|(word, _)| *word);
        match nearest(text, words.clone()) {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => format!("choose one of {}", words.map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ")),
        }
    })
}

/// The integer that a value is.
pub(in crate::control) fn integer(value: &DeValue<'_>) -> Option<i128> {
    let n = value.as_integer()?;
    i128::from_str_radix(n.as_str(), n.radix()).ok()
}

/// Every item of a list must be a text.
pub(in crate::control) fn text_item<'t>(value: &'t DeValue<'t>) -> Result<&'t str, String> {
    value.as_str().ok_or_else(|| format!("{} is not a text", article(value.type_str())))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn article(noun: &str) -> String {
    let an = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if an { "an" } else { "a" })
}
