//! Datagrams as they stand, to the probes and to a connection. What must hold: what is opened probed as QUIC before,
//! and work and memory are bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::extract::quic::{Connection, Progress, QuicScratch, connection_ids, is_unread_version, probe};
use stakeout::model::{Counter, Counters};
use stakeout_fuzz::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (mut connection, mut scratch, mut counters) = (Connection::new(), QuicScratch::new(), Counters::new());
    while !input.is_empty() {
        let datagram = input.framed();
        let derived = counters.get(Counter::QuicKeysDerived);
        let found = matches!(connection.feed(datagram, &mut scratch, &mut counters), Progress::Found(_));
        assert!(!found || probe(datagram));
        assert!(counters.get(Counter::QuicKeysDerived) - derived <= 8);
        assert!(!probe(datagram) || !is_unread_version(datagram));
        let _ = (connection_ids(datagram), connection.partial(), connection.buffered());
    }
});
