//! The daemon on live traffic of real clients: `dig`, `curl` and headless Chromium talk to real servers over links with
//! real segments, and `stakeout run` sits at the end of a mirror port (`tests/common/lab.rs` draws it).

#[path = "../common/mod.rs"]
mod common;

mod backends;
mod clients;
mod expect;
mod reload;
mod stop;
mod unplug;
mod visits;
