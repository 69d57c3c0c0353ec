//! `store.toml`: what the operator says of the store itself. It is not in the journal, since it only ever makes the guards
//! look closer or ask more people.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::error::StoreError;
use crate::control::config::reader::{Reading, Table, text_item};
use crate::control::rules::people;

/// What a new store has.
pub(super) const TEMPLATE: &str = "\
# Settings of this store of rules. docs/rules-store.md explains them.

# People who must sign for a change: 2 or more.
approvals = 2

# Files of names, one a line, that no list may ever block: your own, your customers' portals, emergency services.
protected = []

# Files of popular names (`rank,name` a line, or one name a line, the most popular first). The first `top` of each are held
# back for people to look at when a list would block them.
#[[popular]]
#file = \"/var/lib/stakeout/top-1m.csv\"
#top = 10000
";

/// The largest file of settings, in octets.
const MAX_FILE: u64 = 64 << 10;

/// The settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// People who must sign, 2 to 10. Default 2.
    pub approvals: usize,
    /// Files of names that no list may block. A relative path starts from the store.
    pub protected: Vec<PathBuf>,
    /// Files of popular names.
    pub popular: Vec<Popular>,
}

/// A file of popular names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Popular {
    /// The file. A relative path starts from the store. Required.
    pub file: PathBuf,
    /// How many of its first names are meant, 1 to 10,000,000. Default 10,000.
    pub top: u64,
}

impl Settings {
    /// Reads `store.toml`. It must be there: a guard that is down must not go unnoticed.
    pub(super) fn load(store: &Path) -> Result<Settings, StoreError> {
        let path = store.join("store.toml");
        let text = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let what = "is not there, so nobody knows which names are protected: put it back (an empty one has the defaults)";
                return Err(StoreError::Settings { path, what: what.into() });
            }
            Err(error) => return Err(StoreError::Io { path, error }),
            Ok(metadata) if metadata.len() > MAX_FILE => {
                return Err(StoreError::Settings { path, what: format!("is larger than {MAX_FILE} octets") });
            }
            Ok(_) => std::fs::read_to_string(&path).map_err(StoreError::io(&path))?,
        };
        Settings::read(&text, store).map_err(|what| StoreError::Settings { path, what })
    }

    fn read(text: &str, store: &Path) -> Result<Settings, String> {
        let root = DeTable::parse(text).map_err(|error| error.to_string())?;
        let mut reading = Reading::new(text);
        let settings = reading.document(root.get_ref(), |t| Settings::of(t, store));
        match reading.problems.into_sorted().first() {
            None => Ok(settings),
            Some(problem) => Err(problem.to_string()),
        }
    }

    fn of(t: &mut Table<'_, '_>, store: &Path) -> Settings {
        let fewest = u64::try_from(people::FEWEST).unwrap_or(2);
        let approvals = t.number("approvals", fewest..=10).unwrap_or(fewest);
        let protected = t.list("protected", 0..=64, |item| text_item(item).map(|path| store.join(path)));
        let popular = t.tables("popular", |t| {
            let file = t.required_text("file", "the file, such as file = \"/var/lib/stakeout/top-1m.csv\"");
            let top = t.number("top", 1..=10_000_000_u64).unwrap_or(10_000);
            Popular { file: store.join(file.unwrap_or_default()), top }
        });
        Settings {
            approvals: usize::try_from(approvals).unwrap_or(people::FEWEST),
            protected: protected.unwrap_or_default(),
            popular,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_says_the_defaults() {
        let store = Path::new("/store");
        let settings = Settings::read(TEMPLATE, store).unwrap();
        assert_eq!(settings, Settings::read("", store).unwrap());
        assert_eq!(settings, Settings { approvals: 2, protected: Vec::new(), popular: Vec::new() });
        let text: String = TEMPLATE.lines().map(|line| format!("{}\n", line.trim_start_matches('#'))).collect();
        let text: String = text.lines().filter(|line| !line.starts_with(' ')).map(|line| format!("{line}\n")).collect();
        assert_eq!(Settings::read(&text, store).unwrap().popular[0].top, 10_000);
    }

    #[test]
    fn one_approval_is_never_enough_and_slips_are_told() {
        for (text, told) in [
            ("approvals = 1", "out of range"),
            ("aprovals = 2", "did you mean `approvals`?"),
            ("[[popular]]\ntop = 5", "`file` is missing"),
        ] {
            let error = Settings::read(text, Path::new("/")).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
