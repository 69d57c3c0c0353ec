//! IP, TCP and UDP headers of one conversation's packets, with right checksums.

use crate::model::{Addr, Endpoint};

use super::wrap::{Wrap, checksum, put};

/// IP protocol numbers (IANA registry).
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// TCP flags as they are sent.
pub(super) mod flag {
    pub(in super::super) const FIN: u8 = 0x01;
    pub(in super::super) const SYN: u8 = 0x02;
    pub(in super::super) const RST: u8 = 0x04;
    pub(in super::super) const PSH: u8 = 0x08;
    pub(in super::super) const ACK: u8 = 0x10;
}

/// The way of a conversation's packets: who talks to whom, through what.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) wrap: Wrap,
    /// The subscriber's MAC address.
    pub(super) station: [u8; 6],
    /// TTL or hop limit of the client's packets and of the server's.
    pub(super) ttl: [u8; 2],
    /// Next IPv4 identification of either side; `None` for a side that sends 0, as many do with "don't fragment".
    pub(super) ip_id: [Option<u16>; 2],
    /// IPv6 flow label.
    pub(super) flow_label: u32,
    /// TCP sequence number that either side sends next.
    pub(super) next: [u32; 2],
    /// TCP timestamps (RFC 7323): clock offsets of either side, if they are in use.
    pub(super) clocks: Option<[u32; 2]>,
}

impl Path {
    pub(super) fn is_v6(&self) -> bool {
        !self.client.addr.is_v4()
    }

    fn ip_header(&self) -> usize {
        if self.is_v6() { 40 } else { 20 }
    }

    fn tcp_header(&self) -> usize {
        20 + if self.clocks.is_some() { 12 } else { 0 }
    }

    /// The most octets that fit in one TCP segment with the options of this connection.
    pub(super) fn segment_room(&self) -> usize {
        self.wrap.mtu() - self.ip_header() - self.tcp_header()
    }

    /// The most octets that fit in one UDP datagram without fragments.
    pub(super) fn datagram_room(&self) -> usize {
        self.wrap.mtu() - self.ip_header() - 8
    }

    /// The most octets of IP payload in a fragment that is not the last.
    pub(super) fn fragment_room(&self) -> usize {
        let header = self.ip_header() + if self.is_v6() { 8 } else { 0 };
        (self.wrap.mtu() - header) / 8 * 8
    }

    /// Source and destination of a packet in this direction.
    fn ends(&self, up: bool) -> (Endpoint, Endpoint) {
        if up { (self.client, self.server) } else { (self.server, self.client) }
    }

    fn take_id(&mut self, up: bool) -> u16 {
        match &mut self.ip_id[usize::from(!up)] {
            Some(id) => {
                *id = id.wrapping_add(1).max(1);
                *id
            }
            None => 0,
        }
    }

    /// Starts a frame up to and with the IP header of a packet that is not a fragment.
    pub(super) fn begin_ip(&mut self, out: &mut Vec<u8>, up: bool, protocol: u8, len: usize) {
        self.begin_link(out, up, len);
        self.begin_ip_only(out, up, protocol, len);
    }

    /// The IP header alone, as ICMP errors quote it.
    pub(super) fn begin_ip_only(&mut self, out: &mut Vec<u8>, up: bool, protocol: u8, len: usize) {
        if self.is_v6() {
            self.ipv6(out, up, protocol, len);
        } else {
            let id = self.take_id(up);
            self.ipv4(out, up, protocol, len, id, 0x4000);
        }
    }

    fn begin_link(&self, out: &mut Vec<u8>, up: bool, len: usize) {
        self.wrap.begin(out, self.station, up, self.is_v6(), self.ip_header() + len);
    }

    fn ipv4(&self, out: &mut Vec<u8>, up: bool, protocol: u8, len: usize, id: u16, flags_and_offset: u16) {
        let (from, to) = self.ends(up);
        let at = out.len();
        put(out, &[0x4500, (20 + len) as u16, id, flags_and_offset]);
        out.extend_from_slice(&[self.ttl[usize::from(!up)], protocol, 0, 0]);
        out.extend_from_slice(&octets(&from.addr));
        out.extend_from_slice(&octets(&to.addr));
        let sum = checksum(0, &out[at..]);
        out[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
    }

    fn ipv6(&self, out: &mut Vec<u8>, up: bool, next_header: u8, len: usize) {
        let (from, to) = self.ends(up);
        out.extend_from_slice(&(0x6000_0000 | self.flow_label & 0xf_ffff).to_be_bytes());
        put(out, &[len as u16]);
        out.extend_from_slice(&[next_header, self.ttl[usize::from(!up)]]);
        out.extend_from_slice(&octets(&from.addr));
        out.extend_from_slice(&octets(&to.addr));
    }

    /// A fragment of an IP payload: these octets, at this offset in it.
    pub(super) fn fragment(&mut self, out: &mut Vec<u8>, up: bool, id: u16, offset: usize, more: bool, octets: &[u8]) {
        if self.is_v6() {
            self.begin_link(out, up, 8 + octets.len());
            self.ipv6(out, up, 44, 8 + octets.len());
            out.extend_from_slice(&[UDP, 0]);
            put(out, &[offset as u16 | u16::from(more), 0x5a17, id]);
        } else {
            self.begin_link(out, up, octets.len());
            self.ipv4(out, up, UDP, octets.len(), id, (offset / 8) as u16 | if more { 0x2000 } else { 0 });
        }
        out.extend_from_slice(octets);
    }

    /// A whole UDP datagram.
    pub(super) fn udp(&mut self, out: &mut Vec<u8>, up: bool, payload: [&[u8]; 2]) {
        let len = 8 + payload[0].len() + payload[1].len();
        self.begin_ip(out, up, UDP, len);
        self.udp_segment(out, up, payload);
    }

    /// A UDP header and its payload, without IP: what is cut into fragments.
    pub(super) fn udp_segment(&self, out: &mut Vec<u8>, up: bool, payload: [&[u8]; 2]) {
        let (from, to) = self.ends(up);
        let len = 8 + payload[0].len() + payload[1].len();
        let at = out.len();
        put(out, &[from.port, to.port, len as u16, 0]);
        out.extend_from_slice(payload[0]);
        out.extend_from_slice(payload[1]);
        // 0 would say that there is no checksum (RFC 768).
        let sum = match self.transport_sum(UDP, &out[at..]) {
            0 => 0xffff,
            sum => sum,
        };
        out[at + 6..at + 8].copy_from_slice(&sum.to_be_bytes());
    }

    /// A TCP segment whose sequence number lies `back` octets before the next to be sent, or ahead if negative.
    pub(super) fn tcp(
        &mut self,
        out: &mut Vec<u8>,
        up: bool,
        flags: u8,
        back: i32,
        milliseconds: u32,
        payload: [&[u8]; 2],
    ) {
        let (from, to) = self.ends(up);
        let (own, other) = (usize::from(!up), usize::from(up));
        let (options, options_len) = self.options(up, flags, milliseconds);
        let header = 20 + options_len;
        let len = header + payload[0].len() + payload[1].len();
        self.begin_ip(out, up, TCP, len);
        let at = out.len();
        put(out, &[from.port, to.port]);
        out.extend_from_slice(&self.next[own].wrapping_add_signed(-back).to_be_bytes());
        let ack = if flags & flag::ACK != 0 { self.next[other] } else { 0 };
        out.extend_from_slice(&ack.to_be_bytes());
        out.extend_from_slice(&[(header as u8 / 4) << 4, flags, 0x01, 0xf6, 0, 0, 0, 0]);
        out.extend_from_slice(&options[..options_len]);
        out.extend_from_slice(payload[0]);
        out.extend_from_slice(payload[1]);
        let sum = self.transport_sum(TCP, &out[at..]);
        out[at + 16..at + 18].copy_from_slice(&sum.to_be_bytes());
    }

    /// Options of a segment: on a SYN maximum segment size, SACK, window scale; timestamps where they are in use.
    fn options(&self, up: bool, flags: u8, milliseconds: u32) -> ([u8; 20], usize) {
        let mut all = [0; 20];
        let mut len = 0;
        let mut add = |option: &[u8]| {
            all[len..len + option.len()].copy_from_slice(option);
            len += option.len();
        };
        if flags & flag::SYN != 0 {
            let [high, low] = ((self.wrap.mtu() - self.ip_header() - 20) as u16).to_be_bytes();
            add(&[2, 4, high, low, 1, 3, 3, 7]);
        }
        if let Some(clocks) = self.clocks {
            let [own, other] = if up { clocks } else { [clocks[1], clocks[0]] };
            // The echo is a few milliseconds behind, and 0 on the very first segment (RFC 7323 section 3.2).
            let echo = if flags & flag::ACK != 0 { other.wrapping_add(milliseconds).wrapping_sub(5) } else { 0 };
            let [a, b, c, d] = own.wrapping_add(milliseconds).to_be_bytes();
            let [e, f, g, h] = echo.to_be_bytes();
            add(&[1, 1, 8, 10, a, b, c, d, e, f, g, h]);
        }
        (all, len)
    }

    fn transport_sum(&self, protocol: u8, segment: &[u8]) -> u16 {
        let mut partial = u64::from(protocol) + segment.len() as u64;
        for end in [&self.client, &self.server] {
            for pair in octets(&end.addr).chunks_exact(2) {
                partial += u64::from(u16::from_be_bytes([pair[0], pair[1]]));
            }
        }
        checksum(partial, segment)
    }

    /// The checksum that ICMPv6 wants (RFC 4443 section 2.3), over a message whose own is still 0.
    pub(super) fn icmpv6_sum(&self, message: &[u8]) -> u16 {
        self.transport_sum(58, message)
    }
}

/// The address as IP headers carry it.
pub(super) fn octets(addr: &Addr) -> Vec<u8> {
    let octets = addr.octets();
    if addr.is_v4() { octets[12..].to_vec() } else { octets.to_vec() }
}
