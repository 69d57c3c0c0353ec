//! Frames for floods, by hand: Ethernet, IPv4 and TCP, UDP or a fragment. Checksums are left out, which a worker does not
//! look at.

/// Where a packet claims to come from.
#[derive(Clone, Copy)]
pub(crate) struct From {
    pub(crate) addr: [u8; 4],
    pub(crate) port: u16,
}

/// The flooded server.
pub(crate) const TARGET: [u8; 4] = [198, 51, 100, 99];

fn ipv4(from: From, protocol: u8, id: u16, flags_and_offset: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    frame.extend(((20 + payload.len()) as u16).to_be_bytes());
    frame.extend(id.to_be_bytes());
    frame.extend(flags_and_offset.to_be_bytes());
    frame.extend([60, protocol, 0, 0]);
    frame.extend(from.addr);
    frame.extend(TARGET);
    frame.extend(payload);
    frame
}

pub(crate) fn tcp(from: From, port: u16, flags: u8, seq: u32, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(20 + payload.len());
    segment.extend(from.port.to_be_bytes());
    segment.extend(port.to_be_bytes());
    segment.extend(seq.to_be_bytes());
    segment.extend(1u32.to_be_bytes());
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    ipv4(from, 6, seq as u16, 0x4000, &segment)
}

pub(crate) fn udp(from: From, port: u16, id: u16, payload: &[u8]) -> Vec<u8> {
    ipv4(from, 17, id, 0x4000, &datagram(from, port, payload))
}

/// The first fragment of a UDP datagram whose others never come.
pub(crate) fn first_fragment(from: From, port: u16, id: u16, payload: &[u8]) -> Vec<u8> {
    let octets = datagram(from, port, payload);
    ipv4(from, 17, id, 0x2000, &octets[..octets.len() / 8 * 8])
}

fn datagram(from: From, port: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + payload.len());
    out.extend(from.port.to_be_bytes());
    out.extend(port.to_be_bytes());
    out.extend(((8 + payload.len()) as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend(payload);
    out
}

/// A DNS query for a name's A records.
pub(crate) fn query(id: u16, name: &str) -> Vec<u8> {
    let mut out = id.to_be_bytes().to_vec();
    out.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.extend([0, 0, 1, 0, 1]);
    out
}
