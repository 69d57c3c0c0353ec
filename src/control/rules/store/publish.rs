//! Publishing: the lists in force as a signed bundle, with a version above every one before; and going back.
//!
//! The order is what makes a kill harmless: the bundle is written beside each place and forced to the disk, then the
//! journal notes its version, then it is renamed. So no two bundles ever have one version, and a place holds the old
//! bundle or the new one, whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::build::{LeftOut, rule_set};
use super::error::StoreError;
use super::event::{Event, Published, RolledBack};
use super::hash::Hash;
use super::journal::{Actor, rfc3339};
use super::{Store, now};
use crate::control::units::Span;
use crate::matching::bundle::{BundleError, Contents, Manifest, Sealed, is_channel, write};
use crate::matching::{SaveError, save};
use crate::model::Jurisdiction;

/// What is to be published.
#[derive(Clone, PartialEq, Debug)]
pub struct Release<'a> {
    /// The series of bundles.
    pub channel: &'a str,
    /// Where the bundle goes.
    pub to: &'a [PathBuf],
    /// For how long sensors take it.
    pub valid_for: Span,
    /// The place for which it is, if not for all that its lists name.
    pub jurisdiction: Option<Jurisdiction>,
    /// Lists that stay out.
    pub except: &'a [String],
}

/// A bundle that was published.
#[derive(Debug)]
pub struct Done {
    /// What it is.
    pub manifest: Manifest,
    /// Lists that are not in it.
    pub left_out: Vec<LeftOut>,
    /// Protected names that are not in it.
    pub protected: Vec<String>,
}

impl Store {
    /// Builds, signs and publishes what is in force. `sign` gets the manifest and a comment, and gives a signature as
    /// minisign writes it.
    ///
    /// # Errors
    /// As [`Store::effective`]; nothing is in force; the key cannot sign; a place cannot be written.
    pub fn publish(
        &mut self,
        release: &Release<'_>,
        actor: &Actor,
        sign: impl FnOnce(&[u8], &str) -> Result<String, String>,
    ) -> Result<Done, StoreError> {
        let Release { channel, to, valid_for, jurisdiction, except } = *release;
        if !is_channel(channel) {
            return Err(StoreError::refused("a channel is named with 1 to 64 of a-z 0-9 . _ -, no dot in front"));
        }
        let created = now();
        let (lists, left_out) = self.effective(created, jurisdiction, except)?;
        if lists.is_empty() {
            return Err(StoreError::refused("no list is in force, so there is nothing to publish"));
        }
        let version = self.next_version(channel, to)?;
        let expires =
            SignedDuration::try_from(valid_for.duration()).ok().and_then(|valid| created.checked_add(valid).ok());
        let expires = expires.ok_or_else(|| StoreError::refused("it would be valid for too long"))?;
        let snapshots: BTreeMap<String, u64> =
            lists.iter().map(|list| (list.source.id.clone(), list.snapshot)).collect();
        let mut protected: Vec<String> = lists.iter().flat_map(|list| list.protected.clone()).collect();
        protected.dedup();

        let set = self.dir.join(format!(".{}.stkset", std::process::id()));
        let removed = Removed(set.clone());
        save(&rule_set(lists)?, &set).map_err(|error| match error {
            SaveError::Io(error) => StoreError::Io { path: set.clone(), error },
            other => StoreError::refused(other.to_string()),
        })?;
        let mut contents = Contents::open(&set).map_err(|error| of_bundle(&set, error))?;
        let manifest = Manifest::new(
            channel.to_owned(),
            version,
            (created, expires),
            contents.lists.clone(),
            contents.payload.clone(),
        )
        .map_err(|error| of_bundle(&set, error))?;
        let comment = format!("stakeout rule bundle {channel} version {version}");
        let signature = sign(&manifest.to_octets(), &comment).map_err(StoreError::Refused)?;

        let staged: Vec<(Staged, &PathBuf)> = to.iter().map(|path| (Staged(beside(path)), path)).collect();
        for (new, path) in &staged {
            write(&new.0, &manifest, &signature, &mut contents).map_err(|error| of_bundle(path, error))?;
        }
        drop(removed);
        let event = Published {
            channel: channel.to_owned(),
            version,
            expires: rfc3339(manifest.expires),
            manifest: Hash::of(&manifest.to_octets()),
            lists: snapshots,
            rules: manifest.rules(),
            to: to.iter().map(|path| path.display().to_string()).collect(),
        };
        self.append(actor, Event::Publish(event))?;
        for (new, path) in &staged {
            fs::rename(&new.0, path).map_err(StoreError::io(path))?;
            super::objects::sync(path.parent().unwrap_or(Path::new("/")));
        }
        Ok(Done { manifest, left_out, protected })
    }

    /// One more than the highest version that was published or lies at one of the places.
    fn next_version(&self, channel: &str, to: &[PathBuf]) -> Result<u64, StoreError> {
        let mut highest = self.state.highest(channel);
        for path in to {
            match Sealed::open(path).and_then(|sealed| sealed.claims()) {
                Ok(claims) if claims.channel == channel => highest = highest.max(claims.version),
                Ok(claims) => {
                    let why = format!("{}: there is a bundle of the channel {:?}", path.display(), claims.channel);
                    return Err(StoreError::refused(format!("{why}: name another file")));
                }
                // What is damaged or was never there is replaced.
                Err(BundleError::Io(error)) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StoreError::Io { path: path.clone(), error });
                }
                Err(_) => {}
            }
        }
        highest.checked_add(1).ok_or_else(|| StoreError::refused("there is no version above the last one"))
    }

    /// Puts in force again what a published version had. What people signed then needs no second signature.
    ///
    /// # Errors
    /// There was no such version, or its files are not kept any more.
    pub fn roll_back(&mut self, channel: &str, version: u64, actor: &Actor) -> Result<(), StoreError> {
        let then = self.state.published.iter().find(|p| p.what.channel == channel && p.what.version == version);
        let Some(then) = then else {
            return Err(StoreError::refused(format!(
                "version {version} of {channel} was not published from this store: `stakeout rules history` tells which were"
            )));
        };
        for snapshot in then.what.lists.values().filter_map(|id| self.state.snapshots.get(id)) {
            self.objects.check(&snapshot.content.file)?;
            self.definition(&snapshot.content.definition)?;
        }
        self.append(actor, Event::Rollback(RolledBack { channel: channel.to_owned(), version }))?;
        Ok(())
    }
}

fn of_bundle(path: &Path, error: BundleError) -> StoreError {
    match error {
        BundleError::Io(error) => StoreError::Io { path: path.to_owned(), error },
        other => StoreError::refused(format!("{}: {other}", path.display())),
    }
}

/// Where a bundle waits to be renamed.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.next", std::process::id()))
}

/// A file that is removed again unless it was renamed.
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A file that is removed at the end.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
