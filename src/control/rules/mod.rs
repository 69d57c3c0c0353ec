//! Registers and what becomes of them, from a regulator's server to a signed set: the control plane of rules.

pub mod fetch;
pub mod part;
pub mod push;
