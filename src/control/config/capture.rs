//! `[capture]`: where packets come from.

use super::reader::{Table, integer, text_item};
use crate::capture::{Backend, LiveConfig};
use crate::control::units::{ByteSize, Span};

/// Where packets come from.
#[derive(Clone, PartialEq, Debug)]
pub struct CaptureConfig {
    /// The interfaces that carry the mirrored traffic, 1 to 16. Required, unless there is a `[dnstap]`.
    pub interfaces: Vec<String>,
    /// Octets kept of each packet, 256 to 262144. Default 262144, libpcap's own limit: with offloads on, the kernel joins
    /// segments into packets of 64 KiB and more, and a name may lie at the end.
    pub snaplen: u32,
    /// Kernel buffer of each worker, 1MiB to 1GiB. Default `"64MiB"`: it bridges moments in which the workers do not
    /// keep up.
    pub buffer: ByteSize,
    /// The longest that packets wait in the buffer before they are handed over, 1ms to 10s. Default `"100ms"`.
    pub timeout: Span,
    /// Take packets that are not addressed to this machine, as those of a mirror are not. Default true.
    pub promiscuous: bool,
    /// What reads the interfaces. `"auto"` (default): the kernel's ring where it can, else libpcap. `"ring"`: the ring or
    /// nothing. `"pcap"`: libpcap. `"xdp"`: AF_XDP or nothing; it takes every packet away from the machine itself.
    pub backend: Backend,
    /// Workers that share each interface, 1 to 64, each with a thread and a buffer of its own. Default 1. More than one
    /// needs the ring or AF_XDP; with AF_XDP there must be as many as the interface has receive queues.
    pub workers: u32,
    /// Processors on which the workers run, given out in turn, 0 to 1023. Default `[]`: wherever the kernel puts them.
    pub cpus: Vec<u32>,
    /// Ports on which DNS is spoken, 1 to 16 of them. Default `[53]`.
    pub dns_ports: Vec<u16>,
}

impl Default for CaptureConfig {
    fn default() -> Self {
        CaptureConfig {
            interfaces: Vec::new(),
            snaplen: 262_144,
            buffer: ByteSize::mib(64),
            timeout: Span::millis(100),
            promiscuous: true,
            backend: Backend::Auto,
            workers: 1,
            cpus: Vec::new(),
            dns_ports: vec![53],
        }
    }
}

impl CaptureConfig {
    /// `has_dnstap`: there is another source, so that there need be no interface.
    pub(super) fn read(t: &mut Table<'_, '_>, has_dnstap: bool) -> Self {
        let d = Self::default();
        let what = "the interfaces that carry the mirror, such as interfaces = [\"eth1\"]";
        if !t.is_present() && !has_dnstap {
            t.error_at("interfaces", "the table [capture] is missing", format!("write [capture] and in it {what}"));
        }
        let interfaces = if has_dnstap || !t.is_missing("interfaces", what) {
            t.list("interfaces", usize::from(!has_dnstap)..=16, |item| interface(text_item(item)?))
        } else {
            None
        };
        let backend = t.choice("backend", &BACKENDS).unwrap_or(d.backend);
        let workers = t.number("workers", 1..=64).unwrap_or(d.workers);
        if workers > 1 && backend == Backend::Pcap {
            let help = "with backend = \"pcap\" each interface has one worker: leave `workers` out, or use the ring";
            t.error_at(
                "workers",
                format!("`capture.workers` is {workers}, but libpcap cannot share an interface"),
                help,
            );
        }
        if backend == Backend::Ring && interfaces.iter().flatten().any(|name| name == LiveConfig::ANY) {
            let help = "name the interfaces, or use backend = \"pcap\"";
            t.error_at("backend", "the ring cannot read \"any\", all interfaces together", help);
        }
        if let Some(problem) = xdp_problem(backend, interfaces.as_deref().unwrap_or_default(), Backend::HAS_XDP) {
            t.error_at("backend", problem, "backend = \"auto\" reads the interface through the ring");
        }
        CaptureConfig {
            backend,
            workers,
            cpus: t
                .list("cpus", 0..=1024, |item| {
                    let cpu = integer(item).and_then(|n| u32::try_from(n).ok()).filter(|n| *n < 1024);
                    cpu.ok_or_else(|| "a processor is a number from 0 to 1023".to_owned())
                })
                .unwrap_or(d.cpus),
            interfaces: interfaces.unwrap_or(d.interfaces),
            snaplen: t.number("snaplen", 256..=262_144).unwrap_or(d.snaplen),
            buffer: t.size("buffer", ByteSize::mib(1)..=ByteSize::gib(1)).unwrap_or(d.buffer),
            timeout: t.span("timeout", Span::millis(1)..=Span::secs(10)).unwrap_or(d.timeout),
            promiscuous: t.boolean("promiscuous").unwrap_or(d.promiscuous),
            dns_ports: t
                .list("dns_ports", 1..=16, |item| {
                    let port = integer(item).and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
                    port.ok_or_else(|| "a port is a number from 1 to 65535".to_owned())
                })
                .unwrap_or(d.dns_ports),
        }
    }
}

const BACKENDS: [(&str, Backend); 4] =
    [("auto", Backend::Auto), ("ring", Backend::Ring), ("pcap", Backend::Pcap), ("xdp", Backend::Xdp)];

/// What keeps AF_XDP from being used, as far as the configuration tells.
fn xdp_problem(backend: Backend, interfaces: &[String], built_in: bool) -> Option<&'static str> {
    if backend != Backend::Xdp {
        None
    } else if !built_in {
        Some("`capture.backend` is \"xdp\", and this program was built without AF_XDP (the Cargo feature `xdp`)")
    } else if interfaces.iter().any(|name| name == LiveConfig::ANY || name == "lo") {
        Some("AF_XDP takes packets away from the machine, so it reads mirror ports only, neither \"any\" nor \"lo\"")
    } else {
        None
    }
}

/// Linux holds interface names in 16 octets with a NUL, and allows no slash and no white space in them.
fn interface(name: &str) -> Result<String, String> {
    let fits = (1..=15).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':');
    if fits && name != "." && name != ".." {
        Ok(name.to_owned())
    } else {
        Err(format!("{name:?} is no interface name (1 to 15 characters, no space, `/` or `:`)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn af_xdp_must_be_built_in_and_is_for_mirror_ports() {
        let on = |name: &str| [name.to_owned()];
        let told = |backend, name, built_in| xdp_problem(backend, &on(name), built_in).unwrap_or_default();
        assert!(told(Backend::Xdp, "eth1", false).contains("feature `xdp`"));
        assert!(told(Backend::Xdp, "any", true).contains("mirror ports only"));
        assert!(told(Backend::Xdp, "lo", true).contains("mirror ports only"));
        assert_eq!(told(Backend::Xdp, "eth1", true), "");
        assert_eq!(told(Backend::Ring, "lo", false), "");
    }
}
