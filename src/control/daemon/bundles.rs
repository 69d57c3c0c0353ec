//! The daemon's signed bundles: looked at whenever rules are loaded, told in the log and the metrics, noted before they
//! come into force.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::control::bundles::{Candidate, Refused, examine, examine_at_start};
use crate::control::config::{BundleSource, Config};
use crate::control::http::BundleStatus;
use crate::export::metrics::{BundleState, Metrics};
use crate::matching::bundle::{BundleError, Keyring};
use crate::telemetry::events;

/// How often the log speaks of a bundle that should be replaced.
const REMINDER: Duration = Duration::from_secs(86_400);

/// The configured bundles.
pub(super) struct Bundles {
    sources: Vec<BundleSource>,
    keys: Keyring,
    metrics: Arc<Metrics>,
    watched: Mutex<Watched>,
}

/// What is in force, and when the log spoke of it last.
#[derive(Default)]
struct Watched {
    in_force: Vec<BundleState>,
    /// Why files were refused when they were last looked at, by channel.
    refused: BTreeMap<String, String>,
    reminded: Option<Instant>,
}

/// Bundles that keep the rules from being replaced.
pub(super) struct Kept {
    /// Their channels.
    pub(super) list: String,
    /// What is wrong with them.
    pub(super) reason: String,
}

impl Bundles {
    pub(super) fn of(config: &Config, metrics: Arc<Metrics>) -> Bundles {
        let (sources, keys) = (config.bundles.clone(), config.keys.clone());
        sources.iter().for_each(|source| metrics.bundle_channel(&source.channel));
        Bundles { sources, keys, metrics, watched: Mutex::default() }
    }

    /// These, without a configuration.
    #[cfg(test)]
    pub(super) fn new(sources: Vec<BundleSource>, keys: Keyring, metrics: Arc<Metrics>) -> Bundles {
        Bundles { sources, keys, metrics, watched: Mutex::default() }
    }

    /// The bundles for the start; where the file is refused, the copy of what was in force.
    ///
    /// # Errors
    /// What is wrong, if a channel has neither.
    pub(super) fn at_start(&self) -> Result<Vec<Candidate>, String> {
        let mut candidates = Vec::with_capacity(self.sources.len());
        for source in &self.sources {
            match examine_at_start(source, &self.keys, Timestamp::now()) {
                Ok(candidate) => candidates.push(candidate),
                Err(refused) => {
                    self.tell(source, &refused.error);
                    let Refused { error, copy } = *refused;
                    let copy = copy.map_err(|no_copy| {
                        format!("{}: {error} (and there is no copy to start with: it {no_copy})", source.path.display())
                    })?;
                    events::bundle_copy_in_force(&source.channel, copy.manifest().version);
                    candidates.push(copy);
                }
            }
        }
        Ok(candidates)
    }

    /// The bundles for a reload.
    ///
    /// # Errors
    /// All that are refused.
    pub(super) fn again(&self) -> Result<Vec<Candidate>, Kept> {
        self.watched().refused.clear();
        let (mut candidates, mut refused) = (Vec::with_capacity(self.sources.len()), Vec::new());
        for source in &self.sources {
            match examine(source, &self.keys, Timestamp::now()) {
                Ok(candidate) => candidates.push(candidate),
                Err(error) => {
                    self.tell(source, &error);
                    refused.push((source, error));
                }
            }
        }
        if refused.is_empty() { Ok(candidates) } else { Err(kept(&refused)) }
    }

    /// Notes what comes into force, before it does.
    ///
    /// # Errors
    /// What could not be noted, and must therefore not come into force.
    pub(super) fn note(&self, candidates: &mut [Candidate]) -> Result<(), Kept> {
        let mut refused = Vec::new();
        for (source, candidate) in self.sources.iter().zip(candidates) {
            if let Err(error) = candidate.note() {
                self.tell(source, &error);
                refused.push((source, error));
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(kept(&refused)) }
    }

    /// Tells what is in force now.
    pub(super) fn in_force(&self, candidates: &[Candidate]) {
        let mut watched = self.watched();
        let before = std::mem::take(&mut watched.in_force);
        for candidate in candidates {
            let manifest = candidate.manifest();
            let state = BundleState {
                channel: manifest.channel.clone(),
                version: manifest.version,
                key: candidate.key().to_owned(),
                is_key_retired: candidate.is_key_retired(),
                created: manifest.created,
                expires: manifest.expires,
                is_copy: candidate.is_copy,
            };
            if !before.iter().any(|old| (&old.channel, old.version) == (&state.channel, state.version)) {
                events::bundle_in_force(&state.channel, state.version, &state.expires.to_string(), &state.key);
                // What is to be told of it is told at once.
                watched.reminded = None;
            }
            self.metrics.bundle_in_force(state.clone());
            watched.in_force.push(state);
        }
    }

    /// Says once a day which bundles should be replaced: they expire soon, or have, or nothing can follow from their key.
    pub(super) fn remind(&self) {
        let mut watched = self.watched();
        if watched.reminded.is_some_and(|at| at.elapsed() < REMINDER) {
            return;
        }
        let now = Timestamp::now();
        let mut spoken = false;
        for bundle in &watched.in_force {
            let (channel, version) = (&bundle.channel, bundle.version);
            if bundle.expires_soon(now) {
                events::bundle_expires(channel, version, &bundle.expires.to_string(), bundle.expires <= now);
            }
            if bundle.is_key_retired {
                events::bundle_key_retired(channel, version, &bundle.key);
            }
            spoken |= bundle.expires_soon(now) || bundle.is_key_retired;
        }
        if spoken {
            watched.reminded = Some(Instant::now());
        }
    }

    /// What `/status` says.
    pub(super) fn status(&self) -> Vec<BundleStatus> {
        let watched = self.watched();
        let status = |bundle: &BundleState| BundleStatus {
            channel: bundle.channel.clone(),
            version: bundle.version,
            expires: bundle.expires.to_string(),
            key: bundle.key.clone(),
            key_retired: bundle.is_key_retired,
            from_copy: bundle.is_copy,
            refused: watched.refused.get(&bundle.channel).cloned(),
        };
        watched.in_force.iter().map(status).collect()
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, source: &BundleSource, error: &BundleError) {
        self.metrics.bundle_refused(&source.channel, error.cause());
        events::bundle_refused(&source.channel, &source.path, error.cause(), &error.to_string());
        self.watched().refused.insert(source.channel.clone(), error.to_string());
    }
}

fn kept(refused: &[(&BundleSource, BundleError)]) -> Kept {
    let list = refused.iter().map(|(source, _)| source.channel.as_str()).collect::<Vec<_>>().join(", ");
    let reasons = refused.iter().map(|(source, error)| format!("{}: {error}", source.path.display()));
    Kept { list, reason: reasons.collect::<Vec<_>>().join("; ") }
}
