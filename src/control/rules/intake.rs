//! From a register's place into the store: one step for a list, which the command `rules fetch` and the daemon share.
//!
//! The store is locked only to look a definition up and to take a file in, never while a register is on its way. What is
//! known of earlier fetches lies beside the journal (`fetched/LIST.json`): it changes every hour and decides nothing but
//! when to ask again and whether "unchanged" will do as an answer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fetch::{self, FetchError, Fetcher, History, Plan, Request, Timetable, Trust, Validators};
use super::part;
use super::source::{Place, Source};
use super::store::{Access, Actor, Change, Hash, Origin, Outcome, Store, StoreError, place};

/// Registers that are fetched at the same time.
const AT_ONCE: usize = 4;
/// What a killed process left on its way is removed when it is this old.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);
/// The longest note of earlier fetches, in octets.
const MAX_NOTE: u64 = 64 << 10;

/// How to reach the world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Network {
    /// An HTTP proxy, as `http://[user:password@]host:port`.
    pub proxy: Option<String>,
    /// Whose certificates are good.
    pub trust: Trust,
    /// Attempts after the first, where trying again may help.
    pub retries: u32,
}

/// What came of looking for a list.
#[derive(Debug)]
pub enum Brought {
    /// Its place says that nothing has changed.
    NotModified,
    /// A file came, and this became of it.
    Came(Outcome),
    /// It could not be had. What is in force stays.
    Failed(FetchError),
}

/// What is due.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Due {
    /// The lists, the longest overdue first, and whether "unchanged" will not do as an answer.
    pub lists: Vec<(String, bool)>,
    /// When to look again; never, if no list has a schedule.
    pub wake: Option<Timestamp>,
}

/// What is known of earlier fetches of a list.
#[derive(Serialize, Deserialize, Clone, Default)]
struct Note {
    #[serde(default)]
    history: History,
    /// For this definition; after another has come into force they mean nothing.
    definition: Option<String>,
    validators: Option<Validators>,
}

/// Fetches lists into a store.
pub struct Intake {
    store: PathBuf,
    fetcher: Fetcher,
    network: Network,
}

impl Intake {
    /// For the store in a directory. One for the whole program: it asks a host for one register at a time.
    pub fn new(store: &Path, network: Network) -> Intake {
        let intake = Intake { store: store.to_owned(), fetcher: Fetcher::new(AT_ONCE), network };
        // Only tidiness: what cannot be removed now will be another day.
        let _ = part::sweep(&intake.incoming(), LEFT_BEHIND);
        intake
    }

    /// Ends what is under way, and everything that is asked for later.
    pub fn stop(&self) {
        self.fetcher.stop();
    }

    /// Lists that can be fetched, with what has been agreed on them.
    ///
    /// # Errors
    /// Those of opening the store.
    pub fn sources(&self) -> Result<Vec<Source>, StoreError> {
        let store = Store::open(&self.store, Access::Read)?;
        let lists: Vec<String> = store.state().lists.keys().cloned().collect();
        let mut sources = Vec::new();
        for list in lists {
            match store.source(&list) {
                Ok(source) if request_place(&source).is_some() => sources.push(source),
                Ok(_) | Err(StoreError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sources)
    }

    /// Which lists are due at `now`.
    ///
    /// # Errors
    /// Those of opening the store.
    pub fn due(&self, now: Timestamp) -> Result<Due, StoreError> {
        let sources = self.sources()?;
        let known: BTreeMap<&str, (Plan, History)> = sources
            .iter()
            .filter_map(|source| {
                let plan = Plan { every: source.schedule?.duration() };
                Some((source.id.as_str(), (plan, self.note(&source.id).history)))
            })
            .collect();
        let all = || known.iter().map(|(id, (plan, history))| (*id, plan, history));
        let timetable = self.timetable()?;
        let lists = timetable.due(all(), now).iter().map(|due| (due.source.to_owned(), due.next.whole)).collect();
        Ok(Due { lists, wake: timetable.wake(all(), now) })
    }

    /// Fetches a list and takes it into the store.
    ///
    /// # Errors
    /// Those of the store; or the list has no place from which it can be fetched. What is wrong with the register is told
    /// as [`Brought`].
    pub fn bring(&self, list: &str, whole: bool, actor: &Actor) -> Result<Brought, StoreError> {
        let (source, definition, may_skip) = {
            let store = Store::open(&self.store, Access::Read)?;
            let definition = store.state().lists.get(list).and_then(|list| list.definition);
            (store.source(list)?, definition, is_known(&store, list))
        };
        let mut note = self.note(list);
        let definition = definition.as_ref().map(Hash::to_string);
        if note.definition != definition || !may_skip {
            note.validators = None;
        }
        let Some(place) = request_place(&source) else {
            let what = format!("{list} is {}: there is nothing to fetch; use `stakeout rules import`", source.place);
            return Err(StoreError::Refused(what));
        };
        let place = place.map_err(|why| StoreError::Refused(format!("{list}: {why}")))?;
        let request = self.request(&source, place, note.validators.clone(), whole);
        let (incoming, now) = (self.incoming(), Timestamp::now());
        fs::create_dir_all(&incoming).map_err(StoreError::io(&incoming))?;
        match self.fetcher.fetch(&request, &incoming) {
            Err(error) => {
                note.history.failed(now, error.retry_after());
                self.keep(list, &note)?;
                Ok(Brought::Failed(error))
            }
            Ok(fetch::Outcome::NotModified) => {
                Store::open(&self.store, Access::Read)?.note_look(list)?;
                note.history.succeeded(now, false);
                self.keep(list, &note)?;
                Ok(Brought::NotModified)
            }
            Ok(fetch::Outcome::Fetched(fetched)) => {
                let taken = Store::open(&self.store, Access::Write)
                    .and_then(|mut store| store.receive(list, &fetched.file, &origin(&source, &fetched), None, actor));
                let _ = fs::remove_file(&fetched.file);
                let outcome = taken?;
                note.history.succeeded(now, true);
                // A file that was refused must be looked at again, even if it stays the same: its guard may change.
                let is_refused = matches!(outcome, Outcome::Refused { .. });
                note.validators = if is_refused { None } else { Some(fetched.validators.clone()) };
                note.definition = definition;
                self.keep(list, &note)?;
                Ok(Brought::Came(outcome))
            }
        }
    }

    fn request(&self, source: &Source, place: fetch::Place, validators: Option<Validators>, whole: bool) -> Request {
        let transfer = &source.transfer;
        let mut request = Request::new(place);
        request.timeout = source.timeout.duration();
        request.max_bytes = source.max_bytes.bytes();
        request.validators = validators;
        request.whole = whole;
        request.modification_url = source.modification_url.clone();
        request.proxy = self.network.proxy.clone();
        request.trust = self.network.trust.clone();
        request.retries = self.network.retries;
        // The definition allows plain HTTP to this machine itself only.
        request.insecure = matches!(&source.place, Place::Url(url) if url.starts_with("http://"));
        request.other_hosts = transfer.other_hosts.clone();
        request.mislabelled = transfer.mislabelled;
        if let Some(accept) = &transfer.accept {
            request.accept = accept.clone();
        }
        request
    }

    fn incoming(&self) -> PathBuf {
        self.store.join("incoming")
    }

    /// Spreads the fetches of many installations; of one store it is always the same.
    fn timetable(&self) -> Result<Timetable, StoreError> {
        let store = Store::open(&self.store, Access::Read)?;
        let seed = store.state().store.bytes().fold(0_u64, |seed, octet| seed.rotate_left(7) ^ u64::from(octet));
        Ok(Timetable::new(seed))
    }

    fn note_path(&self, list: &str) -> PathBuf {
        self.store.join("fetched").join(format!("{list}.json"))
    }

    /// A note that cannot be read is as good as none: the register is then fetched whole.
    fn note(&self, list: &str) -> Note {
        let path = self.note_path(list);
        let is_small = fs::metadata(&path).is_ok_and(|meta| meta.len() <= MAX_NOTE);
        let text = if is_small { fs::read(&path).unwrap_or_default() } else { Vec::new() };
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn keep(&self, list: &str, note: &Note) -> Result<(), StoreError> {
        let path = self.note_path(list);
        let dir = self.store.join("fetched");
        fs::create_dir_all(&dir).map_err(StoreError::io(&dir))?;
        // Texts and numbers only: there is nothing that could fail.
        place(&path, &serde_json::to_string(note).unwrap_or_default())
    }
}

/// Whether "unchanged" says something: the last file is in force, or waits for people.
fn is_known(store: &Store, list: &str) -> bool {
    let waits = |change: &Change| matches!(change, Change::Import { list: of, .. } if of == list);
    store.state().head(list).is_some() || store.state().waiting().any(|proposal| waits(&proposal.change))
}

/// Where to fetch a list, if it is fetched at all; and why that is impossible.
fn request_place(source: &Source) -> Option<Result<fetch::Place, String>> {
    let pattern = || source.transfer.pattern.as_deref().map(str::parse).transpose();
    Some(match (&source.place, pattern()) {
        (Place::Push | Place::Typed, _) => return None,
        (_, Err(why)) => Err(why),
        (Place::File(path), _) => Ok(fetch::Place::File(path.clone())),
        (Place::Url(url), Ok(None)) => Ok(fetch::Place::Url(url.clone())),
        (Place::Url(url), Ok(Some(pattern))) => Ok(fetch::Place::Index { url: url.clone(), pattern }),
        (Place::Directory(path), Ok(Some(pattern))) => Ok(fetch::Place::Directory { path: path.clone(), pattern }),
        (Place::Directory(_), Ok(None)) => Err("a directory needs a `pattern`, which tells the newest file".into()),
    })
}

fn origin(source: &Source, fetched: &fetch::Fetched) -> Origin {
    match &source.place {
        Place::File(path) => Origin::File(path.clone()),
        Place::Directory(path) => {
            let name = fetched.validators.name.as_deref().unwrap_or_default();
            Origin::File(path.join(name))
        }
        Place::Url(url) => Origin::Url(url.clone()),
        Place::Push | Place::Typed => Origin::Hand(fetched.file.clone()),
    }
}
