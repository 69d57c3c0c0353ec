//! What only this machine and this day can tell: whether files, directories and interfaces are there, and whether the
//! review date has passed.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use super::RuleSummary;
use crate::control::bundles::examine_at_start;
use crate::control::config::{Draft, EventFileConfig, NetworksConfig, RuleSource, Sections};
use crate::model::Jurisdiction;
use crate::pipeline::group_id;

/// A problem found here: field, whether it is an error, message, help.
struct Finding {
    field: String,
    is_error: bool,
    message: String,
    help: String,
}

fn error(field: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { field: field.into(), is_error: true, message: message.into(), help: help.into() }
}

fn warning(field: impl Into<String>, message: impl Into<String>, help: impl Into<String>) -> Finding {
    Finding { is_error: false, ..error(field, message, help) }
}

/// Adds to the draft's problems whatever does not fit this machine or this day; gives back the lists that loaded.
pub(super) fn examine(
    draft: &mut Draft<'_>,
    today: Date,
    rule_check: &dyn Fn(&RuleSource) -> Result<RuleSummary, String>,
) -> Vec<(String, RuleSummary)> {
    let mut found = Vec::new();
    let sections = draft.sections();
    legal(sections, today, &mut found);
    interfaces(sections, Path::new("/sys/class/net"), &mut found);
    let mut lists = rules(&sections.rules, rule_check, &mut found);
    foreign(&sections.rules, &sections.sensor.jurisdictions, &mut found);
    if sections.bundles.is_empty() {
        only_allows(&sections.rules, &mut found);
    }
    lists.extend(bundles(sections, &mut found));
    revoked(sections, &mut found);
    dnstap(sections, &mut found);
    networks(&sections.networks, &mut found);
    output("output.events", &sections.output.events, &mut found);
    if let Some(eve) = &sections.output.eve {
        output("output.eve", eve, &mut found);
    }
    for f in found {
        let Some(at) = draft.spot(&f.field) else { continue };
        if f.is_error {
            draft.problems.error(at, f.message, f.help);
        } else {
            draft.problems.warning(at, f.message, f.help);
        }
    }
    lists
}

fn legal(sections: &Sections, today: Date, found: &mut Vec<Finding>) {
    let Some(legal) = &sections.legal else { return };
    if legal.is_review_overdue(today) {
        let message = format!("the review date {} has passed (today is {today})", legal.review_date);
        found.push(warning(
            "legal.review_date",
            message,
            "confirm the legal ground and set the date of the next review",
        ));
    }
    for (field, text) in [("basis", &legal.basis), ("reference", &legal.reference), ("contact", &legal.contact)] {
        let lower = text.to_lowercase();
        if ["example", "change me", "todo"].iter().any(|sign| lower.contains(sign)) {
            let message = format!("`legal.{field}` still looks like an example: {text:?}");
            found.push(warning(format!("legal.{field}"), message, "write what holds for this sensor"));
        }
    }
}

fn interfaces(sections: &Sections, devices: &Path, found: &mut Vec<Finding>) {
    let names = &sections.capture.interfaces;
    if names.len() > 1 && names.iter().any(|name| name == "any") {
        let message = "\"any\" is all interfaces together, so packets of the others are read twice";
        found.push(warning("capture.interfaces", message, "name \"any\" alone, or leave it out"));
    }
    // And it is libpcap's name, not a device's.
    for (i, name) in names.iter().enumerate().filter(|(_, name)| *name != "any") {
        if devices.is_dir() && !devices.join(name).exists() {
            let message = format!("there is no interface {name:?} on this machine now");
            let help = "`ip link` lists them; `run` waits for it to appear";
            found.push(warning(format!("capture.interfaces[{i}]"), message, help));
        }
    }
}

fn dnstap(sections: &Sections, found: &mut Vec<Finding>) {
    let Some(dnstap) = &sections.dnstap else { return };
    if let Some(dir) = dnstap.socket.as_deref().and_then(Path::parent).filter(|dir| !dir.is_dir()) {
        let message = format!("`dnstap.socket`: there is no directory {}", dir.display());
        found.push(error("dnstap.socket", message, "create it, or let systemd do so (RuntimeDirectory=)"));
    }
    if let Some(Err(why)) = dnstap.socket_group.as_deref().map(group_id) {
        found.push(error("dnstap.socket_group", why.to_string(), "name the group that the resolver runs in"));
    }
}

fn rules(
    sources: &[RuleSource],
    rule_check: &dyn Fn(&RuleSource) -> Result<RuleSummary, String>,
    found: &mut Vec<Finding>,
) -> Vec<(String, RuleSummary)> {
    let mut lists = Vec::new();
    for (i, source) in sources.iter().enumerate().filter(|(_, s)| !s.path.as_os_str().is_empty()) {
        let field = format!("rules[{i}].path");
        let path = source.path.display();
        if let Some((message, help)) = unreadable(&source.path) {
            found.push(error(field, format!("rule file {path}: {message}"), help));
            continue;
        }
        if sources.iter().take(i).any(|earlier| earlier.path == source.path) {
            found.push(warning(&field, format!("rule file {path} is in another list too"), "name it once"));
        }
        match rule_check(source) {
            Err(why) => found.push(error(field, format!("rule file {path}: {why}"), lint(&source.path))),
            Ok(summary) => {
                if summary.rules == 0 {
                    found.push(error(&field, format!("rule file {path} holds no rule"), lint(&source.path)));
                }
                if summary.rejected > 0 {
                    let first = summary.first_rejected.as_deref().map(|f| format!(", first {f}")).unwrap_or_default();
                    let message = format!("rule file {path}: {} entries are rejected{first}", summary.rejected);
                    found.push(warning(field, message, lint(&source.path)));
                }
                lists.push((source.list.clone(), summary));
            }
        }
    }
    lists
}

/// A list for other places than the sensor's is a mistake of whoever copied it here: it decides nothing.
fn foreign(sources: &[RuleSource], served: &[Jurisdiction], found: &mut Vec<Finding>) {
    for (i, source) in sources.iter().enumerate() {
        let Some(provenance) = &source.provenance else { continue };
        if !served.is_empty() && !served.iter().any(|place| provenance.holds_in(*place)) {
            let served = served.iter().map(Jurisdiction::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("the list {} holds nowhere that this sensor serves ({served})", source.list);
            let help = "it decides nothing here: leave it out, or correct its jurisdictions or those of [sensor]";
            found.push(warning(format!("rules[{i}].jurisdictions"), message, help));
        }
    }
}

fn only_allows(sources: &[RuleSource], found: &mut Vec<Finding>) {
    if !sources.is_empty() && sources.iter().all(|s| s.action.lets_be()) {
        let help = "add a list with action = \"block\"";
        found.push(warning("rules", "all lists allow: nothing will ever be found", help));
    }
}

/// Trusted keys that are revoked too: good, since the revocation holds, and still to be tidied up.
fn revoked(sections: &Sections, found: &mut Vec<Finding>) {
    for (i, key) in sections.keys.trusted.iter().enumerate() {
        if let Some(revoked) = sections.keys.revoked(&key.id()) {
            let message = format!("the key {} is revoked ({}), and nothing is taken from it", key.name, revoked.reason);
            found.push(warning(format!("trusted_keys[{i}].key"), message, "remove the key, and leave it revoked"));
        }
    }
}

/// Bundles as the daemon would look at them when it starts.
fn bundles(sections: &Sections, found: &mut Vec<Finding>) -> Vec<(String, RuleSummary)> {
    let mut lists = Vec::new();
    for (i, source) in sections.bundles.iter().enumerate().filter(|(_, s)| !s.path.as_os_str().is_empty()) {
        let (field, path, now) = (format!("bundles[{i}].path"), source.path.display(), Timestamp::now());
        if let Some((message, help)) = unwritable(&source.state.join(format!("{}.state", source.channel))) {
            found.push(error(format!("bundles[{i}].state"), format!("`state`: {message}"), help));
            continue;
        }
        let show = "`stakeout rules show FILE` tells what it says of itself";
        let candidate = match examine_at_start(source, &sections.keys, now) {
            Ok(candidate) => candidate,
            Err(refused) => match refused.copy {
                Err(no_copy) => {
                    let message = format!("rule bundle {path}: {}", refused.error);
                    let help = format!("{show}; there is no copy to start with: it {no_copy}");
                    found.push(error(field, message, help));
                    continue;
                }
                Ok(copy) => {
                    let version = copy.manifest().version;
                    let message = format!("rule bundle {path}: {}", refused.error);
                    let help = format!("`run` would start with its copy of version {version}; {show}");
                    found.push(warning(&field, message, help));
                    copy
                }
            },
        };
        let manifest = candidate.manifest();
        if manifest.expires <= now {
            let message = format!("rule bundle {path} is in force, and expired at {}", manifest.expires);
            found.push(warning(&field, message, "put a newer one in its place"));
        }
        if candidate.is_key_retired() {
            let message = format!("rule bundle {path} is signed by the key {}, which is retired", candidate.key());
            found.push(warning(&field, message, "have a newer one signed by a key that is not"));
        }
        let rules = usize::try_from(manifest.rules()).unwrap_or(usize::MAX);
        lists.push((source.channel.clone(), RuleSummary { rules, ..RuleSummary::default() }));
    }
    lists
}

fn lint(path: &Path) -> String {
    format!("`stakeout rules lint {}` tells more", path.display())
}

/// Why a file cannot be read, and what to do. Nothing but a regular file is opened: a pipe would never end.
fn unreadable(path: &Path) -> Option<(String, &'static str)> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Some(("this is a directory".into(), "name the file in it")),
        Ok(meta) if !meta.is_file() => Some(("this is no regular file".into(), "write the list to a file")),
        Ok(_) => match fs::File::open(path) {
            Ok(_) => None,
            Err(e) => Some((os(&e), "let the user that runs stakeout read it")),
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Some(("there is no such file".into(), "correct the path, or put the list there"))
        }
        Err(e) => Some((os(&e), "let the user that runs stakeout read it and its directories")),
    }
}

/// A resolver may well live inside a subscriber range, since the longer prefix decides. The other way round one of the
/// two lists is wrong.
fn networks(networks: &NetworksConfig, found: &mut Vec<Finding>) {
    for (i, subscriber) in networks.subscribers.iter().enumerate() {
        if let Some(resolver) = networks.resolvers.iter().find(|r| r.covers(*subscriber)) {
            let message = format!("subscriber range {subscriber} lies within resolver range {resolver}");
            let help = "narrow the resolver range to the resolvers' own addresses, or their questions pass for visits";
            found.push(warning(format!("networks.subscribers[{i}]"), message, help));
        }
    }
}

fn output(table: &str, config: &EventFileConfig, found: &mut Vec<Finding>) {
    if let Some((message, help)) = unwritable(&config.path) {
        found.push(error(format!("{table}.path"), format!("`{table}.path`: {message}"), help));
    }
}

/// Why events cannot be written to `path`, and what to do.
fn unwritable(path: &Path) -> Option<(String, String)> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let shown = directory.display();
    match fs::metadata(directory) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Some((
                format!("there is no directory {shown}"),
                format!("create it: install -d -o stakeout {shown}"),
            ));
        }
        Err(e) => return Some((format!("{shown}: {}", os(&e)), "let the user that runs stakeout reach it".into())),
        Ok(meta) if !meta.is_dir() => return Some((format!("{shown} is no directory"), "correct the path".into())),
        Ok(_) => {}
    }
    if let Ok(meta) = fs::metadata(path)
        && !meta.is_file()
    {
        return Some((format!("{} is no regular file", path.display()), "name a file".into()));
    }
    // Rotation makes and removes files beside this one, so the directory itself must be writable. The only honest test
    // is to do it.
    let probe = directory.join(format!(".stakeout-check-{}", std::process::id()));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    let gone = made.and_then(|_| fs::remove_file(&probe));
    if let Err(e) = gone {
        return Some((format!("{shown}: {}", os(&e)), "let the user that runs stakeout write there".into()));
    }
    if path.exists()
        && let Err(e) = OpenOptions::new().append(true).open(path)
    {
        return Some((format!("{}: {}", path.display(), os(&e)), "let the user that runs stakeout write it".into()));
    }
    None
}

/// The operating system's words without their number.
fn os(e: &io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
