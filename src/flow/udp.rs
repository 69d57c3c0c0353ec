//! UDP: DNS on its ports, QUIC wherever a datagram begins like one; everything else leaves at the first test.

use super::Context;
use super::duplicates::Duplicates;
use super::emit;
use super::key::FlowKey;
use super::quic::{Connections, Flow, UDP};
use super::reader::Source;
use super::table::FlowTable;
use crate::extract::quic;
use crate::model::{Counter, ObservationSink, Packet, Proto, UdpDatagram};

/// Multicast DNS (RFC 6762) and LLMNR (RFC 4795).
const MULTICAST_DNS: [u16; 2] = [5353, 5355];

/// One datagram.
#[inline]
pub(super) fn datagram<S: ObservationSink>(
    table: &mut FlowTable,
    connections: &mut Connections,
    duplicates: &mut Duplicates,
    packet: &Packet<'_>,
    datagram: &UdpDatagram<'_>,
    cx: &mut Context<'_, S>,
) {
    let Some(first) = datagram.payload.first() else { return };
    let (source, destination) = (datagram.src_port, datagram.dst_port);
    // QUIC's long header has the first bit set (RFC 8999 section 5.1), bulk data has the short one. A DNS message whose
    // identifier looks like that has flags where a QUIC version would be, so the two cannot be confused.
    let is_quic = first & 0x80 != 0 && quic::connection_ids(datagram.payload).is_some();
    let is_dns = !is_quic && cx.is_dns_port([source, destination]);
    let wanted = is_quic && cx.scope.allows(Proto::Quic) || is_dns && cx.scope.allows(Proto::Dns);
    if wanted {
        let (sender, receiver) = packet.endpoints();
        let (key, direction) = FlowKey::new(sender, receiver);
        let hash = table.hash(&key, UDP);
        if duplicates.is_copy(packet, datagram.payload, hash, direction) {
            cx.counters.bump(Counter::FramesDuplicate);
        } else if is_quic {
            connections.datagram(table, Flow { key, direction, hash }, packet, datagram, cx);
        } else {
            emit::dns_message(datagram.payload, &Source { ts: packet.ts, encap: packet.encap, sender, receiver }, cx);
        }
    } else if first & 0x80 != 0 && cx.scope.allows(Proto::Quic) && quic::is_unread_version(datagram.payload) {
        cx.counters.bump(Counter::QuicVersion);
    } else if MULTICAST_DNS.contains(&source) || MULTICAST_DNS.contains(&destination) {
        cx.counters.bump(Counter::NamesMdns);
    }
}
