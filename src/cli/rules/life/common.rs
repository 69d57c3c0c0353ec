//! What the commands on the store share: where it is, who speaks, and how a failure ends.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::super::exit::Exit;
use crate::control::rules::store::{Access, Actor, Store, StoreError};

/// Where the store is if nothing says otherwise.
pub(in crate::cli::rules) const DEFAULT_STORE: &str = "/var/lib/stakeout/rules";

/// Where the store is.
#[derive(Args, Debug, Clone)]
pub(in crate::cli::rules) struct StoreArgs {
    /// The store of rules; or the environment variable STAKEOUT_STORE, else /var/lib/stakeout/rules
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli::rules) store: Option<PathBuf>,
}

/// Who does something, and why: notes in the journal.
#[derive(Args, Debug, Clone)]
pub(super) struct ActorArgs {
    /// Why: a note in the journal
    #[arg(long, value_name = "TEXT")]
    pub(super) why: String,
    #[command(flatten)]
    pub(super) who: WhoArgs,
}

/// Who does something.
#[derive(Args, Debug, Clone)]
pub(super) struct WhoArgs {
    /// Who does it, a note in the journal that proves nothing; else STAKEOUT_WHO, else the user's login name
    #[arg(long, value_name = "NAME")]
    pub(super) who: Option<String>,
}

/// Why a command did not do what it was asked.
pub(in crate::cli::rules) enum Failure {
    /// Output that cannot be written.
    Output(io::Error),
    /// The store.
    Store(StoreError),
    /// Anything else, with the exit code.
    Said(String, Exit),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl Failure {
    /// A wrong command line.
    pub(super) fn usage(why: impl Into<String>) -> Failure {
        Failure::Said(why.into(), Exit::Usage)
    }

    /// A file that cannot be read or written.
    pub(super) fn file(path: &Path, error: &dyn std::fmt::Display) -> Failure {
        Failure::Said(format!("{}: {error}", path.display()), Exit::Io)
    }
}

/// The exit code for what the store says: it refuses (2), cannot be read or written (3), or what is in it is damaged (1).
pub(super) fn exit_of(error: &StoreError) -> Exit {
    match error {
        StoreError::Io { .. } | StoreError::Busy(_) => Exit::Io,
        StoreError::Journal { .. } | StoreError::Object { .. } | StoreError::Forged(_) => Exit::Damaged,
        _ => Exit::Usage,
    }
}

impl StoreArgs {
    /// The directory.
    pub(in crate::cli::rules) fn dir(&self) -> PathBuf {
        match &self.store {
            Some(dir) => dir.clone(),
            None => std::env::var_os("STAKEOUT_STORE").map_or_else(|| DEFAULT_STORE.into(), PathBuf::from),
        }
    }

    /// Opens it.
    pub(in crate::cli::rules) fn open(&self, access: Access, err: &mut dyn Write) -> Result<Store, Failure> {
        let store = Store::open(&self.dir(), access)?;
        if store.cut() > 0 {
            let octets = store.cut();
            let what = if access == Access::Write { "was cut off" } else { "does not count" };
            writeln!(
                err,
                "stakeout: the last line of the journal had no end, as after a power cut: it {what} ({octets} octets)"
            )?;
        }
        Ok(store)
    }
}

impl WhoArgs {
    /// The name, with a reason.
    pub(super) fn actor(&self, why: &str) -> Result<Actor, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
        let who = self
            .who
            .clone()
            .or_else(|| variable("STAKEOUT_WHO"))
            .or_else(|| variable("USER"))
            .or_else(|| variable("LOGNAME"));
        let who = who.unwrap_or_else(|| "unknown".into());
        Actor::new(who, why).map_err(Failure::usage)
    }
}

impl ActorArgs {
    /// Who, and why.
    pub(super) fn actor(&self) -> Result<Actor, Failure> {
        self.who.actor(&self.why)
    }
}

/// `1 rule`, `2 rules`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
