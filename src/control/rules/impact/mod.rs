//! What a change of rules would hit before it goes live.
//!
//! A [`Pair`] is the rules in force and those to come. [`Seen`] takes names out of a capture or a resolver's
//! [`query_log`] and keeps those alone that either of the two lists; of all others it knows nothing but how many there
//! were. [`Report`] compares the verdicts for what was kept, place by place, and [`popular`] those for names that everybody
//! uses, seen or not.
//!
//! Nothing here knows who asked: a client's address is looked at for one purpose only, to withhold a name that spells it.

mod change;
mod pair;
pub mod popular;
pub mod query_log;
mod report;
mod seen;
#[cfg(test)]
mod tests;

pub use change::Change;
pub use pair::Pair;
pub use report::{ChangeTotal, ListUse, PlaceReport, Report, ReportOptions, Row, RuleText, Share};
pub use seen::{Seen, SeenTotals};
