//! `[[rules]]`: the lists of names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::general::{jurisdictions, label};
use super::output::path;
use super::reader::Table;
use crate::control::units::Span;
use crate::model::{Action, Provenance};

/// How a rule file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RuleFormat {
    /// Told from the file's content; the only one for a prebuilt rule set (`stakeout rules build`).
    #[default]
    Auto,
    /// One name a line, `#` comments.
    Plain,
    /// A hosts file: an address, then names.
    Hosts,
    /// Filters of AdBlock Plus, uBlock Origin and AdGuard.
    AdBlock,
    /// uBlacklist's match patterns.
    UBlacklist,
    /// dnsmasq's `local`, `address` and `server`.
    Dnsmasq,
    /// unbound's `local-zone` and `local-data`.
    Unbound,
    /// A response policy zone.
    Rpz,
    /// The XML of the Polish register of the Ministry of Finance.
    PolishRegister,
}

impl RuleFormat {
    /// The names in the configuration.
    pub const NAMES: [(&'static str, RuleFormat); 9] = [
        ("auto", RuleFormat::Auto),
        ("plain", RuleFormat::Plain),
        ("hosts", RuleFormat::Hosts),
        ("adblock", RuleFormat::AdBlock),
        ("ublacklist", RuleFormat::UBlacklist),
        ("dnsmasq", RuleFormat::Dnsmasq),
        ("unbound", RuleFormat::Unbound),
        ("rpz", RuleFormat::Rpz),
        ("polish-register", RuleFormat::PolishRegister),
    ];
}

/// One list of names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleSource {
    /// Name of the list in findings and metrics, one of its own: 1 to 64 of `a-z 0-9 . _ -`. Required. The lists in a
    /// prebuilt rule set have names of their own, and this one is for messages.
    pub list: String,
    /// The file; a relative path starts from the directory of the configuration file. Required.
    pub path: PathBuf,
    /// `"auto"` (default), `"plain"`, `"hosts"`, `"adblock"`, `"ublacklist"`, `"dnsmasq"`, `"unbound"`, `"rpz"` or
    /// `"polish-register"`.
    pub format: RuleFormat,
    /// `"block"` (default): a visit is a finding. `"allow"`: never a finding, whatever other lists say. A prebuilt rule set
    /// says that itself for each of its lists; `"allow"` then refuses one that has lists to block.
    pub action: Action,
    /// On whose order the list stands: `authority`, `jurisdictions` (ISO 3166), `legal_basis`, `reference`, and `deadline`
    /// (the time from listing to effect that the law gives, such as `"48h"`) if there is one. The first four are required
    /// for a list of text, and not allowed for a prebuilt rule set, which says them itself.
    pub provenance: Option<Arc<Provenance>>,
}

/// Most lists that one sensor takes: each is a label value in the metrics.
const MAX_LISTS: usize = 64;

/// On whose order a list stands: all of it or nothing.
fn provenance(t: &mut Table<'_, '_>) -> Option<Arc<Provenance>> {
    const FIELDS: [&str; 5] = ["authority", "jurisdictions", "legal_basis", "reference", "deadline"];
    let any = FIELDS.iter().any(|field| t.has(field));
    if !any {
        // Known all the same. Whether the file needs them shows when it is read.
        for field in FIELDS {
            t.make_known(field);
        }
        return None;
    }
    let authority = t.required_text("authority", "who ordered it, such as \"Ministerstwo Finansów\"");
    let basis = t.required_text("legal_basis", "the law with its article");
    let reference = t.required_text("reference", "number of the order or case, or the name of the register");
    let places = if t.is_missing("jurisdictions", "where it holds, such as jurisdictions = [\"PL\"]") {
        None
    } else {
        jurisdictions(t, "jurisdictions", Provenance::MAX_JURISDICTIONS)
    };
    let deadline = t.span("deadline", Span::hours(1)..=Span::days(366));
    // What can still be wrong was told field by field, but for the lengths.
    match Provenance::new(&authority?, &basis?, &reference?, places?) {
        Ok(provenance) => Some(Arc::new(provenance.with_deadline(deadline.map(Span::duration)))),
        Err(error) => {
            t.error_at("authority", error.to_string(), "shorten it");
            None
        }
    }
}

/// Reads all lists from the document's root.
pub(super) fn read(root: &mut Table<'_, '_>, base: &Path) -> Vec<RuleSource> {
    let mut names: Vec<String> = Vec::new();
    let sources = root.tables("rules", |t| {
        let what = "a name for the list, such as list = \"pl-mf\"";
        let list = if t.is_missing("list", what) { None } else { label(t, "list") };
        if let Some(list) = &list {
            if names.contains(list) {
                t.error_at("list", format!("another list is named {list:?} too"), "give each list a name of its own");
            } else {
                names.push(list.clone());
            }
        }
        let what = "the rule file, such as path = \"/etc/stakeout/rules/pl.xml\"";
        let path = if t.is_missing("path", what) { None } else { path(t, "path", base) };
        let format = t.choice("format", &RuleFormat::NAMES).unwrap_or_default();
        let action = t.choice("action", &Action::ALL.map(|a| (a.name(), a))).unwrap_or(Action::Block);
        let provenance = provenance(t);
        // A source whose name is wrong is still worth looking at: its file may be wrong too.
        RuleSource { list: list.unwrap_or_default(), path: path.unwrap_or_default(), format, action, provenance }
    });
    if sources.is_empty() && !root.has("rules") && !root.has("bundles") {
        let help = "add a header [[rules]] and under it `list` and `path`: without a list there is nothing to find";
        root.error_at("rules", "there is no [[rules]]", help);
    } else if sources.len() > MAX_LISTS {
        root.error_at(
            "rules",
            format!("there are {} lists", sources.len()),
            format!("join some: {MAX_LISTS} are the most"),
        );
    }
    sources
}
