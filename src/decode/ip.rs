//! IPv4, IPv6 with its extension headers, and what IP carries.

use super::bytes::{Parsed, cut, head, octet, skip};
use super::fragments::{Fragment, Key, Outcome};
use super::tunnel::{gre, l2tp};
use super::walk::{Layer, Step, Walk};
use super::{mpls, nsh, transport};
use crate::model::{Addr, Counter, Encap};

/// Extension headers and authentication headers in one packet before it is left as too deep.
const MAX_EXTENSION_HEADERS: usize = 16;

/// What is kept of an IP header.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpHeader {
    /// Source address.
    pub(super) src: Addr,
    /// Destination address.
    pub(super) dst: Addr,
    /// IPv4 identification; 0 for IPv6.
    pub(super) id: u16,
    /// Whether the header was IPv6: the addresses alone do not say, since IPv6 has mapped ones.
    pub(super) v6: bool,
}

/// An IP packet of the version that its first four bits tell.
#[inline]
pub(super) fn any(bytes: &[u8]) -> Parsed<Step<'_>> {
    match octet(bytes, 0)? >> 4 {
        4 => Ok(Step::Next(Layer::Ipv4, bytes)),
        6 => Ok(Step::Next(Layer::Ipv6, bytes)),
        _ => Err(Counter::SkipMalformed),
    }
}

/// An IP packet taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpPacket<'a> {
    /// Addresses and identification.
    pub(super) header: IpHeader,
    /// What it carries.
    pub(super) protocol: u8,
    /// IPv4's "more fragments" bit and fragment offset; 0 if it is no fragment, and in IPv6.
    pub(super) fragment: u16,
    /// The capture holds less than the header promises.
    pub(super) short: bool,
    /// What follows the header, without link padding.
    pub(super) payload: &'a [u8],
}

/// IPv4's bit that says that this is not the last fragment.
const MORE_FRAGMENTS: u16 = 0x2000;
/// IPv4's fragment offset, in units of eight octets.
const OFFSET: u16 = 0x1fff;

/// An IPv4 header (RFC 791 section 3.1). What lies beyond the total length is link padding; a total length of zero is
/// what a capture before segmentation offload shows, and means "to the end", which `frame_cut` says is missing.
#[inline]
pub(super) fn parse_v4(bytes: &[u8], frame_cut: bool) -> Parsed<IpPacket<'_>> {
    let (h, _) = head::<20>(bytes)?;
    let header_len = usize::from(h[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([h[2], h[3]]));
    if h[0] >> 4 != 4 || header_len < 20 || (total_len != 0 && total_len < header_len) {
        return Err(Counter::SkipMalformed);
    }
    let packet = if total_len == 0 { bytes } else { cut(bytes, total_len) };
    Ok(IpPacket {
        header: IpHeader {
            src: Addr::v4([h[12], h[13], h[14], h[15]]),
            dst: Addr::v4([h[16], h[17], h[18], h[19]]),
            id: u16::from_be_bytes([h[4], h[5]]),
            v6: false,
        },
        protocol: h[9],
        fragment: u16::from_be_bytes([h[6], h[7]]) & (MORE_FRAGMENTS | OFFSET),
        short: if total_len == 0 { frame_cut } else { total_len > bytes.len() },
        payload: skip(packet, header_len)?,
    })
}

/// An IPv6 header (RFC 8200 section 3). A payload length of zero means "to the end": segmentation offload, or a
/// jumbogram, whose length is not looked at.
#[inline]
pub(super) fn parse_v6(bytes: &[u8], frame_cut: bool) -> Parsed<IpPacket<'_>> {
    let (h, rest) = head::<40>(bytes)?;
    if h[0] >> 4 != 6 {
        return Err(Counter::SkipMalformed);
    }
    let payload_len = usize::from(u16::from_be_bytes([h[4], h[5]]));
    let (Some(src), Some(dst)) = (h[8..].first_chunk::<16>(), h[24..].first_chunk::<16>()) else {
        return Err(Counter::SkipTruncated);
    };
    Ok(IpPacket {
        header: IpHeader { src: Addr::v6(*src), dst: Addr::v6(*dst), id: 0, v6: true },
        protocol: h[6],
        fragment: 0,
        short: if payload_len == 0 { frame_cut } else { payload_len > rest.len() },
        payload: if payload_len == 0 { rest } else { cut(rest, payload_len) },
    })
}

/// Steps over an IPv4 header; fragments go to the table.
#[inline]
pub(super) fn v4<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let packet = parse_v4(bytes, walk.frame_cut)?;
    walk.truncated |= packet.short;
    walk.ip = Some(packet.header);
    if packet.fragment == 0 {
        return payload(walk, packet.protocol, packet.payload);
    }
    let part = Part {
        id: u32::from(packet.header.id),
        protocol: packet.protocol,
        offset: u32::from(packet.fragment & OFFSET) * 8,
        more: packet.fragment & MORE_FRAGMENTS != 0,
        short: packet.short,
    };
    collect(walk, part, Encap::Ipv4Frag, packet.payload)
}

/// Steps over an IPv6 header.
#[inline]
pub(super) fn v6<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let packet = parse_v6(bytes, walk.frame_cut)?;
    walk.truncated |= packet.short;
    walk.ip = Some(packet.header);
    payload(walk, packet.protocol, packet.payload)
}

/// What an IP header carried.
#[inline]
pub(super) fn payload<'a>(walk: &mut Walk<'_>, protocol: u8, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    match protocol {
        6 => transport::tcp(walk, bytes),
        17 => transport::udp(walk, bytes),
        other => other_payload(walk, other, bytes),
    }
}

#[cold]
fn other_payload<'a>(walk: &mut Walk<'_>, protocol: u8, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let v6 = walk.ip.is_some_and(|ip| ip.v6);
    let (mut protocol, mut bytes) = (protocol, bytes);
    let mut extension_seen = false;
    for _ in 0..MAX_EXTENSION_HEADERS {
        match protocol {
            6 => return transport::tcp(walk, bytes),
            17 => return transport::udp(walk, bytes),
            1 | 58 => return Err(Counter::SkipIcmp),
            4 | 94 => {
                walk.enter(if v6 { Encap::FourInSix } else { Encap::IpInIp })?;
                return Ok(Step::Next(Layer::Ipv4, bytes));
            }
            41 => {
                walk.enter(if v6 { Encap::SixInSix } else { Encap::SixInFour })?;
                return Ok(Step::Next(Layer::Ipv6, bytes));
            }
            47 => return gre::header(walk, bytes),
            50 => return Err(Counter::SkipEncrypted),
            51 => {
                // RFC 4302 section 2: the length counts words of four octets, less two.
                walk.enter(Encap::Ah)?;
                let length = (usize::from(octet(bytes, 1)?) + 2) * 4;
                (protocol, bytes) = (octet(bytes, 0)?, skip(bytes, length)?);
            }
            // Hop-by-hop, routing, destination options, mobility, HIP, shim6: all in the form of RFC 6564.
            0 | 43 | 60 | 135 | 139 | 140 if v6 => {
                if !extension_seen {
                    walk.enter(Encap::Ipv6Ext)?;
                    extension_seen = true;
                }
                let length = (usize::from(octet(bytes, 1)?) + 1) * 8;
                (protocol, bytes) = (octet(bytes, 0)?, skip(bytes, length)?);
            }
            44 if v6 => return v6_fragment(walk, bytes),
            // EtherIP (RFC 3378): version 3, then Ethernet.
            97 => {
                let ([version, _], rest) = head::<2>(bytes)?;
                if version >> 4 != 3 {
                    return Err(Counter::SkipMalformed);
                }
                walk.enter(Encap::LinkShim)?;
                return Ok(Step::Next(Layer::Ethernet, rest));
            }
            115 => return l2tp::over_ip(walk, bytes),
            137 => return mpls::stack(walk, bytes),
            // Ethernet (RFC 8986 section 10.1), as SRv6 carries it.
            143 => {
                walk.enter(Encap::LinkShim)?;
                return Ok(Step::Next(Layer::Ethernet, bytes));
            }
            145 => return nsh::header(walk, bytes),
            _ => return Err(Counter::SkipTransport),
        }
    }
    Err(Counter::SkipDepth)
}

/// An IPv6 fragment header (RFC 8200 section 4.5). One that is the whole datagram ("atomic", RFC 6946) waits for nobody.
fn v6_fragment<'a>(walk: &mut Walk<'_>, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let (h, rest) = head::<8>(bytes)?;
    let field = u16::from_be_bytes([h[2], h[3]]);
    let (offset, more) = (u32::from(field & 0xfff8), field & 1 != 0);
    if offset == 0 && !more {
        walk.enter(Encap::Ipv6Frag)?;
        return payload(walk, h[0], rest);
    }
    let id = u32::from_be_bytes([h[4], h[5], h[6], h[7]]);
    let part = Part { id, protocol: h[0], offset, more, short: walk.truncated };
    collect(walk, part, Encap::Ipv6Frag, rest)
}

/// The fields of a fragment's header, of either version.
struct Part {
    id: u32,
    protocol: u8,
    offset: u32,
    more: bool,
    /// The capture does not hold the whole fragment.
    short: bool,
}

/// Puts a fragment into the table. The first fragment of a datagram that snap length has cut can never be completed, so
/// it is read as far as it goes.
#[cold]
fn collect<'a>(walk: &mut Walk<'_>, part: Part, encap: Encap, bytes: &'a [u8]) -> Parsed<Step<'a>> {
    let Some(ip) = walk.ip else { return Err(Counter::SkipMalformed) };
    walk.counters.bump(Counter::Fragments);
    walk.enter(encap)?;
    if part.short {
        return match part.offset {
            0 => Ok(Step::Next(Layer::IpPayload(part.protocol), bytes)),
            _ => Err(Counter::SkipTruncated),
        };
    }
    let key = Key {
        src: ip.src,
        dst: ip.dst,
        id: part.id,
        // In IPv6 only the first fragment's next header counts (RFC 8200 section 4.5).
        protocol: if ip.v6 { 44 } else { part.protocol },
        context: walk.context,
    };
    let fragment = Fragment { key, protocol: part.protocol, offset: part.offset, more: part.more, octets: bytes };
    match walk.fragments.insert(walk.ts, fragment, walk.counters) {
        Outcome::Waiting => Ok(Step::Waiting),
        Outcome::Complete(protocol) => Ok(Step::Reassembled(protocol)),
    }
}
