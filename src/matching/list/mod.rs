//! Reading rule files.
//!
//! A file goes through `source` (hash, size, binary check), is recognised by `format`, and is read line by line
//! (`text`) or as XML (`register`). Every name in it passes `entry`, which knows the dirt of real lists: what is
//! certain becomes a rule in `parsed`, everything else a [`Rejection`] with line and reason.

mod entry;
mod format;
mod lines;
mod load;
mod parsed;
mod register;
mod rejection;
mod source;
#[cfg(test)]
mod tests;
mod text;

pub use entry::to_name;
pub use format::{Format, Found};
pub use load::{
    ListReport, ListSource, LoadError, MAX_FILE_BYTES, Problem, SetError, describe, load_file, load_set, load_set_with,
    parse,
};
pub use parsed::{ListCounts, ListFacts, ParsedList};
pub use rejection::{Reason, Rejection};
