//! Stakeout watches a mirror of a provider's traffic and tells which names in it are gambling sites that an authority
//! has ordered blocked.
//!
//! Data flows one way, and the modules stand in its order: an arrow may only point up this list.
//!
//! | module | what it does |
//! |---|---|
//! | [`model`] | the nouns: names, addresses, packets, observations; imports nothing of ours |
//! | [`telemetry`] | logging set-up and named events; may be used anywhere |
//! | [`capture`] | packets from files and interfaces |
//! | [`decode`] | from a frame to the innermost TCP segment or UDP datagram |
//! | [`extract`] | from payload bytes to names: DNS, TLS, QUIC, HTTP; sans-IO |
//! | [`flow`] | the bounded flow table and the reassembly of a stream's first bytes |
//! | [`matching`] | rule files, and the immutable rule set that answers "is this name listed?" |
//! | [`record`] | from a match to a finding, and from a finding to its events |
//! | [`export`] | where events and metrics go |
//! | [`pipeline`] | the worker that ties capture to matching, and the threads that run it |
//! | [`traffic`] | the generator of invented traffic for the demo, the tests and the benches |
//! | [`control`] | configuration, reload, HTTP, the daemon |
//! | [`cli`] | the commands |

pub mod capture;
pub mod cli;
pub mod control;
pub mod decode;
pub mod export;
pub mod extract;
pub mod flow;
pub mod matching;
pub mod model;
pub mod pipeline;
pub mod record;
pub mod telemetry;
pub mod traffic;
