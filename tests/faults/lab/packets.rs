//! Frames made by hand, for what the generator of traffic does not send.

use std::net::{IpAddr, SocketAddr};

use stakeout::extract::quic::seal::seal_initial;
use stakeout::extract::quic::{Version, put_varint};
use stakeout::extract::tls::build::{HelloSpec, client_hello, records};

pub(crate) const UDP: u8 = 17;
pub(crate) const TCP: u8 = 6;
pub(crate) const A: u16 = 1;
pub(crate) const PTR: u16 = 12;

/// Makes frames, each with an IP identification of its own, so that none passes for a copy of another.
#[derive(Default)]
pub(crate) struct Maker {
    serial: u16,
    pub(crate) frames: Vec<Vec<u8>>,
}

impl Maker {
    /// Adds an Ethernet frame with an IP packet in it.
    pub(crate) fn ip(&mut self, from: IpAddr, to: IpAddr, protocol: u8, payload: &[u8]) {
        self.serial = self.serial.wrapping_add(1).max(1);
        let packet = ip(from, to, protocol, self.serial, payload);
        self.frames.push(ethernet(from.is_ipv6(), &packet));
    }

    pub(crate) fn udp(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        self.ip(from.ip(), to.ip(), UDP, &udp(from.port(), to.port(), payload));
    }

    pub(crate) fn tcp(&mut self, from: SocketAddr, to: SocketAddr, seq: u32, payload: &[u8]) {
        self.ip(from.ip(), to.ip(), TCP, &tcp(from.port(), to.port(), seq, 0x18, payload));
    }

    /// Adds an IPv4 packet over UDP in fragments of at most `room` octets, a multiple of 8.
    pub(crate) fn fragments(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8], room: usize) {
        self.serial = self.serial.wrapping_add(1).max(1);
        let segment = udp(from.port(), to.port(), payload);
        for (n, piece) in segment.chunks(room).enumerate() {
            let mut packet = ip(from.ip(), to.ip(), UDP, self.serial, piece);
            let offset = (n * room / 8) as u16 | if (n + 1) * room < segment.len() { 0x2000 } else { 0 };
            packet[6..8].copy_from_slice(&offset.to_be_bytes());
            self.frames.push(ethernet(false, &packet));
        }
    }

    /// Adds a browser's hello in segments, as a connection that was already open.
    pub(crate) fn tls(&mut self, from: SocketAddr, to: SocketAddr, name: &str) {
        let octets = records(&client_hello(&HelloSpec::browser(name, u64::from(self.serial))), 1 << 14);
        let mut seq = 1_000;
        for segment in octets.chunks(1_400) {
            self.tcp(from, to, seq, segment);
            seq += segment.len() as u32;
        }
    }

    pub(crate) fn quic(&mut self, from: SocketAddr, to: SocketAddr, name: &str) {
        let datagram = quic_initial(name, [self.serial.to_be_bytes()[0], self.serial as u8, 3, 4, 5, 6, 7, 8]);
        self.udp(from, to, &datagram);
    }
}

/// A client's first datagram, with the whole hello in it.
pub(crate) fn quic_initial(name: &str, dcid: [u8; 8]) -> Vec<u8> {
    let spec = HelloSpec { post_quantum: false, ech: None, ..HelloSpec::browser_quic(name, 7) };
    let hello = client_hello(&spec);
    // CRYPTO, offset 0.
    let mut frames = vec![6, 0];
    put_varint(&mut frames, hello.len() as u64);
    frames.extend_from_slice(&hello);
    seal_initial(Version::V1, &dcid, &[], &[], 0, 1, &frames, 1_200, true)
}

pub(crate) fn ethernet(v6: bool, packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 1];
    frame.extend_from_slice(if v6 { &[0x86, 0xdd] } else { &[8, 0] });
    frame.extend_from_slice(packet);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// An IP packet; its checksum is not looked at.
pub(crate) fn ip(from: IpAddr, to: IpAddr, protocol: u8, id: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            packet.extend_from_slice(&[0x45, 0]);
            packet.extend_from_slice(&(20 + payload.len() as u16).to_be_bytes());
            packet.extend_from_slice(&id.to_be_bytes());
            packet.extend_from_slice(&[0, 0, 64, protocol, 0, 0]);
            packet.extend_from_slice(&from.octets());
            packet.extend_from_slice(&to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            packet.extend_from_slice(&[0x60, 0, 0, 0]);
            packet.extend_from_slice(&(payload.len() as u16).to_be_bytes());
            packet.extend_from_slice(&[protocol, 64]);
            packet.extend_from_slice(&from.octets());
            packet.extend_from_slice(&to.octets());
        }
        _ => panic!("both of one family"),
    }
    packet.extend_from_slice(payload);
    packet
}

pub(crate) fn udp(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    for field in [from, to, 8 + payload.len() as u16, 0] {
        segment.extend_from_slice(&field.to_be_bytes());
    }
    segment.extend_from_slice(payload);
    segment
}

pub(crate) fn tcp(from: u16, to: u16, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend_from_slice(&from.to_be_bytes());
    segment.extend_from_slice(&to.to_be_bytes());
    segment.extend_from_slice(&seq.to_be_bytes());
    segment.extend_from_slice(&[0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(payload);
    segment
}

/// An ICMP error (RFC 792, RFC 4443) that quotes a packet.
pub(crate) fn icmp_error(v6: bool, quoted: &[u8]) -> Vec<u8> {
    // Destination unreachable, by port.
    let mut message = if v6 { vec![1, 4, 0, 0, 0, 0, 0, 0] } else { vec![3, 3, 0, 0, 0, 0, 0, 0] };
    message.extend_from_slice(quoted);
    message
}

/// A DNS question with, if asked for, a client-subnet option (RFC 7871) that tells the whole address.
pub(crate) fn query(id: u16, name: &str, qtype: u16, subnet: Option<IpAddr>) -> Vec<u8> {
    message(id, 0x0100, name, qtype, None, &[], subnet)
}

/// Its answer, with addresses.
pub(crate) fn answer(id: u16, name: &str, addrs: &[IpAddr], subnet: Option<IpAddr>) -> Vec<u8> {
    message(id, 0x8180, name, A, None, addrs, subnet)
}

/// An answer that the name is an alias for another.
pub(crate) fn alias(id: u16, name: &str, target: &str) -> Vec<u8> {
    message(id, 0x8180, name, A, Some(target), &[], None)
}

fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

fn message(
    id: u16,
    flags: u16,
    name: &str,
    qtype: u16,
    target: Option<&str>,
    addrs: &[IpAddr],
    subnet: Option<IpAddr>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let answers = addrs.len() as u16 + u16::from(target.is_some());
    for field in [id, flags, 1, answers, 0, u16::from(subnet.is_some())] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    out.extend_from_slice(&wire(name));
    out.extend_from_slice(&qtype.to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    if let Some(target) = target.map(wire) {
        out.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, target.len() as u8]);
        out.extend_from_slice(&target);
    }
    for addr in addrs {
        let (rtype, octets) = match addr {
            IpAddr::V4(ip) => (1, ip.octets().to_vec()),
            IpAddr::V6(ip) => (28, ip.octets().to_vec()),
        };
        out.extend_from_slice(&[0xc0, 12, 0, rtype, 0, 1, 0, 0, 0, 60, 0, octets.len() as u8]);
        out.extend_from_slice(&octets);
    }
    if let Some(subnet) = subnet {
        let (family, octets) = match subnet {
            IpAddr::V4(ip) => (1, ip.octets().to_vec()),
            IpAddr::V6(ip) => (2, ip.octets().to_vec()),
        };
        let len = octets.len() as u8;
        out.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, len + 8, 0, 8, 0, len + 4, 0, family, len * 8, 0]);
        out.extend_from_slice(&octets);
    }
    out
}
