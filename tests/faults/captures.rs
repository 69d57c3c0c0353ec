//! Captures that are cut, corrupt, or lie about their lengths, in process: no panic, no name that was not there, and
//! everything before the damage is found.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::SocketAddr;

use stakeout::capture::FileReader;
use stakeout::extract::tls::build::{HelloSpec, client_hello, records};
use stakeout::flow::Reading;
use stakeout::model::{Counter, Counters, Observation, Timestamp};
use stakeout::pipeline::{Limits, Worker};
use stakeout::traffic::{Generator, Profile, write_pcap};

use crate::lab::packets::{self, A, Maker, query};

pub(crate) const ETHERNET: u32 = 1;
const START: u64 = 1_795_521_600;

/// What a worker makes of frames.
pub(crate) struct Found {
    pub(crate) names: BTreeMap<String, usize>,
    pub(crate) counters: Counters,
}

/// Limits that take no time to set up, for thousands of workers one after the other.
fn small() -> Limits {
    let mut limits = Limits::default();
    limits.flow.flows = 64;
    limits
}

pub(crate) fn watch<'f>(frames: impl IntoIterator<Item = (&'f [u8], usize)>) -> Found {
    let mut worker = Worker::new(&small(), Reading::default());
    let mut names = BTreeMap::new();
    let mut sink = |o: &Observation<'_>| *names.entry(o.name.to_string()).or_default() += 1;
    for (n, (frame, orig_len)) in frames.into_iter().enumerate() {
        let ts = Timestamp::from_parts(START, n as u64 * 1_000_000);
        worker.frame(ETHERNET, ts, frame, orig_len as u32, &mut sink);
    }
    worker.finish(&mut sink);
    let counters = worker.counters().clone();
    Found { names, counters }
}

struct Replayed {
    frames: usize,
    damaged: bool,
    names: BTreeMap<String, usize>,
}

/// Replays a file as `observe` does. `None` if it is no capture at all.
fn replay(file: &[u8]) -> Option<Replayed> {
    let mut reader = FileReader::from_reader(Cursor::new(file.to_vec())).ok()?;
    let mut worker = Worker::new(&small(), Reading::default());
    let mut names = BTreeMap::new();
    let mut sink = |o: &Observation<'_>| *names.entry(o.name.to_string()).or_default() += 1;
    let mut frames = 0;
    while let Some(frame) = reader.next_frame().expect("memory can be read") {
        frames += 1;
        assert!(frames * 16 <= file.len(), "more frames than the file has room for");
        worker.frame(frame.linktype, frame.ts, frame.data, frame.orig_len, &mut sink);
    }
    worker.finish(&mut sink);
    Some(Replayed { frames, damaged: !reader.damage().is_clean(), names })
}

/// A small capture of all kinds of traffic, and where its records end.
pub(crate) fn pcap() -> (Vec<u8>, Vec<usize>) {
    let profile = Profile::names().frames(24).listed_share(0.2);
    let listed = vec!["casino.example".to_owned()];
    let mut generator = Generator::new(profile, 11, listed, Timestamp::from_parts(START, 0));
    let mut file = Vec::new();
    write_pcap(&mut generator, &mut file, true).unwrap();
    let (mut ends, mut at) = (vec![24], 24);
    while at < file.len() {
        let len = u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize;
        at += 16 + len;
        ends.push(at);
    }
    (file, ends)
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut block = kind.to_le_bytes().to_vec();
    let padded = body.len().div_ceil(4) * 4;
    let len = (12 + padded as u32).to_le_bytes();
    block.extend_from_slice(&len);
    block.extend_from_slice(body);
    block.resize(8 + padded, 0);
    block.extend_from_slice(&len);
    block
}

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let mut option = [code.to_le_bytes(), (value.len() as u16).to_le_bytes()].concat();
    option.extend_from_slice(value);
    option.resize(option.len().div_ceil(4) * 4, 0);
    option
}

/// The same packets as pcapng, with options of every length, none included; and where its blocks end.
fn pcapng(pcap: &[u8], record_ends: &[usize]) -> (Vec<u8>, Vec<usize>) {
    let mut section = vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0];
    section.extend_from_slice(&[0xff; 8]);
    section.extend(option(1, b"")); // A comment of no octets.
    section.extend(option(3, b"Linux"));
    section.extend(option(0, b""));
    let mut interface = vec![1, 0, 0, 0, 0, 0, 0, 0];
    interface.extend(option(9, &[9]));
    interface.extend(option(2, b""));
    interface.extend(option(0, b""));
    let mut file = block(0x0a0d_0d0a, &section);
    file.extend(block(1, &interface));
    let mut ends = vec![file.len()];
    for pair in record_ends.windows(2) {
        let frame = &pcap[pair[0] + 16..pair[1]];
        let mut body = vec![0; 12];
        body.extend_from_slice(&(frame.len() as u32).to_le_bytes());
        body.extend_from_slice(&(frame.len() as u32).to_le_bytes());
        body.extend_from_slice(frame);
        body.resize(body.len().div_ceil(4) * 4, 0);
        body.extend(option(2, b""));
        body.extend(option(0, b""));
        file.extend(block(6, &body));
        ends.push(file.len());
    }
    (file, ends)
}

/// Whether all that was found is in the whole.
fn is_part(part: &BTreeMap<String, usize>, whole: &BTreeMap<String, usize>) -> bool {
    part.iter().all(|(name, n)| whole.get(name).is_some_and(|m| n <= m))
}

#[test]
fn a_capture_cut_anywhere_gives_what_stands_before_the_cut() {
    let (file, ends) = pcap();
    let (ng_file, ng_ends) = pcapng(&file, &ends);
    for (file, ends) in [(file, ends), (ng_file, ng_ends)] {
        let whole = replay(&file).unwrap();
        assert!(whole.frames == ends.len() - 1 && !whole.damaged && whole.names.len() > 8, "{:?}", whole.names);
        let mut opened = 0;
        for cut in 0..file.len() {
            let Some(part) = replay(&file[..cut]) else { continue };
            opened += 1;
            let before = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1);
            // Of a record that is cut, the octets that are there may be given as a packet that was cut.
            assert!(
                (before..=before + 1).contains(&part.frames),
                "{} frames at {cut}, {before} end there",
                part.frames
            );
            let at_an_end = ends.contains(&cut);
            assert!(part.damaged || at_an_end || cut < ends[0], "a cut at {cut} is no end and was not told");
            assert!(!(part.damaged && at_an_end), "the end of a record at {cut} is taken for damage");
            assert!(is_part(&part.names, &whole.names), "a name that was not there, cut at {cut}: {:?}", part.names);
        }
        assert!(opened > file.len() - 100);
    }
}

/// Pseudo-random numbers (SplitMix64), the same in every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// One of the things that happen to files.
fn corrupt(file: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(file.len());
    let len = dice.below(40).min(file.len() - at);
    match dice.below(6) {
        0 => file[at] ^= 1 << dice.below(8),
        1 => file[at] = dice.next() as u8,
        2 => drop(file.drain(at..at + len)),
        3 => file[at..at + len].fill(if dice.below(2) == 0 { 0 } else { 0xff }),
        4 => {
            let copy = file[at..at + len].to_vec();
            let to = dice.below(file.len());
            file.splice(to..to, copy).for_each(drop);
        }
        _ => {
            let octets: Vec<u8> = (0..len).map(|_| dice.next() as u8).collect();
            file[at..at + len].copy_from_slice(&octets);
        }
    }
}

#[test]
fn corrupt_captures_are_read_to_some_end() {
    let (file, ends) = pcap();
    let (ng_file, _) = pcapng(&file, &ends);
    let mut dice = Dice(2_026);
    for whole in [file, ng_file] {
        let (mut damaged, mut frames) = (0, 0);
        for _ in 0..2_000 {
            let mut variant = whole.clone();
            for _ in 0..1 + dice.below(6) {
                corrupt(&mut variant, &mut dice);
            }
            if let Some(replayed) = replay(&variant) {
                damaged += usize::from(replayed.damaged);
                frames += replayed.frames;
            }
        }
        // Most of what is not damaged is still found.
        assert!(damaged > 200, "{damaged} of 2000 variants noticed");
        assert!(frames > 2_000 * (ends.len() - 1) / 2, "{frames} frames");
    }
}

#[test]
fn lengths_that_lie_cost_one_record_at_most_where_the_next_can_be_found() {
    let (file, ends) = pcap();
    let whole = replay(&file).unwrap();
    for (which, lie) in [(8, 0u32), (8, 7), (8, 0x7fff_ffff), (8, u32::MAX), (12, 0), (12, u32::MAX)] {
        let mut variant = file.clone();
        let at = ends[3] + which;
        variant[at..at + 4].copy_from_slice(&lie.to_le_bytes());
        let replayed = replay(&variant).unwrap();
        assert!(replayed.frames + 3 >= whole.frames, "{lie:#x} at {which}: {} frames", replayed.frames);
        assert!(replayed.damaged || which == 12, "{lie:#x} at {which}");
        assert!(is_part(&replayed.names, &whole.names), "{lie:#x} at {which}: {:?}", replayed.names);
    }
    let (ng_file, ng_ends) = pcapng(&file, &ends);
    // What a packet says of itself costs that packet; behind a block whose own length is wrong nothing can be found, as
    // the message then says.
    for (which, lie, is_framing) in [
        (4, 0u32, true),
        (4, 8, true),
        (4, 13, true),
        (4, u32::MAX, true),
        (20, u32::MAX, false),
        (20, 0x0fff_fffc, false),
        (24, 0, false),
    ] {
        let mut variant = ng_file.clone();
        let at = ng_ends[3] + which;
        variant[at..at + 4].copy_from_slice(&lie.to_le_bytes());
        let replayed = replay(&variant).unwrap();
        let least = if is_framing { 3 } else { whole.frames - 1 };
        assert!(replayed.frames >= least, "{lie:#x} at {which}: {} frames", replayed.frames);
        assert!(replayed.damaged || which == 24, "{lie:#x} at {which}");
        assert!(is_part(&replayed.names, &whole.names), "{lie:#x} at {which}: {:?}", replayed.names);
    }
}

fn ends() -> (SocketAddr, SocketAddr) {
    ("100.64.1.2:40000".parse().unwrap(), "198.51.100.9:443".parse().unwrap())
}

#[test]
fn options_of_no_length_hide_no_name() {
    let (from, to) = ends();
    let hello =
        records(&client_hello(&HelloSpec { sni: Some(b"casino.example".to_vec()), ..HelloSpec::default() }), 999);
    // A TCP header with options of lengths 0 and 1, and one that reaches beyond the header.
    for options in [[2, 0, 0, 0], [8, 1, 8, 1], [3, 200, 0, 0], [0; 4], [1; 4]] {
        let mut segment = packets::tcp(from.port(), to.port(), 1, 0x18, &[]);
        segment[12] = 0x60;
        segment.extend_from_slice(&options);
        segment.extend_from_slice(&hello);
        let mut maker = Maker::default();
        maker.ip(from.ip(), to.ip(), packets::TCP, &segment);
        let found = watch(maker.frames.iter().map(|f| (f.as_slice(), f.len())));
        assert_eq!(found.names.get("casino.example"), Some(&1), "TCP options {options:?}");
    }
    // The same in IPv4.
    for options in [[7, 0, 0, 0], [0x94, 1, 0, 0], [0x83, 99, 0, 0]] {
        let segment = packets::tcp(from.port(), to.port(), 1, 0x18, &hello);
        let mut packet = packets::ip(from.ip(), to.ip(), packets::TCP, 5, &segment);
        packet[0] = 0x46;
        let total = (packet.len() + 4) as u16;
        packet[2..4].copy_from_slice(&total.to_be_bytes());
        packet.splice(20..20, options).for_each(drop);
        let frame = packets::ethernet(false, &packet);
        let found = watch([(frame.as_slice(), frame.len())]);
        assert_eq!(found.names.get("casino.example"), Some(&1), "IPv4 options {options:?}");
    }
    // EDNS options of no length behind the question; the record's own length says 8.
    let mut message = query(1, "casino.example", A, None);
    message[11] = 1;
    message.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0]);
    let mut maker = Maker::default();
    maker.udp(from, SocketAddr::new(to.ip(), 53), &message);
    let found = watch(maker.frames.iter().map(|f| (f.as_slice(), f.len())));
    assert_eq!(found.names.get("casino.example"), Some(&1));
}

#[test]
fn lengths_that_lie_in_packets_are_no_trap() {
    let (from, to) = ends();
    let dns = SocketAddr::new(to.ip(), 53);
    let mut maker = Maker::default();
    maker.udp(from, dns, &query(1, "casino.example", A, None));
    maker.tls(from, to, "casino.example");
    maker.quic(from, to, "casino.example");
    maker.tcp(from, SocketAddr::new(to.ip(), 80), 1, b"GET / HTTP/1.1\r\nHost: casino.example\r\n\r\n");
    // Each octet of each frame, as 0, as 255 and with its highest bit turned: one of them is every length in it.
    for frame in &maker.frames {
        for at in 0..frame.len() {
            for octet in [0, 0xff, frame[at] ^ 0x80] {
                let mut variant = frame.clone();
                variant[at] = octet;
                watch([(variant.as_slice(), variant.len())]);
            }
        }
    }
}

#[test]
fn a_packet_cut_by_the_snap_length_still_gives_a_name_that_is_in_it() {
    let (from, to) = ends();
    let small = HelloSpec { sni: Some(b"casino.example".to_vec()), ..HelloSpec::default() };
    let request =
        b"GET /path HTTP/1.1\r\nHost: casino.example\r\nAccept: */*\r\nX-Long: 123456789012345678901234567890\r\n\r\n";
    let mut subnet = query(7, "casino.example", A, Some(from.ip()));
    subnet.extend_from_slice(&[0; 20]);
    let mut maker = Maker::default();
    maker.udp(from, SocketAddr::new(to.ip(), 53), &subnet);
    maker.tcp(from, SocketAddr::new(to.ip(), 80), 1, request);
    maker.tcp(from, to, 1, &records(&client_hello(&small), 1 << 14));
    for frame in &maker.frames {
        let text: &[u8] = if frame[23] == 17 { b"\x06casino\x07example\0" } else { b"casino.example" };
        let name_ends = frame.windows(text.len()).position(|w| w == text).unwrap() + text.len();
        // The type and class of a question, the line end of a header.
        let enough = name_ends + 4;
        let mut cut_and_found = 0;
        for cut in 0..frame.len() {
            let found = watch([(&frame[..cut], frame.len())]);
            let n = found.names.get("casino.example").copied().unwrap_or(0);
            assert!(n == 1 || cut < enough, "cut at {cut} of {}, where the name ends at {name_ends}", frame.len());
            assert!(found.names.keys().all(|name| name == "casino.example"), "cut at {cut}: {:?}", found.names);
            assert_eq!(found.counters.get(Counter::Packets), 1);
            cut_and_found += n;
            if (60..frame.len()).contains(&cut) {
                assert_eq!(found.counters.get(Counter::SnapCut), 1, "cut at {cut}");
            }
        }
        assert!(cut_and_found > 20);
    }
}

#[test]
fn a_mirror_that_delivers_every_frame_twice_makes_no_visit_of_the_second() {
    let listed = vec!["casino.example".to_owned()];
    let profile = Profile::names().frames(6_000).mirrored_share(1.0).listed_share(0.2);
    let mut generator = Generator::new(profile, 5, listed, Timestamp::from_parts(START, 0)).with_truth();
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let (mut found, mut sent) = (BTreeMap::<_, i64>::new(), BTreeMap::<_, i64>::new());
    let mut sink = |o: &Observation<'_>| {
        *found.entry((o.proto.name(), o.kind.name(), o.name.to_string(), o.client)).or_default() += 1;
    };
    let mut frame = Vec::new();
    while let Some(ts) = generator.next_frame(&mut frame) {
        worker.frame(ETHERNET, ts, &frame, frame.len() as u32, &mut sink);
    }
    worker.finish(&mut sink);
    let mut how = BTreeMap::new();
    for truth in generator.take_truth() {
        let key = (truth.proto.name(), truth.kind.name(), truth.name.to_string(), truth.client);
        how.insert(key.clone(), truth.how);
        *sent.entry(key).or_default() += 1;
    }
    assert!(generator.stats().mirrored > 6_000 / 3);
    assert!(worker.counters().get(Counter::FramesDuplicate) > 1_000);
    let differs: Vec<_> = sent.iter().filter(|(key, n)| found.get(*key) != Some(n)).collect();
    let shown: Vec<_> = differs.iter().take(5).map(|(key, n)| (key, how[key], n, found.get(*key))).collect();
    assert!(differs.is_empty(), "{} of {} names, as {shown:?} (sent, found)", differs.len(), sent.len());
    let invented = found.keys().filter(|key| !sent.contains_key(*key)).take(5).collect::<Vec<_>>();
    assert!(invented.is_empty(), "{invented:?}");
}
