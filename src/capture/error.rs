//! Why a source gave no packets, or no more of them.
//!
//! The messages are written to follow the name of the input (`FILE: is a directory…`), so they do not repeat it; only
//! those about an interface name it. A file that is merely damaged is not an error: see `DamageReport`.

use std::io;

/// What keeps a source from being read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file cannot be opened.
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// A directory stands where a file should.
    #[error("is a directory, not a capture file; name the files in it")]
    Directory,
    /// There is not one octet.
    #[error("is empty; a capture file holds at least a header")]
    Empty,
    /// The first octets are of no format that is read.
    #[error("not a capture file: begins with {begins}; expected pcap or pcapng, optionally gzip or zstd")]
    NotACapture {
        /// What it looks like, in words, or its first octets.
        begins: String,
    },
    /// It begins like a capture and ends before the header does.
    #[error("ends within its {format} file header, after {len} octets; probably cut short when it was copied")]
    HeaderCut {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// Octets there are.
        len: usize,
    },
    /// A version of the format that is not known.
    #[error("{format} version {major}.{minor} is not supported; convert the file with `editcap` or `tcpdump -r -w`")]
    Version {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// As in the header.
        major: u16,
        /// As in the header.
        minor: u16,
    },
    /// It begins like a compressed file, and not even its first octets can be had.
    #[error("is damaged {format} data, nothing in it can be read: {reason}")]
    Compressed {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// What the decompressor says.
        reason: String,
    },
    /// Compressed again and again.
    #[error("is compressed more than {0} times over; decompress it first")]
    TooManyLayers(usize),
    /// The operating system failed to read; what came before was handed out.
    #[error("reading failed after {offset} octets of the input: {source}")]
    Read {
        /// Octets read from the input (compressed, if it is) before the failure.
        offset: u64,
        /// What the system says.
        source: io::Error,
    },
    /// No interface of this name in this network namespace.
    #[error("there is no interface \"{interface}\"; `ip link` lists those there are")]
    NoSuchInterface {
        /// As configured.
        interface: String,
    },
    /// The process may not capture. Only another start can change that.
    #[error(
        "no permission to capture on \"{interface}\": the process needs CAP_NET_RAW (in systemd: \
         AmbientCapabilities=CAP_NET_RAW; or `setcap cap_net_raw+ep` on the program)"
    )]
    NotPermitted {
        /// As configured.
        interface: String,
    },
    /// The interface exists and is not up.
    #[error("interface \"{interface}\" is down; `ip link set {interface} up` brings it up")]
    InterfaceDown {
        /// As configured.
        interface: String,
    },
    /// An interface that was being captured is no longer there, or was taken down. Opening again may work later.
    #[error("interface \"{interface}\" is gone: {reason}")]
    InterfaceGone {
        /// As configured.
        interface: String,
        /// What told.
        reason: String,
    },
    /// The ring cannot read this interface, or not in this kernel; libpcap may.
    #[error("the ring cannot read \"{interface}\": {reason}; capture.backend = \"pcap\" may")]
    RingUnfit {
        /// As configured.
        interface: String,
        /// Why.
        reason: String,
    },
    /// The interface must not be taken by AF_XDP, or cannot be.
    #[error("AF_XDP cannot read \"{interface}\": {reason}; capture.backend = \"auto\" may")]
    XdpUnfit {
        /// As configured.
        interface: String,
        /// Why, and what can be done about it.
        reason: String,
    },
    /// The process may not use AF_XDP.
    #[error(
        "no permission for AF_XDP on \"{interface}\" ({what}): the process needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF \
         (in systemd: see docs/operators.md)"
    )]
    XdpNotPermitted {
        /// As configured.
        interface: String,
        /// What was refused.
        what: String,
    },
    /// Anything else that libpcap or the kernel reports.
    #[error("capture on \"{interface}\" failed: {reason}")]
    Live {
        /// As configured.
        interface: String,
        /// Their words.
        reason: String,
    },
}
