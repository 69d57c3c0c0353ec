//! `[prefilter]`: what the kernel keeps from the workers.

use super::reader::{Table, integer};
use crate::capture::prefilter::{PrefilterChoice, PrefilterSettings, Profile};
use crate::control::units::ByteSize;

const CHOICES: [(&str, PrefilterChoice); 4] = [
    ("auto", PrefilterChoice::Auto),
    ("ebpf", PrefilterChoice::Ebpf),
    ("classic", PrefilterChoice::Classic),
    ("off", PrefilterChoice::Off),
];
const PROFILES: [(&str, Profile); 2] = [("names", Profile::Names), ("outcomes", Profile::Outcomes)];

/// What the kernel keeps from the workers. It works where the ring reads the interface; `docs/prefilter.md` says what
/// passes and what can be missed.
#[derive(Clone, PartialEq, Debug)]
pub struct PrefilterConfig {
    /// `"auto"` (default) and `"ebpf"`: the eBPF filter, where the kernel does not take it the classic one, and where
    /// that is not possible none. `"classic"`: the classic one. `"off"`: every packet comes up.
    pub mode: PrefilterChoice,
    /// `"names"` (default): what may hold a name. `"outcomes"`: also SYN, FIN, RST and the first octets of answers.
    pub profile: Profile,
    /// Ports of servers to which the classic filter passes all that clients send over TCP, 0 to 16 of them. Default
    /// `[80, 443, 853, 3128, 8000, 8080, 8443]`. The eBPF filter needs none.
    pub tcp_ports: Vec<u16>,
    /// TCP flows of an interface that the eBPF filter remembers, 1024 to 16777216, in some 140 octets of kernel memory
    /// each. Default 131072.
    pub flows: u32,
    /// Octets of a stream that the eBPF filter passes from the beginning of a hello or request on, 4KiB to 1MiB. Default
    /// `"68KiB"`, as much as is read of one: with less, long ones are lost.
    pub stream_budget: ByteSize,
    /// Octets of each answer that pass with the profile `"outcomes"`, 1KiB to 1MiB. Default `"4KiB"`.
    pub reply_budget: ByteSize,
}

impl Default for PrefilterConfig {
    fn default() -> Self {
        let d = PrefilterSettings::default();
        PrefilterConfig {
            mode: d.choice,
            profile: d.profile,
            tcp_ports: d.tcp_ports,
            flows: d.flows,
            stream_budget: ByteSize::kib(u64::from(d.stream_octets) >> 10),
            reply_budget: ByteSize::kib(u64::from(d.reply_octets) >> 10),
        }
    }
}

impl PrefilterConfig {
    pub(super) fn read(t: &mut Table<'_, '_>) -> Self {
        let d = Self::default();
        PrefilterConfig {
            mode: t.choice("mode", &CHOICES).unwrap_or(d.mode),
            profile: t.choice("profile", &PROFILES).unwrap_or(d.profile),
            tcp_ports: t
                .list("tcp_ports", 0..=PrefilterSettings::MAX_PORTS, |item| {
                    let port = integer(item).and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
                    port.ok_or_else(|| "a port is a number from 1 to 65535".to_owned())
                })
                .unwrap_or(d.tcp_ports),
            flows: t.number("flows", 1_024..=16_777_216).unwrap_or(d.flows),
            stream_budget: t.size("stream_budget", ByteSize::kib(4)..=ByteSize::mib(1)).unwrap_or(d.stream_budget),
            reply_budget: t.size("reply_budget", ByteSize::kib(1)..=ByteSize::mib(1)).unwrap_or(d.reply_budget),
        }
    }
}
