//! What the tests against the running program share: a network namespace of their own, the daemon in it, and packets
//! to send past it. Used by two test targets, each of which needs a part.

#![allow(dead_code, reason = "each target uses a part of it")]

pub(crate) mod daemon;
pub(crate) mod namespace;
pub(crate) mod packets;

/// Says why a test does nothing.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}
