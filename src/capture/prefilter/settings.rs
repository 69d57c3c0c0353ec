//! What the kernel prefilter is told: plain values, with defaults that suit a mirror port.

/// Which prefilter to use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PrefilterChoice {
    /// The best that works: eBPF, else classic, else none.
    #[default]
    Auto,
    /// The eBPF socket filter; if it cannot be loaded, the classic one, else none.
    Ebpf,
    /// The classic one, if the link type is one that it knows; else none.
    Classic,
    /// None: every packet comes up.
    Off,
}

/// What passes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Profile {
    /// What may hold a name, and nothing else.
    #[default]
    Names,
    /// Also what tells how a visit went on: SYN, FIN, RST, and the first octets of the server's answers.
    Outcomes,
}

impl Profile {
    /// The name in the configuration and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Profile::Names => "names",
            Profile::Outcomes => "outcomes",
        }
    }
}

/// What frames begin with, where a filter is to be made for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FilterLink {
    /// A MAC header. A VLAN tag that the kernel has taken out does not matter: offsets do not change by it.
    Ethernet,
    /// An IP packet of either version.
    RawIp,
}

impl FilterLink {
    /// For this LINKTYPE; `None` where no filter is made, so that everything must pass.
    pub const fn from_linktype(linktype: u32) -> Option<FilterLink> {
        match linktype {
            1 => Some(FilterLink::Ethernet),
            12 | 14 | 101 => Some(FilterLink::RawIp),
            _ => None,
        }
    }
}

/// Settings of the prefilter of one interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefilterSettings {
    /// Which one.
    pub choice: PrefilterChoice,
    /// What passes.
    pub profile: Profile,
    /// Ports on which DNS is read; at most [`PrefilterSettings::MAX_PORTS`] count.
    pub dns_ports: Vec<u16>,
    /// TCP ports of servers to which the classic filter passes everything that clients send; at most
    /// [`PrefilterSettings::MAX_PORTS`] count. The eBPF filter needs none.
    pub tcp_ports: Vec<u16>,
    /// TCP flows that the eBPF filter remembers: about 140 octets of kernel memory each.
    pub flows: u32,
    /// Octets of a stream that the eBPF filter passes after a hello or a request begins in it. Not less than what
    /// userspace reads of one (68 KiB), or names are lost that could have been found.
    pub stream_octets: u32,
    /// Octets of each answer that pass with [`Profile::Outcomes`].
    pub reply_octets: u32,
    /// Octets kept of each packet that passes.
    pub snaplen: u32,
}

impl PrefilterSettings {
    /// Ports of each kind for which there is room.
    pub const MAX_PORTS: usize = 16;

    /// Where clients send HTTP and TLS: HTTP, HTTPS, DNS over TLS, proxies, and the usual second ports.
    pub const TCP_PORTS: [u16; 7] = [80, 443, 853, 3128, 8000, 8080, 8443];
}

impl Default for PrefilterSettings {
    /// The best filter there is, for names, DNS on port 53.
    fn default() -> Self {
        PrefilterSettings {
            choice: PrefilterChoice::Auto,
            profile: Profile::Names,
            dns_ports: vec![53],
            tcp_ports: Self::TCP_PORTS.to_vec(),
            flows: 131_072,
            stream_octets: 68 << 10,
            reply_octets: 4 << 10,
            snaplen: 262_144,
        }
    }
}
