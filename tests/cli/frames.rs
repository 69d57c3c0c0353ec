//! Captures made by hand, octet by octet, for tests that compare every field of the output. Nothing here is shared with
//! the program: what is written is what the standards say.

use std::net::{IpAddr, SocketAddr};

/// LINKTYPE_ETHERNET.
pub(crate) const ETHERNET: u32 = 1;

/// A classic pcap file with times in nanoseconds; each frame comes a second after the one before.
pub(crate) fn pcap(linktype: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4d, 0x0004_0002, 0, 0, 262_144, linktype] {
        file.extend_from_slice(&u32::to_le_bytes(word));
    }
    for (i, frame) in frames.iter().enumerate() {
        let len = frame.len() as u32;
        for word in [1_795_513_595 + i as u32, 7, len, len] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(frame);
    }
    file
}

/// An Ethernet frame with 802.1Q tags of the given TPIDs around an IP packet.
pub(crate) fn ethernet(tags: &[u16], ip: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    for (i, tpid) in tags.iter().enumerate() {
        frame.extend_from_slice(&tpid.to_be_bytes());
        frame.extend_from_slice(&(100 + i as u16).to_be_bytes());
    }
    let ethertype: u16 = if ip[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
    frame.extend_from_slice(&ethertype.to_be_bytes());
    frame.extend_from_slice(ip);
    frame
}

/// An IP packet, IPv4 or IPv6 as the addresses are.
pub(crate) fn ip(protocol: u8, src: IpAddr, dst: IpAddr, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            packet.extend_from_slice(&[0x45, 0]);
            packet.extend_from_slice(&(20 + payload.len() as u16).to_be_bytes());
            packet.extend_from_slice(&[0, 1, 0x40, 0, 64, protocol, 0, 0]);
            packet.extend_from_slice(&src.octets());
            packet.extend_from_slice(&dst.octets());
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            packet.extend_from_slice(&[0x60, 0, 0, 0]);
            packet.extend_from_slice(&(payload.len() as u16).to_be_bytes());
            packet.extend_from_slice(&[protocol, 64]);
            packet.extend_from_slice(&src.octets());
            packet.extend_from_slice(&dst.octets());
        }
        _ => panic!("two families in one packet"),
    }
    packet.extend_from_slice(payload);
    packet
}

/// A UDP datagram in IP.
pub(crate) fn udp(src: &str, dst: &str, payload: &[u8]) -> Vec<u8> {
    let (src, dst): (SocketAddr, SocketAddr) = (src.parse().unwrap(), dst.parse().unwrap());
    let mut datagram = Vec::new();
    for field in [src.port(), dst.port(), 8 + payload.len() as u16, 0] {
        datagram.extend_from_slice(&field.to_be_bytes());
    }
    datagram.extend_from_slice(payload);
    ip(17, src.ip(), dst.ip(), &datagram)
}

/// A TCP segment (PSH, ACK) in IP.
pub(crate) fn tcp(src: &str, dst: &str, seq: u32, payload: &[u8]) -> Vec<u8> {
    let (src, dst): (SocketAddr, SocketAddr) = (src.parse().unwrap(), dst.parse().unwrap());
    let mut segment = Vec::new();
    segment.extend_from_slice(&src.port().to_be_bytes());
    segment.extend_from_slice(&dst.port().to_be_bytes());
    segment.extend_from_slice(&seq.to_be_bytes());
    segment.extend_from_slice(&[0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(payload);
    ip(6, src.ip(), dst.ip(), &segment)
}

/// A name in DNS's form.
pub(crate) fn dns_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.') {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// A DNS message (RFC 1035): one question, and answers as (owner, type, RDATA).
pub(crate) fn dns(flags: u16, name: &str, qtype: u16, answers: &[(&str, u16, Vec<u8>)]) -> Vec<u8> {
    let mut message = Vec::new();
    for field in [0x1234, flags, 1, answers.len() as u16, 0, 0] {
        message.extend_from_slice(&u16::to_be_bytes(field));
    }
    message.extend_from_slice(&dns_name(name));
    message.extend_from_slice(&qtype.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    for (owner, rtype, rdata) in answers {
        message.extend_from_slice(&dns_name(owner));
        message.extend_from_slice(&rtype.to_be_bytes());
        message.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        message.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        message.extend_from_slice(rdata);
    }
    message
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat()
}

/// A TLS record with a ClientHello (RFC 8446) that offers 1.3 and 1.2, with ALPN protocols and maybe `ech`.
pub(crate) fn client_hello(sni: &str, alpn: &[&str], ech: bool) -> Vec<u8> {
    let name_len = sni.len() as u16;
    let sni = [&(name_len + 3).to_be_bytes()[..], &[0], &name_len.to_be_bytes(), sni.as_bytes()].concat();
    let protocols: Vec<u8> = alpn.iter().flat_map(|p| [&[p.len() as u8][..], p.as_bytes()].concat()).collect();
    let alpn = [&(protocols.len() as u16).to_be_bytes()[..], &protocols].concat();
    let mut extensions = [extension(0x2b, &[4, 3, 4, 3, 3]), extension(0, &sni), extension(16, &alpn)].concat();
    if ech {
        extensions.extend(extension(0xfe0d, &[0; 40]));
    }
    let mut hello = vec![3, 3];
    hello.extend_from_slice(&[9; 32]);
    hello.extend_from_slice(&[0, 0, 4, 0x13, 1, 0x13, 2, 1, 0]);
    hello.extend_from_slice(&(extensions.len() as u16).to_be_bytes());
    hello.extend_from_slice(&extensions);
    let mut record = vec![22, 3, 1];
    record.extend_from_slice(&(hello.len() as u16 + 4).to_be_bytes());
    record.extend_from_slice(&[1, 0]);
    record.extend_from_slice(&(hello.len() as u16).to_be_bytes());
    record.extend_from_slice(&hello);
    record
}
