//! Tunnels: headers that carry a whole packet or frame inside IP or UDP.

pub(super) mod gre;
pub(super) mod l2tp;
pub(super) mod udp;
