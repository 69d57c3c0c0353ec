//! What a sensor notes of the bundles it took: one small file a channel with the versions, and a copy of the last bundle.
//!
//! The note outlives the keys and the bundles, so that a replay of an old bundle is told from a new one after any restart.
//! It has the last version of each key: when a key is revoked, what a thief signed with it stops counting, and what the
//! others signed goes on counting.
//! A note that cannot be read refuses every bundle: to begin at zero would take whatever an attacker kept from last year.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::control::config::BundleSource;
use crate::matching::bundle::{BundleError, Keyring, Verified, replace};

/// More octets than any note has.
const MOST: u64 = 8_192;
/// The most keys in a note; beyond it the one whose bundle was taken longest ago is forgotten.
const MAX_TAKEN: usize = 32;

/// The last bundle that was taken from a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Taken {
    pub(super) version: u64,
    /// SHA-256 of its manifest.
    pub(super) digest: [u8; 32],
    /// Identifier of the key.
    pub(super) key: String,
}

/// The last bundle of each key, the latest last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Notes(Vec<Taken>);

impl Notes {
    /// The highest version that was taken from a key that is not revoked.
    pub(super) fn last(&self, keys: &Keyring) -> Option<&Taken> {
        self.0.iter().filter(|taken| keys.revoked(&taken.key).is_none()).max_by_key(|taken| taken.version)
    }

    /// Adds what is taken now.
    pub(super) fn add(&mut self, taken: Taken) {
        self.0.retain(|old| old.key != taken.key);
        self.0.push(taken);
        if self.0.len() > MAX_TAKEN {
            self.0.remove(0);
        }
    }
}

/// The place of a channel's notes.
#[derive(Clone, Debug)]
pub(super) struct State {
    directory: PathBuf,
    channel: String,
}

impl State {
    pub(super) fn new(source: &BundleSource) -> State {
        State { directory: source.state.clone(), channel: source.channel.clone() }
    }

    fn note(&self) -> PathBuf {
        self.directory.join(format!("{}.state", self.channel))
    }

    /// Where the copy of the bundle is.
    pub(super) fn copy(&self) -> PathBuf {
        self.directory.join(format!("{}.stkbundle", self.channel))
    }

    /// What was taken; nothing yet if there is no note.
    pub(super) fn read(&self) -> Result<Notes, BundleError> {
        let path = self.note();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Notes::default()),
            Err(error) => return Err(failed(&path, "cannot be read", &error)),
        };
        let mut text = String::new();
        let read = file.take(MOST).read_to_string(&mut text);
        if let Err(error) = read
            && error.kind() != io::ErrorKind::InvalidData
        {
            return Err(failed(&path, "cannot be read", &error));
        }
        match self.parse(&text) {
            Some(notes) => Ok(notes),
            None => Err(BundleError::State(format!(
                "{} is damaged, so the version taken last is not known: put it back from a backup; or make sure yourself that \
                 the bundle is the newest, then remove that file",
                path.display()
            ))),
        }
    }

    /// What the note says, if it is exactly one that [`State::text`] gives.
    fn parse(&self, text: &str) -> Option<Notes> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("taken "));
        let notes = Notes(lines.map(taken).collect::<Option<Vec<_>>>()?);
        (self.text(&notes) == text).then_some(notes)
    }

    fn text(&self, notes: &Notes) -> String {
        let mut text =
            format!("stakeout: the rule bundles taken last, written by the daemon\nchannel {}\n", self.channel);
        for Taken { version, digest, key } in &notes.0 {
            text.push_str(&format!("taken {version} {} {key}\n", hex(digest)));
        }
        let check = hex(&Sha256::digest(text.as_bytes()));
        format!("{text}check {check}\n")
    }

    /// Notes what was taken.
    pub(super) fn write(&self, notes: &Notes) -> Result<(), BundleError> {
        let path = self.note();
        let text = self.text(notes);
        replace::<io::Error>(&path, 0o644, |file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(&path, "cannot be written", &error))
    }

    /// Makes the copy.
    pub(super) fn keep(&self, bundle: &mut Verified<File>) -> Result<(), BundleError> {
        let path = self.copy();
        // A link would be no copy: it would be spoilt together with the original. Not for everybody to read, since the rule set
        // holds the seed of its hash.
        let result = replace(&path, 0o640, |file| bundle.copy_to(file));
        result.map_err(|error| match error {
            BundleError::Io(error) => failed(&path, "cannot be written", &error),
            other => other,
        })
    }
}

/// Version, digest and key of a line.
fn taken(line: &str) -> Option<Taken> {
    let mut words = line.split(' ');
    let (version, digits, key) = (words.next()?.parse().ok()?, words.next()?.as_bytes(), words.next()?.to_owned());
    let mut digest = [0; 32];
    for (octet, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(Taken { version, digest, key })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn failed(path: &Path, what: &str, error: &io::Error) -> BundleError {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let help = if fs::metadata(directory).is_ok() {
        "make room there, and let the daemon's user read and write it".to_owned()
    } else {
        format!("create it: install -d -o stakeout {}", directory.display())
    };
    BundleError::State(format!("{} {what} ({error}): {help}", path.display()))
}
