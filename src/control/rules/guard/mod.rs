//! Guards: what is asked of a new file before it takes the place of a good one.
//!
//! A cut download, a page of error text, a slip at the authority's end: each looks like a list. So a file is measured
//! against what its source promises ([`measure`]) and against what is in force, and each of its names against those that
//! must never be blocked ([`names`]). A file that trips a guard takes nobody's place: it waits for people, with every
//! guard in plain words, and the last good copy stays. A single name that should be looked at does not hold up the
//! others: it alone waits.

mod measure;
mod names;
mod stated;
mod swing;

pub use measure::{Candidate, Trip, measure};
pub(in crate::control::rules) use names::shown;
pub use names::{Look, NameGuard, NameGuardError};
pub use stated::stated;
pub use swing::{Prints, Swing};
