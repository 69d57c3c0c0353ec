//! Initial packets whose payload is made of the fuzzer's frames and then encrypted, so that frames and reassembly are
//! reached: versions, keys, packet numbers, coalescing and damage are the fuzzer's choice too. What must hold: no panic,
//! bounded memory, and at most two key derivations a packet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::extract::quic::seal::seal_with;
use stakeout::extract::quic::{
    Connection, ConnectionId, InitialKeys, Progress, QuicScratch, Side, Version, put_varint,
};
use stakeout::extract::tls::MAX_HELLO;
use stakeout::model::{Counter, Counters};
use stakeout_fuzz::{Input, samples};

const MAX_PACKETS: usize = 24;
const IDS: [&[u8]; 4] = [b"\x83\x94\xc8\xf0\x3e\x51\x57\x08", b"", b"server-s", b"twenty octets, really"];

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (mut connection, mut scratch, mut counters) = (Connection::new(), QuicScratch::new(), Counters::new());
    let (mut datagram, mut packets, mut first_id) = (Vec::new(), 0, None);
    while !input.is_empty() && packets < MAX_PACKETS {
        let (flags, more) = (input.u8(), input.u8());
        let version = Version::ALL[usize::from(input.u8()) % Version::ALL.len()];
        let dcid = IDS[usize::from(more & 3)];
        let first = *first_id.get_or_insert(dcid);
        let keys_of = if flags & 1 != 0 { first } else { dcid };
        let side = if flags & 2 != 0 { Side::Server } else { Side::Client };
        // The seal cuts connection IDs to 20 octets.
        let id = ConnectionId::new(&keys_of[..keys_of.len().min(ConnectionId::MAX)]).unwrap();
        let keys = InitialKeys::derive(version, &id, side);
        let number = match input.u8() {
            small @ ..224 => u32::from(small),
            large => u32::MAX >> (255 - large),
        };
        let token = vec![7; usize::from(more >> 4)];
        let scid = IDS[usize::from(more >> 2 & 3)];
        let pad_to = if flags & 4 != 0 { 1200 } else { 0 };
        let pn_len = usize::from(flags >> 3 & 3) + 1;
        let frames = frames(&mut input);
        let mut packet = seal_with(&keys, version, dcid, scid, &token, number, pn_len, &frames, pad_to);
        if flags & 32 != 0 {
            let (at, value) = (usize::from(input.u16()), input.u8());
            let len = packet.len();
            packet[at % len] ^= value;
        }
        datagram.extend_from_slice(&packet);
        packets += 1;
        // Coalesced with the next one, if there is one.
        if flags & 64 != 0 && !input.is_empty() && packets < MAX_PACKETS {
            continue;
        }
        feed(&mut connection, &datagram, &mut scratch, &mut counters);
        datagram.clear();
    }
});

fn feed(connection: &mut Connection, datagram: &[u8], scratch: &mut QuicScratch, counters: &mut Counters) {
    let derived = counters.get(Counter::QuicKeysDerived);
    match connection.feed(datagram, scratch, counters) {
        Progress::Found(found) => {
            let _ = found.hello.name();
            assert!(connection.is_confirmed() && connection.is_done());
        }
        Progress::NeedMore | Progress::Done | Progress::Reject(_) => {}
    }
    assert!(counters.get(Counter::QuicKeysDerived) - derived <= 2 * MAX_PACKETS as u64);
    let _ = connection.partial();
    // Two connections' pieces, each in a buffer that doubles as it grows, with a bit for each octet.
    assert!(connection.buffered() <= 2 * (2 * MAX_HELLO + 2 * MAX_HELLO / 8) + 1024);
}

/// A payload of up to seven frames.
fn frames(input: &mut Input<'_>) -> Vec<u8> {
    let mut payload = Vec::new();
    for _ in 0..input.u8() % 8 {
        match input.u8() % 8 {
            0 => {
                let hello = &*samples::QUIC_HELLO;
                let from = usize::from(input.u16()) % hello.len();
                let to = (from + usize::from(input.u16())).min(hello.len());
                payload.extend(samples::crypto(from as u64, &hello[from..to]));
            }
            1 => {
                let (offset, shift) = (u64::from(input.u16()), u32::from(input.u8() % 47));
                let len = usize::from(input.u8());
                payload.extend(samples::crypto(offset << shift, input.take(len)));
            }
            2 => payload.resize(payload.len() + usize::from(input.u8()), 0),
            3 => payload.push(1),
            4 => {
                let (kind, ranges) = (2 + input.u8() % 2, input.u8() % 8);
                payload.push(kind);
                for value in [input.u16(), input.u16(), u16::from(ranges), input.u16()] {
                    put_varint(&mut payload, u64::from(value));
                }
                for _ in 0..2 * ranges + 3 * (kind - 2) {
                    put_varint(&mut payload, u64::from(input.u8()));
                }
            }
            5 => {
                payload.push(0x1c);
                put_varint(&mut payload, u64::from(input.u16()));
                put_varint(&mut payload, u64::from(input.u8()));
                let reason = usize::from(input.u8());
                put_varint(&mut payload, reason as u64);
                payload.extend_from_slice(input.take(reason));
            }
            6 => {
                // A frame whose length is not what it holds.
                payload.push(6);
                put_varint(&mut payload, u64::from(input.u8()));
                put_varint(&mut payload, u64::from(input.u16()));
                let len = usize::from(input.u8());
                payload.extend_from_slice(input.take(len));
            }
            _ => {
                let len = usize::from(input.u8());
                payload.extend_from_slice(input.take(len));
            }
        }
    }
    payload
}
