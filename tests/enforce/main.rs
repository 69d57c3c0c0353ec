//! `stakeout rules export` against what enforces it: the checkers of BIND, unbound and dnsmasq, and these servers
//! answering questions before an authoritative server of the test's own. And back again: what Stakeout reads of its own
//! exports. The logs that these servers write of their queries are read by `stakeout rules impact`.
//!
//! The servers run in a network namespace that each test makes, so these tests need root.

#[path = "../common/mod.rs"]
#[allow(unused_imports, reason = "each test program uses its own part of it")]
mod common;

mod place;
mod query_logs;
mod round_trip;
mod servers;
mod start;
