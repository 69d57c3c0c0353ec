//! Ties the stages together: a [`Worker`] takes frames and gives names.

mod worker;

pub use worker::{Limits, Worker};
