//! The answers, by path. Only GET and HEAD are answered.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use super::view::DaemonView;

type View = State<Arc<dyn DaemonView>>;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// The Prometheus text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

const INDEX: &str = concat!(
    "stakeout ",
    env!("CARGO_PKG_VERSION"),
    "\n\n/metrics  metrics in the Prometheus text format\n/livez    whether the workers make progress\n/readyz   \
     whether everything works, and if not, why\n/status   version, legal ground, rules, interfaces\n"
);

/// All paths.
pub(super) fn router(view: Arc<dyn DaemonView>) -> Router {
    Router::new()
        .route("/", get(|| async { answer(StatusCode::OK, TEXT, INDEX) }))
        .route("/metrics", get(|State(view): View| async move { answer(StatusCode::OK, METRICS, view.metrics()) }))
        .route("/livez", get(|State(view): View| async move { health(view.stalled()) }))
        .route("/readyz", get(|State(view): View| async move { health(view.unready()) }))
        .route("/status", get(|State(view): View| async move { json(StatusCode::OK, &view.status()) }))
        .fallback(|| async { answer(StatusCode::NOT_FOUND, TEXT, "no such page; / lists them\n") })
        .with_state(view)
}

/// The answer of a health probe.
#[derive(Serialize)]
struct Health {
    ok: bool,
    /// Empty if `ok`.
    reasons: Vec<String>,
}

fn health(reasons: Vec<String>) -> Response {
    let ok = reasons.is_empty();
    json(if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &Health { ok, reasons })
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => answer(status, JSON, text + "\n"),
        Err(e) => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("cannot write the answer: {e}\n")),
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
