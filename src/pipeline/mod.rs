//! Ties the stages together. A [`Worker`] takes frames and gives names, [`find_hit`] asks the rules about each; on
//! live traffic a [`LiveWorker`] does both on a thread of its own, a [`DnstapWorker`] does so with what resolvers tell,
//! and one [`Recorder`] makes findings of the hits.
//!
//! Between them stands one bounded queue. What is dropped first are hits of a rule that floods it, then the hit that does
//! not fit, and both are counted; the packets behind them never wait.

mod dnstap;
mod fair;
mod live;
mod matcher;
mod recorder;
mod worker;

pub use dnstap::{
    DnstapConfig, DnstapError, DnstapReader, DnstapReading, DnstapWorker, INTERFACE as DNSTAP_INTERFACE,
    TcpSocketConfig, UnixSocketConfig, group_id,
};
pub use live::{LiveWorker, Running, WorkerState};
pub use matcher::{find_hit, find_hit_and_count};
pub use recorder::{Recorder, RecorderState};
pub use worker::{Limits, Worker};
