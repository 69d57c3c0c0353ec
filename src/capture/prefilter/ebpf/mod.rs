//! Loads the eBPF filter into the kernel and attaches it to sockets.
//!
//! The program is `prefilter.bpf.c`, compiled beforehand: the object beside it is part of this crate, so that neither
//! clang nor kernel headers are needed to build or to run. What is in its maps is read here and nowhere else.

mod cause;

pub use cause::Cause;

use super::{FilterLink, PrefilterSettings, Profile};
use aya::maps::{HashMap, MapData, PerCpuArray};
use aya::programs::SocketFilter;
use aya::{Ebpf, EbpfLoader};
use std::io;
use std::os::fd::BorrowedFd;

/// The compiled program.
static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/capture/prefilter/ebpf/prefilter.bpf.o"));

/// The name of the program in the object.
const PROGRAM: &str = "prefilter";

/// Packets by cause, so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts([u64; Cause::ALL.len()]);

impl Counts {
    /// Packets of one cause.
    pub fn get(&self, cause: Cause) -> u64 {
        self.0[cause as usize]
    }

    /// The sum of two.
    pub(super) fn plus(&self, other: &Counts) -> Counts {
        Counts(std::array::from_fn(|at| self.0[at].wrapping_add(other.0[at])))
    }

    /// Packets that came up.
    pub fn passed(&self) -> u64 {
        Cause::ALL.iter().filter(|c| c.passes()).map(|c| self.get(*c)).sum()
    }

    /// Packets that did not.
    pub fn rejected(&self) -> u64 {
        Cause::ALL.iter().filter(|c| !c.passes()).map(|c| self.get(*c)).sum()
    }
}

/// The program in the kernel, with its maps. Sockets to which it is attached share them, and keep it when this is gone.
pub(super) struct Program {
    ebpf: Ebpf,
    counts: PerCpuArray<MapData, u64>,
    flows: HashMap<MapData, FlowKey, Flow>,
}

/// `struct flow_key` and `struct flow` of the program, which only it looks into.
type FlowKey = [u8; 40];
type Flow = [u8; 24];

impl Program {
    /// Loads and verifies it. This is what takes privileges: CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN before Linux 5.8.
    ///
    /// # Errors
    /// The kernel has no eBPF, does not allow it, or refuses the program; in words.
    pub(super) fn load(link: FilterLink, settings: &PrefilterSettings) -> Result<Program, String> {
        let mut dns = [0; PrefilterSettings::MAX_PORTS];
        dns.iter_mut().zip(&settings.dns_ports).for_each(|(slot, port)| *slot = *port);
        let dns_count = settings.dns_ports.len().min(dns.len()) as u32;
        let link = u32::from(link == FilterLink::RawIp);
        let outcomes = u32::from(settings.profile == Profile::Outcomes);
        let mut ebpf = EbpfLoader::new()
            .override_global("cfg_link", &link, true)
            .override_global("cfg_outcomes", &outcomes, true)
            .override_global("cfg_dns_ports", &dns_count, true)
            .override_global("cfg_dns_port", &dns, true)
            .override_global("cfg_stream_octets", &settings.stream_octets, true)
            .override_global("cfg_reply_octets", &settings.reply_octets, true)
            .override_global("cfg_snaplen", &settings.snaplen, true)
            .map_max_entries("FLOWS", settings.flows.max(1))
            .load(OBJECT)
            .map_err(|e| words(&e))?;
        let counts = ebpf.take_map("COUNTS").ok_or("the object has no map COUNTS")?;
        let counts = PerCpuArray::try_from(counts).map_err(|e| words(&e))?;
        let flows = ebpf.take_map("FLOWS").ok_or("the object has no map FLOWS")?;
        let flows = HashMap::try_from(flows).map_err(|e| words(&e))?;
        program(&mut ebpf)?.load().map_err(|e| words(&e))?;
        Ok(Program { ebpf, counts, flows })
    }

    /// Attaches it to a socket whose data begin with the link layer's header. All flows are forgotten: userspace has not
    /// seen what they were let through for, and for the other sockets it only means that a little more passes.
    ///
    /// # Errors
    /// The socket takes no filter.
    pub(super) fn attach(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        let known: Vec<FlowKey> = self.flows.keys().flatten().collect();
        for key in &known {
            // It may be gone already: the kernel adds and drops flows all the time.
            let _ = self.flows.remove(key);
        }
        program(&mut self.ebpf).and_then(|p| p.attach(socket).map_err(|e| words(&e))).map_err(io::Error::other)
    }

    /// What it counted since it was loaded.
    ///
    /// # Errors
    /// The map cannot be read.
    pub(super) fn counts(&self) -> io::Result<Counts> {
        let mut counts = Counts::default();
        for (index, slot) in counts.0.iter_mut().enumerate() {
            let per_cpu = self.counts.get(&(index as u32), 0).map_err(io::Error::other)?;
            *slot = per_cpu.iter().fold(0, |sum, n| sum.wrapping_add(*n));
        }
        Ok(counts)
    }
}

fn program(ebpf: &mut Ebpf) -> Result<&mut SocketFilter, String> {
    ebpf.program_mut(PROGRAM).ok_or("the object has no program")?.try_into().map_err(|e| words(&e))
}

/// An error with its causes, without the verifier's log, which is for developers and has thousands of lines.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default().trim_end_matches(':');
        if !text.ends_with(said) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(said);
        }
        next = error.source();
    }
    text
}
