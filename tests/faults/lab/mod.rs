//! What the tests against the running program share: a network namespace of their own, the daemon in it, and packets
//! to send past it. Used by two test targets, each of which needs a part.

#![allow(dead_code, reason = "each target uses a part of it")]

pub(crate) mod daemon;
pub(crate) mod namespace;
pub(crate) mod packets;

use std::io::Write;

/// Says why a test does nothing, past the test harness, which keeps what a passing test prints to itself.
pub(crate) fn skip(reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}
