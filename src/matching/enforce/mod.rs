//! From rule lists to what a resolver, a router or a browser enforces.
//!
//! [`Lists`] are read, put in the order of the tree of names, understood as a map of it ([`nodes`]), reduced by a
//! [`plan`] to what a format can say, and written by the format's [`syntax`]. The same lists and options give the same octets: nothing is told of the time, the
//! machine or the files' folders. What a format cannot say is a note, in the file's comments and for the caller to tell;
//! never is a name blocked that an allow covers.
//!
//! A block and an exception reach a name, those under it, or both. What a format can say of that is in its
//! [`syntax`], and what becomes of the rest is:
//!
//! | format | blocks | exceptions | what it cannot say |
//! |---|---|---|---|
//! | RPZ, dnsmasq, AdBlock | all | all | only in an RPZ: names that are too long, addresses at what is no host name |
//! | unbound | not those under a name alone | not a name alone | such a block is left out, such an exception takes in those under it |
//! | MikroTik | not those under a name alone | none | a block with an exception under it is written without its subdomains |
//! | plain | whole names | none | a block with an exception under it is left out |
//! | hosts, STIX | names alone | not needed | names under the listed ones |
//! | CSV | says every rule | | |

mod file;
mod input;
#[cfg(test)]
mod meaning;
mod names;
mod nodes;
mod note;
mod options;
mod plan;
mod survey;
mod syntax;
#[cfg(test)]
mod tests;
mod write;

use std::io::{self, Write};
use std::path::Path;

use names::Names;
use plan::Plan;

pub use file::{SaveExportError, Saved};
pub use input::Lists;
pub use options::{Answer, Options, Serial, Sink, Target, Unfit};
pub use plan::ExportCounts;

/// An export that is ready to be written.
pub struct Export<'a> {
    lists: &'a Lists,
    options: &'a Options,
    names: Names,
    plan: Plan,
}

impl<'a> Export<'a> {
    /// Works out what is to be written.
    ///
    /// # Errors
    /// [`Unfit`] if the format cannot do what the options ask.
    pub fn new(lists: &'a Lists, options: &'a Options) -> Result<Self, Unfit> {
        let syntax = syntax::of(options)?;
        let names = Names::of(lists)?;
        let plan = syntax.map_or_else(|| Plan::inventory(&names), |syntax| Plan::new(&names, &*syntax));
        Ok(Export { lists, options, names, plan })
    }

    /// What became of the rules.
    pub fn counts(&self) -> ExportCounts {
        self.plan.counts
    }

    /// What the format cannot say, one line for each rule concerned.
    pub fn notes(&self) -> impl ExactSizeIterator<Item = String> {
        self.plan.notes.iter().map(|note| note.text(&self.names, self.lists))
    }

    /// Whether rules that only watch are not in it.
    pub fn leaves_out_watched(&self) -> bool {
        self.options.target != Target::Csv
    }

    /// What everybody who uses the file must know, if there is such a thing.
    pub fn limits(&self) -> Option<&'static str> {
        syntax::of(self.options).ok().flatten().and_then(|syntax| syntax.limits())
    }

    /// Writes the export.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_serial(self.options.serial.map_or(0, Serial::number), out)
    }

    fn write_serial(&self, serial: u32, out: &mut dyn Write) -> io::Result<()> {
        match syntax::of(self.options) {
            Ok(Some(mut syntax)) => write::write(self, &mut *syntax, serial, out),
            _ => syntax::csv::write(&self.names, self.lists, out),
        }
    }

    /// Writes the export to a file, whole or not at all: to a new file beside it, which is forced to the disk and then
    /// renamed. A file that holds these octets already stays as it is, so that nobody reloads in vain. The serial of an
    /// RPZ never goes back, and goes up whenever anything else changes.
    ///
    /// # Errors
    /// [`SaveExportError`]; the file is then as it was.
    pub fn save(&self, path: &Path) -> Result<Saved, SaveExportError> {
        file::save(path, self.options.serial, &|serial, out| self.write_serial(serial, out))
    }
}
