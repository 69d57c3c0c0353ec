//! What tests on live links share: network namespaces joined by veth with a mirror port between them, servers in them,
//! and the daemon on the mirror. Everything that is started here is stopped and removed again when it is dropped, also
//! when the test fails.
//!
//! Needs root, and the tools of `tools/setup.sh test`; [`Lab::new`] says so where something is missing.

// Each test program uses its own part of this.
#![allow(dead_code)]

pub(crate) mod daemon;
pub(crate) mod events;
pub(crate) mod lab;
pub(crate) mod namespace;
pub(crate) mod need;
pub(crate) mod process;
pub(crate) mod servers;
pub(crate) mod wait;

pub(crate) use daemon::Daemon;
pub(crate) use lab::Lab;
pub(crate) use servers::Servers;
pub(crate) use wait::wait_until;
