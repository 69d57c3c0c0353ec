//! The headers in front of the subscriber's IP packet: Ethernet, and what a provider's link carries it in.

/// What a subscriber's packets are wrapped in. It stays the same for a subscriber, as on a real link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wrap {
    /// Ethernet alone.
    Plain,
    /// One 802.1Q tag.
    Vlan { id: u16 },
    /// An 802.1ad tag before an 802.1Q one.
    Qinq { outer: u16, inner: u16 },
    /// A PPPoE session (RFC 2516) under an 802.1Q tag.
    Pppoe { vlan: u16, session: u16 },
    /// An MPLS stack (RFC 3032) of one to three labels.
    Mpls { labels: [u32; 3], depth: u8 },
    /// VXLAN (RFC 7348) over IPv4.
    Vxlan { vni: u32 },
    /// GRE (RFC 2784) over IPv4, with a key (RFC 2890) or not.
    Gre { key: Option<u32> },
    /// GTP-U over IPv4 (3GPP TS 29.281), with the PDU session container of a 5G network or not.
    GtpU { teid: u32, container: bool },
}

const ETHERNET: usize = 14;
/// Shorter frames are padded, as Ethernet demands (without the frame check sequence).
const SHORTEST_FRAME: usize = 60;
const SUBSCRIBER_GATEWAY: [u8; 6] = [0x02, 0x5a, 0x4b, 0, 0, 0xfe];
/// Ends of the tunnels: RFC 5737's documentation network.
const TUNNEL_ENDS: [[u8; 4]; 2] = [[203, 0, 113, 201], [203, 0, 113, 202]];

impl Wrap {
    /// Chosen by a number that belongs to the subscriber.
    pub(super) fn of(number: u64) -> Wrap {
        let low = number >> 8;
        let vlan = 100 + (low % 3_000) as u16;
        match number % 100 {
            0..52 => Wrap::Plain,
            52..64 => Wrap::Vlan { id: vlan },
            64..72 => Wrap::Qinq { outer: 10 + (low % 40) as u16, inner: vlan },
            72..82 => Wrap::Pppoe { vlan, session: 1 + (low % 60_000) as u16 },
            82..91 => {
                let label = 16_000 + (low % 8_000) as u32;
                Wrap::Mpls { labels: [24_001, label, 3], depth: 1 + (low % 3) as u8 }
            }
            91..94 => Wrap::Vxlan { vni: 5_000 + (low % 1_000) as u32 },
            94..97 => Wrap::Gre { key: (low & 1 == 0).then_some(low as u32) },
            _ => Wrap::GtpU { teid: low as u32 | 1, container: low & 2 == 0 },
        }
    }

    /// The largest IP packet that fits. VLAN tags and labels do not count against the 1,500 octets; tunnels do.
    pub(super) fn mtu(self) -> usize {
        match self {
            Wrap::Plain | Wrap::Vlan { .. } | Wrap::Qinq { .. } | Wrap::Mpls { .. } => 1_500,
            Wrap::Pppoe { .. } => 1_492,
            Wrap::Vxlan { .. } => 1_450,
            Wrap::Gre { key } => 1_500 - 24 - if key.is_some() { 4 } else { 0 },
            Wrap::GtpU { container, .. } => 1_500 - 36 - if container { 8 } else { 0 },
        }
    }

    /// Starts a frame for an IP packet of `len` octets. `up` is from the subscriber to the network.
    pub(super) fn begin(self, out: &mut Vec<u8>, station: [u8; 6], up: bool, v6: bool, len: usize) {
        ethernet(out, station, up);
        let ethertype: u16 = if v6 { 0x86dd } else { 0x0800 };
        match self {
            Wrap::Plain => {}
            Wrap::Vlan { id } => put(out, &[0x8100, id]),
            Wrap::Qinq { outer, inner } => put(out, &[0x88a8, outer, 0x8100, inner]),
            Wrap::Pppoe { vlan, session } => {
                put(out, &[0x8100, vlan, 0x8864, 0x1100, session, len as u16 + 2]);
                put(out, &[if v6 { 0x0057 } else { 0x0021 }]);
                return;
            }
            Wrap::Mpls { labels, depth } => {
                put(out, &[0x8847]);
                let depth = usize::from(depth.clamp(1, 3));
                // The bottom label is the last of the three, so that deeper stacks have the transport labels on top.
                for (i, label) in labels.iter().enumerate().skip(3 - depth) {
                    let bottom = u32::from(i == 2);
                    out.extend_from_slice(&(label << 12 | bottom << 8 | 62).to_be_bytes());
                }
                return;
            }
            Wrap::Vxlan { vni } => {
                put(out, &[0x0800]);
                outer_ipv4(out, up, 17, 8 + 8 + ETHERNET + len);
                let entropy = 0xc000 | (u16::from(station[5]) << 4);
                put(out, &[entropy, 4789, (8 + 8 + ETHERNET + len) as u16, 0]);
                out.extend_from_slice(&[0x08, 0, 0, 0]);
                out.extend_from_slice(&(vni << 8).to_be_bytes());
                ethernet(out, station, up);
            }
            Wrap::Gre { key } => {
                put(out, &[0x0800]);
                outer_ipv4(out, up, 47, 4 + if key.is_some() { 4 } else { 0 } + len);
                put(out, &[if key.is_some() { 0x2000 } else { 0 }, ethertype]);
                if let Some(key) = key {
                    out.extend_from_slice(&key.to_be_bytes());
                }
                return;
            }
            Wrap::GtpU { teid, container } => {
                let inside = len + if container { 8 } else { 0 };
                put(out, &[0x0800]);
                outer_ipv4(out, up, 17, 8 + 8 + inside);
                put(out, &[2152, 2152, (8 + 8 + inside) as u16, 0]);
                put(out, &[if container { 0x34ff } else { 0x30ff }, inside as u16]);
                out.extend_from_slice(&(if up { teid } else { !teid }).to_be_bytes());
                if container {
                    // Sequence and N-PDU numbers unused, then a PDU session container of one unit: type, QFI 9.
                    out.extend_from_slice(&[0, 0, 0, 0x85, 1, if up { 0x10 } else { 0 }, 9, 0]);
                }
                return;
            }
        }
        put(out, &[ethertype]);
    }
}

/// The two addresses; the EtherType is for the caller to add.
pub(super) fn ethernet(out: &mut Vec<u8>, station: [u8; 6], up: bool) {
    let (to, from) = if up { (SUBSCRIBER_GATEWAY, station) } else { (station, SUBSCRIBER_GATEWAY) };
    out.extend_from_slice(&to);
    out.extend_from_slice(&from);
}

/// Pads a frame that is too short for Ethernet.
pub(super) fn pad(out: &mut Vec<u8>) {
    if out.len() < SHORTEST_FRAME {
        out.resize(SHORTEST_FRAME, 0);
    }
}

fn outer_ipv4(out: &mut Vec<u8>, up: bool, protocol: u8, payload: usize) {
    let at = out.len();
    put(out, &[0x4500, (20 + payload) as u16, 0, 0x4000]);
    out.extend_from_slice(&[64, protocol, 0, 0]);
    let [near, far] = TUNNEL_ENDS;
    let (from, to) = if up { (near, far) } else { (far, near) };
    out.extend_from_slice(&from);
    out.extend_from_slice(&to);
    let sum = checksum(0, &out[at..]);
    out[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
}

/// Appends 16-bit fields in network order.
pub(super) fn put(out: &mut Vec<u8>, fields: &[u16]) {
    for field in fields {
        out.extend_from_slice(&field.to_be_bytes());
    }
}

/// The Internet checksum (RFC 1071) of the octets and of a partial sum of others.
pub(super) fn checksum(partial: u64, octets: &[u8]) -> u16 {
    // Four octets at a time: 2^16 is 1 in this arithmetic, so halves may be added up at the end.
    let mut chunks = octets.chunks_exact(4);
    let mut sum = partial;
    for chunk in &mut chunks {
        sum += u64::from(u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]));
    }
    let mut tail = [0; 4];
    let rest = chunks.remainder();
    tail[..rest.len()].copy_from_slice(rest);
    sum += u64::from(u32::from_be_bytes(tail));
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_of_the_rfc_example() {
        // RFC 1071 section 3.
        assert_eq!(checksum(0, &[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        assert_eq!(checksum(0, &[0xff]), !0xff00, "an odd octet is the high one");
        assert_eq!(checksum(0x1_fffe, &[]), 0);
    }

    #[test]
    fn every_wrapping_occurs() {
        let kinds: std::collections::HashSet<_> =
            (0..2_000u64).map(|n| std::mem::discriminant(&Wrap::of(super::super::rng::scramble(n)))).collect();
        assert_eq!(kinds.len(), 8);
    }

    #[test]
    fn full_packets_stay_within_the_mtu_of_the_link() {
        for n in 0..2_000u64 {
            let wrap = Wrap::of(super::super::rng::scramble(n));
            let mut out = Vec::new();
            wrap.begin(&mut out, [2, 0, 0, 0, 0, 1], true, false, wrap.mtu());
            let tags = match wrap {
                Wrap::Qinq { .. } => 8,
                Wrap::Vlan { .. } | Wrap::Pppoe { .. } => 4,
                Wrap::Mpls { depth, .. } => usize::from(depth) * 4,
                _ => 0,
            };
            assert_eq!(out.len() + wrap.mtu(), ETHERNET + 1_500 + tags, "{wrap:?}");
        }
    }
}
