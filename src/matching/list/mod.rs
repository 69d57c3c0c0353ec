//! Reading rule files.
//!
//! A file goes through `source` (hash, size, binary check), is recognised by `format`, and is read line by line
//! (`text`, with a module in `syntax` for each tool's way to write) or as XML (`register`). Every name in it passes
//! `entry`, which knows the dirt of real lists: what is certain becomes a rule in `parsed`, of a `kind`, everything else a
//! [`Rejection`] with line and reason. What an entry says about others waits in `later` for the end of the list.

mod entry;
mod format;
mod kind;
mod later;
pub(crate) mod lines;
mod load;
mod parsed;
mod register;
mod rejection;
mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod text;

pub use entry::to_name;
pub use format::{Format, Found};
pub use kind::{Kind, KindCounts};
pub use load::{
    ListReport, ListSource, LoadError, MAX_FILE_BYTES, Problem, SetError, describe, load_file, load_for_sensor,
    load_set, parse,
};
pub use parsed::{ListCounts, ListFacts, ParsedList};
pub use rejection::{Reason, Rejection};
