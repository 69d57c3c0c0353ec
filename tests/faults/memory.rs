//! Floods: tables stay within their limits whatever comes, and what has to go is counted.

use stakeout::decode;
use stakeout::extract::tls::build::{HelloSpec, client_hello, records};
use stakeout::flow::{self, Reading};
use stakeout::model::{Counter, Observation, Timestamp};
use stakeout::pipeline::{Limits, Worker};

use crate::captures::{Dice, ETHERNET};
use crate::lab::packets::{Maker, TCP, quic_initial, tcp};

/// Small tables, so that a few seconds are a flood for them.
fn limits() -> Limits {
    Limits {
        decode: decode::Limits { max_datagrams: 512, max_bytes: 1 << 20, ..decode::Limits::default() },
        flow: flow::Limits {
            flows: 4_096,
            streams: 256,
            stream_octets: 1 << 18,
            quic_connections: 128,
            ..flow::Limits::default()
        },
    }
}

struct Flood {
    worker: Worker,
    limits: Limits,
    dice: Dice,
    clock: u64,
    names: u64,
}

impl Flood {
    fn new() -> Flood {
        let limits = limits();
        let worker = Worker::new(&limits, Reading::default());
        Flood { worker, limits, dice: Dice(99), clock: 1_795_521_600_000_000_000, names: 0 }
    }

    /// Sends a frame as from another client each time: another address and port, another IP identification.
    fn send(&mut self, frame: &mut [u8]) {
        let random = self.dice.next().to_be_bytes();
        frame[18..20].copy_from_slice(&random[0..2]);
        frame[27..30].copy_from_slice(&random[2..5]);
        // Not of a fragment, whose first octets need not be ports; there it does no harm.
        frame[34..36].copy_from_slice(&[random[5] | 4, random[6]]);
        self.send_as_it_is(frame);
    }

    fn send_as_it_is(&mut self, frame: &[u8]) {
        self.clock += 1_000;
        let names = &mut self.names;
        let mut sink = |_: &Observation<'_>| *names += 1;
        self.worker.frame(ETHERNET, Timestamp::from_nanos(self.clock), frame, frame.len() as u32, &mut sink);
        if self.clock.is_multiple_of(64_000) {
            self.check();
        }
    }

    fn check(&self) {
        let (gauges, limits) = (self.worker.gauges(), &self.limits);
        assert!(gauges.flows <= limits.flow.flows, "{gauges:?}");
        assert!(gauges.flow_capacity <= limits.flow.flows, "{gauges:?}");
        assert!(gauges.streams <= limits.flow.streams, "{gauges:?}");
        // The segment that spends the last of it is still held.
        assert!(gauges.stream_octets <= limits.flow.stream_octets + 4_096, "{gauges:?}");
        assert!(gauges.quic_connections <= limits.flow.quic_connections, "{gauges:?}");
        // One fragment each.
        assert!(self.worker.fragments_held() <= limits.decode.max_datagrams);
    }

    fn count(&self, counter: Counter) -> u64 {
        self.worker.counters().get(counter)
    }

    fn finish(mut self) -> Flood {
        self.check();
        let names = &mut self.names;
        self.worker.finish(&mut |_: &Observation<'_>| *names += 1);
        let gauges = self.worker.gauges();
        assert_eq!((gauges.streams, gauges.stream_octets, gauges.quic_connections), (0, 0, 0), "nothing stays behind");
        self
    }
}

fn maker() -> (Maker, std::net::SocketAddr, std::net::SocketAddr) {
    (Maker::default(), "100.64.1.2:40000".parse().unwrap(), "198.51.100.9:443".parse().unwrap())
}

/// The first `n` frames that `make` makes, to be sent with other addresses.
fn frames(make: impl FnOnce(&mut Maker)) -> Vec<Vec<u8>> {
    let (mut maker, ..) = maker();
    make(&mut maker);
    maker.frames
}

#[test]
fn a_flood_of_connections_that_never_begin() {
    let (_, from, to) = maker();
    let mut syn = frames(|m| m.ip(from.ip(), to.ip(), TCP, &tcp(from.port(), to.port(), 1, 2, &[]))).remove(0);
    let mut data = frames(|m| m.tcp(from, to, 1, b"\x17\x03\x03\x01\x00 neither hello nor request")).remove(0);
    let mut flood = Flood::new();
    for _ in 0..400_000 {
        flood.send(&mut syn);
        flood.send(&mut data);
    }
    let flood = flood.finish();
    assert!(flood.count(Counter::FlowsEvicted) > 300_000, "{:?}", flood.worker.counters());
    let opened = flood.count(Counter::FlowsOpened);
    assert_eq!(flood.worker.gauges().flows as u64 + flood.count(Counter::FlowsEvicted), opened);
    assert_eq!(flood.names, 0);
}

#[test]
fn a_flood_of_half_hellos_and_half_requests() {
    let (_, from, to) = maker();
    let hello = records(&client_hello(&HelloSpec::browser("casino.example", 4)), 1 << 14);
    let many_records = records(&client_hello(&HelloSpec::browser("casino.example", 4)), 20);
    let mut halves = frames(|m| {
        m.tcp(from, to, 1, &hello[..1_000]);
        m.tcp(from, to, 1, &many_records[..1_400]);
        m.tcp(from, to, 1, &hello[..6]);
        m.tcp(from, to, 1, b"GET /without/an/end");
        m.tcp(from, std::net::SocketAddr::new(to.ip(), 53), 1, &[0xff, 0xff, 1, 2, 1, 0, 0, 1]);
    });
    let mut flood = Flood::new();
    for n in 0..300_000 {
        let half = n % halves.len();
        flood.send(&mut halves[half]);
    }
    assert!(flood.worker.gauges().streams > 100, "the pool is in use: {:?}", flood.worker.gauges());
    let flood = flood.finish();
    assert!(flood.count(Counter::StreamBuffersEvicted) > 100_000, "{:?}", flood.worker.counters());
}

#[test]
fn a_flood_of_hellos_that_grow_and_never_end() {
    let mut flood = Flood::new();
    // As long as a hello may be, in as many streams as there are buffers and some more, all growing at once.
    let mut hello = vec![0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xf0, 3, 3];
    hello.resize(5 + 0x4000, 0x55);
    let mut frames = Vec::new();
    for (n, piece) in hello.chunks(1_000).enumerate() {
        for client in 0..300u16 {
            let mut maker = Maker::default();
            let from = std::net::SocketAddr::new([100, 64, 1, 2].into(), 1_024 + client);
            maker.tcp(from, "198.51.100.9:443".parse().unwrap(), 1 + n as u32 * 1_000, piece);
            frames.append(&mut maker.frames);
        }
    }
    let mut most = 0;
    for _ in 0..5 {
        for frame in &frames {
            flood.send_as_it_is(frame);
            flood.check();
            most = most.max(flood.worker.gauges().stream_octets);
        }
    }
    assert!(most > flood.limits.flow.stream_octets / 2, "{most} octets at most: no flood");
    let flood = flood.finish();
    assert!(flood.count(Counter::StreamBuffersEvicted) > 1_000, "{:?}", flood.worker.counters());
}

#[test]
fn a_flood_of_fragments_that_fit_nowhere() {
    let (_, from, to) = maker();
    let mut first = frames(|m| m.fragments(from, to, &[7; 3_000], 1_400));
    let mut flood = Flood::new();
    for n in 0..400_000 {
        let piece = n % first.len();
        flood.send(&mut first[piece]);
    }
    assert!(flood.worker.fragments_held() > 100);
    assert!(flood.count(Counter::FragmentsEvicted) > 200_000, "{:?}", flood.worker.counters());
    let all = flood.count(Counter::Fragments);
    let gone =
        [Counter::FragmentsEvicted, Counter::FragmentsExpired, Counter::FragmentsInvalid].map(|c| flood.count(c));
    assert_eq!(all, 400_000);
    assert!(flood.worker.fragments_held() as u64 + gone.iter().sum::<u64>() >= all, "{gone:?}");
    // Silence: what is held of people's packets does not stay for ever.
    let mut flood = flood;
    let later = Timestamp::from_nanos(flood.clock + 3_600_000_000_000);
    flood.worker.idle(later, &mut |_: &Observation<'_>| {});
    assert_eq!(flood.worker.fragments_held(), 0, "fragments outlive their time-out");
}

#[test]
fn a_flood_of_quic_initials() {
    let (_, from, to) = maker();
    // A hello that is never complete: the CRYPTO frame begins beyond the start. And noise that only looks like one.
    let dcids: Vec<[u8; 8]> = (0..40u8).map(|n| [n; 8]).collect();
    let mut initials = frames(|m| {
        for dcid in &dcids {
            let mut whole = quic_initial("casino.example", *dcid);
            m.udp(from, to, &whole);
            whole[600..].fill(0x5a);
            m.udp(from, to, &whole);
            m.udp(from, to, &half_initial(*dcid));
        }
    });
    let mut flood = Flood::new();
    for n in 0..40_000 {
        let initial = n % initials.len();
        // Another destination connection ID makes it one that no key opens.
        if n % 5 == 4 {
            let random = flood.dice.next().to_be_bytes();
            initials[initial][48..56].copy_from_slice(&random);
        }
        flood.send(&mut initials[initial]);
    }
    let flood = flood.finish();
    assert!(flood.count(Counter::QuicKeysDerived) >= 40_000 / 2, "{:?}", flood.worker.counters());
    assert!(flood.count(Counter::QuicNotDecrypted) > 5_000, "{:?}", flood.worker.counters());
    assert!(flood.count(Counter::FlowsEvicted) > 10_000, "{:?}", flood.worker.counters());
    assert!(flood.count(Counter::StreamBuffersEvicted) > 1_000, "{:?}", flood.worker.counters());
}

/// An Initial with the second half of a hello.
fn half_initial(dcid: [u8; 8]) -> Vec<u8> {
    use stakeout::extract::quic::{Version, put_varint, seal::seal_initial};
    let hello = client_hello(&HelloSpec::browser_quic("casino.example", 3));
    let mut frames = vec![6];
    put_varint(&mut frames, 900);
    put_varint(&mut frames, (hello.len() - 900).min(1_000) as u64);
    frames.extend(hello.iter().skip(900).take(1_000));
    seal_initial(Version::V1, &dcid, &[], &[], 0, 1, &frames, 1_200, true)
}
