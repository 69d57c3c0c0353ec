//! Where a file comes from, and whether that is where its list's definition says.

use std::fmt;
use std::path::PathBuf;

use crate::control::rules::source::{Place, Source};
use crate::model::deceives;

/// The longest name of an origin, in characters.
const MAX_ORIGIN: usize = 1_000;

/// Where a file comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Fetched from this address: the one that the definition has, also where the file was found by way of it.
    Url(String),
    /// Read from this file of the machine, by the program itself.
    File(PathBuf),
    /// Sent by the authority, which proved who it is as said here.
    Push(String),
    /// Brought by a person.
    Hand(PathBuf),
}

impl Origin {
    /// Whether it is the place that the definition names.
    pub(super) fn is_of(&self, source: &Source) -> bool {
        match (self, &source.place) {
            (Origin::Url(url), Place::Url(place)) => url == place,
            (Origin::File(path), Place::File(place)) => path == place,
            (Origin::File(path), Place::Directory(place)) => path.parent() == Some(place),
            (Origin::Push(_), Place::Push) => true,
            _ => false,
        }
    }
}

/// On one line, whatever a file or a peer is called: people sign for a text in which it stands.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Origin::Url(url) => url.clone(),
            Origin::File(path) => format!("file {}", path.display()),
            Origin::Push(who) => format!("pushed by {who}"),
            Origin::Hand(path) => format!("brought by hand as {}", path.display()),
        };
        text.chars().take(MAX_ORIGIN).try_for_each(|c| write!(f, "{}", if deceives(c) { '?' } else { c }))
    }
}
