//! Packets made by hand: each kind of header once, around a DNS query and a hello.

/// A DNS query for `casino.example`.
pub(crate) const QUERY: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06casino\x07example\x00\x00\x01\x00\x01";

/// SYN, FIN, RST, ACK.
pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A ClientHello that asks for `casino.example`, in one record.
pub(crate) fn hello() -> Vec<u8> {
    let name = b"casino.example";
    let mut extension = vec![0, 0, 0, name.len() as u8 + 5, 0, name.len() as u8 + 3, 0, 0, name.len() as u8];
    extension.extend_from_slice(name);
    let mut body = vec![3, 3];
    body.extend_from_slice(&[7; 32]);
    body.extend_from_slice(&[0, 0, 2, 0x13, 1, 1, 0, 0, extension.len() as u8]);
    body.extend_from_slice(&extension);
    let mut record = vec![0x16, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    record.extend_from_slice(&body);
    record
}

pub(crate) fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &ethertype.to_be_bytes()[..], payload].concat()
}

pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 20).to_be_bytes();
    let header = [0x45, 0, length[0], length[1], 0, 7, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 203, 0, 113, 9];
    [&header[..], payload].concat()
}

pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    let mut header = vec![0x60, 0, 0, 0, length[0], length[1], next, 64];
    header.extend_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    header.extend_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    [&header[..], payload].concat()
}

pub(crate) fn udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16 + 8;
    [&src.to_be_bytes()[..], &dst.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

pub(crate) fn tcp(ports: (u16, u16), seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
    header.extend_from_slice(&seq.to_be_bytes());
    // A reset acknowledges all that was sent.
    let ack: u32 = if flags & RST != 0 { 0x7000_0000 } else { 1 };
    header.extend_from_slice(&ack.to_be_bytes());
    header.extend_from_slice(&[0x50, flags, 2, 0, 0, 0, 0, 0]);
    [&header[..], payload].concat()
}

/// From a client to a server's port, over IPv4 and Ethernet.
pub(crate) fn to_port(port: u16, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(6, &tcp((40_000, port), seq, flags, payload)))
}

/// The answer's way.
pub(crate) fn from_port(port: u16, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = ethernet(0x0800, &ipv4(6, &tcp((port, 40_000), seq, flags, payload)));
    let (src, dst) = ([10, 0, 0, 1], [203, 0, 113, 9]);
    packet[26..30].copy_from_slice(&dst);
    packet[30..34].copy_from_slice(&src);
    packet
}

/// A hello or a query behind every kind of header that a filter looks through or passes whole.
pub(crate) fn wrapped() -> Vec<(&'static str, Vec<u8>)> {
    let segment = tcp((40_000, 9443), 1, ACK, &hello());
    let (inner4, inner6) = (ipv4(6, &segment), ipv6(6, &segment));
    let frame = ethernet(0x0800, &inner4);
    let tunnel = |port: u16, header: &[u8], inner: &[u8]| {
        ethernet(0x0800, &ipv4(17, &udp(50_000, port, &[header, inner].concat())))
    };
    let gre = |header: &[u8], inner: &[u8]| ethernet(0x0800, &ipv4(47, &[header, inner].concat()));
    let over = |ethertype: u16, header: &[u8], inner: &[u8]| ethernet(ethertype, &[header, inner].concat());
    let datagram = |payload: &[u8]| ipv4(17, &udp(40_000, 53, payload));
    let mut fragment = datagram(QUERY);
    fragment[6] = 0x20;
    vec![
        ("plain hello", frame.clone()),
        ("hello over IPv6", ethernet(0x86dd, &inner6)),
        ("query", ethernet(0x0800, &datagram(QUERY))),
        ("fragment", ethernet(0x0800, &fragment)),
        ("VLAN", over(0x8100, &[0, 5, 8, 0], &inner4)),
        ("QinQ", over(0x88a8, &[0, 5, 0x81, 0, 0, 6, 8, 0], &inner4)),
        ("PPPoE", over(0x8864, &[0x11, 0, 0, 9, 0, inner4.len() as u8 + 2, 0, 0x21], &inner4)),
        ("PPPoE, short protocol field", over(0x8864, &[0x11, 0, 0, 9, 0, inner4.len() as u8 + 1, 0x21], &inner4)),
        ("VLAN, PPPoE, IPv6", over(0x8100, &[0, 5, 0x88, 0x64, 0x11, 0, 0, 9, 0, 99, 0, 0x57], &inner6)),
        ("MPLS", over(0x8847, &[0, 1, 0x00, 64, 0, 2, 0x01, 64], &inner4)),
        ("MPLS pseudowire", over(0x8847, &[0, 1, 0x01, 64], &frame)),
        ("MPLS pseudowire, control word", over(0x8847, &[0, 1, 0x01, 64, 0, 0, 0, 0], &frame)),
        ("provider backbone bridge", over(0x88e7, &[0, 0, 0, 1], &frame)),
        ("IPv4 in IPv4", ethernet(0x0800, &ipv4(4, &inner4))),
        ("IPv6 in IPv4", ethernet(0x0800, &ipv4(41, &inner6))),
        ("IPv4 in IPv6", ethernet(0x86dd, &ipv6(4, &inner4))),
        ("IPv4 in IPv4 in IPv4", ethernet(0x0800, &ipv4(4, &ipv4(4, &inner4)))),
        ("IPv4 in IPv4, four deep", ethernet(0x0800, &ipv4(4, &ipv4(4, &ipv4(4, &inner4))))),
        ("GRE", gre(&[0, 0, 8, 0], &inner4)),
        ("GRE with key and sequence", gre(&[0x30, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 2], &inner4)),
        ("GRE with checksum", gre(&[0x80, 0, 8, 0, 0, 0, 0, 0], &inner4)),
        ("GRE, bridged", gre(&[0, 0, 0x65, 0x58], &frame)),
        ("ERSPAN II", gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0], &frame)),
        ("PPTP", gre(&[0x30, 1, 0x88, 0x0b, 0, inner4.len() as u8 + 4, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21], &inner4)),
        ("VXLAN", tunnel(4789, &[8, 0, 0, 0, 0, 0, 1, 0], &frame)),
        ("Geneve", tunnel(6081, &[1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0], &frame)),
        ("Geneve, IP", tunnel(6081, &[0, 0, 8, 0, 0, 0, 1, 0], &inner4)),
        ("GTP-U", tunnel(2152, &[0x30, 255, 0, inner4.len() as u8, 0, 0, 0, 1], &inner4)),
        (
            "GTP-U with an extension header",
            tunnel(2152, &[0x34, 255, 0, inner4.len() as u8 + 8, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0], &inner4),
        ),
        ("Teredo", tunnel(3544, &[], &inner6)),
        ("L2TP", tunnel(1701, &[0, 2, 0, 1, 0, 2, 0xff, 3, 0, 0x21], &inner4)),
        (
            "L2TP with length and sequence",
            tunnel(1701, &[0x48, 2, 0, 99, 0, 1, 0, 2, 0, 1, 0, 1, 0xff, 3, 0, 0x21], &inner4),
        ),
        ("MPLS over UDP", tunnel(6635, &[0, 1, 0x01, 64], &inner4)),
        ("hop-by-hop options", ethernet(0x86dd, &ipv6(0, &[&[6, 0, 1, 4, 0, 0, 0, 0][..], &segment].concat()))),
        ("an atomic fragment", ethernet(0x86dd, &ipv6(44, &[&[6, 0, 0, 0, 0, 0, 0, 1][..], &segment].concat()))),
        ("a fragment of IPv6", ethernet(0x86dd, &ipv6(44, &[&[6, 0, 0, 1, 0, 0, 0, 1][..], &segment].concat()))),
        (
            "authentication header",
            ethernet(0x0800, &ipv4(51, &[&[6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &segment].concat())),
        ),
        ("SNAP", ethernet(inner4.len() as u16 + 8, &[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &inner4].concat())),
        ("NSH", over(0x894f, &[0, 2, 1, 1, 0, 0, 0, 0], &inner4)),
        ("QUIC", ethernet(0x0800, &ipv4(17, &udp(40_000, 9999, &[&[0xc0, 0, 0, 0, 1, 8][..], &[0; 40]].concat())))),
        (
            "QUIC version 2, greased",
            ethernet(0x0800, &ipv4(17, &udp(9, 9, &[&[0x90, 0x6b, 0x33, 0x43, 0xcf][..], &[0; 40]].concat()))),
        ),
    ]
}

/// What cannot hold a name.
pub(crate) fn nameless() -> Vec<(&'static str, Vec<u8>)> {
    let bulk = [0xa7; 200];
    vec![
        ("ARP", ethernet(0x0806, &[0; 46])),
        ("LLDP", ethernet(0x88cc, &[0; 46])),
        ("spanning tree", ethernet(38, &[0x42; 46])),
        ("PPPoE discovery", ethernet(0x8863, &[0x11, 9, 0, 0, 0, 0])),
        ("PPP link control", ethernet(0x8864, &[0x11, 0, 0, 9, 0, 10, 0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0])),
        ("ICMP", ethernet(0x0800, &ipv4(1, &bulk))),
        ("ICMPv6", ethernet(0x86dd, &ipv6(58, &bulk))),
        ("ESP", ethernet(0x0800, &ipv4(50, &bulk))),
        ("SCTP", ethernet(0x0800, &ipv4(132, &bulk))),
        ("an acknowledgement, padded", [&to_port(443, 1, ACK, b"")[..], &[0; 6]].concat()),
        ("QUIC, short header", ethernet(0x0800, &ipv4(17, &udp(40_000, 443, &[0x4a; 200])))),
        ("RTP", ethernet(0x0800, &ipv4(17, &udp(40_000, 5004, &[&[0x80, 0, 1, 2, 3, 4][..], &bulk].concat())))),
        ("bulk in VXLAN", {
            let inner = ethernet(0x0800, &ipv4(17, &udp(1, 2, &bulk)));
            ethernet(0x0800, &ipv4(17, &udp(50_000, 4789, &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &inner].concat())))
        }),
        ("an acknowledgement in GTP-U", {
            let inner = ipv4(6, &tcp((1, 2), 1, ACK, b""));
            let header = [0x30, 255, 0, inner.len() as u8, 0, 0, 0, 1];
            ethernet(0x0800, &ipv4(17, &udp(50_000, 2152, &[&header[..], &inner].concat())))
        }),
    ]
}

/// All of them.
pub(crate) fn everything() -> Vec<(&'static str, Vec<u8>)> {
    [wrapped(), nameless()].concat()
}
