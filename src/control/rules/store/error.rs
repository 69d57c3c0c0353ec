//! Why the store does not do what was asked. Whatever the reason, it is then as it was.

use std::io;
use std::path::{Path, PathBuf};

use super::hash::Hash;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file system.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// There is no store.
    #[error("{0}: there is no store of rules: make one with `stakeout rules init`, or name another with --store")]
    Absent(PathBuf),
    /// There is one already.
    #[error("{0}: there is a store of rules already")]
    Exists(PathBuf),
    /// Made by a newer version.
    #[error(
        "{path}: is a store of format {found}, and this version of stakeout knows formats up to {known}: use the version that made it, or go back with its `stakeout rules migrate --to {known}`"
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its format.
        found: String,
        /// The newest that is known.
        known: u32,
    },
    /// Made by an older version.
    #[error(
        "{path}: is a store of format {found}: `stakeout rules migrate` makes it one of format {known}, and keeps the old journal beside the new one"
    )]
    Older {
        /// The store.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The one that is needed.
        known: u32,
    },
    /// Another process works with it.
    #[error("{0}: another command works with the store: wait for it to end")]
    Busy(PathBuf),
    /// The journal has a line that cannot be.
    #[error("{path}:{line}: the journal is damaged: {what}; nothing is done with it: put the store back from a backup")]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// An object is not what its name says, or is not there.
    #[error("{path}: {what}; put it back from a backup")]
    Object {
        /// Where it is, or should be.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// `store.toml` is wrong.
    #[error("{path}: {what}")]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong, where, and what to do.
        what: String,
    },
    /// What people signed is not what is in force.
    #[error("{0}; nothing is built: find out who wrote to the store, and put it back from a backup")]
    Forged(String),
    /// It must not be done, or makes no sense now.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    pub(in crate::control::rules) fn io(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_owned();
        move |error| StoreError::Io { path, error }
    }

    pub(super) fn refused(why: impl Into<String>) -> StoreError {
        StoreError::Refused(why.into())
    }
}

/// The name of an object in messages.
pub(super) fn object(hash: &Hash) -> String {
    format!("object {}", hash.short())
}
