//! The lists that a command line names: what `scan`, `rules test` and `rules build` share.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::describe::Description;
use super::exit::Exit;
use crate::matching::{ListSource, RuleSet, SetError, load_set};
use crate::model::{Action, Jurisdiction, JurisdictionError, is_label};

/// Which lists, what they say, and where that counts.
#[derive(Args, Debug, Clone)]
pub(super) struct ListArgs {
    /// A rule file whose names are to block, and what the list is called if not like its file; may be given several
    /// times
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1, required_unless_present_any = ["allow", "licensed", "store"])]
    rules: Vec<PathBuf>,
    /// A rule file whose names are allowed, whatever the other rules say; may be given several times
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    allow: Vec<PathBuf>,
    /// The same for names of operators that have a licence
    #[arg(long, value_name = "[NAME=]PATH", num_args = 1)]
    licensed: Vec<PathBuf>,
    /// Who ordered each list, by which law, and where that holds: TOML, as docs/security-staff.md shows
    #[arg(long, value_name = "FILE")]
    describe: Option<PathBuf>,
    /// What is in force in this store of rules, with every signature for it verified, in place of files
    #[arg(long, value_name = "DIR", conflicts_with_all = ["rules", "allow", "licensed", "describe"])]
    store: Option<PathBuf>,
}

/// For which places verdicts are given.
#[derive(Args, Debug, Clone)]
pub(super) struct PlaceArgs {
    /// A place whose verdict is asked for (CH, US-NJ); without, all places that the lists name; may be given several times
    #[arg(long, value_name = "CODE", num_args = 1, value_parser = place)]
    jurisdiction: Vec<Jurisdiction>,
}

impl PlaceArgs {
    /// The places asked for.
    pub(super) fn codes(&self) -> &[Jurisdiction] {
        &self.jurisdiction
    }
}

/// A place from the command line.
pub(super) fn place(text: &str) -> Result<Jurisdiction, String> {
    text.parse().map_err(|error: JurisdictionError| error.to_string())
}

/// Lists that were loaded.
pub(super) struct Loaded {
    pub(super) rules: RuleSet,
    /// How many lists.
    pub(super) lists: usize,
    /// [`Exit::Damaged`] if entries were rejected.
    pub(super) exit: Exit,
}

impl ListArgs {
    /// The lists that are named, those to block first; and the channel that the description names.
    ///
    /// # Errors
    /// What is wrong with the description, and the exit code.
    pub(super) fn sources(&self) -> Result<(Vec<ListSource>, Option<String>), (String, Exit)> {
        let of = |paths: &[PathBuf], action| paths.iter().map(move |given| source(given, action)).collect::<Vec<_>>();
        let mut sources = of(&self.rules, Action::Block);
        sources.extend(of(&self.allow, Action::Allow));
        sources.extend(of(&self.licensed, Action::Licensed));
        let Some(path) = &self.describe else { return Ok((sources, None)) };
        let described = Description::read(path)?;
        described.apply(&mut sources).map_err(|why| (format!("{}: {why}", path.display()), Exit::Usage))?;
        Ok((sources, described.channel))
    }

    /// The store of rules that stands in place of files.
    pub(super) fn store(&self) -> Option<&Path> {
        self.store.as_deref()
    }

    /// Where it is said on whose order they stand.
    pub(super) fn description(&self) -> Option<&Path> {
        self.describe.as_deref()
    }

    /// Loads them, and says what is wrong with them on `err`.
    ///
    /// # Errors
    /// The exit code, if any of them cannot be read or is refused as a whole.
    pub(super) fn load(&self, places: &PlaceArgs, err: &mut dyn Write) -> Result<Loaded, Exit> {
        let loaded = match (&self.store, self.sources()) {
            (Some(dir), _) => super::rules::load_store(dir, err)?,
            (None, Ok((sources, _))) => load_sources(&sources, err)?,
            (None, Err((why, exit))) => {
                let _ = writeln!(err, "stakeout: {why}");
                return Err(exit);
            }
        };
        match loaded.rules.serving(&places.jurisdiction) {
            Ok(rules) => Ok(Loaded { rules, ..loaded }),
            Err(error) => {
                let _ = writeln!(err, "stakeout: {error}");
                Err(Exit::Usage)
            }
        }
    }
}

/// `NAME=PATH`, or a path. A file whose path looks like the first is taken for what it is.
pub(super) fn source(given: &Path, action: Action) -> ListSource {
    match given.to_str().and_then(|text| text.split_once('=')) {
        Some((name, path)) if is_label(name) && !given.exists() => {
            ListSource { name: Arc::from(name), ..ListSource::of_file(path, action) }
        }
        _ => ListSource::of_file(given, action),
    }
}

/// Loads lists for all places that they name, and says what is wrong with them on `err`.
///
/// # Errors
/// The exit code, if any of them cannot be read or is refused as a whole.
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
