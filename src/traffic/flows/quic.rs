//! QUIC: Initials whose CRYPTO frames are cut and shuffled as browsers do, Retry, coalesced packets, and what follows.

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};

use crate::extract::quic::seal::{seal_initial, seal_with};
use crate::extract::quic::{ConnectionId, InitialKeys, Side, Version, put_varint};
use crate::extract::tls::build::{HelloSpec, client_hello};
use crate::model::{Kind, Proto};
use crate::traffic::flows::tls::server_hello;
use crate::traffic::plan::{Plan, Subscriber, server_addr};
use crate::traffic::script::{Act, Bulk, Data, Pause, Role};

/// The ways in which names are sent here.
pub(super) const WAYS: [&str; 14] = [
    "one-datagram",
    "two-datagrams",
    "shuffled",
    "across-datagrams",
    "datagrams-swapped",
    "overlapping",
    "retransmitted",
    "zero-rtt",
    "coalesced-initials",
    "server-cid",
    "retry",
    "odd-port",
    "v2",
    "draft-29",
];

/// How the hello is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    OneDatagram,
    TwoDatagrams,
    Shuffled,
    Across,
    Swapped,
    Overlapping,
    Retransmitted,
    ZeroRtt,
    Coalesced,
    ServerCid,
    Retry,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Way::OneDatagram => "one-datagram",
            Way::TwoDatagrams => "two-datagrams",
            Way::Shuffled => "shuffled",
            Way::Across => "across-datagrams",
            Way::Swapped => "datagrams-swapped",
            Way::Overlapping => "overlapping",
            Way::Retransmitted => "retransmitted",
            Way::ZeroRtt => "zero-rtt",
            Way::Coalesced => "coalesced-initials",
            Way::ServerCid => "server-cid",
            Way::Retry => "retry",
        }
    }
}

/// The most octets of frames in an Initial that fills a datagram of [`DATAGRAM`] octets with the longest header here.
const FRAMES: usize = 1_080;
/// What a client's first datagrams have at least (RFC 9000 section 14.1).
const DATAGRAM: usize = 1_200;

/// Ids and counters of one connection.
#[derive(Clone)]
struct Connection {
    leg: u8,
    version: Version,
    /// The client's first destination connection ID, from which the keys come.
    original: Vec<u8>,
    /// Where the client's packets are addressed to by now.
    dcid: Vec<u8>,
    /// The client's own, often empty.
    scid: Vec<u8>,
    server: Vec<u8>,
    token: Vec<u8>,
    number: u32,
    number_len: usize,
}

/// A subscriber opens a QUIC connection to the name's server.
pub(in super::super) fn visit(plan: &mut Plan<'_>, subscriber: Subscriber, name: &str, listed: bool) {
    let way = plan.rng.weighted(&[
        (200, Way::OneDatagram),
        (150, Way::TwoDatagrams),
        (200, Way::Shuffled),
        (250, Way::Across),
        (20, Way::Swapped),
        (20, Way::Overlapping),
        (20, Way::Retransmitted),
        (30, Way::ZeroRtt),
        (20, Way::Coalesced),
        (20, Way::ServerCid),
        (20, Way::Retry),
    ]);
    let version = plan.rng.weighted(&[(94, Version::V1), (4, Version::V2), (2, Version::Draft29)]);
    let odd = plan.rng.chance(0.03);
    let port = if odd { plan.rng.pick(&[8443, 4433, 784, 50_443]) } else { 443 };
    let how = match version {
        Version::V2 => "v2",
        Version::Draft29 => "draft-29",
        _ if odd => "odd-port",
        _ => way.name(),
    };
    let mut connection = connection(plan, subscriber, name, version, port);
    send(plan, &mut connection, way, name);
    plan.script.note(connection.leg, Proto::Quic, Kind::Sni, how, name, listed);
    rest(plan, &connection);
}

/// The rest of a connection whose beginning nobody saw.
pub(in super::super) fn under_way(plan: &mut Plan<'_>, subscriber: Subscriber, name: &str, frames: u32) {
    let connection = connection(plan, subscriber, name, Version::V1, 443);
    bulk(plan, &connection, frames);
}

fn connection(plan: &mut Plan<'_>, subscriber: Subscriber, name: &str, version: Version, port: u16) -> Connection {
    let leg = plan.leg(subscriber, server_addr(name, subscriber.v6), port);
    let mut random = |len: usize| {
        let mut id = Vec::new();
        plan.rng.fill(&mut id, len);
        id
    };
    let (original, server) = (random(8), random(8));
    let mut connection = Connection {
        leg,
        version,
        dcid: original.clone(),
        original,
        scid: Vec::new(),
        server,
        token: Vec::new(),
        number: 0,
        number_len: 1,
    };
    if plan.rng.chance(0.4) {
        // Not every client is a browser: longer ids, an id of its own, a token from an earlier visit, other numbers.
        let (own, longer, token) = (plan.rng.between(0, 20), plan.rng.between(0, 12), plan.rng.below(3) * 20);
        plan.rng.fill(&mut connection.scid, own);
        plan.rng.fill(&mut connection.original, longer);
        plan.rng.fill(&mut connection.token, token);
        connection.dcid.clone_from(&connection.original);
        connection.number = plan.rng.below(200) as u32;
        connection.number_len = plan.rng.between(1, 4);
    }
    connection
}

/// The Initials that carry the hello.
fn send(plan: &mut Plan<'_>, c: &mut Connection, way: Way, name: &str) {
    let seed = plan.rng.next();
    let browser = HelloSpec::browser_quic(name, seed);
    let short = HelloSpec { post_quantum: false, ech: None, ..browser.clone() };
    let is_long = match way {
        Way::OneDatagram | Way::ZeroRtt | Way::Coalesced => false,
        Way::Shuffled => seed & 3 != 0,
        _ => true,
    };
    let hello = client_hello(if is_long { &browser } else { &short });
    match way {
        Way::OneDatagram => {
            let frames = crypto(&hello, &[(0, hello.len())]);
            initial(plan, c, &frames, Pause::Turn);
        }
        Way::TwoDatagrams | Way::Swapped | Way::Retransmitted | Way::ServerCid | Way::Retry => {
            let cut = plan.rng.between(hello.len() - FRAMES + 30, FRAMES - 30);
            let first = crypto(&hello, &[(0, cut)]);
            let second = crypto(&hello, &[(cut, hello.len())]);
            match way {
                Way::Swapped => {
                    c.number += 1;
                    initial(plan, c, &second, Pause::Turn);
                    c.number -= 2;
                    initial(plan, c, &first, Pause::Burst);
                    c.number += 1;
                }
                Way::Retransmitted => {
                    initial(plan, c, &first, Pause::Turn);
                    initial(plan, c, &first, Pause::Timeout);
                    initial(plan, c, &second, Pause::Burst);
                }
                Way::ServerCid => {
                    // The server has acknowledged the first half; from then on its own id is used, with the same keys.
                    initial(plan, c, &first, Pause::Turn);
                    server_initial(plan, c, &acknowledge(c), &[]);
                    c.dcid.clone_from(&c.server);
                    initial(plan, c, &second, Pause::Turn);
                }
                Way::Retry => {
                    // The second half of the first flight was lost on its way to the mirror.
                    initial(plan, c, &first, Pause::Turn);
                    retry(plan, c);
                    initial(plan, c, &first, Pause::Turn);
                    initial(plan, c, &second, Pause::Burst);
                }
                _ => {
                    initial(plan, c, &first, Pause::Turn);
                    initial(plan, c, &second, Pause::Burst);
                }
            }
        }
        Way::Shuffled | Way::Across | Way::Overlapping => {
            let mut pieces = cut(plan, hello.len());
            if way == Way::Overlapping {
                for piece in &mut pieces {
                    piece.1 = hello.len().min(piece.1 + 20);
                }
            }
            if way == Way::Across {
                plan.rng.shuffle(&mut pieces);
            }
            let mut datagrams = pack(&pieces);
            for (at, pieces) in datagrams.iter_mut().enumerate() {
                plan.rng.shuffle(pieces);
                let frames = noisy_crypto(plan, &hello, pieces);
                initial(plan, c, &frames, if at == 0 { Pause::Turn } else { Pause::Burst });
            }
        }
        Way::ZeroRtt => {
            let frames = crypto(&hello, &[(0, hello.len())]);
            let mut datagram = seal(c, &frames, 0);
            // Its header has nine octets beside the ids.
            let used = datagram.len() + 9 + c.dcid.len() + c.scid.len();
            let early = DATAGRAM.saturating_sub(used).max(64);
            datagram.extend(long_packet(plan, c, 1, true, early));
            push(plan, c.leg, true, Pause::Turn, &datagram);
        }
        Way::Coalesced => {
            let cut = plan.rng.between(1, hello.len() - 1);
            let mut datagram = seal(c, &crypto(&hello, &[(0, cut)]), 0);
            let second = seal(c, &crypto(&hello, &[(cut, hello.len())]), DATAGRAM.saturating_sub(datagram.len()));
            datagram.extend(second);
            push(plan, c.leg, true, Pause::Turn, &datagram);
        }
    }
}

/// The server's packets, the client's, the data; nothing in profiles without such frames.
fn rest(plan: &mut Plan<'_>, c: &Connection) {
    if !plan.profile.is_whole() {
        return;
    }
    let mut frames = acknowledge(c);
    let hello = server_hello(plan, 0);
    frames.extend(crypto(&hello, &[(0, hello.len())]));
    let handshake = long_packet(plan, c, 2, false, 800);
    server_initial(plan, c, &frames, &handshake);
    let len = plan.rng.between(400, 1_100);
    let handshake = long_packet(plan, c, 2, false, len);
    push_as(plan, c.leg, false, Role::Control, Pause::Burst, &handshake);
    // The client's own Initial with its acknowledgement, and its Finished.
    let ack = Connection { dcid: c.server.clone(), number_len: 1, ..c.clone() };
    let mut datagram = seal_number(&ack, &[2, 0, 0x40, 0x19, 0, 0], 0, c.number);
    let finished = long_packet(plan, c, 2, true, 70);
    datagram.extend(finished);
    datagram.resize(datagram.len().max(DATAGRAM), 0);
    push(plan, c.leg, true, Pause::Turn, &datagram);
    let frames = plan.bulk_frames();
    bulk(plan, c, frames);
}

fn bulk(plan: &mut Plan<'_>, c: &Connection, frames: u32) {
    let start = plan.script.octets.len();
    plan.script.octets.push(0x41);
    plan.script.octets.extend_from_slice(&c.server);
    let up = plan.script.since(start);
    let start = plan.script.octets.len();
    plan.script.octets.push(0x4c);
    plan.script.octets.extend_from_slice(&c.scid);
    let down = plan.script.since(start);
    plan.script.step(c.leg, false, Role::Bulk, Pause::Turn, Act::Bulk { kind: Bulk::Quic { up, down }, frames });
}

/// Seals the frames in an Initial that fills its datagram, and sends it.
fn initial(plan: &mut Plan<'_>, c: &mut Connection, frames: &[u8], pause: Pause) {
    let pad = if plan.rng.chance(0.5) { DATAGRAM } else { 1_230 };
    let packet = seal(c, frames, pad);
    push(plan, c.leg, true, pause, &packet);
}

/// The next Initial of the client.
fn seal(c: &mut Connection, frames: &[u8], pad_to: usize) -> Vec<u8> {
    let packet = seal_number(c, frames, pad_to, c.number);
    c.number += 1;
    packet
}

fn seal_number(c: &Connection, frames: &[u8], pad_to: usize, number: u32) -> Vec<u8> {
    if c.dcid == c.original {
        return seal_initial(c.version, &c.dcid, &c.scid, &c.token, number, c.number_len, frames, pad_to, true);
    }
    let keys = keys(c, Side::Client);
    seal_with(&keys, c.version, &c.dcid, &c.scid, &c.token, number, c.number_len, frames, pad_to)
}

/// Keys that come from the client's first id, whatever the packets are addressed to by now.
fn keys(c: &Connection, side: Side) -> InitialKeys {
    let id = ConnectionId::new(&c.original).expect("ids here have at most 20 octets");
    InitialKeys::derive(c.version, &id, side)
}

/// An Initial of the server with these frames, and another packet behind it in the datagram.
fn server_initial(plan: &mut Plan<'_>, c: &Connection, frames: &[u8], behind: &[u8]) {
    let number = plan.rng.below(3) as u32;
    let mut datagram = seal_with(&keys(c, Side::Server), c.version, &c.scid, &c.server, &[], number, 2, frames, 0);
    datagram.extend_from_slice(behind);
    push_as(plan, c.leg, false, Role::Control, Pause::Turn, &datagram);
}

/// An ACK frame (RFC 9000 section 19.3) for the client's last packet.
fn acknowledge(c: &Connection) -> Vec<u8> {
    let mut frame = vec![2];
    put_varint(&mut frame, u64::from(c.number.saturating_sub(1)));
    frame.extend_from_slice(&[0x19, 0, 0]);
    frame
}

/// A packet with a long header that nobody outside can open: 0-RTT (1) or Handshake (2).
fn long_packet(plan: &mut Plan<'_>, c: &Connection, packet_type: u8, up: bool, sealed: usize) -> Vec<u8> {
    let (dcid, scid) = match (up, packet_type) {
        (true, 1) => (&c.dcid, &c.scid),
        (true, _) => (&c.server, &c.scid),
        (false, _) => (&c.scid, &c.server),
    };
    let mut packet = vec![first_octet(c.version, packet_type) | (plan.rng.next() & 0x0f) as u8];
    packet.extend_from_slice(&c.version.wire().to_be_bytes());
    for id in [dcid, scid] {
        packet.push(id.len() as u8);
        packet.extend_from_slice(id);
    }
    put_varint(&mut packet, sealed as u64);
    plan.rng.fill(&mut packet, sealed);
    packet
}

/// Form, fixed and type bits; version 2 has its types in another order (RFC 9369 section 3.2).
fn first_octet(version: Version, packet_type: u8) -> u8 {
    let bits = if version == Version::V2 { (packet_type + 1) & 3 } else { packet_type };
    0xc0 | bits << 4
}

/// The server asks for a token; the client starts again with the server's id, new keys and the token.
fn retry(plan: &mut Plan<'_>, c: &mut Connection) {
    let mut token = Vec::new();
    plan.rng.fill(&mut token, 48);
    let mut packet = vec![first_octet(c.version, 3) | (plan.rng.next() & 0x0f) as u8];
    packet.extend_from_slice(&c.version.wire().to_be_bytes());
    for id in [&c.scid, &c.server] {
        packet.push(id.len() as u8);
        packet.extend_from_slice(id);
    }
    packet.extend_from_slice(&token);
    // The integrity tag covers the original id in front of the packet (RFC 9001 section 5.8).
    let mut covered = vec![c.original.len() as u8];
    covered.extend_from_slice(&c.original);
    covered.extend_from_slice(&packet);
    packet.extend_from_slice(&retry_tag(c.version, &covered));
    push_as(plan, c.leg, false, Role::Control, Pause::Turn, &packet);
    c.token = token;
    c.original.clone_from(&c.server);
    c.dcid.clone_from(&c.server);
    c.server = c.server.iter().map(|octet| octet ^ 0x5a).collect();
}

/// Keys and nonces: RFC 9001 section 5.8, RFC 9369 section 3.3.3, draft-ietf-quic-tls-29 section 5.8.
fn retry_tag(version: Version, covered: &[u8]) -> [u8; 16] {
    let (key, nonce) = match version {
        Version::V2 => (
            *b"\x8f\xb4\xb0\x1b\x56\xac\x48\xe2\x60\xfb\xcb\xce\xad\x7c\xcc\x92",
            *b"\xd8\x69\x69\xbc\x2d\x7c\x6d\x99\x90\xef\xb0\x4a",
        ),
        Version::Draft29 => (
            *b"\xcc\xce\x18\x7e\xd0\x9a\x09\xd0\x57\x28\x15\x5a\x6c\xb9\x6b\xe1",
            *b"\xe5\x49\x30\xf9\x7f\x21\x36\xf0\x53\x0a\x8c\x1c",
        ),
        _ => (
            *b"\xbe\x0c\x69\x0b\x9f\x66\x57\x5a\x1d\x76\x6b\x54\xe3\x68\xc8\x4e",
            *b"\x46\x15\x99\xd3\x5d\x63\x2b\xf2\x23\x98\x25\xbb",
        ),
    };
    let nothing: &mut [u8] = &mut [];
    Aes128Gcm::new(&key.into())
        .encrypt_inout_detached(&nonce.into(), covered, nothing.into())
        .expect("a packet is shorter than 64 GiB")
        .into()
}

/// CRYPTO frames (RFC 9000 section 19.6) for these parts of the hello.
fn crypto(hello: &[u8], pieces: &[(usize, usize)]) -> Vec<u8> {
    let mut frames = Vec::with_capacity(hello.len() + 8 * pieces.len());
    for (from, to) in pieces {
        frames.push(6);
        put_varint(&mut frames, *from as u64);
        put_varint(&mut frames, (to - from) as u64);
        frames.extend_from_slice(&hello[*from..*to]);
    }
    frames
}

/// The same with PING and PADDING frames between them.
fn noisy_crypto(plan: &mut Plan<'_>, hello: &[u8], pieces: &[(usize, usize)]) -> Vec<u8> {
    let mut frames = Vec::new();
    for piece in pieces {
        match plan.rng.below(4) {
            0 => frames.push(1),
            1 => frames.resize(frames.len() + plan.rng.between(1, 12), 0),
            _ => {}
        }
        frames.extend(crypto(hello, &[*piece]));
    }
    frames
}

/// Cuts so many octets into three to twelve pieces, in order.
fn cut(plan: &mut Plan<'_>, len: usize) -> Vec<(usize, usize)> {
    let count = plan.rng.between(3, 12);
    let mut ends: Vec<usize> = (1..count).map(|_| plan.rng.between(1, len - 1)).collect();
    // No piece may be too long for a datagram that holds others too.
    ends.extend((400..len).step_by(400));
    ends.push(len);
    ends.sort_unstable();
    ends.dedup();
    let mut from = 0;
    ends.into_iter().map(|to| (std::mem::replace(&mut from, to), to)).collect()
}

/// Fills datagrams with the pieces in their order. With up to twelve octets of noise and six of header for each.
fn pack(pieces: &[(usize, usize)]) -> Vec<Vec<(usize, usize)>> {
    let mut datagrams = vec![Vec::new()];
    let mut used = 0;
    for (from, to) in pieces {
        let need = to - from + 18;
        if used + need > FRAMES {
            datagrams.push(Vec::new());
            used = 0;
        }
        used += need;
        if let Some(last) = datagrams.last_mut() {
            last.push((*from, *to));
        }
    }
    datagrams
}

fn push(plan: &mut Plan<'_>, leg: u8, up: bool, pause: Pause, datagram: &[u8]) {
    push_as(plan, leg, up, Role::Name, pause, datagram);
}

fn push_as(plan: &mut Plan<'_>, leg: u8, up: bool, role: Role, pause: Pause, datagram: &[u8]) {
    let span = plan.script.keep(datagram);
    plan.script.step(leg, up, role, pause, Act::Udp(Data::Octets(span)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::plan::with_plan;
    use crate::traffic::profile::Profile;

    #[test]
    fn the_retry_tag_is_that_of_the_standards() {
        // RFC 9001 appendix A.4 and RFC 9369 appendix A.4: an original id, then the packet up to its tag.
        let id = b"\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08";
        let v1 = [&id[..], b"\xff\x00\x00\x00\x01\x00\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5token"].concat();
        assert_eq!(retry_tag(Version::V1, &v1), *b"\x04\xa2\x65\xba\x2e\xff\x4d\x82\x90\x58\xfb\x3f\x0f\x24\x96\xba");
        let v2 = [&id[..], b"\xcf\x6b\x33\x43\xcf\x00\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5token"].concat();
        assert_eq!(retry_tag(Version::V2, &v2), *b"\xc8\x64\x6c\xe8\xbf\xe3\x39\x52\xd9\x55\x54\x36\x65\xdc\xc7\xb6");
    }

    #[test]
    fn every_way_sends_as_many_datagrams_as_it_says() {
        for (way, at_least, at_most) in [
            (Way::OneDatagram, 1, 1),
            (Way::ZeroRtt, 1, 1),
            (Way::Coalesced, 1, 1),
            (Way::TwoDatagrams, 2, 2),
            (Way::Swapped, 2, 2),
            (Way::Across, 2, 3),
            (Way::Overlapping, 2, 3),
            (Way::ServerCid, 3, 3),
            (Way::Retransmitted, 3, 3),
            (Way::Retry, 4, 4),
        ] {
            with_plan(&Profile::names(), |plan| {
                for name in ["a.example", "a-much-longer-name-than-most.with.five.labels.example"] {
                    plan.script.clear();
                    let subscriber = plan.subscriber();
                    let mut connection = connection(plan, subscriber, name, Version::V1, 443);
                    send(plan, &mut connection, way, name);
                    let sent = plan.script.steps.len();
                    assert!((at_least..=at_most).contains(&sent), "{way:?}: {sent}");
                    for step in plan.script.steps.iter().filter(|step| step.up) {
                        let Act::Udp(Data::Octets(span)) = &step.act else { panic!("no datagram") };
                        assert!((DATAGRAM as u32..1_300).contains(&(span.end - span.start)), "{way:?}: {span:?}");
                    }
                }
            });
        }
    }
}
