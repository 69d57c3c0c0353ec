//! Bundles for tests: keys, and bundles of invented lists made with them.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ct_codecs::{Base64, Decoder, Encoder};
use jiff::{SignedDuration, Timestamp};
use minisign::KeyPair;

use super::{Contents, Manifest, SIGNATURE_COMMENT, Scope, TrustedKey, write};
use crate::matching::{ListSource, load_set, save};
use crate::model::{Action, Provenance};

/// A pair of keys.
pub(crate) struct Key(KeyPair);

impl Key {
    pub(crate) fn new() -> Key {
        Key(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    pub(crate) fn base64(&self) -> String {
        self.0.pk.to_base64()
    }

    pub(crate) fn trusted(&self, name: &str, scope: Scope) -> TrustedKey {
        TrustedKey::new(name, &self.base64(), scope).unwrap()
    }

    pub(crate) fn sign(&self, octets: &[u8]) -> String {
        let comment = SIGNATURE_COMMENT.trim_start_matches("untrusted comment: ");
        let signed = minisign::sign(None, &self.0.sk, Cursor::new(octets), Some("a test"), Some(comment)).unwrap();
        format!("{}\n", signed.into_string().trim_end())
    }

    /// A signature that says that it is of `other`, as a forger would write it.
    pub(crate) fn forge(&self, other: &Key, octets: &[u8]) -> String {
        let signature = self.sign(octets);
        let line = signature.lines().nth(1).unwrap();
        let mut raw = Base64::decode_to_vec(line, None).unwrap();
        raw[2..10].copy_from_slice(&Base64::decode_to_vec(other.base64(), None).unwrap()[2..10]);
        signature.replace(line, &Base64::encode_to_string(&raw).unwrap())
    }
}

/// What a bundle is to be.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) channel: &'static str,
    pub(crate) version: u64,
    /// Names of the lists.
    pub(crate) names: [&'static str; 2],
    /// Where they hold.
    pub(crate) places: [&'static str; 2],
    /// Block and allow list.
    pub(crate) lists: [&'static str; 2],
    /// From now, in hours.
    pub(crate) expires: i64,
}

impl Default for Sample {
    fn default() -> Self {
        let lists = ["casino.example\nbets.example\n", "help.casino.example\n"];
        let names = ["pl-block", "pl-allow"];
        Sample { channel: "national", version: 7, names, places: ["PL", "PL"], lists, expires: 24 }
    }
}

impl Sample {
    /// The prebuilt rule set and its manifest.
    pub(crate) fn parts(&self, dir: &Path) -> (Contents, Manifest) {
        let list = |n: usize, action| {
            let (name, text) = (self.names[n], self.lists[n]);
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            let place = self.places[n].parse();
            let provenance = Provenance::new("The Ministry", "Gambling Act, article 15f", "order 7", place).unwrap();
            ListSource { provenance: Some(Arc::new(provenance)), ..ListSource::of_file(path, action) }
        };
        let sources = [list(0, Action::Block), list(1, Action::Allow)];
        let path = dir.join("sample.stkset");
        save(&load_set(&sources).unwrap().0, &path).unwrap();
        let contents = Contents::open(&path).unwrap();
        let expires = Timestamp::now() + SignedDuration::from_hours(self.expires);
        let times = (expires - SignedDuration::from_hours(1_000), expires);
        let lists = contents.lists.clone();
        let manifest =
            Manifest::new(self.channel.into(), self.version, times, lists, contents.payload.clone()).unwrap();
        (contents, manifest)
    }

    /// Writes it, signed by `key`.
    pub(crate) fn write(&self, dir: &Path, name: &str, key: &Key) -> PathBuf {
        let (mut contents, manifest) = self.parts(dir);
        let path = dir.join(name);
        write(&path, &manifest, &key.sign(&manifest.to_octets()), &mut contents).unwrap();
        path
    }
}
