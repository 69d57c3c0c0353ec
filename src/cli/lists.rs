//! Loading the lists that a command line names: what `scan` and `rules test` share.

use std::io::Write;
use std::path::PathBuf;

use super::exit::Exit;
use crate::matching::{ListSource, RuleSet, SetError, load_set};
use crate::model::Action;

/// Lists that were loaded.
pub(super) struct Loaded {
    pub(super) rules: RuleSet,
    /// How many lists.
    pub(super) lists: usize,
    /// [`Exit::Damaged`] if entries were rejected.
    pub(super) exit: Exit,
}

/// Loads the lists to block and to allow, and says what is wrong with them on `err`.
///
/// # Errors
/// The exit code, if any of them cannot be read or is refused as a whole.
pub(super) fn load(block: &[PathBuf], allow: &[PathBuf], err: &mut dyn Write) -> Result<Loaded, Exit> {
    let blocks = block.iter().map(|path| ListSource::of_file(path, Action::Block));
    let allows = allow.iter().map(|path| ListSource::of_file(path, Action::Allow));
    load_sources(&blocks.chain(allows).collect::<Vec<_>>(), err)
}

/// Loads lists with names of their own; otherwise as [`load`].
///
/// # Errors
/// As [`load`].
pub(super) fn load_sources(sources: &[ListSource], err: &mut dyn Write) -> Result<Loaded, Exit> {
    // If standard error is closed there is nobody to tell.
    let mut say = |text: String| {
        let _ = writeln!(err, "stakeout: {text}");
    };
    let (rules, reports) = match load_set(sources) {
        Ok(loaded) => loaded,
        Err(SetError::Build(error)) => {
            say(error.to_string());
            return Err(Exit::Usage);
        }
        Err(SetError::Lists(errors)) => {
            errors.iter().for_each(|error| say(error.to_string()));
            let unreadable = errors.iter().any(|error| error.problem.is_unreadable());
            return Err(if unreadable { Exit::Io } else { Exit::Usage });
        }
    };
    let mut exit = Exit::Done;
    for report in reports.iter().filter(|report| !report.prebuilt && report.facts.counts.rejected > 0) {
        let (path, rejected) = (report.source.path.display(), report.facts.counts.rejected);
        let entries = if rejected == 1 { "1 entry was".into() } else { format!("{rejected} entries were") };
        say(format!("{path}: {entries} rejected; `stakeout rules lint` tells which and why"));
        exit = Exit::Damaged;
    }
    Ok(Loaded { rules, lists: reports.len(), exit })
}
