//! QUIC: a hello in CRYPTO frames, packets and datagrams of any kind and order.

use proptest::prelude::*;
use proptest::sample::Index;
use stakeout::extract::quic::seal::seal_with;
use stakeout::extract::quic::{ConnectionId, InitialKeys, Side, Version, put_varint};
use stakeout::extract::tls::build::{HelloSpec, client_hello};
use stakeout::model::{Kind, Proto};

use crate::frames::{Body, Packet, frames, links};
use crate::{cases, found};

/// How a client sends its hello.
#[derive(Clone, Debug)]
struct Client {
    version: Version,
    dcid: Vec<u8>,
    scid: Vec<u8>,
    seed: u64,
    /// Where CRYPTO frames end.
    cuts: Vec<Index>,
    /// Octets that are sent in one more frame.
    again: Vec<(Index, usize)>,
    /// A sort key for each frame.
    order: Vec<u8>,
    /// Into how many packets the frames go.
    packets: usize,
    /// A sort key for each packet.
    packet_order: Vec<u8>,
    /// For each packet, whether it shares a datagram with the one before.
    coalesced: Vec<bool>,
    first_number: u32,
    pad_to: usize,
}

fn clients() -> impl Strategy<Value = Client> {
    let version = prop::sample::select(vec![Version::V1, Version::V2, Version::Draft29, Version::Mvfst27]);
    let id = |shortest| prop::collection::vec(any::<u8>(), shortest..=20);
    let frames = (
        prop::collection::vec(any::<Index>(), 0..15),
        prop::collection::vec((any::<Index>(), 1usize..300), 0..4),
        prop::collection::vec(any::<u8>(), 0..20),
    );
    let packets = (1usize..6, prop::collection::vec(any::<u8>(), 0..6), prop::collection::vec(any::<bool>(), 6));
    let numbers = prop_oneof![Just(0u32), 0u32..300, any::<u32>().prop_map(|n| n / 2)];
    (version, id(8), id(0), any::<u64>(), frames, packets, numbers, prop::sample::select(vec![0usize, 1_200])).prop_map(
        |(
            version,
            dcid,
            scid,
            seed,
            (cuts, again, order),
            (packets, packet_order, coalesced),
            first_number,
            pad_to,
        )| {
            Client {
                version,
                dcid,
                scid,
                seed,
                cuts,
                again,
                order,
                packets,
                packet_order,
                coalesced,
                first_number,
                pad_to,
            }
        },
    )
}

/// Under which connection ID and keys packets go.
struct Path<'a> {
    version: Version,
    dcid: &'a [u8],
    keys: InitialKeys,
    token: &'a [u8],
}

impl<'a> Path<'a> {
    fn new(version: Version, dcid: &'a [u8], first_dcid: &[u8], token: &'a [u8]) -> Self {
        Path {
            version,
            dcid,
            keys: InitialKeys::derive(version, &ConnectionId::new(first_dcid).unwrap(), Side::Client),
            token,
        }
    }
}

impl Client {
    /// The payloads of the packets, shuffled.
    fn payloads(&self, hello: &[u8]) -> Vec<Vec<u8>> {
        let mut ends: Vec<usize> =
            self.cuts.iter().map(|i| 1 + i.index(hello.len() - 1)).chain([hello.len()]).collect();
        ends.sort_unstable();
        ends.dedup();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let mut pieces: Vec<(usize, usize)> = starts.zip(ends.iter().copied()).collect();
        for (at, len) in &self.again {
            let at = at.index(hello.len());
            pieces.push((at, (at + len).min(hello.len())));
        }
        let mut order: Vec<usize> = (0..pieces.len()).collect();
        order.sort_by_key(|i| self.order.get(*i).copied().unwrap_or(128));
        let each = order.len().div_ceil(self.packets);
        let mut payloads: Vec<(u8, Vec<u8>)> = Vec::new();
        for (n, group) in order.chunks(each).enumerate() {
            let mut payload = vec![0; n * 3];
            for i in group {
                let (start, end) = pieces[*i];
                payload.push(6);
                put_varint(&mut payload, start as u64);
                put_varint(&mut payload, (end - start) as u64);
                payload.extend(&hello[start..end]);
                // PADDING, PING, and an ACK of packet 0.
                let filler: &[u8] = [&[][..], &[0, 0, 0], &[1], &[2, 0, 0, 0, 0]][(start + n) % 4];
                payload.extend(filler);
            }
            payloads.push((self.packet_order.get(n).copied().unwrap_or(128), payload));
        }
        payloads.sort_by_key(|(key, _)| *key);
        payloads.into_iter().map(|(_, payload)| payload).collect()
    }

    fn datagrams(&self, path: &Path<'_>, payloads: &[Vec<u8>], first_number: u32) -> Vec<Vec<u8>> {
        let mut out: Vec<Vec<u8>> = Vec::new();
        for (n, payload) in payloads.iter().enumerate() {
            let number = first_number + n as u32;
            // Before anything is acknowledged a number is sent in full (RFC 9000 section 17.1).
            let number_len = (4 - number.leading_zeros() as usize / 8).max(1 + n % 4);
            let packet = seal_with(
                &path.keys,
                path.version,
                path.dcid,
                &self.scid,
                path.token,
                number,
                number_len,
                payload,
                self.pad_to,
            );
            match out.last_mut() {
                Some(last) if self.coalesced[n] && last.len() + packet.len() < 8_000 => last.extend(packet),
                _ => out.push(packet),
            }
        }
        out
    }
}

/// A datagram with the header of the version's packet type `bits` (in version 1's numbering) and nothing readable.
fn opaque(version: Version, bits: u8, dcid: &[u8], scid: &[u8]) -> Vec<u8> {
    let bits = if version == Version::V2 { (bits + 1) & 3 } else { bits };
    let mut out = vec![0xc0 | bits << 4];
    out.extend(version.wire().to_be_bytes());
    for id in [dcid, scid] {
        out.push(id.len() as u8);
        out.extend(id);
    }
    out.push(40);
    out.extend([0x5a; 40]);
    out
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn every_hello_is_found_once(
        client in clients(),
        server_cid in prop::collection::vec(any::<u8>(), 8..=20),
        retry in prop::option::of((1usize..6, prop::collection::vec(any::<u8>(), 1..60))),
        turn in any::<Index>(),
        upgrade in any::<bool>(),
        early_data in any::<bool>(),
        again in any::<[bool; 8]>(),
        link in links(),
        port in prop::sample::select(vec![443u16, 53, 8_443, 50_000]),
    ) {
        let hello = client_hello(&HelloSpec::browser_quic("quic.example", client.seed));
        let payloads = client.payloads(&hello);
        let mut sent: Vec<(bool, Vec<u8>)> = Vec::new();
        let up = |datagrams: Vec<Vec<u8>>| datagrams.into_iter().map(|d| (true, d));

        let mut first_dcid = client.dcid.clone();
        let mut token = Vec::new();
        if let Some((before, retry_token)) = retry {
            let path = Path::new(client.version, &client.dcid, &client.dcid, &[]);
            sent.extend(up(client.datagrams(&path, &payloads[..before.min(payloads.len())], client.first_number)));
            let mut packet = opaque(client.version, 3, &client.scid, &server_cid);
            packet.truncate(packet.len() - 41);
            packet.extend(&retry_token);
            packet.extend([0x77; 16]);
            sent.push((false, packet));
            (first_dcid, token) = (server_cid.clone(), retry_token);
        }

        // Some packets, then the server's first, then the rest under its connection ID.
        let turn = 1 + turn.index(payloads.len());
        let path = Path::new(client.version, &first_dcid, &first_dcid, &token);
        let mut first = client.datagrams(&path, &payloads[..turn], client.first_number);
        if early_data {
            let zero_rtt = opaque(client.version, 1, &first_dcid, &client.scid);
            let place = turn % first.len();
            first[place].splice(0..0, zero_rtt);
        }
        sent.extend(up(first));
        if turn < payloads.len() {
            let new_cid: Vec<u8> = server_cid.iter().map(|b| !b).collect();
            let keys = InitialKeys::derive(client.version, &ConnectionId::new(&first_dcid).unwrap(), Side::Server);
            sent.push((false, seal_with(&keys, client.version, &client.scid, &new_cid, &[], 0, 1, &[2, 0, 0, 0, 0], 0)));
            let version = if upgrade && client.version == Version::V1 { Version::V2 } else { client.version };
            let path = Path::new(version, &new_cid, &first_dcid, &token);
            sent.extend(up(client.datagrams(&path, &payloads[turn..], client.first_number + turn as u32)));
        }

        let mut all = Vec::new();
        for (n, (up, payload)) in sent.into_iter().enumerate() {
            let packet = Packet { up, flow: 1, server_port: port, body: Body::Udp(payload) };
            let sent = frames(&link, &packet, n as u16);
            if again[n % 8] {
                all.extend(sent.clone());
            }
            all.extend(sent);
        }
        prop_assert_eq!(found(&all), vec![(Proto::Quic, Kind::Sni, "quic.example".to_owned())]);
    }
}
