//! Why the eBPF filter passed or rejected a packet: the meaning of its counters, in their order.

/// One counter of the eBPF filter. The discriminant is its index in the map, as in `enum cause` of `prefilter.bpf.c`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Cause {
    /// DNS on one of its ports.
    Dns,
    /// A QUIC long header.
    Quic,
    /// An IP fragment.
    Fragment,
    /// A segment that begins like a hello or a request.
    Begin,
    /// The rest of a hello or a request, or the first segments of a stream that has not shown what it is.
    Stream,
    /// SYN, FIN or RST without payload.
    Control,
    /// The first octets of a server's answer.
    Reply,
    /// Passed because the filter does not see inside.
    Unseen,
    /// Neither IP nor anything that may hold it.
    NotIp,
    /// IP without TCP or UDP in it: ICMP, encrypted, other.
    NotTcpUdp,
    /// A header that contradicts itself or is cut.
    Malformed,
    /// UDP that is neither DNS nor a QUIC long header nor a tunnel.
    OtherUdp,
    /// No payload.
    Empty,
    /// More of a stream than is read.
    StreamRead,
}

impl Cause {
    /// Every cause, in the order of the counters.
    pub const ALL: [Cause; 14] = [
        Cause::Dns,
        Cause::Quic,
        Cause::Fragment,
        Cause::Begin,
        Cause::Stream,
        Cause::Control,
        Cause::Reply,
        Cause::Unseen,
        Cause::NotIp,
        Cause::NotTcpUdp,
        Cause::Malformed,
        Cause::OtherUdp,
        Cause::Empty,
        Cause::StreamRead,
    ];

    /// Whether the packet came up.
    pub const fn passes(self) -> bool {
        (self as u32) < Cause::NotIp as u32
    }

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Dns => "dns",
            Cause::Quic => "quic",
            Cause::Fragment => "fragment",
            Cause::Begin => "begin",
            Cause::Stream => "stream",
            Cause::Control => "control",
            Cause::Reply => "reply",
            Cause::Unseen => "unseen",
            Cause::NotIp => "not-ip",
            Cause::NotTcpUdp => "not-tcp-udp",
            Cause::Malformed => "malformed",
            Cause::OtherUdp => "other-udp",
            Cause::Empty => "no-payload",
            Cause::StreamRead => "stream-read",
        }
    }
}
