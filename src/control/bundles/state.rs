//! What a sensor notes of the bundles it took: one small file a channel with the version, and a copy of the bundle.
//!
//! The note outlives the keys and the bundles, so that a replay of an old bundle is told from a new one after any restart.
//! A note that cannot be read refuses every bundle: to begin at zero would take whatever an attacker kept from last year.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::control::config::BundleSource;
use crate::matching::bundle::{BundleError, Verified, replace};

/// More than any note has.
const MOST: u64 = 1_024;

/// The bundle that was taken last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Taken {
    pub(super) version: u64,
    /// SHA-256 of its manifest.
    pub(super) digest: [u8; 32],
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

    /// What was taken last; nothing yet if there is no note.
    pub(super) fn read(&self) -> Result<Option<Taken>, BundleError> {
        let path = self.note();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
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
            Some(taken) => Ok(Some(taken)),
            None => Err(BundleError::State(format!(
                "{} is damaged, so the version taken last is not known: put it back from a backup; or make sure yourself that \
                 the bundle is the newest, then remove that file",
                path.display()
            ))),
        }
    }

    /// What the note says, if it is exactly one that [`State::text`] gives.
    fn parse(&self, text: &str) -> Option<Taken> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let version = field("version")?.parse().ok()?;
        let mut digest = [0; 32];
        let digits = field("manifest")?.as_bytes();
        for (octet, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        let taken = Taken { version, digest };
        (self.text(taken) == text).then_some(taken)
    }

    fn text(&self, taken: Taken) -> String {
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let text = format!(
            "stakeout: the rule bundle taken last, written by the daemon\nchannel {}\nversion {}\nmanifest {}\n",
            self.channel,
            taken.version,
            hex(&taken.digest)
        );
        let check = hex(&Sha256::digest(text.as_bytes()));
        format!("{text}check {check}\n")
    }

    /// Notes what is taken.
    pub(super) fn write(&self, taken: Taken) -> Result<(), BundleError> {
        let path = self.note();
        let text = self.text(taken);
        replace::<io::Error>(&path, 0o644, |file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(&path, "cannot be written", &error))
    }

    /// Makes the copy.
    pub(super) fn keep(&self, bundle: &mut Verified<File>) -> Result<(), BundleError> {
        let path = self.copy();
        // The same file under two names is no copy: it would be spoilt together with the original.
        let result = replace(&path, 0o644, |file| bundle.copy_to(file));
        result.map_err(|error| match error {
            BundleError::Io(error) => failed(&path, "cannot be written", &error),
            other => other,
        })
    }
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
