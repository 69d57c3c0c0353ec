//! Reading definitions: strictly, since whatever they say is signed and acted upon. Every mistake is told with its line.

use std::path::PathBuf;

use toml::de::DeTable;

use super::{FieldMap, Percent, Place, Source, SourceFormat, Transfer, is_list_name};
use crate::control::config::reader::{Reading, Table, text_item};
use crate::control::config::{Problem, Severity};
use crate::control::units::{ByteSize, Span};
use crate::model::{Action, Jurisdiction, deceives};

/// The largest file of definitions, in octets.
const MAX_FILE: usize = 1 << 20;
/// The most definitions in one file.
const MAX_SOURCES: usize = 1_000;
/// The longest text of one line in them, in octets; manifests of bundles take no longer one.
pub(super) const MAX_TEXT: usize = 512;

/// Reads the definitions of a file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn read(text: &str) -> Result<Vec<Source>, Vec<Problem>> {
    if text.len() > MAX_FILE {
        return Err(vec![whole("the file is larger than 1 MiB", "split it")]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut reading = Reading::new(text);
    for error in errors.iter().take(8) {
        let at = error.span().map_or(0, |span| span.start);
        reading.problems.error(at, format!("not valid TOML: {}", error.message()), "");
    }
    let sources = reading.document(root.get_ref(), |t| t.tables("source", source));
    let mut problems: Vec<Problem> =
        reading.problems.into_sorted().into_iter().filter(|problem| problem.severity == Severity::Error).collect();
    if sources.is_empty() && problems.is_empty() {
        problems.push(whole("there is no [[source]]", "begin each definition with a header [[source]]"));
    }
    if sources.len() > MAX_SOURCES {
        problems.push(whole("there are more than 1000 definitions", "split the file"));
    }
    let mut ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find(|pair| pair.first() == pair.last() && problems.is_empty()) {
        let id = twice.first().copied().unwrap_or_default();
        problems.push(whole(&format!("two definitions have the id {id:?}"), "give each an id of its own"));
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems) }
}

fn whole(message: &str, help: &str) -> Problem {
    Problem { line: 1, column: 1, severity: Severity::Error, message: message.into(), help: help.into() }
}

fn source(t: &mut Table<'_, '_>) -> Source {
    let id = t.required_text("id", "a name for the list, such as id = \"ch-gespa\"").unwrap_or_default();
    if !id.is_empty() && !is_list_name(&id) {
        t.error_at("id", format!("`id` is {id:?}"), "write 1 to 64 of a-z 0-9 . _ -, no dot in front");
    }
    let title = required(t, "title", "what the authority calls the list");
    let authority = required(t, "authority", "who orders it");
    let jurisdictions = jurisdictions(t);
    let has_action = !t.is_missing("action", "action = \"block\", \"allow\", \"licensed\" or \"watch\"");
    let action = if has_action { t.choice("action", &Action::ALL.map(|action| (action.name(), action))) } else { None }
        .unwrap_or(Action::Block);
    let legal_basis = optional(t, "legal_basis");
    let reference = optional(t, "reference");
    let deadline = t.span("deadline", Span::hours(1)..=Span::days(365));
    let has_format = !t.is_missing("format", "format = \"plain\", or \"unreadable\" for a PDF or a letter");
    let format = if has_format { t.choice("format", &SourceFormat::choices()) } else { None };
    let columns = t.table("columns", field_map);
    let pointers = t.table("pointers", field_map);
    let place = place(t);
    let transfer = Transfer::read(t);
    if matches!(place, Place::Directory(_)) && transfer.pattern.is_none() {
        let help = "write it like pattern = \"blocklist_{date}.txt\"";
        t.error_at("directory", "a `directory` needs a `pattern`, which tells the newest file", help);
    }
    let schedule = t.span("schedule", Span::secs(60)..=Span::days(365));
    if schedule.is_some() && !matches!(place, Place::Url(_) | Place::File(_) | Place::Directory(_)) {
        t.error_at(
            "schedule",
            "`schedule` is for what can be fetched",
            "leave it out, or say `url`, `file` or `directory`",
        );
    }
    let timeout = t.span("timeout", Span::secs(1)..=Span::hours(1)).unwrap_or(Span::secs(180));
    let max_bytes = t.size("max_bytes", ByteSize::from_bytes(1)..=ByteSize::gib(1)).unwrap_or(ByteSize::mib(64));
    let modification_url = url(t, "modification_url");
    let verified = t.boolean("verified").unwrap_or(false);
    if verified && place == Place::Typed {
        let help = "leave `verified` out: what people type in needs two signatures";
        t.error_at("verified", "`verified` is for what comes from somewhere", help);
    }
    let min_count = t.number("min_count", 1..=u64::from(u32::MAX)).unwrap_or(1);
    let max_growth = t.parsed("max_growth", "\"5%\"").unwrap_or(Percent::whole(5));
    let max_shrink = t.parsed("max_shrink", "\"5%\"").unwrap_or(Percent::whole(5));
    let stated_count = t.parsed("stated_count", "\"comment:Total\"");
    let only = only(t);
    let notes = notes(t);
    Source {
        id,
        title,
        authority,
        jurisdictions,
        action,
        legal_basis,
        reference,
        deadline,
        format: format.unwrap_or(SourceFormat::PLAIN),
        columns,
        pointers,
        place,
        transfer,
        schedule,
        timeout,
        max_bytes,
        modification_url,
        verified,
        min_count,
        max_growth,
        max_shrink,
        stated_count,
        only,
        notes,
    }
}

fn required(t: &mut Table<'_, '_>, name: &'static str, what: &str) -> String {
    let text = t.required_text(name, what).unwrap_or_default();
    if text.len() > MAX_TEXT || text.contains(deceives) {
        t.error_at(
            name,
            format!("`{name}` is longer than {MAX_TEXT} octets, or turns the direction of writing"),
            "say it shorter and plainly",
        );
    }
    text
}

pub(super) fn optional(t: &mut Table<'_, '_>, name: &'static str) -> String {
    let text = t.string(name).unwrap_or_default().trim().to_owned();
    if text.len() > MAX_TEXT || text.contains(deceives) {
        let help = format!("write at most {MAX_TEXT} octets of text on one line");
        t.error_at(name, format!("`{name}` is too long, or on several lines"), help);
    }
    text
}

fn jurisdictions(t: &mut Table<'_, '_>) -> Vec<Jurisdiction> {
    if t.is_missing("jurisdictions", "where the list holds, such as jurisdictions = [\"CH\"]") {
        return Vec::new();
    }
    t.list("jurisdictions", 1..=64, |item| {
        let text = text_item(item)?;
        text.parse().map_err(|error| format!("{text:?} {error}"))
    })
    .unwrap_or_default()
}

fn field_map(t: &mut Table<'_, '_>) -> FieldMap {
    let mut field = |name| Some(optional(t, name)).filter(|text| !text.is_empty());
    FieldMap {
        name: field("name"),
        reference: field("reference"),
        listed: field("listed"),
        valid_from: field("valid_from"),
        removed: field("removed"),
        expires: field("expires"),
        note: field("note"),
    }
}

fn place(t: &mut Table<'_, '_>) -> Place {
    let address = url(t, "url");
    let file = path(t, "file");
    let directory = path(t, "directory");
    let push = t.boolean("push").unwrap_or(false);
    let given =
        [("url", address.is_some()), ("file", file.is_some()), ("directory", directory.is_some()), ("push", push)];
    let mut given = given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name);
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        let message = format!("`{first}` and `{second}` say two places");
        t.error_at(second, message, "write a definition for each, with an id of its own");
    }
    match (address, file, directory) {
        (Some(url), ..) => Place::Url(url),
        (_, Some(path), _) => Place::File(path),
        (.., Some(path)) => Place::Directory(path),
        _ if push => Place::Push,
        _ => Place::Typed,
    }
}

fn path(t: &mut Table<'_, '_>, name: &'static str) -> Option<PathBuf> {
    let text = t.string(name)?;
    let path = PathBuf::from(text);
    if !path.is_absolute() || text.contains(char::is_control) || text.len() > MAX_TEXT {
        t.error_at(name, format!("`{name}` is no absolute path"), "write the whole path, from the first `/`");
        return None;
    }
    Some(path)
}

/// HTTPS, or HTTP to this machine itself, where a tunnel or a test may end.
fn url(t: &mut Table<'_, '_>, name: &'static str) -> Option<String> {
    let text = t.string(name)?;
    let host = |rest: &str| rest.split(['/', ':', '?', '#']).next().unwrap_or_default().to_owned();
    let fits = match text.split_once("://") {
        Some(("https", rest)) => !host(rest).is_empty(),
        Some(("http", rest)) => rest.starts_with("[::1]") || matches!(host(rest).as_str(), "127.0.0.1" | "localhost"),
        _ => false,
    };
    let clean = text.bytes().all(|octet| octet.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&octet));
    if !fits || !clean || text.len() > MAX_TEXT || text.contains('@') {
        t.error_at(
            name,
            format!("`{name}` is {text:?}"),
            "write an address that begins with https://, without a user in it",
        );
        return None;
    }
    Some(text.to_owned())
}

fn only(t: &mut Table<'_, '_>) -> Option<(String, String)> {
    let text = t.string("only")?.trim();
    match text.split_once('=').map(|(column, value)| (column.trim(), value.trim())) {
        Some((column, value)) if !column.is_empty() && !value.is_empty() && text.len() <= MAX_TEXT => {
            Some((column.to_owned(), value.to_owned()))
        }
        _ => {
            t.error_at("only", format!("`only` is {text:?}"), "write it as only = \"column=value\"");
            None
        }
    }
}

fn notes(t: &mut Table<'_, '_>) -> String {
    let text = t.string("notes").unwrap_or_default().trim().replace("\r\n", "\n");
    if text.len() > 8 * MAX_TEXT || text.contains(|c: char| deceives(c) && c != '\n' && c != '\t') {
        t.error_at("notes", "`notes` are too long, or hold control characters", "write at most 4096 octets of text");
    }
    text
}
