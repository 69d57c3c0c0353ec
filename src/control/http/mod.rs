//! HTTP for machines and for a look: metrics, health and status. It reads the daemon and never changes it.
//!
//! | path | answer |
//! |---|---|
//! | `/metrics` | metrics in the Prometheus text format |
//! | `/livez` | 200 if the workers make progress, else 503: restart me |
//! | `/readyz` | 200 if everything works, else 503 and JSON with the reasons: look at me, do not restart me |
//! | `/status` | JSON: version, legal ground, rules, interfaces, uptime |
//!
//! None of them says anything about a subscriber, or a name. There is no password, so the server listens on loopback
//! unless it is told otherwise, and it withstands clients that are slow, many or malformed.

mod routes;
mod server;
#[cfg(test)]
mod tests;
mod view;

pub use server::{HttpServer, HttpTimes, serve};
pub use view::{BundleStatus, DaemonView, InterfaceStatus, LegalStatus, ListStatus, RulesStatus, Status};
