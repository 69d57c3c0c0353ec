//! One attempt at one address: the request, redirections, the answer's head, and its body up to its proven end.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, Response, Url};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::address;
use super::client;
use super::error::{Detour, FetchError, Phase};
use super::headers;
use super::page;
use super::request::{End, Request, Validators};
use super::sink::Sink;
use crate::control::rules::part::{PartFile, WholeFile};

/// Redirections that are followed.
const MAX_REDIRECTS: usize = 5;

/// What is asked for beside the address.
pub(super) struct Ask<'a> {
    /// The bounds and manners.
    pub(super) request: &'a Request,
    /// The longest body, unpacked.
    pub(super) max_bytes: u64,
    /// Sent along if they are about this address.
    pub(super) validators: Option<&'a Validators>,
    /// A page is what is wanted.
    pub(super) page: bool,
    /// Where the body goes.
    pub(super) dir: &'a Path,
    /// For dates that the server gives.
    pub(super) now: Timestamp,
}

/// What came.
#[derive(Debug)]
pub(super) enum Answer {
    /// 304.
    NotModified,
    /// 200, and the whole of it.
    Whole(Box<Whole>),
}

/// A whole body, and what its head said.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) file: WholeFile,
    pub(super) url: Url,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) peer_sha256: Option<[u8; 32]>,
    pub(super) end: End,
}

/// Asks once, within the bounds of time.
pub(super) async fn attempt(client: &Client, url: &Url, ask: &Ask<'_>) -> Result<Answer, FetchError> {
    let received = AtomicU64::new(0);
    let after = ask.request.timeout;
    match timeout(after, converse(client, url, ask, &received)).await {
        Ok(answer) => answer,
        Err(_) => {
            let bytes = received.load(Ordering::Relaxed);
            Err(FetchError::TimedOut { url: address::shown(url), phase: Phase::Total, after, bytes })
        }
    }
}

async fn converse(client: &Client, start: &Url, ask: &Ask<'_>, received: &AtomicU64) -> Result<Answer, FetchError> {
    let conditions = conditions(start, ask);
    let mut url = start.clone();
    for _ in 0..=MAX_REDIRECTS {
        let response = send(client, &url, ask, &conditions).await?;
        let code = response.status().as_u16();
        match code {
            200 => return body(response, url, ask, received).await.map(|whole| Answer::Whole(Box::new(whole))),
            304 if !conditions.is_empty() => return Ok(Answer::NotModified),
            304 => {
                let reason = "it says \"not modified\" although it was not asked whether it is".to_owned();
                return Err(FetchError::Protocol { url: address::shown(&url), reason });
            }
            301 | 302 | 303 | 307 | 308 => {
                let location = headers::text(response.headers(), &header::LOCATION).unwrap_or_default();
                let nowhere = location.is_empty();
                if nowhere {
                    let (url, to) = (address::shown(&url), "nothing".to_owned());
                    return Err(FetchError::Redirect { url, to, reason: Detour::Nowhere });
                }
                url = address::redirect(&url, &location, &ask.request.other_hosts)?;
            }
            _ => {
                let retry_after = headers::retry_after(response.headers(), ask.now);
                return Err(FetchError::Status { url: address::shown(&url), code, retry_after });
            }
        }
    }
    let (from, to) = (address::shown(start), address::shown(&url));
    Err(FetchError::Redirect { url: from, to, reason: Detour::TooMany })
}

/// The headers that let the server answer "not modified".
fn conditions(url: &Url, ask: &Ask<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(known) = ask.validators.filter(|v| v.url == url.as_str()) else { return headers };
    for (name, value) in [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)] {
        if let Some(value) = value.as_deref().and_then(|v| HeaderValue::from_str(v).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

async fn send(client: &Client, url: &Url, ask: &Ask<'_>, conditions: &HeaderMap) -> Result<Response, FetchError> {
    let accept = HeaderValue::from_str(&ask.request.accept);
    let accept = accept.map_err(|e| FetchError::BadSetting { setting: "accept", reason: e.to_string() })?;
    // "identity" has to be said: without the header a server may choose.
    let packing = if ask.request.accept_compressed { "gzip, identity;q=0.5" } else { "identity" };
    let request = client
        .get(url.clone())
        .headers(conditions.clone())
        .header(header::ACCEPT, accept)
        .header(header::ACCEPT_ENCODING, packing)
        .header(header::CONNECTION, "close");
    request.send().await.map_err(|e| client::explain(&e, url, ask.request))
}

async fn body(response: Response, url: Url, ask: &Ask<'_>, received: &AtomicU64) -> Result<Whole, FetchError> {
    let shown = address::shown(&url);
    let headers = response.headers();
    let content_type = headers::text(headers, &header::CONTENT_TYPE);
    let believed = !ask.page && !ask.request.mislabelled;
    if let Some(said) = content_type.clone().filter(|t| believed && page::is_page_type(t)) {
        return Err(FetchError::Page { url: shown, said });
    }
    let packed = headers::packing(headers, ask.request.accept_compressed, &shown)?;
    let announced = headers::text(headers, &header::CONTENT_LENGTH).and_then(|n| n.parse::<u64>().ok());
    let end = match (headers.contains_key(header::TRANSFER_ENCODING), announced) {
        (true, _) => End::LastChunk,
        (false, Some(_)) => End::Length,
        (false, None) if url.scheme() == "https" => End::Closed,
        (false, None) => return Err(FetchError::Endless { url: shown }),
    };
    if announced.is_some_and(|n| n > ask.max_bytes) {
        return Err(FetchError::TooLarge { url: shown, limit: ask.max_bytes, packed: false });
    }
    let (etag, last_modified) =
        (headers::validator(headers, &header::ETAG), headers::validator(headers, &header::LAST_MODIFIED));
    let peer = response.extensions().get::<reqwest::tls::TlsInfo>().and_then(|info| info.peer_certificate());
    let peer_sha256 = peer.map(|der| Sha256::digest(der).into());
    let part = stream(response, &url, ask, packed, announced.filter(|_| end == End::Length), received).await?;
    if part.written() == 0 {
        return Err(FetchError::Empty { url: shown });
    }
    if let Some(said) = page::begins_like_page(part.head()).filter(|_| !ask.page) {
        return Err(FetchError::Page { url: shown, said });
    }
    Ok(Whole { file: part.keep(), url, etag, last_modified, content_type, peer_sha256, end })
}

/// The body, written as it comes.
async fn stream(
    mut response: Response,
    url: &Url,
    ask: &Ask<'_>,
    packed: bool,
    announced: Option<u64>,
    received: &AtomicU64,
) -> Result<PartFile, FetchError> {
    let disk = |e: std::io::Error| FetchError::Disk { dir: ask.dir.to_owned(), reason: e.to_string() };
    let part = PartFile::create(ask.dir, ask.max_bytes).map_err(disk)?;
    let mut sink = Sink::new(part, packed);
    let mut bytes = 0;
    let idle = ask.request.idle_timeout;
    loop {
        let piece = match timeout(idle, response.chunk()).await {
            Ok(Ok(Some(piece))) => piece,
            Ok(Ok(None)) => break,
            Ok(Err(e)) => return Err(client::explain_body(&e, url, bytes, announced)),
            Err(_) => {
                let url = address::shown(url);
                return Err(FetchError::TimedOut { url, phase: Phase::Idle, after: idle, bytes });
            }
        };
        bytes += piece.len() as u64;
        received.store(bytes, Ordering::Relaxed);
        // Packed, a body is never longer than unpacked by more than a trifle; a body that is all packing must end too.
        if bytes > ask.max_bytes.saturating_add(1 << 16) {
            return Err(FetchError::TooLarge { url: address::shown(url), limit: ask.max_bytes, packed: false });
        }
        sink.write(&piece).map_err(|fault| fault.explain(address::shown(url), ask.dir, ask.max_bytes))?;
    }
    // The library checks this too; a cut list is too dear to rely on one check.
    if announced.is_some_and(|n| n != bytes) {
        return Err(FetchError::Cut { url: address::shown(url), bytes, announced });
    }
    if bytes == 0 {
        return Err(FetchError::Empty { url: address::shown(url) });
    }
    sink.finish().map_err(|fault| fault.explain(address::shown(url), ask.dir, ask.max_bytes))
}
