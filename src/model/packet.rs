//! What decoding makes of a frame: the innermost TCP segment or UDP datagram, borrowed from the capture buffer.

use super::{Addr, EncapChain, Endpoint, Timestamp};

/// The innermost transport packet of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When the frame was captured.
    pub ts: Timestamp,
    /// Source address of the innermost IP header.
    pub src: Addr,
    /// Destination address of the innermost IP header.
    pub dst: Addr,
    /// IPv4 identification of the innermost header, 0 for IPv6: tells a frame mirrored twice from a retransmission.
    pub ip_id: u16,
    /// The capture holds less of this packet than its headers promise (snap length, or a cut fragment).
    pub truncated: bool,
    /// What it was wrapped in.
    pub encap: EncapChain,
    /// The transport header and payload.
    pub transport: Transport<'a>,
}

/// TCP or UDP.
#[derive(Clone, Copy, Debug)]
pub enum Transport<'a> {
    /// A TCP segment (RFC 9293).
    Tcp(TcpSegment<'a>),
    /// A UDP datagram (RFC 768).
    Udp(UdpDatagram<'a>),
}

/// The parts of a TCP segment that name extraction needs.
#[derive(Clone, Copy, Debug)]
pub struct TcpSegment<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number of the first octet (of the SYN, if set).
    pub seq: u32,
    /// Acknowledgement number; meaningless without ACK.
    pub ack: u32,
    /// The flag octet.
    pub flags: TcpFlags,
    /// What was captured of the payload; trailing link padding is already gone.
    pub payload: &'a [u8],
}

/// The parts of a UDP datagram that name extraction needs.
#[derive(Clone, Copy, Debug)]
pub struct UdpDatagram<'a> {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// What was captured of the payload; trailing link padding is already gone.
    pub payload: &'a [u8],
}

/// TCP's flag octet (RFC 9293 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// The acknowledgement number is valid.
    pub const ACK: u8 = 0x10;

    /// Whether any of the bits in `mask` is set.
    #[inline]
    pub const fn has(self, mask: u8) -> bool {
        self.0 & mask != 0
    }
}

impl Packet<'_> {
    /// A datagram without octets from nobody to nobody: what stands in a packet's place before there is one.
    pub const NONE: Packet<'static> = Packet {
        ts: Timestamp::from_nanos(0),
        src: Addr::v6([0; 16]),
        dst: Addr::v6([0; 16]),
        ip_id: 0,
        truncated: false,
        encap: EncapChain::new(),
        transport: Transport::Udp(UdpDatagram { src_port: 0, dst_port: 0, payload: &[] }),
    };

    /// Source and destination with their ports.
    #[inline]
    pub fn endpoints(&self) -> (Endpoint, Endpoint) {
        let (s, d) = match self.transport {
            Transport::Tcp(t) => (t.src_port, t.dst_port),
            Transport::Udp(u) => (u.src_port, u.dst_port),
        };
        (Endpoint::new(self.src, s), Endpoint::new(self.dst, d))
    }
}
