//! On whose order a rule stands: what a list has in common for all its entries, said once.
//!
//! A finding accuses a site on somebody's behalf, so a rule set that a daemon takes has this for every list, complete:
//! who ordered it, by which law, under which reference, and where that holds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Jurisdiction, JurisdictionError};

/// What is known of a list's origin. Read and written as its texts; what is not complete is not read.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Provenance {
    /// Who ordered it, or who granted the licences.
    authority: String,
    /// The law, with its article.
    legal_basis: String,
    /// Number of the order or case, or the name and date of the register.
    reference: String,
    /// Where it holds; sorted, at least one.
    jurisdictions: Box<[Jurisdiction]>,
    /// Hours that a provider has from an entry's listing until it must be in effect, if the law sets a time.
    deadline_hours: Option<u32>,
}

/// [`Provenance`] in files.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    authority: String,
    legal_basis: String,
    reference: String,
    jurisdictions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline_hours: Option<u32>,
}

impl TryFrom<Written> for Provenance {
    type Error = String;

    fn try_from(written: Written) -> Result<Provenance, String> {
        let place = |code: &String| code.parse().map_err(|why: JurisdictionError| format!("{code:?} {why}"));
        let places: Vec<Jurisdiction> = written.jurisdictions.iter().map(place).collect::<Result<_, _>>()?;
        let Written { authority, legal_basis, reference, deadline_hours, .. } = written;
        let made = Provenance::new(&authority, &legal_basis, &reference, places).map_err(|why| why.to_string())?;
        Ok(Provenance { deadline_hours, ..made })
    }
}

impl From<Provenance> for Written {
    fn from(made: Provenance) -> Written {
        let Provenance { authority, legal_basis, reference, jurisdictions, deadline_hours } = made;
        let jurisdictions = jurisdictions.iter().map(ToString::to_string).collect();
        Written { authority, legal_basis, reference, jurisdictions, deadline_hours }
    }
}

/// Why a list's origin is not complete, or cannot be what it says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// A text that is missing, too long, or on several lines.
    #[error("`{field}` must be 1 to {max} octets of text on one line", max = Provenance::MAX_TEXT)]
    Text {
        /// Which.
        field: &'static str,
    },
    /// None, or more than [`Provenance::MAX_JURISDICTIONS`].
    #[error("there must be 1 to {max} jurisdictions", max = Provenance::MAX_JURISDICTIONS)]
    Jurisdictions,
}

impl Provenance {
    /// Octets of each text.
    pub const MAX_TEXT: usize = 512;
    /// Jurisdictions of one list.
    pub const MAX_JURISDICTIONS: usize = 64;

    /// Checks that all is there.
    ///
    /// # Errors
    /// [`ProvenanceError`], for the first field that is not.
    pub fn new(
        authority: &str,
        legal_basis: &str,
        reference: &str,
        jurisdictions: impl IntoIterator<Item = Jurisdiction>,
    ) -> Result<Provenance, ProvenanceError> {
        let text = |field, text: &str| {
            let text = text.trim();
            let fits = (1..=Self::MAX_TEXT).contains(&text.len()) && !text.contains(deceives);
            fits.then(|| text.to_owned()).ok_or(ProvenanceError::Text { field })
        };
        let mut places: Vec<Jurisdiction> = jurisdictions.into_iter().take(Self::MAX_JURISDICTIONS + 1).collect();
        if !(1..=Self::MAX_JURISDICTIONS).contains(&places.len()) {
            return Err(ProvenanceError::Jurisdictions);
        }
        places.sort_unstable();
        places.dedup();
        Ok(Provenance {
            authority: text("authority", authority)?,
            legal_basis: text("legal_basis", legal_basis)?,
            reference: text("reference", reference)?,
            jurisdictions: places.into(),
            deadline_hours: None,
        })
    }

    /// The same with a time to effect, in whole hours: what is left over is not given to the provider.
    #[must_use]
    pub fn with_deadline(self, deadline: Option<Duration>) -> Provenance {
        let hours = |deadline: Duration| u32::try_from(deadline.as_secs() / 3_600).unwrap_or(u32::MAX);
        Provenance { deadline_hours: deadline.map(hours), ..self }
    }

    /// Who ordered it, or who granted the licences.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The law, with its article.
    pub fn legal_basis(&self) -> &str {
        &self.legal_basis
    }

    /// Number of the order or case, or the name and date of the register.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Where it holds; sorted, at least one.
    pub fn jurisdictions(&self) -> &[Jurisdiction] {
        &self.jurisdictions
    }

    /// Hours from an entry's listing until it must be in effect, if the law sets a time.
    pub fn deadline_hours(&self) -> Option<u32> {
        self.deadline_hours
    }

    /// Whether it holds in `place`.
    pub fn holds_in(&self, place: Jurisdiction) -> bool {
        self.jurisdictions.iter().any(|own| own.holds_in(place))
    }
}

/// Whether a text is fit for a name of ours, which labels metrics and is part of file names: 1 to 64 of `a-z 0-9 . _ -`.
pub fn is_label(text: &str) -> bool {
    let fits = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"._-".contains(&octet);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether a character of a text that people decide by could show them something else than is there: control characters,
/// and those that turn the direction of writing.
pub fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `Gespa, SR 935.51 art. 86, list of 2026-11-24 (CH)`.
impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {} (", self.authority, self.legal_basis, self.reference)?;
        for (i, place) in self.jurisdictions.iter().enumerate() {
            write!(f, "{}{place}", if i > 0 { " " } else { "" })?;
        }
        f.write_str(")")
    }
}

/// A list by its name, with its origin if that is known.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ListOrigin {
    /// The operator's name for it, or the file's name.
    pub name: Arc<str>,
    /// On whose order its entries stand; none for bare files, which only `scan` and `rules test` take.
    pub provenance: Option<Arc<Provenance>>,
}

impl ListOrigin {
    /// Of a file of which nothing else is known.
    pub fn bare(name: impl Into<Arc<str>>) -> ListOrigin {
        ListOrigin { name: name.into(), provenance: None }
    }

    /// Whether the list holds in `place`; one of unknown origin holds wherever it is used.
    pub fn holds_in(&self, place: Jurisdiction) -> bool {
        self.provenance.as_ref().is_none_or(|provenance| provenance.holds_in(place))
    }
}

impl fmt::Display for ListOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(codes: &[&str]) -> Vec<Jurisdiction> {
        codes.iter().map(|code| code.parse().unwrap()).collect()
    }

    #[test]
    fn all_of_it_must_be_there() {
        let good = Provenance::new(" Gespa ", "SR 935.51 art. 86", "list", places(&["LI", "CH", "CH"])).unwrap();
        assert_eq!(good.to_string(), "Gespa, SR 935.51 art. 86, list (CH LI)");
        assert!(good.holds_in("CH".parse().unwrap()) && !good.holds_in("GB".parse().unwrap()));
        let field = |a: &str, b: &str, c: &str| Provenance::new(a, b, c, places(&["CH"])).unwrap_err();
        assert_eq!(field(" ", "b", "c"), ProvenanceError::Text { field: "authority" });
        assert_eq!(field("a", "b", "\u{202e}c"), ProvenanceError::Text { field: "reference" });
        assert_eq!(field("a", "b\nb", "c"), ProvenanceError::Text { field: "legal_basis" });
        assert_eq!(field("a", "b", &"c".repeat(513)), ProvenanceError::Text { field: "reference" });
        assert_eq!(Provenance::new("a", "b", "c", []).unwrap_err(), ProvenanceError::Jurisdictions);
    }

    #[test]
    fn a_bare_list_holds_everywhere() {
        assert!(ListOrigin::bare("x").holds_in("CH".parse().unwrap()));
    }
}
