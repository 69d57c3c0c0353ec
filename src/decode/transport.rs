//! TCP and UDP headers. A UDP datagram on a tunnel's port whose content is that tunnel leads to another header instead.

use super::bytes::{Parsed, cut, head};
use super::tunnel::udp;
use super::walk::{Step, Walk};
use crate::model::{Counter, TcpFlags, TcpSegment, Transport, UdpDatagram};

/// A TCP header (RFC 9293 section 3.1).
#[inline]
pub(super) fn tcp<'a>(walk: &Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let (h, _) = head::<20>(bytes)?;
    let header_len = usize::from(h[12] >> 4) * 4;
    if header_len < 20 {
        return Err(Counter::SkipMalformed);
    }
    let Some(payload) = bytes.get(header_len..) else {
        return Err(if walk.cut() { Counter::SkipTruncated } else { Counter::SkipMalformed });
    };
    Ok(Step::Done(Transport::Tcp(TcpSegment {
        src_port: u16::from_be_bytes([h[0], h[1]]),
        dst_port: u16::from_be_bytes([h[2], h[3]]),
        seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
        ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
        flags: TcpFlags(h[13]),
        payload,
    })))
}

/// A UDP header (RFC 768). Length zero means "to the end" (RFC 2675, and captures before segmentation offload); a length
/// beyond the IP packet is taken as cut off.
#[inline]
pub(super) fn udp<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let (h, rest) = head::<8>(bytes)?;
    let payload = match usize::from(u16::from_be_bytes([h[4], h[5]])) {
        0 => rest,
        length @ 8.. => {
            walk.truncated |= length > bytes.len();
            cut(rest, length - 8)
        }
        _ => return Err(Counter::SkipMalformed),
    };
    let datagram =
        UdpDatagram { src_port: u16::from_be_bytes([h[0], h[1]]), dst_port: u16::from_be_bytes([h[2], h[3]]), payload };
    if let Some(tunnel) = udp::Tunnel::by_ports(datagram.src_port, datagram.dst_port)
        && let Some(inner) = udp::open(tunnel, &datagram, walk.cut())
    {
        return udp::step_in(walk, inner);
    }
    Ok(Step::Done(Transport::Udp(datagram)))
}
