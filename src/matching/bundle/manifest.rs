//! The manifest of a bundle: what was signed. Read strictly, since whatever it says is shown to people and decided upon.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::MAX_MANIFEST;
use super::error::BundleError;
use super::read::hex;
use crate::matching::lookup::prebuilt::MAX_PREBUILT_BYTES;
use crate::matching::{Kind, ListFacts, ListMeta};
use crate::model::{Jurisdiction, deceives, is_label};

/// The most lists in a bundle.
pub const MAX_LISTS: usize = 256;

/// What a manifest says that it is: a signature over something else can then never pass for one over a manifest.
const KIND: &str = "stakeout rule bundle";
/// Version of the manifest.
const FORMAT: u32 = 1;
/// The longest text in it, in octets.
const MAX_TEXT: usize = 512;
/// The most jurisdictions of a list.
const MAX_JURISDICTIONS: usize = 64;

/// What a bundle is.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    kind: String,
    format: u32,
    /// Which series of bundles it belongs to: 1 to 64 of `a-z 0-9 . _ -`.
    pub channel: String,
    /// Its place in the channel, from 1; only ever goes up.
    pub version: u64,
    /// When it was signed.
    #[serde(with = "instant")]
    pub created: Timestamp,
    /// From when on it is no longer taken.
    #[serde(with = "instant")]
    pub expires: Timestamp,
    /// Those of all lists, sorted.
    pub jurisdictions: Vec<String>,
    /// The lists, in the order of the payload.
    pub lists: Vec<ListEntry>,
    /// The rule set behind the signature.
    pub payload: Payload,
}

/// A list of a bundle.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct ListEntry {
    /// Its name in findings.
    pub name: String,
    /// What its rules say: `block` or `allow`.
    pub action: String,
    /// How many rules it has.
    pub rules: u64,
    /// How many of these let something be that the list blocks: a key that may not allow may not sign them either.
    pub exceptions: u64,
    /// Who ordered it.
    pub authority: String,
    /// Where it holds: ISO 3166-1 alpha-2 or 3166-2.
    pub jurisdictions: Vec<String>,
    /// The law.
    pub legal_basis: String,
    /// Order or case number.
    pub reference: String,
    /// SHA-256 of the file that it was built from, in hexadecimal.
    pub source_sha256: String,
}

/// The rule set in a bundle.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// In octets.
    pub length: u64,
    /// In hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// A manifest of these lists; `created` and `expires` lose their fractions of seconds.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(
        channel: String,
        version: u64,
        (created, expires): (Timestamp, Timestamp),
        lists: Vec<ListEntry>,
        payload: Payload,
    ) -> Result<Manifest, BundleError> {
        let manifest = Manifest {
            kind: KIND.into(),
            format: FORMAT,
            channel,
            version,
            created: whole_seconds(created),
            expires: whole_seconds(expires),
            jurisdictions: union(&lists),
            lists,
            payload,
        };
        manifest.check().map_err(BundleError::Manifest)?;
        if manifest.to_octets().len() > MAX_MANIFEST as usize {
            return Err(BundleError::Manifest(format!("it is longer than {MAX_MANIFEST} octets")));
        }
        Ok(manifest)
    }

    /// Reads and checks what [`Manifest::to_octets`] wrote.
    pub(super) fn read(octets: &[u8]) -> Result<Manifest, BundleError> {
        let manifest: Manifest =
            serde_json::from_slice(octets).map_err(|error| BundleError::Manifest(error.to_string()))?;
        manifest.check().map_err(BundleError::Manifest)?;
        Ok(manifest)
    }

    /// As JSON on several lines, for people and for the signature.
    pub fn to_octets(&self) -> Vec<u8> {
        // Numbers and texts only: there is nothing that could fail.
        let mut octets = serde_json::to_vec_pretty(self).unwrap_or_default();
        octets.push(b'\n');
        octets
    }

    /// Rules of all lists.
    pub fn rules(&self) -> u64 {
        self.lists.iter().fold(0, |sum, list| sum.saturating_add(list.rules))
    }

    fn check(&self) -> Result<(), String> {
        if self.kind != KIND {
            return Err(format!("it says that it is no {KIND}"));
        }
        if self.format != FORMAT {
            return Err(format!("it has format {}, and this version of stakeout reads format {FORMAT}", self.format));
        }
        if !is_channel(&self.channel) {
            return Err("its channel is not 1 to 64 of a-z 0-9 . _ -".into());
        }
        if self.version == 0 {
            return Err("versions begin with 1".into());
        }
        if self.expires <= self.created {
            return Err("it expires before it was made".into());
        }
        if !(1..=MAX_LISTS).contains(&self.lists.len()) {
            return Err(format!("it has {} lists, and 1 to {MAX_LISTS} are read", self.lists.len()));
        }
        let mut names = BTreeSet::new();
        for (place, list) in self.lists.iter().enumerate() {
            let wrong = |what: &str| format!("list {} of {}: {what}", place + 1, self.lists.len());
            list.check().map_err(|what| wrong(&what))?;
            if !names.insert(&list.name) {
                return Err(wrong("another list has its name"));
            }
        }
        if self.jurisdictions != union(&self.lists) {
            return Err("its jurisdictions are not those of its lists".into());
        }
        if self.payload.length > MAX_PREBUILT_BYTES || !is_sha256(&self.payload.sha256) {
            return Err("its payload has no possible length or SHA-256".into());
        }
        Ok(())
    }
}

impl ListEntry {
    /// What is to be said of a list of a rule set.
    ///
    /// # Errors
    /// [`BundleError::NoProvenance`].
    pub(super) fn of(meta: &ListMeta, facts: &ListFacts) -> Result<ListEntry, BundleError> {
        let Some(provenance) = meta.origin.provenance.as_deref() else {
            return Err(BundleError::NoProvenance { list: meta.name().to_string() });
        };
        let exceptions = [Kind::Allow, Kind::AllowExact, Kind::AllowBelow];
        Ok(ListEntry {
            name: meta.name().to_string(),
            action: meta.action.name().into(),
            rules: facts.counts.rules,
            exceptions: exceptions.map(|kind| facts.counts.kinds.of(kind)).iter().sum(),
            authority: provenance.authority().into(),
            jurisdictions: provenance.jurisdictions().iter().map(ToString::to_string).collect(),
            legal_basis: provenance.legal_basis().into(),
            reference: provenance.reference().into(),
            source_sha256: hex(&facts.sha256),
        })
    }

    fn check(&self) -> Result<(), String> {
        let texts = [
            ("name", &self.name),
            ("authority", &self.authority),
            ("legal_basis", &self.legal_basis),
            ("reference", &self.reference),
        ];
        for (field, text) in texts {
            if text.trim().is_empty() || text.len() > MAX_TEXT || text.contains(deceives) {
                return Err(format!("`{field}` must be 1 to {MAX_TEXT} octets of text on one line"));
            }
        }
        if !(1..=16).contains(&self.action.len()) || !self.action.bytes().all(|octet| octet.is_ascii_lowercase()) {
            return Err("`action` is no word".into());
        }
        if !(1..=MAX_JURISDICTIONS).contains(&self.jurisdictions.len()) {
            return Err(format!("`jurisdictions` must have 1 to {MAX_JURISDICTIONS}"));
        }
        if let Some(place) = self.jurisdictions.iter().find(|place| place.parse::<Jurisdiction>().is_err()) {
            return Err(format!("{place:?} is no jurisdiction, which is written as CH or US-NJ (ISO 3166)"));
        }
        if !is_sha256(&self.source_sha256) {
            return Err("`source_sha256` is not 64 digits of 0-9 a-f".into());
        }
        Ok(())
    }
}

/// Whether a text can be the name of a channel: it is part of file names and of metrics.
pub fn is_channel(text: &str) -> bool {
    // A dot in front would be a hidden file, or a way out of the directory.
    is_label(text) && !text.starts_with('.')
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|octet| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet))
}

fn union(lists: &[ListEntry]) -> Vec<String> {
    let places: BTreeSet<&String> = lists.iter().flat_map(|list| &list.jurisdictions).collect();
    places.into_iter().cloned().collect()
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// Times as `2026-11-24T18:00:00Z`.
mod instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&time.strftime("%FT%TZ").to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom("a time is written as 2026-11-24T18:00:00Z"))
    }
}
