//! HTTP/1 requests (RFC 9110, 9112): whose site is asked for, and where the next request begins.
//!
//! Probing is strict, because every stream on every port is probed: a request line is one only with ` HTTP/1.` at its
//! end. What follows it is read forgivingly, as a server might or might not: a name sent in a way that the standard
//! forbids is still a name sent. Where a request names two sites (target against Host, or two Hosts), both are given.
//!
//! HTTP/2 with prior knowledge is not read; its preface probes as no.

mod body;
mod error;
mod head;
mod host;
mod probe;
mod request_line;
#[cfg(test)]
mod tests;

pub use body::{Body, BodySkipper, Skip};
pub use error::HttpError;
pub use head::{HeadScanner, MAX_HEAD, Parsed, RequestHead, parse_head, partial_head};
pub use host::{Host, HostSource};
pub use probe::{Probe, probe};
