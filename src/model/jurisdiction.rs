//! Where a rule holds: a country, or a part of one that has gambling laws of its own.
//!
//! Codes are those of ISO 3166-1 alpha-2 (`CH`) and ISO 3166-2 (`US-NJ`). Which countries exist is known here, so that a
//! slip of the finger is told and not taken for a place where nothing is forbidden; which parts a country has is not.

use std::fmt;
use std::str::FromStr;

/// ISO 3166-1 alpha-2, every code that is assigned, and `XK`, which is in use for Kosovo.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ \
    FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT \
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP \
    MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE \
    RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

/// A country (ISO 3166-1 alpha-2) or a part of one (ISO 3166-2), in upper case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Jurisdiction {
    /// Padded with zeros.
    text: [u8; Jurisdiction::MAX],
}

/// Why a text is no [`Jurisdiction`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JurisdictionError {
    /// Not of the form of either code.
    #[error(
        "is not a code of ISO 3166: two letters for a country (CH), or with a dash and 1 to 3 letters or digits for a part of one (US-NJ)"
    )]
    Form,
    /// Of the form, but no country has it.
    #[error("is no country of ISO 3166-1")]
    Unknown,
    /// The code that people mistake for that of the United Kingdom.
    #[error("is no country of ISO 3166-1: the United Kingdom is GB")]
    Uk,
    /// The European Union has no code there, and no gambling law.
    #[error("is no country of ISO 3166-1: name the member states for which the list holds")]
    Eu,
}

impl Jurisdiction {
    /// Octets of the longest code.
    pub const MAX: usize = 6;

    /// The code.
    pub fn as_str(&self) -> &str {
        let len = self.text.iter().position(|octet| *octet == 0).unwrap_or(self.text.len());
        // ASCII by construction.
        self.text.get(..len).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    /// Whether what is ordered for `self` holds in `place`: there itself, or in a part of it. What a part of a country
    /// orders says nothing about the whole.
    pub fn holds_in(self, place: Jurisdiction) -> bool {
        self == place || (!self.is_part() && self.text.first_chunk::<2>() == place.text.first_chunk::<2>())
    }

    /// Whether it is a part of a country.
    pub fn is_part(self) -> bool {
        self.text.get(2) == Some(&b'-')
    }
}

impl FromStr for Jurisdiction {
    type Err = JurisdictionError;

    /// In any case; white space around it does not count.
    fn from_str(text: &str) -> Result<Self, JurisdictionError> {
        let upper = text.trim().to_ascii_uppercase();
        let (country, part) = match upper.split_once('-') {
            Some((country, part)) => (country, Some(part)),
            None => (upper.as_str(), None),
        };
        let is_part = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) || !part.is_none_or(is_part) {
            return Err(JurisdictionError::Form);
        }
        if !COUNTRIES.split_ascii_whitespace().any(|known| known == country) {
            return Err(match country {
                "UK" => JurisdictionError::Uk,
                "EU" => JurisdictionError::Eu,
                _ => JurisdictionError::Unknown,
            });
        }
        let mut code = [0; Self::MAX];
        for (octet, from) in code.iter_mut().zip(upper.bytes()) {
            *octet = from;
        }
        Ok(Jurisdiction { text: code })
    }
}

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Jurisdiction {
        text.parse().unwrap()
    }

    #[test]
    fn codes_come_back_in_upper_case() {
        for (text, code) in [
            ("ch", "CH"),
            (" US-nj ", "US-NJ"),
            ("GB", "GB"),
            ("CA-ON", "CA-ON"),
            ("ES-M", "ES-M"),
            ("AU-NSW", "AU-NSW"),
        ] {
            assert_eq!(at(text).as_str(), code);
            assert_eq!(at(text).to_string(), code);
        }
    }

    #[test]
    fn what_is_no_code_is_told_as_what_it_is() {
        for text in ["", "C", "CHE", "C1", "US-", "US-NJXX", "US-N J", "US-N-J", "756", "Schweiz", "ÖS"] {
            assert_eq!(text.parse::<Jurisdiction>(), Err(JurisdictionError::Form), "{text}");
        }
        assert_eq!("ZZ".parse::<Jurisdiction>(), Err(JurisdictionError::Unknown));
        assert_eq!("uk".parse::<Jurisdiction>(), Err(JurisdictionError::Uk));
        assert_eq!("EU".parse::<Jurisdiction>(), Err(JurisdictionError::Eu));
    }

    #[test]
    fn a_country_stands_for_its_parts_and_not_the_other_way_round() {
        assert!(at("US").holds_in(at("US-NJ")));
        assert!(at("US-NJ").holds_in(at("US-NJ")));
        assert!(!at("US-NJ").holds_in(at("US")));
        assert!(!at("US-NJ").holds_in(at("US-NY")));
        assert!(!at("US").holds_in(at("CH")));
    }

    #[test]
    fn all_assigned_countries_are_known_once() {
        let mut all: Vec<&str> = COUNTRIES.split_ascii_whitespace().collect();
        assert_eq!(all.len(), 250);
        assert!(all.is_sorted());
        all.dedup();
        assert_eq!(all.len(), 250);
    }
}
