//! Source definitions: what a list is, who answers for it, where it comes from, and how far it is trusted.
//!
//! A definition is TOML ([`read`]). Its canonical form ([`Source::canonical`]) is what people sign and what the store
//! keeps, so that two spellings of one definition are the same one. The program ships a catalogue of the public
//! registers ([`catalogue`]), of which nothing is in use until two people have signed for it.

mod canonical;
mod catalogue;
mod percent;
mod read;
#[cfg(test)]
mod tests;
mod transfer;
mod words;

use std::path::PathBuf;

use crate::control::units::{ByteSize, Span};
use crate::model::{Action, Jurisdiction, Provenance, is_label};

pub use catalogue::{CATALOGUE, catalogue};
pub use percent::Percent;
pub use read::read;
pub use transfer::Transfer;
pub use words::{SourceFormat, StatedCount};

/// What is known of a list before its first entry is read.
#[derive(Clone, PartialEq, Debug)]
pub struct Source {
    /// Name of the list: 1 to 64 of `a-z 0-9 . _ -`. Required.
    pub id: String,
    /// What the authority calls it. Required.
    pub title: String,
    /// Who orders it. Required.
    pub authority: String,
    /// Where it holds: ISO 3166-1 alpha-2 (`CH`) or 3166-2 (`US-NJ`), 1 to 64 of them. Required.
    pub jurisdictions: Vec<Jurisdiction>,
    /// What its entries say. Required.
    pub action: Action,
    /// The law. A list without it is in no build.
    pub legal_basis: String,
    /// The register as a whole: its official name, case or gazette. A list without it is in no build.
    pub reference: String,
    /// Time by which an entry must have effect, 1 hour to 365 days.
    pub deadline: Option<Span>,
    /// How its files are written. Required.
    pub format: SourceFormat,
    /// Headings of the columns of CSV, TSV and XLSX.
    pub columns: FieldMap,
    /// JSON pointers (RFC 6901) of JSON.
    pub pointers: FieldMap,
    /// Where it comes from: `url`, `file`, `directory` or `push = true`; none of them if people type it in.
    pub place: Place,
    /// How it is got from there.
    pub transfer: Transfer,
    /// How often to look, 1 minute to 365 days.
    pub schedule: Option<Span>,
    /// Longest wait for one download, 1 s to 1 h. Default 180 s.
    pub timeout: Span,
    /// Largest file, 1 B to 1 GiB. Default 64 MiB.
    pub max_bytes: ByteSize,
    /// Tells the time of the last change without the list.
    pub modification_url: Option<String>,
    /// Whether what comes from the place may be taken without people, the guards permitting. Default false.
    pub verified: bool,
    /// Fewest rules that a file may have. Default 1.
    pub min_count: u64,
    /// Most that may come in with one file, in parts of what is in force. Default 5 %.
    pub max_growth: Percent,
    /// Most that may go out with one file, in parts of what is in force. Default 5 %.
    pub max_shrink: Percent,
    /// How the file says how many entries it has.
    pub stated_count: Option<StatedCount>,
    /// `column=value` that marks the gambling entries of a mixed register.
    pub only: Option<(String, String)>,
    /// For people.
    pub notes: String,
}

/// Where a list comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Fetched over HTTPS.
    Url(String),
    /// A file of this machine.
    File(PathBuf),
    /// The newest file of a directory of this machine.
    Directory(PathBuf),
    /// Sent by the authority.
    Push,
    /// Typed in by people.
    Typed,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Url(url) => f.write_str(url),
            Place::File(path) | Place::Directory(path) => path.display().fmt(f),
            Place::Push => f.write_str("pushed by the authority"),
            Place::Typed => f.write_str("typed in by people"),
        }
    }
}

/// Where the parts of an entry stand: headings of columns, or JSON pointers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FieldMap {
    /// The name that is listed.
    pub name: Option<String>,
    /// Order, case or entry number.
    pub reference: Option<String>,
    /// When it was listed.
    pub listed: Option<String>,
    /// From when on it holds.
    pub valid_from: Option<String>,
    /// When it was taken out.
    pub removed: Option<String>,
    /// Until when it holds.
    pub expires: Option<String>,
    /// For people.
    pub note: Option<String>,
}

impl FieldMap {
    /// The fields by name, in the order in which they are written.
    pub(super) fn fields(&self) -> [(&'static str, &Option<String>); 7] {
        [
            ("name", &self.name),
            ("reference", &self.reference),
            ("listed", &self.listed),
            ("valid_from", &self.valid_from),
            ("removed", &self.removed),
            ("expires", &self.expires),
            ("note", &self.note),
        ]
    }
}

impl Source {
    /// What a list must have before it is in a build, and this one has not.
    pub fn missing(&self) -> Vec<&'static str> {
        let texts = [
            ("authority", self.authority.is_empty()),
            ("jurisdictions", self.jurisdictions.is_empty()),
            ("legal_basis", self.legal_basis.is_empty()),
            ("reference", self.reference.is_empty()),
        ];
        texts.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect()
    }

    /// Whether it holds in a place.
    pub fn holds_in(&self, place: Jurisdiction) -> bool {
        self.jurisdictions.iter().any(|own| own.holds_in(place))
    }

    /// On whose order its entries stand; `None` if that is not complete.
    pub fn provenance(&self) -> Option<Provenance> {
        let places = self.jurisdictions.iter().copied();
        let made = Provenance::new(&self.authority, &self.legal_basis, &self.reference, places).ok()?;
        Some(made.with_deadline(self.deadline.map(Span::duration)))
    }

    /// Its jurisdictions as text.
    pub fn places(&self) -> String {
        self.jurisdictions.iter().map(Jurisdiction::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Whether a text can be the name of a list.
pub fn is_list_name(text: &str) -> bool {
    is_label(text) && !text.starts_with('.')
}
