//! UDP: what a datagram may be, and DNS in one. QUIC has its own module.

use super::Context;
use super::emit;
use super::reader::Source;
use crate::model::{ObservationSink, Packet, UdpDatagram};

/// IP protocol number of UDP.
pub(super) const UDP: u8 = 17;

/// Whether it is the port of multicast DNS (RFC 6762) or LLMNR (RFC 4795).
#[inline]
pub(super) fn is_multicast_dns(port: u16) -> bool {
    matches!(port, 5353 | 5355)
}

/// A datagram on a port of DNS.
#[inline]
pub(super) fn dns<S: ObservationSink>(packet: &Packet<'_>, datagram: &UdpDatagram<'_>, cx: &mut Context<'_, S>) {
    let (sender, receiver) = packet.endpoints();
    let from = Source { ts: packet.ts, encap: packet.encap, sender, receiver };
    emit::dns_message(datagram.payload, &from, cx);
}
