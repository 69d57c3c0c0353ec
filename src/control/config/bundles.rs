//! `[[bundles]]`, `[[trusted_keys]]` and `[[revoked_keys]]`: signed rule sets, who may sign them, and who no longer.

use std::path::{Path, PathBuf};

use super::general::label;
use super::output::path;
use super::reader::{Table, text_item};
use crate::matching::bundle::{Keyring, RevokedKey, Scope, TrustedKey, is_channel};
use crate::model::Action;
use crate::model::Jurisdiction;

/// One signed rule bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleSource {
    /// The series of bundles it belongs to, as its manifest says: 1 to 64 of `a-z 0-9 . _ -`. Required.
    pub channel: String,
    /// The file; a relative path starts from the directory of the configuration file. Required.
    pub path: PathBuf,
    /// Directory in which the daemon notes which version it took last, with a copy of that bundle. It must exist, and the
    /// daemon must be able to write there. Default `"/var/lib/stakeout/bundles"`.
    pub state: PathBuf,
}

/// Most bundles of one sensor: each is a table of its own that every look-up asks.
const MAX_BUNDLES: usize = 8;
/// Most trusted keys.
const MAX_KEYS: usize = 16;
/// Most revoked ones.
const MAX_REVOKED: usize = 64;

/// Reads all bundles from the document's root.
pub(super) fn read(root: &mut Table<'_, '_>, base: &Path) -> Vec<BundleSource> {
    let mut channels: Vec<String> = Vec::new();
    let bundles = root.tables("bundles", |t| {
        let what = "the channel that its manifest names, such as channel = \"national\"";
        let channel = if t.is_missing("channel", what) { None } else { label(t, "channel") };
        if let Some(channel) = &channel {
            if !is_channel(channel) {
                t.error_at("channel", "a channel does not begin with a dot", "name it otherwise");
            }
            if channels.contains(channel) {
                let message = format!("another bundle is of the channel {channel:?} too");
                t.error_at("channel", message, "give each bundle a channel of its own");
            }
            channels.push(channel.clone());
        }
        let what = "the bundle, such as path = \"/etc/stakeout/rules/national.stkbundle\"";
        let file = if t.is_missing("path", what) { None } else { path(t, "path", base) };
        let state = path(t, "state", base).unwrap_or_else(|| "/var/lib/stakeout/bundles".into());
        BundleSource { channel: channel.unwrap_or_default(), path: file.unwrap_or_default(), state }
    });
    if bundles.len() > MAX_BUNDLES {
        let message = format!("there are {} bundles", bundles.len());
        root.error_at("bundles", message, format!("put their lists into one: {MAX_BUNDLES} are the most"));
    }
    if !bundles.is_empty() && !root.has("trusted_keys") {
        let help = "add [[trusted_keys]] with the public key that signs them (`stakeout rules keygen` makes one)";
        root.error_at("bundles", "there is no [[trusted_keys]], so no bundle can be taken", help);
    }
    bundles
}

/// Reads the keys that may sign them, and those that may not.
pub(super) fn read_keys(root: &mut Table<'_, '_>) -> Keyring {
    Keyring { trusted: read_trusted(root), revoked: read_revoked(root) }
}

fn read_revoked(root: &mut Table<'_, '_>) -> Vec<RevokedKey> {
    let keys = root.tables("revoked_keys", |t| {
        let what =
            "the key's identifier, such as id = \"E7620F1842B4E81F\", as `stakeout rules show` and minisign tell it";
        let id = if t.is_missing("id", what) { None } else { t.string("id") };
        let id = id.unwrap_or_default().trim().to_ascii_uppercase();
        if t.has("id") && !(id.len() == 16 && id.bytes().all(|octet| octet.is_ascii_hexdigit())) {
            t.error_at("id", "`id` is not 16 hexadecimal digits", "copy it from `stakeout rules show`");
        }
        let what = "why, such as reason = \"stolen on 20 November 2026\"";
        let reason = if t.is_missing("reason", what) { None } else { t.string("reason") };
        RevokedKey { id, reason: reason.unwrap_or_default().to_owned() }
    });
    if keys.len() > MAX_REVOKED {
        let message = format!("there are {} revoked keys", keys.len());
        let help = "drop those that no key in [[trusted_keys]] and nobody else's configuration has any more";
        root.error_at("revoked_keys", message, format!("{help}: {MAX_REVOKED} are the most"));
    }
    keys
}

fn read_trusted(root: &mut Table<'_, '_>) -> Vec<TrustedKey> {
    let mut known: Vec<TrustedKey> = Vec::new();
    let keys = root.tables("trusted_keys", |t| {
        let what = "a name for the key, such as name = \"security-2026\"";
        let name = if t.is_missing("name", what) { None } else { label(t, "name") };
        let what = "the last line of the public key file, such as key = \"RW…\"";
        let key = if t.is_missing("key", what) { None } else { t.string("key") };
        let mut texts = |name, what, wrong: fn(&str) -> Option<String>| {
            if t.is_missing(name, what) {
                return Vec::new();
            }
            let item = |value| text_item(value).and_then(|text| wrong(text).map_or(Ok(text.to_owned()), Err));
            t.list(name, 1..=256, item).unwrap_or_default()
        };
        let scope = Scope {
            lists: texts(
                "lists",
                "the lists it may speak for, such as lists = [\"pl-*\"], or [\"*\"] for all",
                |text| text.is_empty().then(|| "it names no list".into()),
            ),
            jurisdictions: texts(
                "jurisdictions",
                "where its lists may hold, such as jurisdictions = [\"PL\"], or [\"*\"]",
                |text| {
                    let fits = text == "*" || text.parse::<Jurisdiction>().is_ok();
                    (!fits).then(|| format!("{text:?} is no jurisdiction, which is written as CH or US-NJ (ISO 3166)"))
                },
            ),
            actions: texts("actions", "what its rules may say: actions = [\"block\"], or also \"allow\"", |text| {
                let fits = Action::ALL.iter().any(|action| action.name() == text);
                (!fits).then(|| format!("{text:?} is none of \"block\", \"allow\", \"licensed\", \"watch\""))
            }),
        };
        // true: it signs nothing new, and what it signed stays in force until something follows. Default false.
        let is_retired = t.boolean("retired").unwrap_or(false);
        let trusted = match TrustedKey::new(name?, key?, scope) {
            Ok(mut trusted) => {
                trusted.is_retired = is_retired;
                trusted
            }
            Err(why) => {
                t.error_at("key", format!("`key` {why}"), "copy that line whole");
                return None;
            }
        };
        if known.iter().any(|other| other.name == trusted.name || other.text() == trusted.text()) {
            let message = format!("another key has the name {:?}, or is the same key", trusted.name);
            t.error_at("name", message, "keep one of them: a key has one name and one scope");
        }
        known.push(trusted);
        None::<()>
    });
    if keys.len() > MAX_KEYS {
        root.error_at("trusted_keys", format!("there are {} keys", keys.len()), format!("{MAX_KEYS} are the most"));
    }
    known
}
