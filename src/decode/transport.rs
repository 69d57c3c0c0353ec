//! TCP and UDP headers. A UDP datagram on a tunnel's port whose content is that tunnel leads to another header instead.

use super::bytes::{Parsed, cut, head, skip};
use super::tunnel::udp::{self, Tunnel};
use super::walk::{Step, Walk};
use crate::model::{Counter, TcpFlags, TcpSegment, Transport, UdpDatagram};

/// A TCP header (RFC 9293 section 3.1).
#[inline]
pub(super) fn parse_tcp(bytes: &[u8]) -> Parsed<TcpSegment<'_>> {
    let (h, _) = head::<20>(bytes)?;
    let header_len = usize::from(h[12] >> 4) * 4;
    if header_len < 20 {
        return Err(Counter::SkipMalformed);
    }
    Ok(TcpSegment {
        src_port: u16::from_be_bytes([h[0], h[1]]),
        dst_port: u16::from_be_bytes([h[2], h[3]]),
        seq: u32::from_be_bytes([h[4], h[5], h[6], h[7]]),
        ack: u32::from_be_bytes([h[8], h[9], h[10], h[11]]),
        flags: TcpFlags(h[13]),
        payload: skip(bytes, header_len)?,
    })
}

/// A UDP header (RFC 768), and whether it promises more than is there. Length zero means "to the end" (RFC 2675, and
/// captures before segmentation offload).
#[inline]
pub(super) fn parse_udp(bytes: &[u8]) -> Parsed<(UdpDatagram<'_>, bool)> {
    let (h, rest) = head::<8>(bytes)?;
    let length = usize::from(u16::from_be_bytes([h[4], h[5]]));
    let payload = match length {
        0 => rest,
        8.. => cut(rest, length - 8),
        _ => return Err(Counter::SkipMalformed),
    };
    let (src_port, dst_port) = (u16::from_be_bytes([h[0], h[1]]), u16::from_be_bytes([h[2], h[3]]));
    Ok((UdpDatagram { src_port, dst_port, payload }, length > bytes.len()))
}

/// A TCP segment. Where nothing was cut off, a header longer than the segment is a malformed one.
#[inline]
pub(super) fn tcp<'a>(walk: &Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    match parse_tcp(bytes) {
        Ok(segment) => Ok(Step::Done(Transport::Tcp(segment))),
        Err(Counter::SkipTruncated) if bytes.len() >= 20 && !walk.cut() => Err(Counter::SkipMalformed),
        Err(reason) => Err(reason),
    }
}

/// A UDP datagram, or the tunnel in it.
#[inline]
pub(super) fn udp<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let (datagram, short) = parse_udp(bytes)?;
    walk.truncated |= short;
    if let Some(tunnel) = Tunnel::by_ports(datagram.src_port, datagram.dst_port)
        && let Some(inner) = udp::open(tunnel, &datagram, walk.cut())
    {
        return udp::step_in(walk, inner);
    }
    Ok(Step::Done(Transport::Udp(datagram)))
}
