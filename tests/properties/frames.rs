//! Frames of TCP and UDP over IPv4 and IPv6, whole or in IP fragments, inside whatever a provider's link may add.

use proptest::prelude::*;

/// One layer around an IP packet, or around another layer.
#[derive(Clone, Copy, Debug)]
enum Layer {
    Vlan,
    ServiceVlan,
    Mpls,
    Pppoe,
    Gre,
    Vxlan,
    Geneve,
    GtpU,
    IpInIp,
}

/// How the packets of one host pair travel.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    v6: bool,
    layers: Vec<Layer>,
    /// Octets of payload in an IP fragment, if packets are fragmented.
    fragment: Option<usize>,
    /// Whether the last fragment is sent first.
    backwards: bool,
}

/// Links of every kind, up to two layers deep.
pub(crate) fn links() -> impl Strategy<Value = Link> {
    use Layer::*;
    let layer = prop::sample::select(vec![Vlan, ServiceVlan, Mpls, Pppoe, Gre, Vxlan, Geneve, GtpU, IpInIp]);
    let fragment = prop_oneof![4 => Just(None), 1 => (8usize..80).prop_map(|n| Some(n * 8))];
    (any::<bool>(), prop::collection::vec(layer, 0..=2), fragment, any::<bool>())
        .prop_map(|(v6, layers, fragment, backwards)| Link { v6, layers, fragment, backwards })
}

/// One packet above IP. `flow` tells flows apart: it stands in the client's port.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) up: bool,
    pub(crate) flow: u16,
    pub(crate) server_port: u16,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Tcp { seq: u32, ack: u32, flags: u8, payload: Vec<u8> },
    Udp(Vec<u8>),
}

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const ACK: u8 = 16;

/// The packet as one frame, or as several where the link fragments. `id` is its IP identification.
pub(crate) fn frames(link: &Link, packet: &Packet, id: u16) -> Vec<Vec<u8>> {
    let ports = (20_000 + packet.flow, packet.server_port);
    let (from, to) = if packet.up { ports } else { (ports.1, ports.0) };
    let mut segment = words(&[from, to]);
    let protocol = match &packet.body {
        Body::Tcp { seq, ack, flags, payload } => {
            segment.extend(seq.to_be_bytes());
            segment.extend(ack.to_be_bytes());
            segment.extend(words(&[0x5000 | u16::from(*flags), 64_000, 0, 0]));
            segment.extend(payload);
            6
        }
        Body::Udp(payload) => {
            segment.extend(words(&[8 + payload.len() as u16, 0]));
            segment.extend(payload);
            17
        }
    };
    let mut packets: Vec<Vec<u8>> = match link.fragment {
        Some(size) if segment.len() > size => {
            let count = segment.len().div_ceil(size);
            let piece = |(i, piece): (usize, &[u8])| {
                ip(link.v6, packet.up, protocol, id, Some((i * size, i + 1 < count)), piece)
            };
            segment.chunks(size).enumerate().map(piece).collect()
        }
        _ => vec![ip(link.v6, packet.up, protocol, id, None, &segment)],
    };
    if link.backwards {
        packets.reverse();
    }
    packets.into_iter().map(|packet| wrap(link, packet)).collect()
}

fn wrap(link: &Link, packet: Vec<u8>) -> Vec<u8> {
    let (mut ethertype, mut packet) = (if link.v6 { 0x86dd } else { 0x0800 }, packet);
    for layer in &link.layers {
        let is_ip = matches!(ethertype, 0x0800 | 0x86dd);
        let outer =
            |protocol, header: &[u8], inner: &[u8]| ip(false, true, protocol, 0, None, &[header, inner].concat());
        let udp = |port: u16, header: &[u8], inner: &[u8]| {
            let head = [words(&[40_000, port, (8 + header.len() + inner.len()) as u16, 0]), header.to_vec()].concat();
            outer(17, &head, inner)
        };
        (ethertype, packet) = match layer {
            Layer::Vlan => (0x8100, [words(&[0x0123, ethertype]), packet].concat()),
            Layer::ServiceVlan => (0x88a8, [words(&[0x0456, ethertype]), packet].concat()),
            Layer::Mpls if is_ip => (0x8847, [&[0x12, 0x34, 0x51, 64][..], &packet].concat()),
            Layer::Pppoe if is_ip => {
                let protocol = if ethertype == 0x0800 { 0x0021 } else { 0x0057 };
                (0x8864, [words(&[0x1100, 7, packet.len() as u16 + 2, protocol]), packet].concat())
            }
            Layer::Gre if is_ip => (0x0800, outer(47, &words(&[0, ethertype]), &packet)),
            Layer::Vxlan => (0x0800, udp(4789, &[8, 0, 0, 0, 0, 0, 9, 0], &ethernet(ethertype, &packet))),
            Layer::Geneve => (0x0800, udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 9, 0], &ethernet(ethertype, &packet))),
            Layer::GtpU if is_ip => {
                let header = [words(&[0x30ff, packet.len() as u16]), vec![0, 0, 0, 1]].concat();
                (0x0800, udp(2152, &header, &packet))
            }
            Layer::IpInIp if is_ip => (0x0800, outer(if ethertype == 0x0800 { 4 } else { 41 }, &[], &packet)),
            _ => (ethertype, packet),
        };
    }
    ethernet(ethertype, &packet)
}

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &ethertype.to_be_bytes(), payload].concat()
}

/// An IP packet. `fragment` is its offset in octets and whether more follow.
fn ip(v6: bool, up: bool, protocol: u8, id: u16, fragment: Option<(usize, bool)>, payload: &[u8]) -> Vec<u8> {
    let (from, to) = if up { (9, 1) } else { (1, 9) };
    if v6 {
        let fragment = fragment.map_or(Vec::new(), |(offset, more)| {
            words(&[u16::from(protocol) << 8, offset as u16 | u16::from(more), 0, id])
        });
        let next = if fragment.is_empty() { protocol } else { 44 };
        let mut packet = words(&[0x6000, 0, (fragment.len() + payload.len()) as u16, u16::from(next) << 8 | 64]);
        for host in [from, to] {
            packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
        }
        packet.extend(fragment);
        packet.extend(payload);
        return packet;
    }
    let fragment = fragment.map_or(0, |(offset, more)| (offset / 8) as u16 | u16::from(more) << 13);
    let mut packet = words(&[0x4500, 20 + payload.len() as u16, id, fragment, 64 << 8 | u16::from(protocol), 0]);
    for host in [from, to] {
        packet.extend([192, 0, 2, host]);
    }
    packet.extend(payload);
    packet
}

fn words(fields: &[u16]) -> Vec<u8> {
    fields.iter().flat_map(|field| field.to_be_bytes()).collect()
}
