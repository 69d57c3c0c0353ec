//! What a packet's headers tell before memory is asked about its flow: whether it can matter at all, what it is, and
//! where its flow lives.
//!
//! Most packets of a link end here. The others' flows lie scattered over a table that no second-level cache holds, so a
//! worker asks for the places of a whole batch of packets at once, and the memory answers all of them in the time of one.

use super::key::{Direction, FlowKey};
use super::{Tracker, tcp, udp};
use crate::extract::quic;
use crate::model::{Counter, Counters, Packet, Proto, TcpFlags, Transport};

/// A packet that may matter: what it is, and its flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreseen {
    pub(super) what: What,
    pub(super) key: FlowKey,
    pub(super) direction: Direction,
    /// The flow table's hash of the key.
    pub(super) hash: u64,
    /// Of a datagram: what it is known by if it comes twice.
    pub(super) identity: u64,
}

impl Foreseen {
    /// What stands in its place before there is one.
    pub(crate) const NONE: Foreseen =
        Foreseen { what: What::Dns, key: FlowKey::NONE, direction: 0, hash: 0, identity: 0 };
}

/// What a packet is, as far as its headers and first octets tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// A TCP segment, on a port of DNS or not.
    Segment { dns: bool },
    /// A datagram that begins with a long header of a QUIC version that is read.
    Quic,
    /// A datagram on a port of DNS.
    Dns,
}

impl Tracker {
    /// Says in `out` what the packet is. `false` if it cannot matter, for a reason that was counted if it is worth
    /// counting; `out` is then unchanged.
    #[inline]
    pub(crate) fn foresee(&self, packet: &Packet<'_>, out: &mut Foreseen, counters: &mut Counters) -> bool {
        let Some((what, protocol)) = self.what(packet, counters) else { return false };
        let (src, dst) = packet.endpoints();
        let (key, direction) = FlowKey::new(src, dst);
        let hash = self.table.hash(&key, protocol);
        let identity = match &packet.transport {
            Transport::Tcp(_) => 0,
            Transport::Udp(datagram) => self.duplicates.identity(packet.ip_id, datagram.payload, hash, direction),
        };
        *out = Foreseen { what, key, direction, hash, identity };
        true
    }

    #[inline(always)]
    fn what(&self, packet: &Packet<'_>, counters: &mut Counters) -> Option<(What, u8)> {
        let scope = self.reading.scope;
        match &packet.transport {
            Transport::Tcp(segment) => {
                if segment.payload.is_empty() && !segment.flags.has(TcpFlags::SYN | TcpFlags::RST | TcpFlags::FIN) {
                    return None;
                }
                let dns = self.reading.is_dns_port([segment.src_port, segment.dst_port]);
                let wanted = if dns { scope.allows(Proto::Dns) } else { self.reading.reads_streams() };
                wanted.then_some((What::Segment { dns }, tcp::TCP))
            }
            Transport::Udp(datagram) => {
                let first = datagram.payload.first()?;
                let ports = [datagram.src_port, datagram.dst_port];
                // QUIC's long header has the first bit set (RFC 8999 section 5.1), bulk data has the short one. A DNS
                // message whose identifier looks like that has flags where a QUIC version would be, so the two cannot
                // be confused.
                let long_header = first & 0x80 != 0;
                let what = if long_header && quic::connection_ids(datagram.payload).is_some() {
                    scope.allows(Proto::Quic).then_some(What::Quic)
                } else if self.reading.is_dns_port(ports) {
                    scope.allows(Proto::Dns).then_some(What::Dns)
                } else {
                    None
                };
                if what.is_none() {
                    if long_header && scope.allows(Proto::Quic) && quic::is_unread_version(datagram.payload) {
                        counters.bump(Counter::QuicVersion);
                    } else if ports.into_iter().any(udp::is_multicast_dns) {
                        counters.bump(Counter::NamesMdns);
                    }
                }
                what.map(|what| (what, udp::UDP))
            }
        }
    }

    /// Brings what will be wanted of these packets' flows into the processor's cache. Loops of nothing but reads, none
    /// of which waits for another; first the tables' rows, then the entries that they name.
    #[inline]
    pub(crate) fn touch<'f>(&self, packets: impl Iterator<Item = &'f Foreseen> + Clone) {
        let mut read = 0;
        for packet in packets.clone() {
            read ^= match packet.what {
                What::Segment { .. } => self.table.touch_row(packet.hash),
                What::Dns => self.duplicates.touch(packet.identity),
                What::Quic => self.table.touch_row(packet.hash) ^ self.duplicates.touch(packet.identity),
            };
        }
        for packet in packets {
            if packet.what != What::Dns {
                read ^= self.table.touch_entry(packet.hash);
            }
        }
        // Or the compiler would see that nobody wants to know.
        std::hint::black_box(read);
    }
}
