//! The control plane: configuration, what is wrong with it, reload triggers and HTTP.
//!
//! [`config`] turns one TOML file into a [`config::Config`]; [`check`] adds what only the machine can tell (does the
//! rule file exist, is the directory writable) and lists every problem with its line. `stakeout check` prints that
//! list and `stakeout run` refuses to start on any error in it, so the two can never disagree. [`bundles`] decides whether a
//! signed rule bundle is taken. [`watch`] says when
//! rule files changed or a signal came, and [`http`] answers `/metrics`, the health probes and `/status`. [`sizing`]
//! reckons how large a sensor must be.

pub mod bundles;
pub mod check;
pub mod config;
pub mod daemon;
pub mod http;
pub mod legal;
pub mod rules;
pub mod sizing;
pub mod units;
pub mod watch;
