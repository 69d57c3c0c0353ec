//! Registers fetched from where their authorities put them: over HTTPS, or from a file or directory of this machine.
//!
//! ```no_run
//! use stakeout::control::rules::fetch::{Fetcher, Outcome, Place, Request};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let fetcher = Fetcher::new(4);
//! let request = Request::new(Place::Url("https://hazard.mf.gov.pl/api/Register".into()));
//! match fetcher.fetch(&request, std::path::Path::new("/var/lib/stakeout/rules/incoming"))? {
//!     Outcome::NotModified => {}
//!     Outcome::Fetched(new) => { /* take new.file into the store, keep new.validators for the next time */ }
//! }
//! # Ok(()) }
//! ```
//!
//! What counts is what it does *not* take. A list that was cut off on the way would unblock everything behind the cut, so
//! a body is taken only if it proved its end: by `Content-Length`, by the last chunk, or by TLS closed in good order.
//! Equally refused: more than a bound, also by unpacking; a web page where a list was expected; nothing at all; a
//! redirection to another host or to plain http; the newest of half a directory listing, or of names of which none is
//! the newest. [`FetchError`] names them all, and tells what to do.
//!
//! Only what may pass is tried again (no connection, time-outs, cut bodies, 429, 5xx), after waits that double and are
//! drawn at random below that bound. [`Timetable`] says when each source is due; it knows no clock of its own.
//!
//! | module | what it does |
//! |---|---|
//! | `request` | what to fetch and what comes of it |
//! | `fetcher`, `shared` | one register or many; its steps, retries, hosts one at a time, stopping |
//! | `transfer`, `headers`, `sink` | one attempt: its course, its head, its body |
//! | `client` | the HTTP client, and what its errors mean |
//! | `address`, `page` | which addresses are followed; pages told from lists |
//! | `index`, `links`, `pattern` | the newest of an index page or a directory |
//! | `local` | files and directories |
//! | `pace`, `schedule` | when to try again; when to fetch the next time |

mod address;
mod client;
mod counters;
mod error;
mod fetcher;
mod headers;
mod index;
mod links;
mod local;
mod pace;
mod page;
mod pattern;
mod request;
mod schedule;
mod shared;
mod sink;
mod transfer;

pub use counters::{FetchCounters, FetchCounts};
pub use error::{Detour, FetchError, IndexFault, KINDS, Phase};
pub use fetcher::Fetcher;
pub use pace::{Pace, RealPace};
pub use pattern::NamePattern;
pub use request::{End, Fetched, Outcome, Place, Request, Trust, Validators};
pub use schedule::{Due, History, Next, Plan, Timetable};
