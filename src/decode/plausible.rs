//! Whether some octets look like a header, where nothing else says so: below an MPLS stack, and inside a UDP datagram
//! that only its port number makes a tunnel. A wrong yes would lose a packet that could have been read as it stands, so
//! these ask for lengths that fit and types that are in use.

use super::bytes::{be16, octet};
use super::ether::is_vlan_tag;
use super::ppp::looks_like_ppp;
use super::walk::Layer;
use super::wifi::data_form;

/// What segmentation offload leaves without a length is longer than any frame on the wire.
const LONGEST_FRAME: usize = 1500;

/// An IPv4 header whose lengths fit and whose protocol is in use (RFC 791 section 3.1). With `cut`, the capture may hold
/// less than the lengths promise.
pub(super) fn ipv4(bytes: &[u8], cut: bool) -> bool {
    let Some(header) = bytes.first_chunk::<20>() else { return false };
    let header_len = usize::from(header[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let length_fits = match total_len {
        0 => bytes.len() > LONGEST_FRAME,
        _ => total_len >= header_len && (total_len <= bytes.len() || cut),
    };
    header[0] >> 4 == 4 && header_len >= 20 && length_fits && protocol_in_use(header[9])
}

/// An IPv6 header whose length fits and whose next header is in use (RFC 8200 section 3).
pub(super) fn ipv6(bytes: &[u8], cut: bool) -> bool {
    const NO_NEXT_HEADER: u8 = 59;
    let Some((header, rest)) = bytes.split_first_chunk::<40>() else { return false };
    let payload_len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let length_fits = match payload_len {
        0 => header[6] == NO_NEXT_HEADER || rest.len() > LONGEST_FRAME,
        _ => payload_len <= rest.len() || cut,
    };
    header[0] >> 4 == 6 && length_fits && protocol_in_use(header[6])
}

/// IP protocol numbers that are met in practice: the rarer the octet, the less often another header passes for IP.
fn protocol_in_use(protocol: u8) -> bool {
    matches!(
        protocol,
        0 | 1
            | 2
            | 4
            | 6
            | 17
            | 33
            | 41
            | 43
            | 44
            | 46
            | 47
            | 50
            | 51
            | 58
            | 59
            | 60
            | 88
            | 89
            | 94
            | 97
            | 103
            | 108
            | 112
            | 115
            | 132
            | 135
            | 136
            | 137
            | 139
            | 140
            | 143
            | 145
    )
}

/// An IP header of either version.
pub(super) fn ip(bytes: &[u8], cut: bool) -> bool {
    match bytes.first().map(|b| b >> 4) {
        Some(4) => ipv4(bytes, cut),
        Some(6) => ipv6(bytes, cut),
        _ => false,
    }
}

/// An Ethernet header with IP, or something else that is in common use, behind it and up to three VLAN tags.
pub(super) fn ethernet(bytes: &[u8], cut: bool) -> bool {
    carries(bytes, cut, true)
}

/// An Ethernet header with IP behind it and up to three VLAN tags.
pub(super) fn ethernet_with_ip(bytes: &[u8], cut: bool) -> bool {
    carries(bytes, cut, false)
}

fn carries(bytes: &[u8], cut: bool, others: bool) -> bool {
    let mut at = 12;
    for _ in 0..4 {
        let Ok(ethertype) = be16(bytes, at) else { return false };
        let inner = bytes.get(at + 2..).unwrap_or_default();
        return match ethertype {
            0x0800 => ipv4(inner, cut),
            0x86dd => ipv6(inner, cut),
            tag if is_vlan_tag(tag) => {
                at += 4;
                continue;
            }
            length @ 0..=1500 => others && llc(inner, usize::from(length), cut),
            other => others && in_common_use(other),
        };
    }
    false
}

/// An 802.2 header in use: SNAP, spanning tree, IS-IS, or NetWare.
fn llc(inner: &[u8], length: usize, cut: bool) -> bool {
    (3..=inner.len()).contains(&length) | (cut && length >= 3)
        && matches!(
            (octet(inner, 0), octet(inner, 1)),
            (Ok(0xaa), Ok(0xaa)) | (Ok(0x42), Ok(0x42)) | (Ok(0xfe), Ok(0xfe)) | (Ok(0xe0), Ok(0xe0))
        )
}

/// EtherTypes other than IP and VLAN that customers' frames carry: ARP, MPLS, PPPoE, EAPOL, LLDP, 802.1ah, CFM, MACsec,
/// NSH, loopback tests.
fn in_common_use(ethertype: u16) -> bool {
    matches!(
        ethertype,
        0x0806
            | 0x8035
            | 0x8847
            | 0x8848
            | 0x8863
            | 0x8864
            | 0x888e
            | 0x88cc
            | 0x88e5
            | 0x88e7
            | 0x8902
            | 0x894f
            | 0x9000
            | 0x8809
    )
}

/// An MPLS label stack with a bottom, and IP or Ethernet below it.
fn mpls(bytes: &[u8], cut: bool) -> bool {
    let Some(bottom) = bytes.chunks_exact(4).take(16).position(|entry| entry[2] & 1 != 0) else { return false };
    let below = bytes.get(bottom * 4 + 4..).unwrap_or_default();
    ip(below, cut) || ethernet(below, cut) || below.get(4..).is_some_and(|frame| ethernet(frame, cut))
}

/// Whether `bytes` look like this layer.
pub(super) fn layer(layer: Layer, bytes: &[u8], cut: bool) -> bool {
    match layer {
        Layer::Ethernet => ethernet(bytes, cut),
        Layer::Ip => ip(bytes, cut),
        Layer::Ipv4 => ipv4(bytes, cut),
        Layer::Ipv6 => ipv6(bytes, cut),
        Layer::Mpls => mpls(bytes, cut),
        Layer::Nsh => octet(bytes, 0).is_ok_and(|first| first >> 6 == 0),
        Layer::Ppp => looks_like_ppp(bytes),
        Layer::Wifi(form) => data_form(bytes) == Some(form),
        Layer::Link(_) | Layer::EtherType(_) | Layer::Llc | Layer::IpPayload(_) => false,
    }
}
