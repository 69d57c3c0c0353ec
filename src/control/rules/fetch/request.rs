//! What to fetch, from where, within which bounds; and what comes of it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pattern::NamePattern;

/// Where a register lies.
#[derive(Clone, Debug)]
pub enum Place {
    /// An address that gives the register itself.
    Url(String),
    /// A page with links, of which the one that matches `pattern` gives the register: the newest where the pattern
    /// tells an order, else the only one.
    Index {
        /// The page.
        url: String,
        /// What the end of the link's path looks like.
        pattern: NamePattern,
    },
    /// A file on this machine.
    File(PathBuf),
    /// A directory on this machine, of which the file whose name matches is taken; as for [`Place::Index`].
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the name looks like; without `/`.
        pattern: NamePattern,
    },
}

/// Whose word is taken on who a server is.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum Trust {
    /// The authorities that the system trusts.
    #[default]
    System,
    /// Those, and the ones in this PEM file: for a private mirror beside public registers.
    SystemAnd(PathBuf),
    /// Only those in this PEM file.
    Only(PathBuf),
}

/// What tells next time whether a register has changed. The caller stores it with what was fetched.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Validators {
    /// The address that they are about: they are not sent to any other.
    pub url: String,
    /// The header `ETag` (RFC 9110, section 8.8.3), as it came.
    pub etag: Option<String>,
    /// The header `Last-Modified` (section 8.8.2), as it came.
    pub last_modified: Option<String>,
    /// What [`Request::modification_url`] said.
    pub modification: Option<String>,
    /// The name that was taken from an index or a directory: an older one is refused next time.
    pub name: Option<String>,
}

/// One register to fetch.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where it lies.
    pub place: Place,
    /// For one attempt from the first packet to the last octet. Default 3 minutes: the Polish register is made anew for
    /// each request and takes more than 30 s before it begins.
    pub timeout: Duration,
    /// For a connection to stand, TLS included. Default 15 s.
    pub connect_timeout: Duration,
    /// Between two pieces of a body. Default 30 s.
    pub idle_timeout: Duration,
    /// The longest register, unpacked, in octets. Default 64 MiB.
    pub max_bytes: u64,
    /// From the last time.
    pub validators: Option<Validators>,
    /// "Unchanged" will not do as an answer, although there are validators; see [`Next::whole`](super::Next). Default
    /// false.
    pub whole: bool,
    /// An address that tells the time of the last change as a short text. If it tells the same as last time, the register
    /// is not fetched; if it cannot be had, the register is.
    pub modification_url: Option<String>,
    /// An HTTP proxy, as `http://[user:password@]host:port`; asked for a tunnel (`CONNECT`).
    pub proxy: Option<String>,
    /// Whose certificates are good.
    pub trust: Trust,
    /// Allow plain `http://`. Default false: who sits on the way could then write the list.
    pub insecure: bool,
    /// Hosts beside its own to which the register may redirect, or to which an index may link.
    pub other_hosts: Vec<String>,
    /// The header `User-Agent`. Default `stakeout/VERSION`.
    pub user_agent: String,
    /// The header `Accept`, for servers that have several forms to choose from. Default `*/*`.
    pub accept: String,
    /// Attempts after the first. Default 3.
    pub retries: u32,
    /// Allow the server to pack with gzip. Default true.
    pub accept_compressed: bool,
    /// Take what the server calls `text/html`, for a server that calls everything so. What begins like a page is refused
    /// all the same. Default false.
    pub mislabelled: bool,
}

impl Request {
    /// A request with every setting at its default.
    pub fn new(place: Place) -> Request {
        Request {
            place,
            timeout: Duration::from_secs(180),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            max_bytes: 64 << 20,
            validators: None,
            whole: false,
            modification_url: None,
            proxy: None,
            trust: Trust::System,
            insecure: false,
            other_hosts: Vec::new(),
            user_agent: concat!("stakeout/", env!("CARGO_PKG_VERSION")).to_owned(),
            accept: "*/*".to_owned(),
            retries: 3,
            accept_compressed: true,
            mislabelled: false,
        }
    }
}

/// How a body told its end. One that did not is never taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// As many octets came as `Content-Length` said.
    Length,
    /// The last chunk came (RFC 9112, section 7.1).
    LastChunk,
    /// The server closed TLS in good order (`close_notify`).
    Closed,
    /// A file on this machine, which did not change while it was read.
    File,
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The file, in the directory that was given; the caller moves or removes it.
    pub file: PathBuf,
    /// Its length in octets, unpacked.
    pub bytes: u64,
    /// SHA-256 of its content, unpacked.
    pub sha256: [u8; 32],
    /// For the next time.
    pub validators: Validators,
    /// Where it came from in the end: an address without its query, or a path.
    pub from: String,
    /// When it had come.
    pub fetched_at: Timestamp,
    /// The header `Content-Type`, as it came.
    pub content_type: Option<String>,
    /// SHA-256 of the server's certificate; not told where a proxy stood between.
    pub peer_sha256: Option<[u8; 32]>,
    /// How the end was told.
    pub end: End,
}

/// What came of a request that did not fail.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The server says that nothing has changed since the [`Validators`] that were given.
    NotModified,
    /// The register, whole.
    Fetched(Box<Fetched>),
}
