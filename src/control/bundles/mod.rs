//! Whether a sensor takes a rule bundle: signed by a key that may, of the right channel, not older than what it had, in
//! time, and readable by this version.
//!
//! `stakeout check` and the daemon ask the same functions, so that they cannot disagree. What was taken is noted in the
//! sensor's state directory, with a copy of the bundle: a start then has rules even when the file was spoilt meanwhile.

mod state;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::config::BundleSource;
use crate::matching::bundle::{BundleError, Keyring, Manifest, Sealed, Verified};
use crate::matching::{Format, ListSource, RuleSet};
use crate::model::Action;
use state::{Notes, State, Taken};

/// A bundle that may be taken.
#[derive(Debug)]
pub struct Candidate {
    /// Where it was found.
    pub path: PathBuf,
    /// Whether it is the sensor's own copy, because the file itself is refused.
    pub is_copy: bool,
    verified: Verified<File>,
    set: Option<RuleSet>,
    state: State,
    notes: Notes,
    is_noted: bool,
}

/// Why the file is refused at the start, and what there is in its place.
#[derive(Debug)]
pub struct Refused {
    /// What is wrong with the file.
    pub error: BundleError,
    /// The copy of the bundle taken last, or why it cannot be used.
    pub copy: Result<Candidate, BundleError>,
}

/// Looks at the bundle at `source`.
///
/// # Errors
/// Why it is not to be taken.
pub fn examine(source: &BundleSource, keys: &Keyring, now: Timestamp) -> Result<Candidate, BundleError> {
    let mut candidate = open(source, keys, |_| source.path.clone())?;
    candidate.is_noted = admit(&candidate.verified, candidate.notes.last(keys), now)?;
    candidate.set = Some(candidate.verified.load()?);
    Ok(candidate)
}

/// As [`examine`]; if the file is refused, with the copy of what was taken last in its place.
///
/// # Errors
/// [`Refused`].
pub fn examine_at_start(source: &BundleSource, keys: &Keyring, now: Timestamp) -> Result<Candidate, Box<Refused>> {
    examine(source, keys, now).map_err(|error| Box::new(Refused { error, copy: copy(source, keys) }))
}

/// The copy of the bundle taken last. It was in force, so it may be past its time, and its key retired.
fn copy(source: &BundleSource, keys: &Keyring) -> Result<Candidate, BundleError> {
    let mut candidate = open(source, keys, State::copy)?;
    // The copy is written before the note, so it may be one step ahead.
    candidate.is_noted = follows(&candidate.verified, candidate.notes.last(keys))?;
    candidate.is_copy = true;
    candidate.set = Some(candidate.verified.load()?);
    Ok(candidate)
}

fn open(source: &BundleSource, keys: &Keyring, path: impl FnOnce(&State) -> PathBuf) -> Result<Candidate, BundleError> {
    let state = State::new(source);
    // First, so that a damaged note cannot be overlooked.
    let notes = state.read()?;
    let path = path(&state);
    let verified = Sealed::open(&path)?.verify(keys)?;
    if verified.manifest.channel != source.channel {
        let (found, wanted) = (verified.manifest.channel, source.channel.clone());
        return Err(BundleError::OtherChannel { found, wanted });
    }
    Ok(Candidate { path, is_copy: false, verified, set: None, state, notes, is_noted: false })
}

/// Whether this bundle is the one that was taken last; refuses what is older, and what is another of the same version.
fn follows(bundle: &Verified<File>, taken: Option<&Taken>) -> Result<bool, BundleError> {
    let found = bundle.manifest.version;
    match taken {
        Some(taken) if taken.version > found => Err(BundleError::Older { found, taken: taken.version }),
        Some(taken) if taken.version < found => Ok(false),
        Some(taken) if taken.digest != bundle.digest => Err(BundleError::Conflict { version: found }),
        Some(_) => Ok(true),
        None => Ok(false),
    }
}

/// As [`follows`]; also refuses what was not taken before its time was over, or before its key was retired.
fn admit(bundle: &Verified<File>, taken: Option<&Taken>, now: Timestamp) -> Result<bool, BundleError> {
    match follows(bundle, taken)? {
        true => Ok(true),
        false if bundle.is_retired => Err(BundleError::Retired { key: bundle.key.clone() }),
        false if bundle.manifest.expires <= now => Err(BundleError::Expired { at: bundle.manifest.expires }),
        false => Ok(false),
    }
}

impl Candidate {
    /// What it is.
    pub fn manifest(&self) -> &Manifest {
        &self.verified.manifest
    }

    /// The trusted key that signed it.
    pub fn key(&self) -> &str {
        &self.verified.key
    }

    /// Whether that key is retired, so that nothing will follow from it.
    pub fn is_key_retired(&self) -> bool {
        self.verified.is_retired
    }

    /// The rule set, and how its lists are told; once.
    pub fn take_set(&mut self) -> Option<(ListSource, RuleSet)> {
        let name = Arc::from(self.manifest().channel.as_str());
        let source =
            ListSource { name, path: self.path.clone(), format: Format::Auto, action: Action::Block, provenance: None };
        self.set.take().map(|set| (source, set))
    }

    /// Keeps a copy and notes the version, so that nothing older is taken from here on. Whoever puts the rules in force does
    /// this before.
    ///
    /// # Errors
    /// [`BundleError::State`]: the bundle must not be put in force.
    pub fn note(&mut self) -> Result<(), BundleError> {
        // A copy that was lost or spoilt is made again: when it is needed, it is too late.
        if self.is_noted && (self.is_copy || self.verified.is_at(&self.state.copy())) {
            return Ok(());
        }
        let (version, digest, key) = (self.manifest().version, self.verified.digest, self.verified.key_id.clone());
        self.notes.add(Taken { version, digest, key });
        if !self.is_copy {
            self.state.keep(&mut self.verified)?;
        }
        self.state.write(&self.notes)?;
        self.is_noted = true;
        Ok(())
    }
}
