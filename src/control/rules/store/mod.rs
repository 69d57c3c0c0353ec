//! The versioned store of rules: who changed what, when, why, and who signed for it.
//!
//! A directory with `format`, `store.toml`, a `journal` that is only ever added to, and `objects` named by their hash. The
//! [`State`] is what the journal's lines add up to. A change is one line, written at once and forced to the disk after all
//! objects that it speaks of; so a kill at any moment leaves the state before it or the state after it. One process writes
//! at a time. docs/rules-store.md describes layout, signatures, guards, migration and backup.

mod approve;
mod build;
mod diff;
mod effect;
mod entry;
mod error;
mod event;
mod explain;
mod files;
mod gc;
mod hash;
mod held;
mod journal;
mod migrate;
mod objects;
mod origin;
mod proposal;
mod propose;
mod publish;
mod receive;
mod records;
mod settings;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod typed;
mod verify;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use approve::Signing;
pub use build::{Effective, LeftOut, rule_set};
pub use diff::{DiffLine, Difference, differences};
pub use entry::Entry;
pub use error::StoreError;
pub use event::{Change, Content, Event, Names, PersonKey};
pub use explain::{Explanation, Rule, Standing};
pub use hash::Hash;
pub use held::{Held, HeldName};
pub use journal::{Actor, Line, rfc3339};
pub use migrate::migrate;
pub use objects::Objects;
pub use origin::Origin;
pub use proposal::{Approval, Proposal, Status};
pub use propose::ChangeOfNames;
pub use publish::{Done, Release};
pub use receive::Outcome;
pub use records::{List, Person, Publication, Snapshot};
pub use settings::{Popular, Settings};
pub use state::State;
pub use status::{ListStatus, StoreStatus};
pub use typed::Note;

use crate::control::rules::source::{self, Place, Source};
use crate::matching::{Format, ParsedList, Problem, parse};
use event::Init;
pub(in crate::control::rules) use files::place;
use files::{check_format, lock};
use journal::Journal;

/// The format that this version writes.
pub const FORMAT: u32 = 1;
/// The longest definition, in octets.
const MAX_DEFINITION: u64 = 1 << 20;

/// What is to be done with a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Nothing but look.
    Read,
    /// Change it.
    Write,
}

/// A store that is open. Nobody else writes to it meanwhile.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    objects: Objects,
    settings: Settings,
    state: State,
    journal: Journal,
    /// Octets of a last line that a kill had cut.
    cut: u64,
    _lock: File,
}

impl Store {
    /// Makes a store in a directory, which may be there. Its last file to be written is `format`, so that what a kill
    /// leaves is no store.
    ///
    /// # Errors
    /// There is one, or it cannot be written; or fewer than two people, or two with one key.
    pub fn init(dir: &Path, people: Vec<PersonKey>, actor: &Actor) -> Result<Store, StoreError> {
        fs::create_dir_all(dir).map_err(StoreError::io(dir))?;
        let lock = lock(dir, Access::Write)?;
        if dir.join("format").exists() {
            return Err(StoreError::Exists(dir.to_owned()));
        }
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| StoreError::refused(format!("there is no randomness: {error}")))?;
        let store = id.iter().map(|octet| format!("{octet:02x}")).collect();
        let event = Event::Init(Init { store, people });
        let line = Line { seq: 1, time: Timestamp::now(), who: actor.who.clone(), why: actor.why.clone(), event };
        State::default().apply(&line).map_err(StoreError::Refused)?;
        if !dir.join("store.toml").exists() {
            place(&dir.join("store.toml"), settings::TEMPLATE)?;
        }
        place(&dir.join("journal"), &format!("{}\n", line.encode(&Hash::ZERO)))?;
        place(&dir.join("format"), &format!("{FORMAT}\n"))?;
        drop(lock);
        Store::open(dir, Access::Write)
    }

    /// Opens a store and replays its journal.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(dir: &Path, access: Access) -> Result<Store, StoreError> {
        check_format(dir)?;
        let lock = lock(dir, access)?;
        // It may have been migrated while we waited.
        check_format(dir)?;
        let mut state = State::default();
        let path = dir.join("journal");
        let (journal, cut) = Journal::open(&path, access == Access::Write, |line| state.apply(&line))?;
        if state.store.is_empty() {
            return Err(StoreError::Journal { path, line: 1, what: "there is no line in it".into() });
        }
        let settings = Settings::load(dir)?;
        Ok(Store { dir: dir.to_owned(), objects: Objects::new(dir), settings, state, journal, cut, _lock: lock })
    }

    /// What the journal adds up to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The objects.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Octets of a last line that was cut off because a kill or a power cut had left it without its end.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// Number and hash of the journal's last line: who notes them elsewhere can tell later that nothing was changed.
    pub fn last_line(&self) -> (u64, Hash) {
        (self.state.seq, self.journal.last)
    }

    /// Every line of the journal, to be shown.
    ///
    /// # Errors
    /// It cannot be read any more.
    pub fn history(&self, mut visit: impl FnMut(&Line)) -> Result<(), StoreError> {
        Journal::open(&self.dir.join("journal"), false, |line| {
            visit(&line);
            Ok(())
        })?;
        Ok(())
    }

    /// Adds a line, if it can follow. Gives its number.
    fn append(&mut self, actor: &Actor, event: Event) -> Result<u64, StoreError> {
        let (who, why) = (actor.who.clone(), actor.why.clone());
        let line = Line { seq: self.journal.next, time: now(), who, why, event };
        let mut state = self.state.clone();
        state.apply(&line).map_err(StoreError::Refused)?;
        self.journal.append(&line)?;
        self.state = state;
        Ok(line.seq)
    }

    /// The definition with this hash.
    ///
    /// # Errors
    /// It is not there, or was changed.
    pub fn definition(&self, hash: &Hash) -> Result<Source, StoreError> {
        let text = self.objects.text(hash, MAX_DEFINITION)?;
        source::read(&text).ok().and_then(|mut sources| sources.pop()).ok_or_else(|| self.objects.damaged(hash))
    }

    /// The definition of a list that is in force.
    ///
    /// # Errors
    /// There is no such list; or as [`Store::definition`].
    pub fn source(&self, list: &str) -> Result<Source, StoreError> {
        let known = self.state.lists.get(list).and_then(|list| list.definition);
        let known = known.ok_or_else(|| {
            StoreError::refused(format!(
                "there is no list {list:?}: `stakeout rules source list` tells which there are"
            ))
        })?;
        self.definition(&known)
    }

    /// Reads a file by a definition.
    fn read_list(&self, file: &Hash, source: &Source) -> Result<Result<ReadList, Problem>, StoreError> {
        let format = match source.place {
            Place::Typed => Some(Format::Plain),
            _ => source.format.reader(),
        };
        let Some(format) = format else {
            let what = source.format.name();
            return Err(StoreError::refused(format!("files in the format {what:?} are not read by this version")));
        };
        let mut reader = LastOctet { inner: self.objects.open(file)?, last: None };
        let parsed = match parse(&mut reader, format, source.max_bytes.bytes().max(typed::MAX_TYPED)) {
            Ok(parsed) => parsed,
            Err(Problem::Io(_)) => return Err(self.objects.damaged(file)),
            Err(problem) => {
                self.objects.check(file)?;
                return Ok(Err(problem));
            }
        };
        if Hash::new(parsed.facts().sha256) != *file {
            return Err(self.objects.damaged(file));
        }
        Ok(Ok(ReadList { parsed, ends_whole: reader.last == Some(b'\n') }))
    }

    /// The rules of a snapshot, without those held back; `None` if there is no rule in it.
    ///
    /// # Errors
    /// An object is damaged.
    pub fn rules(&self, content: &Content) -> Result<Option<ParsedList>, StoreError> {
        Ok(self.read_content(content)?.map(|list| list.parsed))
    }

    fn read_content(&self, content: &Content) -> Result<Option<ReadList>, StoreError> {
        if content.rules == 0 {
            return Ok(None);
        }
        let source = self.definition(&content.definition)?;
        let mut list = self.read_list(&content.file, &source)?.map_err(|problem| {
            StoreError::refused(format!("the file of {} is no more read as it was: {problem}", source.id))
        })?;
        if let Some(held) = &content.held {
            let held = Held::load(&self.objects, held)?;
            list.parsed = list.parsed.without(|wire, kind| held.holds(wire, kind, source.action));
        }
        Ok(Some(list))
    }
}

/// A list that was read, and whether its last line has an end.
struct ReadList {
    parsed: ParsedList,
    ends_whole: bool,
}

/// A reader that remembers the last octet.
struct LastOctet<R> {
    inner: R,
    last: Option<u8>,
}

impl<R: std::io::Read> std::io::Read for LastOctet<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(last) = read.checked_sub(1).and_then(|last| buffer.get(last)) {
            self.last = Some(*last);
        }
        Ok(read)
    }
}

/// The time, in whole seconds as the journal has it.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
