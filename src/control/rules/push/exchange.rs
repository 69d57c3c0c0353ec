//! One request: who asks for what, the body into a file, the receiver's word, the answer.

use std::convert::Infallible;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::config::{PushConfig, PushSource};
use super::counters::PushCounters;
use super::gate::{Gate, Pass};
use super::receiver::{Delivery, NotTaken, Receiver};
use super::refusal::Cause;
use crate::control::rules::part::{Fault, PartFile, WholeFile};
use crate::telemetry::events;

/// What the ministry expects to hear.
const ACCEPTED: &str = "<hazard><status>OK</status></hazard>";
/// And in which header.
const HEADER: (&str, &str) = ("rsh-push", "accepted");
/// Octets of a refused body that are read and forgotten, so that a client that has sent them already reads our answer.
const MAX_DISCARDED: usize = 1 << 20;
/// Characters of a receiver's reason that are told.
const MAX_REASON: usize = 500;

/// What all exchanges share.
pub(super) struct Endpoint {
    config: PushConfig,
    gates: Vec<Gate>,
    receiver: Arc<dyn Receiver>,
    pub(super) counters: Arc<PushCounters>,
}

/// A refusal, and the receiver's own words if it gave any.
struct Refusal {
    cause: Cause,
    reason: Option<String>,
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Refusal { cause, reason: None }
    }
}

impl Endpoint {
    pub(super) fn new(config: PushConfig, receiver: Arc<dyn Receiver>, counters: Arc<PushCounters>) -> Endpoint {
        let now = Instant::now();
        let gates = config.sources.iter().map(|_| Gate::new(config.burst, config.refill, now)).collect();
        Endpoint { config, gates, receiver, counters }
    }

    /// Answers one request of the client with this certificate.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        client_sha256: [u8; 32],
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, mut body) = request.into_parts();
        let n = self.config.sources.iter().position(|source| source.path == head.uri.path());
        let outcome = match n {
            None => Err(Cause::Path.into()),
            Some(n) => self.push(n, &head, &mut body, client_sha256).await,
        };
        let refusal = match outcome {
            Ok(()) => return Ok(accepted()),
            Err(refusal) => refusal,
        };
        let source = n.map_or("", |n| self.config.sources[n].id.as_str());
        events::push_refused(source, refusal.cause.word());
        if !matches!(refusal.cause, Cause::Refused | Cause::Unavailable) {
            // Those two are counted where the receiver's word is heard, even if the client has gone by then.
            self.counters.refused(refusal.cause);
        }
        // Who waits for "100 Continue" has sent nothing yet.
        if !head.headers.contains_key(header::EXPECT) {
            self.discard(&mut body).await;
        }
        Ok(refused(&refusal))
    }

    async fn push(
        self: &Arc<Self>,
        n: usize,
        head: &hyper::http::request::Parts,
        body: &mut Incoming,
        client_sha256: [u8; 32],
    ) -> Result<(), Refusal> {
        let source = &self.config.sources[n];
        if !source.clients.is_empty() && !source.clients.contains(&client_sha256) {
            return Err(Cause::Client.into());
        }
        if head.method != Method::POST {
            return Err(Cause::Method.into());
        }
        let encoding = head.headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
        if encoding.is_some_and(|e| !e.eq_ignore_ascii_case(b"identity")) {
            return Err(Cause::Encoding.into());
        }
        if body.size_hint().lower() > self.config.max_bytes {
            return Err(Cause::Length.into());
        }
        let pass = self.gates[n].enter(Instant::now())?;
        let whole = timeout(self.config.times.body, self.take(body)).await.map_err(|_| Cause::Slow)??;
        self.hand_over(source, whole, client_sha256, pass).await
    }

    /// The body, in a file.
    async fn take(&self, body: &mut Incoming) -> Result<WholeFile, Cause> {
        let mut part = PartFile::create(&self.config.incoming, self.config.max_bytes).map_err(|_| Cause::Disk)?;
        loop {
            let frame = match timeout(self.config.times.idle, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => break,
                Ok(Some(Err(_))) => return Err(Cause::Cut),
                Err(_) => return Err(Cause::Slow),
            };
            // Trailers are nothing to us.
            let Ok(data) = frame.into_data() else { continue };
            if part.write_all(&data).is_err() {
                return Err(match part.take_fault() {
                    Some(Fault::TooLarge(_)) => Cause::Length,
                    Some(Fault::Disk(_)) | None => Cause::Disk,
                });
            }
        }
        if part.written() == 0 { Err(Cause::Empty) } else { Ok(part.keep()) }
    }

    /// Waits for the receiver's word. If it takes too long it goes on alone, with the source still closed to others.
    async fn hand_over(
        self: &Arc<Self>,
        source: &PushSource,
        whole: WholeFile,
        client_sha256: [u8; 32],
        pass: Pass,
    ) -> Result<(), Refusal> {
        let delivery = Delivery {
            source: source.id.clone(),
            file: whole.path,
            bytes: whole.bytes,
            sha256: whole.sha256,
            received_at: Timestamp::now(),
            client_sha256,
        };
        // Whether the refusal has been counted: by the receiver's word, or because there was none in time.
        let told = Arc::new(AtomicBool::new(false));
        let (endpoint, heard) = (Arc::clone(self), Arc::clone(&told));
        let refuse = |endpoint: &Endpoint, told: &AtomicBool, cause| {
            if !told.swap(true, Ordering::Relaxed) {
                endpoint.counters.refused(cause);
            }
        };
        let receive = spawn_blocking(move || {
            let _pass = pass;
            let _gone = Removed(&delivery.file);
            let word = endpoint.receiver.receive(&delivery);
            match &word {
                Ok(()) => {
                    endpoint.counters.accepted(delivery.bytes);
                    events::push_accepted(&delivery.source, delivery.bytes);
                }
                Err(NotTaken::Refused(_)) => refuse(&endpoint, &heard, Cause::Refused),
                Err(NotTaken::Unavailable(_)) => refuse(&endpoint, &heard, Cause::Unavailable),
            }
            word
        });
        match timeout(self.config.times.receive, receive).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(NotTaken::Refused(reason)))) => Err(Refusal { cause: Cause::Refused, reason: Some(reason) }),
            Ok(Ok(Err(NotTaken::Unavailable(reason)))) => {
                Err(Refusal { cause: Cause::Unavailable, reason: Some(reason) })
            }
            // It panicked, or it is not done. Either way the sender must not believe that we have it.
            Ok(Err(_)) | Err(_) => {
                refuse(self, &told, Cause::Unavailable);
                Err(Cause::Unavailable.into())
            }
        }
    }

    async fn discard(&self, body: &mut Incoming) {
        let read = async {
            let mut left = MAX_DISCARDED;
            while let Some(Ok(frame)) = body.frame().await {
                let Some(more) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
                left = more;
            }
        };
        // Whoever is slower does without the answer.
        let _ = timeout(self.config.times.grace, read).await;
    }
}

/// Removes a file in the end, also after a panic.
struct Removed<'a>(&'a std::path::Path);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        // The receiver may have moved it.
        let _ = std::fs::remove_file(self.0);
    }
}

fn accepted() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(ACCEPTED));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(HEADER.0, HeaderValue::from_static(HEADER.1));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn refused(refusal: &Refusal) -> Response<Full<Bytes>> {
    let (status, text) = refusal.cause.answer();
    let text = match &refusal.reason {
        Some(reason) => format!("{text}: {}\n", reason.chars().take(MAX_REASON).collect::<String>()),
        None => format!("{text}\n"),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS | StatusCode::INSUFFICIENT_STORAGE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        _ => {}
    }
    response
}
