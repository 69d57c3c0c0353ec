//! Whether some octets look like a header, where nothing else says so: below an MPLS stack, and inside a UDP datagram
//! that only its port number makes a tunnel. A wrong yes would lose a packet that could have been read as it stands, so
//! these ask for lengths that fit and types that are in use.

use super::bytes::{be16, octet};
use super::ether::is_vlan_tag;
use super::ppp::looks_like_ppp;
use super::walk::Layer;
use super::wifi::data_form;

/// An IPv4 header whose lengths fit (RFC 791 section 3.1). With `cut`, the capture may hold less than they promise.
pub(super) fn ipv4(bytes: &[u8], cut: bool) -> bool {
    let Some(header) = bytes.first_chunk::<20>() else { return false };
    let header_len = usize::from(header[0] & 0x0f) * 4;
    let total_len = usize::from(u16::from_be_bytes([header[2], header[3]]));
    header[0] >> 4 == 4
        && header_len >= 20
        && (total_len == 0 || total_len >= header_len)
        && (total_len <= bytes.len() || cut)
}

/// An IPv6 header whose length fits (RFC 8200 section 3).
pub(super) fn ipv6(bytes: &[u8], cut: bool) -> bool {
    let Some(header) = bytes.first_chunk::<40>() else { return false };
    let payload_len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    header[0] >> 4 == 6 && (payload_len + 40 <= bytes.len() || cut)
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
