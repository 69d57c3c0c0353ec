//! Rule files, and the immutable rule set that answers "is this name listed?".
//!
//! Two halves that meet in [`ParsedList`]. [`list`] reads files that authorities and communities publish, with all
//! their dirt: what can be read for certain becomes a rule, everything else is rejected with line and reason, and a
//! file that may be damaged is refused whole, since a bad file must never replace a good one. [`lookup`] turns lists
//! into a [`RuleSet`], or reads one that was built before: built once, never changed, read by every packet worker without a lock. [`handle`] is how a
//! worker sees a new one, [`bundle`] puts a built set and who answers for it under a signature, and [`enforce`] writes lists
//! in the formats of resolvers and routers.
//!
//! What a rule means: a listed name covers itself and every name under it, at label boundaries, unless its entry says
//! less ([`Kind`]). Any matching allow beats every block; otherwise the most specific block is named; a name that is only
//! watched is counted and nothing more.

pub mod bundle;
pub mod enforce;
pub mod handle;
pub mod list;
pub mod lookup;
mod new_file;

pub use handle::{RuleHandle, RuleReader};
pub use list::{
    Format, Found, Kind, KindCounts, ListCounts, ListFacts, ListReport, ListSource, LoadError, ParsedList, Problem,
    Reason, Rejection, SetError, describe, load_file, load_for_sensor, load_set, parse, to_name,
};
pub use lookup::prebuilt::{PrebuiltError, SaveError, read as read_prebuilt, save};
pub use lookup::{BuildError, ListMeta, Place, RuleRef, RuleSet, RuleSetBuilder, TooManyPlaces, Verdict};
