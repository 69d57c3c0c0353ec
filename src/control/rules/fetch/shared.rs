//! What all fetches share, and the steps of each: one request at a time per host, a bound on all together, retries.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Client, Url};
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;

use super::address;
use super::client::{self, SystemRoots};
use super::counters::FetchCounters;
use super::error::FetchError;
use super::index;
use super::local;
use super::pace::{self, Pace};
use super::request::{End, Fetched, Outcome, Place, Request, Validators};
use super::transfer::{self, Answer, Ask, Whole};

/// Octets of an index page.
const MAX_PAGE: u64 = 4 << 20;
/// Octets of an answer that tells the time of the last change.
const MAX_MODIFICATION: u64 = 4096;

/// See the module.
pub(super) struct Shared {
    pace: Arc<dyn Pace>,
    roots: SystemRoots,
    /// Taken for the whole of a fetch, waits between its attempts included.
    hosts: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Taken for an attempt.
    slots: Semaphore,
    stop: watch::Sender<bool>,
    counters: FetchCounters,
}

impl Shared {
    /// With at most `concurrency` connections at once.
    pub(super) fn new(concurrency: usize, pace: Arc<dyn Pace>) -> Shared {
        Shared {
            pace,
            roots: SystemRoots::default(),
            hosts: Mutex::default(),
            slots: Semaphore::new(concurrency),
            stop: watch::Sender::new(false),
            counters: FetchCounters::default(),
        }
    }

    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(super) fn counters(&self) -> &FetchCounters {
        &self.counters
    }

    /// Fetches one register into `dir`, unless told to stop.
    pub(super) async fn until_stopped(&self, request: &Request, dir: &Path) -> Result<Outcome, FetchError> {
        let mut stop = self.stop.subscribe();
        let result = tokio::select! {
            biased;
            // The sender lives as long as `self`.
            _ = stop.wait_for(|stopped| *stopped) => Err(FetchError::Stopped),
            result = self.fetch(request, dir) => result,
        };
        self.counters.ended(&result);
        result
    }

    async fn fetch(&self, request: &Request, dir: &Path) -> Result<Outcome, FetchError> {
        let last = request.validators.as_ref().and_then(|v| v.name.clone());
        match &request.place {
            Place::Url(url) => {
                let url = address::parse(url, request.insecure)?;
                let client = client::build(request, &self.roots)?;
                let lock = self.host(&url);
                let _alone = lock.lock().await;
                self.register(&client, url, None, request, dir).await
            }
            Place::Index { url, pattern } => {
                let page_url = address::parse(url, request.insecure)?;
                let client = client::build(request, &self.roots)?;
                let lock = self.host(&page_url);
                let _alone = lock.lock().await;
                let find = async || {
                    let page = self.small(&client, &page_url, request, MAX_PAGE, true, dir).await?;
                    let text = String::from_utf8_lossy(&page.text);
                    let latest = local::latest_date(self.pace.now());
                    let allowed = |to: &Url| address::may_link(&page.url, to, &request.other_hosts);
                    index::from_page(&text, &page.url, pattern, last.as_deref(), latest, allowed)
                        .map_err(|fault| local::index_error(address::shown(&page.url), pattern, fault))
                };
                let (name, target) = self.persist(request, find).await?;
                self.register(&client, target, Some(name), request, dir).await
            }
            Place::File(path) => {
                self.persist(request, async || self.file(path.clone(), None, request, dir).await).await
            }
            Place::Directory { path, pattern } => {
                let take = async || {
                    let (path, pattern, last, now) = (path.clone(), pattern.clone(), last.clone(), self.pace.now());
                    let pick = move || local::pick(&path, &pattern, last.as_deref(), now);
                    let (name, file) = spawn_blocking(pick).await.unwrap_or_else(|e| resume_unwind(e.into_panic()))?;
                    self.file(file, Some(name), request, dir).await
                };
                self.persist(request, take).await
            }
        }
    }

    /// The register at `url`, which has the name `name` in an index.
    async fn register(
        &self,
        client: &Client,
        url: Url,
        name: Option<String>,
        request: &Request,
        dir: &Path,
    ) -> Result<Outcome, FetchError> {
        let modification = self.modification(client, request, dir).await?;
        let known = request.validators.as_ref().filter(|v| !request.whole && v.url == url.as_str());
        if modification.is_some() && known.is_some_and(|v| v.modification == modification) {
            return Ok(Outcome::NotModified);
        }
        let get = async || {
            let ask = Ask {
                request,
                max_bytes: request.max_bytes,
                validators: known,
                page: false,
                dir,
                now: self.pace.now(),
            };
            self.attempt(client, &url, &ask).await
        };
        match self.persist(request, get).await? {
            Answer::NotModified => Ok(Outcome::NotModified),
            Answer::Whole(whole) => {
                let Whole { file, url: from, etag, last_modified, content_type, peer_sha256, end } = *whole;
                let validators = Validators { url: url.to_string(), etag, last_modified, modification, name };
                Ok(Outcome::Fetched(Box::new(Fetched {
                    file: file.path,
                    bytes: file.bytes,
                    sha256: file.sha256,
                    validators,
                    from: address::shown(&from),
                    fetched_at: self.pace.now(),
                    content_type,
                    peer_sha256,
                    end,
                })))
            }
        }
    }

    /// What the register's own word on its last change is; `None` if it cannot be had, for then the register itself is
    /// asked. It is asked first, so that a change between the two is fetched twice rather than missed.
    async fn modification(&self, client: &Client, request: &Request, dir: &Path) -> Result<Option<String>, FetchError> {
        let Some(url) = &request.modification_url else { return Ok(None) };
        let url = address::parse(url, request.insecure)?;
        match self.small(client, &url, request, MAX_MODIFICATION, false, dir).await {
            Ok(page) => Ok(String::from_utf8(page.text).ok().map(|text| text.trim().to_owned())),
            Err(_) => {
                self.counters.modification_unknown();
                Ok(None)
            }
        }
    }

    /// A small text, once.
    async fn small(
        &self,
        client: &Client,
        url: &Url,
        request: &Request,
        max_bytes: u64,
        page: bool,
        dir: &Path,
    ) -> Result<Small, FetchError> {
        let ask = Ask { request, max_bytes, validators: None, page, dir, now: self.pace.now() };
        match self.attempt(client, url, &ask).await? {
            Answer::Whole(whole) => Ok(Small { text: local::read_back(&whole.file)?, url: whole.url }),
            // Only ever an answer to validators, and none were sent.
            Answer::NotModified => {
                let reason = "not modified, unasked".to_owned();
                Err(FetchError::Protocol { url: address::shown(url), reason })
            }
        }
    }

    async fn file(
        &self,
        path: PathBuf,
        name: Option<String>,
        request: &Request,
        dir: &Path,
    ) -> Result<Outcome, FetchError> {
        let (max_bytes, now, into) = (request.max_bytes, self.pace.now(), dir.to_owned());
        let from = path.display().to_string();
        let copy = spawn_blocking(move || local::copy(&path, &into, max_bytes, now)).await;
        let whole = copy.unwrap_or_else(|e| resume_unwind(e.into_panic()))?;
        Ok(Outcome::Fetched(Box::new(Fetched {
            file: whole.path,
            bytes: whole.bytes,
            sha256: whole.sha256,
            validators: Validators { url: from.clone(), name, ..Validators::default() },
            from,
            fetched_at: self.pace.now(),
            content_type: None,
            peer_sha256: None,
            end: End::File,
        })))
    }

    async fn attempt(&self, client: &Client, url: &Url, ask: &Ask<'_>) -> Result<Answer, FetchError> {
        // The semaphore is never closed.
        let _slot = self.slots.acquire().await.map_err(|_| FetchError::Stopped)?;
        self.counters.attempt();
        transfer::attempt(client, url, ask).await
    }

    /// Does `what` again as long as that may help and the request allows.
    async fn persist<T>(
        &self,
        request: &Request,
        what: impl AsyncFn() -> Result<T, FetchError>,
    ) -> Result<T, FetchError> {
        let mut retry = 0;
        loop {
            let error = match what().await {
                Err(e) if e.is_passing() && retry < request.retries => e,
                result => return result,
            };
            let Some(wait) = pace::wait(&*self.pace, retry, error.retry_after()) else { return Err(error) };
            self.counters.retry();
            self.pace.sleep(wait).await;
            retry += 1;
        }
    }

    fn host(&self, url: &Url) -> Arc<tokio::sync::Mutex<()>> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(url.host_str().unwrap_or("").to_owned()).or_default())
    }
}

/// A small text, and where it came from in the end.
struct Small {
    text: Vec<u8>,
    url: Url,
}
