//! `[limits]`: the sizes of everything that could grow. What does not fit is counted, never waited for.

use super::reader::Table;
use crate::control::units::{ByteSize, Span};

/// The sizes of everything that could grow. Those of a worker are taken once for each interface.
#[derive(Clone, PartialEq, Debug)]
pub struct LimitsConfig {
    /// TCP and QUIC flows that a worker follows at once, 1024 to 16777216. Default 65536.
    pub flows: u32,
    /// A flow without a packet for this long is forgotten, 1s to 1h. Default `"30s"`.
    pub flow_timeout: Span,
    /// Octets that a worker holds of streams whose first message is not complete yet, 1MiB to 16GiB. Default `"32MiB"`.
    pub stream_memory: ByteSize,
    /// Octets that a worker holds of IP datagrams whose fragments are not complete yet, 256KiB to 1GiB. Default `"16MiB"`.
    pub fragment_memory: ByteSize,
    /// Fragments wait this long for the rest of their datagram, 1s to 2m. Default `"30s"` (RFC 8200 allows 60s).
    pub fragment_timeout: Span,
    /// Matches that may wait between the workers and the findings, 1024 to 16777216. Default 65536.
    pub hit_queue: u32,
    /// Events that may wait for each output, 1024 to 16777216. Default 65536.
    pub event_queue: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        LimitsConfig {
            flows: 65_536,
            flow_timeout: Span::secs(30),
            stream_memory: ByteSize::mib(32),
            fragment_memory: ByteSize::mib(16),
            fragment_timeout: Span::secs(30),
            hit_queue: 65_536,
            event_queue: 65_536,
        }
    }
}

impl LimitsConfig {
    pub(super) fn read(t: &mut Table<'_, '_>) -> Self {
        let d = Self::default();
        let entries = 1_024..=16_777_216;
        LimitsConfig {
            flows: t.number("flows", entries.clone()).unwrap_or(d.flows),
            flow_timeout: t.span("flow_timeout", Span::secs(1)..=Span::hours(1)).unwrap_or(d.flow_timeout),
            stream_memory: t.size("stream_memory", ByteSize::mib(1)..=ByteSize::gib(16)).unwrap_or(d.stream_memory),
            fragment_memory: t
                .size("fragment_memory", ByteSize::kib(256)..=ByteSize::gib(1))
                .unwrap_or(d.fragment_memory),
            fragment_timeout: t.span("fragment_timeout", Span::secs(1)..=Span::secs(120)).unwrap_or(d.fragment_timeout),
            hit_queue: t.number("hit_queue", entries.clone()).unwrap_or(d.hit_queue),
            event_queue: t.number("event_queue", entries).unwrap_or(d.event_queue),
        }
    }
}
