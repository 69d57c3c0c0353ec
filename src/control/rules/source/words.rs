//! The words of a definition: how files are written, how a file states its own count.

use std::fmt;
use std::str::FromStr;

use crate::matching::Format;

/// How the files of a list are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SourceFormat {
    name: &'static str,
    format: Option<Format>,
}

impl SourceFormat {
    /// Every format by name, and how it is read; none for what this version does not read.
    const ALL: [(&'static str, Option<Format>); 17] = [
        ("auto", Some(Format::Auto)),
        ("plain", Some(Format::Plain)),
        ("hosts", Some(Format::Hosts)),
        ("adblock", Some(Format::AdBlock)),
        ("ublacklist", Some(Format::UBlacklist)),
        ("dnsmasq", Some(Format::Dnsmasq)),
        ("unbound", Some(Format::Unbound)),
        ("rpz", Some(Format::Rpz)),
        ("polish-register", Some(Format::PolishRegister)),
        ("gespa", None),
        ("csv", None),
        ("tsv", None),
        ("xlsx", None),
        ("json", None),
        ("stix", None),
        ("misp", None),
        ("unreadable", None),
    ];

    /// What people type names into.
    pub const PLAIN: SourceFormat = SourceFormat { name: "plain", format: Some(Format::Plain) };

    /// The words, for the reader of definitions.
    pub(super) fn choices() -> Vec<(&'static str, SourceFormat)> {
        SourceFormat::ALL.iter().map(|(name, format)| (*name, SourceFormat { name, format: *format })).collect()
    }

    /// The word.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// How it is read; `None` if this version cannot: a PDF, a letter.
    pub fn reader(self) -> Option<Format> {
        self.format
    }
}

/// How a file says how many entries it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StatedCount {
    /// `comment:WORD`: a comment line has WORD, a colon or an equals sign, and the number.
    Comment(String),
    /// `attribute:NAME`: an attribute of the first XML element that has it.
    Attribute(String),
    /// `greatest:NAME`: entries are numbered from 1 in this XML attribute.
    Greatest(String),
}

impl FromStr for StatedCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "one of \"comment:WORD\", \"attribute:NAME\" and \"greatest:NAME\"".to_owned();
        let (kind, word) = text.split_once(':').ok_or_else(shape)?;
        let word = word.trim();
        if word.is_empty() || word.len() > 64 || word.contains(char::is_control) {
            return Err("after the colon stands a word of 1 to 64 octets".into());
        }
        match kind {
            "comment" => Ok(StatedCount::Comment(word.into())),
            "attribute" => Ok(StatedCount::Attribute(word.into())),
            "greatest" => Ok(StatedCount::Greatest(word.into())),
            _ => Err(shape()),
        }
    }
}

impl fmt::Display for StatedCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StatedCount::Comment(word) => write!(f, "comment:{word}"),
            StatedCount::Attribute(word) => write!(f, "attribute:{word}"),
            StatedCount::Greatest(word) => write!(f, "greatest:{word}"),
        }
    }
}
