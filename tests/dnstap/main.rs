//! dnstap as a source: the format, what is made of a message, the daemon that resolvers connect to, real resolvers whose
//! findings must equal those of the wire, and what happens to whoever sends something else.
//!
//! Only the tests with real resolvers need root; the others run on a UNIX socket in a folder of their own.

#[path = "../common/mod.rs"]
#[allow(unused_imports, reason = "each test program uses its own part of it")]
mod common;
#[path = "../privacy/search.rs"]
#[allow(dead_code, reason = "as above")]
mod search;

mod daemon;
mod faults;
mod findings;
mod format;
mod privacy;
mod reader;
mod resolvers;
mod sender;
mod service;
