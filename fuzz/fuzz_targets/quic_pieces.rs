//! A known hello in CRYPTO frames cut, repeated and ordered as the fuzzer likes, over packets and coalesced packets of
//! one connection. What must hold: it is found with the packet that brings the last missing octet, never before, and
//! once.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::extract::quic::seal::seal_with;
use stakeout::extract::quic::{Connection, ConnectionId, InitialKeys, Progress, QuicScratch, Side, Version};
use stakeout::model::Counters;
use stakeout_fuzz::{Coverage, Input, samples};

const MAX_PACKETS: usize = 32;
const FIRST_ID: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let options = input.u8();
    let version = Version::ALL[usize::from(options & 15) % Version::ALL.len()];
    let hello: &[u8] = if options & 16 != 0 { &samples::SMALL_HELLO } else { &samples::QUIC_HELLO };
    let keys = InitialKeys::derive(version, &ConnectionId::new(FIRST_ID).unwrap(), Side::Client);

    let (mut connection, mut scratch, mut counters) = (Connection::new(), QuicScratch::new(), Counters::new());
    let mut sent = Coverage::new(hello.len());
    let (mut datagram, mut number, mut found) = (Vec::new(), 0, false);
    for packet in 0..MAX_PACKETS {
        if input.is_empty() {
            break;
        }
        let flags = input.u8();
        let mut payload = Vec::new();
        for _ in 0..1 + flags % 4 {
            let from = usize::from(input.u16()) % hello.len();
            let to = (from + usize::from(input.u16())).min(hello.len());
            payload.extend(samples::crypto(from as u64, &hello[from..to]));
            sent.add(from, to - from);
            payload.resize(payload.len() + usize::from(flags >> 6), 0);
        }
        // Once the server has answered, the client uses its connection ID, under the same keys.
        let id = if packet > 0 && flags & 4 != 0 { b"server-s" } else { FIRST_ID };
        number += 1 + u32::from(flags & 8);
        datagram.extend(seal_with(&keys, version, id, b"", b"", number, 1 + packet % 4, &payload, 0));
        if flags & 16 != 0 && !input.is_empty() && packet + 1 < MAX_PACKETS {
            continue;
        }
        let progress = connection.feed(&datagram, &mut scratch, &mut counters);
        match (found, sent.is_complete()) {
            (false, true) => {
                let Progress::Found(hello) = progress else { panic!("complete, and {progress:?}") };
                assert_eq!(hello.hello.name().unwrap().to_string(), samples::NAME);
                assert_eq!((hello.version, hello.repeated), (version, false));
                found = true;
            }
            (false, false) => assert!(matches!(progress, Progress::NeedMore), "incomplete, and {progress:?}"),
            (true, _) => assert!(matches!(progress, Progress::Done), "found before, and {progress:?}"),
        }
        datagram.clear();
    }
});
