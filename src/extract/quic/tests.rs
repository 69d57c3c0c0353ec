//! The standards' examples, and hellos cut, shuffled and mixed in every way: always the same name.

use proptest::prelude::*;

use super::seal::{seal_initial, seal_with};
use super::*;
use crate::extract::tls::build::{HelloSpec, client_hello};
use crate::extract::tls::{MAX_HELLO, Sni, TlsError};
use crate::model::{Counter, Counters};

const NAME: &str = "lucky-7.shop.example";
const DCID: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";

/// A connection with all it needs, and what it found.
#[derive(Default)]
struct Observer {
    connection: Connection,
    scratch: QuicScratch,
    counters: Counters,
    /// Version, name and `repeated` of every hello.
    found: Vec<(Version, String, bool)>,
}

/// `Progress` without what it borrows.
#[derive(PartialEq, Debug)]
enum Step {
    NeedMore,
    Found,
    Done,
    Reject(QuicError),
}

impl Observer {
    fn feed(&mut self, datagram: &[u8]) -> Step {
        match self.connection.feed(datagram, &mut self.scratch, &mut self.counters) {
            Progress::NeedMore => Step::NeedMore,
            Progress::Found(Hello { version, hello, repeated }) => {
                let name = hello.name().map_or_else(|none| format!("{none:?}"), |name| name.to_string());
                self.found.push((version, name, repeated));
                Step::Found
            }
            Progress::Done => Step::Done,
            Progress::Reject(error) => Step::Reject(error),
        }
    }

    fn derived(&self) -> u64 {
        self.counters.get(Counter::QuicKeysDerived)
    }

    fn found_once(&self, version: Version, name: &str) {
        assert_eq!(self.found, [(version, name.to_string(), false)]);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![6];
    put_varint(&mut frame, offset as u64);
    put_varint(&mut frame, data.len() as u64);
    frame.extend_from_slice(data);
    frame
}

fn initial(packet_number: u32, frames: &[u8]) -> Vec<u8> {
    seal_initial(Version::V1, DCID, b"", b"", packet_number, 4, frames, 1200, true)
}

/// A hello of about 1,900 octets.
fn browser_hello() -> Vec<u8> {
    client_hello(&HelloSpec::browser_quic(NAME, 1))
}

/// The two datagrams in which it is sent.
fn two_halves(seal: impl Fn(u32, &[u8]) -> Vec<u8>) -> [Vec<u8>; 2] {
    let hello = browser_hello();
    let (a, b) = hello.split_at(1000);
    [seal(0, &crypto(0, a)), seal(1, &crypto(1000, b))]
}

/// The CRYPTO frame of RFC 9001 appendix A.2, which RFC 9369 appendix A.2 uses too.
const EXAMPLE_FRAME: &str = "
    060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868
    04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578
    616d706c652e636f6dff01000100000a00080006001d00170018001000070005
    04616c706e000500050100000000003300260024001d00209370b2c9caa47fba
    baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400
    0d0010000e0403050306030203080408050806002d00020101001c0002400100
    3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000
    75300901100f088394c8f03e51570806048000ffff";

/// Builds the standard's packet, compares its ends with those printed there (the last 16 octets are the tag, which
/// stands for all between), and reads it.
fn check_example(version: Version, start: &str, end: &str) {
    let packet = seal_initial(version, DCID, b"", b"", 2, 4, &unhex(EXAMPLE_FRAME), 1200, true);
    let (start, end) = (unhex(start), unhex(end));
    assert_eq!(packet.len(), 1200);
    assert_eq!(packet[..start.len()], start[..]);
    assert_eq!(packet[1200 - end.len()..], end[..]);
    let mut observer = Observer::default();
    assert_eq!(observer.feed(&packet), Step::Found);
    observer.found_once(version, "example.com");
    assert_eq!(observer.derived(), 1);
}

#[test]
fn client_initial_of_version_1() {
    // RFC 9001 appendix A.2.
    check_example(
        Version::V1,
        "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11
         d242b123dc9bd8bab936b47d92ec356c0bab7df5976d27cd449f63300099f399",
        "7e78bfe706ca4cf5e9c5453e9f7cfd2b8b4c8d169a44e55c88d4a9a7f9474241
         e221af44860018ab0856972e194cd934",
    );
}

#[test]
fn client_initial_of_version_2() {
    // RFC 9369 appendix A.2.
    check_example(
        Version::V2,
        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485
         dd04de806071bf03dceebfa162e75d6c96058bdbfb127cdfcbf903388e99ad04",
        "6f4c4938ae79324dc402894b44faf8afbab35282ab659d13c93f70412e85cb19
         9a37ddec600545473cfb5a05e08d0b209973b2172b4d21fb69745a262ccde96b
         a18b2faa745b6fe189cf772a9f84cbfc",
    );
}

#[test]
fn server_initials_of_the_standards_are_sealed_alike_and_not_read() {
    // RFC 9001 appendix A.3 and RFC 9369 appendix A.3.
    let payload = unhex(
        "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a045a1200
         130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00020304",
    );
    let examples = [
        (
            Version::V1,
            "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb3
             8cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84
             022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc42158407dd074ee",
        ),
        (
            Version::V2,
            "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf872630
             17915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2
             c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca84bed8521e2e140",
        ),
    ];
    for (version, printed) in examples {
        let keys = InitialKeys::derive(version, &ConnectionId::new(DCID).unwrap(), Side::Server);
        let scid = b"\xf0\x67\xa5\x50\x2a\x42\x62\xb5";
        let packet = seal_with(&keys, version, b"", scid, b"", 1, 2, &payload, 0);
        assert_eq!(packet, unhex(printed));
        let mut observer = Observer::default();
        assert_eq!(observer.feed(&packet), Step::Reject(QuicError::NotDecrypted));
        assert!(!observer.connection.is_confirmed());
        assert_eq!(observer.counters.get(Counter::QuicNotDecrypted), 1);
    }
}

#[test]
fn every_version_is_read() {
    for version in Version::ALL {
        let mut observer = Observer::default();
        for datagram in two_halves(|pn, frames| seal_initial(version, DCID, b"me", b"", pn, 1, frames, 1200, true)) {
            observer.feed(&datagram);
        }
        observer.found_once(version, NAME);
        assert_eq!(observer.derived(), 1);
    }
}

#[test]
fn a_hello_in_two_datagrams_needs_both_in_either_order() {
    let [first, second] = two_halves(initial);
    for order in [[&first, &second], [&second, &first]] {
        let mut observer = Observer::default();
        assert_eq!(observer.feed(order[0]), Step::NeedMore);
        assert!(observer.connection.is_confirmed() && !observer.connection.is_done());
        assert!(observer.connection.buffered() > 0);
        assert_eq!(observer.feed(order[0]), Step::NeedMore, "a retransmission");
        assert_eq!(observer.feed(order[1]), Step::Found);
        assert_eq!(observer.connection.buffered(), 0);
        assert_eq!(observer.feed(order[1]), Step::Done);
        observer.found_once(Version::V1, NAME);
        assert_eq!(observer.derived(), 1);
    }
}

#[test]
fn the_servers_connection_id_changes_no_keys() {
    let keys = InitialKeys::derive(Version::V1, &ConnectionId::new(DCID).unwrap(), Side::Client);
    let [first, _] = two_halves(initial);
    let [_, second] = two_halves(|pn, f| seal_with(&keys, Version::V1, b"chosen", b"", b"", pn, 1, f, 1200));
    let mut observer = Observer::default();
    observer.feed(&first);
    assert_eq!(observer.feed(&second), Step::Found);
    assert_eq!(observer.feed(&second), Step::Done);
    assert_eq!(observer.derived(), 1);
}

#[test]
fn a_finished_connection_opens_nothing_once_it_knows_the_servers_connection_id() {
    let keys = InitialKeys::derive(Version::V1, &ConnectionId::new(DCID).unwrap(), Side::Client);
    let ack = seal_with(&keys, Version::V1, b"chosen", b"", b"", 2, 1, b"\x02\x00\x00\x00\x00", 1200);
    let mut observer = Observer::default();
    for datagram in two_halves(initial) {
        observer.feed(&datagram);
    }
    assert_eq!(observer.feed(&ack), Step::Done);
    // Damaged, so that opening it would fail.
    let mut damaged = ack.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(observer.feed(&damaged), Step::Done);
    assert_eq!(observer.counters.get(Counter::QuicNotDecrypted), 0);
    assert_eq!(observer.derived(), 1);
}

#[test]
fn a_retry_brings_new_keys() {
    let retried =
        two_halves(|pn, f| seal_initial(Version::V1, b"retry's id", b"", b"the token", pn + 2, 1, f, 1200, true));
    // The whole first flight was seen, or its first datagram only.
    for seen in [2, 1] {
        let mut observer = Observer::default();
        for datagram in &two_halves(initial)[..seen] {
            observer.feed(datagram);
        }
        assert_eq!(observer.feed(&retried[0]), Step::NeedMore);
        // A late datagram of the first flight does not disturb.
        observer.feed(&two_halves(initial)[0]);
        assert_eq!(observer.feed(&retried[1]), Step::Found);
        let expected = [(Version::V1, NAME.to_string(), false), (Version::V1, NAME.to_string(), true)];
        assert_eq!(observer.found, expected[..seen]);
        assert_eq!(observer.derived(), 2);
    }
}

#[test]
fn a_new_connection_on_the_same_ports_is_read() {
    let other = client_hello(&HelloSpec { sni: Some(b"other.example".to_vec()), seed: 9, ..HelloSpec::default() });
    let second = seal_initial(Version::V1, b"another id", b"", b"", 0, 1, &crypto(0, &other), 1200, true);
    let [a, b] = two_halves(initial);
    let mut observer = Observer::default();
    // Both on one socket at the same time.
    assert_eq!(observer.feed(&a), Step::NeedMore);
    assert_eq!(observer.feed(&second), Step::Found);
    assert_eq!(observer.feed(&b), Step::Found);
    assert_eq!(observer.feed(&second), Step::Done);
    assert_eq!(observer.feed(&a), Step::Done);
    let names: Vec<&str> = observer.found.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names, ["other.example", NAME]);
    assert_eq!(observer.derived(), 2);
}

#[test]
fn the_version_may_change_in_the_middle() {
    let [first, _] = two_halves(initial);
    let keys = InitialKeys::derive(Version::V2, &ConnectionId::new(DCID).unwrap(), Side::Client);
    for dcid in [DCID, b"chosen"] {
        let [_, second] = two_halves(|pn, f| seal_with(&keys, Version::V2, dcid, b"", b"", pn, 1, f, 1200));
        let mut observer = Observer::default();
        assert_eq!(observer.feed(&first), Step::NeedMore);
        assert_eq!(observer.feed(&second), Step::Found);
        observer.found_once(Version::V2, NAME);
        assert_eq!(observer.derived(), 2);
        assert_eq!(observer.feed(&first), Step::Done);
        assert_eq!(observer.derived(), 2, "the keys of the first version are kept");
    }
    // A new connection in another version and with another connection ID.
    let new = two_halves(|pn, f| seal_initial(Version::V2, b"another id", b"", b"", pn, 1, f, 1200, true));
    let mut observer = Observer::default();
    observer.feed(&first);
    assert_eq!(observer.feed(&new[0]), Step::NeedMore);
    assert_eq!(observer.feed(&new[1]), Step::Found);
    assert_eq!(observer.derived(), 3);
}

#[test]
fn false_packets_change_nothing_and_cost_a_bounded_amount() {
    let [first, second] = two_halves(initial);
    let mut observer = Observer::default();
    observer.feed(&first);
    let mut damaged = second.clone();
    damaged[700] ^= 0x10;
    assert_eq!(observer.feed(&damaged), Step::Reject(QuicError::NotDecrypted));
    assert_eq!(observer.derived(), 1, "the same connection ID gives the same keys");
    let forged = seal_initial(Version::V1, b"own id", b"", b"", 0, 1, b"\x01", 0, false);
    let many: Vec<u8> = forged.iter().copied().cycle().take(forged.len() * 100).collect();
    assert_eq!(observer.feed(&many), Step::Reject(QuicError::NotDecrypted));
    assert!(observer.derived() <= 1 + 4);
    assert_eq!(observer.feed(b""), Step::NeedMore);
    assert_eq!(observer.feed(b"\x40short header"), Step::Reject(QuicError::NotLongHeader));
    assert_eq!(observer.feed(b"\xc0\x1a\x2a\x3a\x4a"), Step::Reject(QuicError::Version));
    assert_eq!(observer.feed(&first[..900]), Step::Reject(QuicError::Malformed));
    assert_eq!(observer.feed(&second), Step::Found);
}

#[test]
fn other_messages_and_hellos_without_end_are_refused() {
    let mut observer = Observer::default();
    let step = observer.feed(&initial(0, &crypto(0, b"\x02\x00\x00\x04abcd")));
    assert_eq!(step, Step::Reject(QuicError::Hello(TlsError::NotClientHello)));
    assert_eq!(observer.feed(&initial(1, &crypto(0, &browser_hello()))), Step::Done);

    let mut observer = Observer::default();
    observer.feed(&initial(0, &crypto(MAX_HELLO - 1, b"x")));
    assert!(observer.connection.buffered() < 2 * MAX_HELLO);
    observer.feed(&initial(1, &crypto(MAX_HELLO, b"x")));
    observer.feed(&initial(2, &crypto(1 << 40, b"x")));
    assert!(observer.connection.buffered() < 2 * MAX_HELLO);
    assert_eq!(observer.feed(&initial(3, &crypto(0, b"\x01\x01\x00"))), Step::NeedMore);
    assert_eq!(observer.feed(&initial(4, &crypto(3, b"\x00"))), Step::Reject(QuicError::Hello(TlsError::TooLong)));
    assert_eq!(observer.connection.buffered(), 0);
}

#[test]
fn a_bad_frame_ends_its_packet_only() {
    let hello = browser_hello();
    let mut observer = Observer::default();
    let frames = [&crypto(0, &hello[..600])[..], b"\x1e"].concat();
    assert_eq!(observer.feed(&initial(0, &frames)), Step::NeedMore);
    assert_eq!(observer.counters.get(Counter::QuicMalformed), 1);
    let rest = [initial(1, &crypto(600, &hello[600..1500])), initial(2, &crypto(1500, &hello[1500..]))].concat();
    assert_eq!(observer.feed(&rest), Step::Found, "two Initials in one datagram");
}

#[test]
fn an_incomplete_hello_gives_its_name_if_all_before_is_there() {
    let hello = browser_hello();
    let end = hello.windows(NAME.len()).position(|w| w == NAME.as_bytes()).unwrap() + NAME.len();
    for (seen, expected) in [(end - 1, None), (end, Some(Sni::Host(NAME.as_bytes())))] {
        let mut observer = Observer::default();
        for (pn, at) in (0..seen).step_by(1000).enumerate() {
            observer.feed(&initial(pn as u32, &crypto(at, &hello[at..(at + 1000).min(seen)])));
        }
        assert_eq!(observer.connection.partial().map(|found| found.hello.sni), expected);
    }
    assert_eq!(Connection::new().partial(), None);
}

/// How a hello is sent, for the property test.
#[derive(Debug, Clone)]
struct Plan {
    version: Version,
    name: String,
    seed: u64,
    post_quantum: bool,
    /// Cuts of the hello, each with octets by which the piece before overlaps the next.
    cuts: Vec<(prop::sample::Index, usize)>,
    /// Where each piece goes among the others, and the frames before it.
    order: Vec<(u32, u8)>,
    /// Pieces a packet.
    per_packet: usize,
    /// Of each packet: its place among the others, packet number octets to add, whether it is sent again, and what is
    /// coalesced with it.
    packets: Vec<(u32, usize, bool, u8)>,
    first_packet_number: u32,
    token: Vec<u8>,
    dcid: Vec<u8>,
    scid: Vec<u8>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let shape = (
        prop::collection::vec((any::<prop::sample::Index>(), 0..40usize), 0..30),
        prop::collection::vec((any::<u32>(), any::<u8>()), 31),
        1..9usize,
        prop::collection::vec((any::<u32>(), 0..3usize, any::<bool>(), any::<u8>()), 31),
    );
    let header = (
        prop_oneof![0..3u32, 0..70_000u32, 0..0x3fff_ffffu32],
        prop::collection::vec(any::<u8>(), 0..100),
        prop::collection::vec(any::<u8>(), 8..=20),
        prop::collection::vec(any::<u8>(), 0..=20),
    );
    (
        prop::sample::select(&Version::ALL[..]),
        "[a-z0-9]{1,30}\\.[a-z]{2,30}",
        any::<u64>(),
        any::<bool>(),
        shape,
        header,
    )
        .prop_map(
            |(version, name, seed, post_quantum, (cuts, order, per_packet, packets), (first, token, dcid, scid))| {
                Plan {
                    version,
                    name,
                    seed,
                    post_quantum,
                    cuts,
                    order,
                    per_packet,
                    packets,
                    first_packet_number: first,
                    token,
                    dcid,
                    scid,
                }
            },
        )
}

/// A packet with a long header that cannot be opened, of the given type bits, behind or before an Initial.
fn junk(version: Version, type_bits: u8, dcid: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xc0 | type_bits << 4];
    packet.extend_from_slice(&version.wire().to_be_bytes());
    packet.push(dcid.len() as u8);
    packet.extend_from_slice(dcid);
    packet.extend_from_slice(&[0, 33]);
    packet.extend_from_slice(&[0xa5; 33]);
    packet
}

impl Plan {
    fn datagrams(&self) -> Vec<Vec<u8>> {
        let hello = client_hello(&HelloSpec {
            post_quantum: self.post_quantum,
            ..HelloSpec::browser_quic(&self.name, self.seed)
        });
        let mut cuts: Vec<(usize, usize)> = self.cuts.iter().map(|(at, over)| (at.index(hello.len()), *over)).collect();
        cuts.push((hello.len(), 0));
        cuts.sort_unstable();
        let mut start = 0;
        let mut pieces = Vec::new();
        for ((end, overlap), (place, before)) in cuts.into_iter().zip(&self.order) {
            // Junk between: PING, PADDING and ACK in eight mixtures.
            let mut frames = Vec::new();
            for (bit, frame) in
                [&b"\x01"[..], &[0; 41], b"\x02\x00\x00\x00\x00", b"\x03\x05\x00\x01\x00\x00\x01\x00\x00\x00"]
                    .iter()
                    .enumerate()
            {
                if before >> bit & 1 == 1 {
                    frames.extend_from_slice(frame);
                }
            }
            frames.extend(crypto(start, &hello[start..(end + overlap).min(hello.len())]));
            pieces.push((place, frames));
            start = end;
        }
        pieces.sort_by_key(|(place, _)| **place);

        let mut sent = Vec::new();
        let groups = pieces.chunks(self.per_packet);
        for (i, (group, (place, more, again, coalesced))) in groups.zip(&self.packets).enumerate() {
            let frames: Vec<u8> = group.iter().flat_map(|(_, frames)| frames.clone()).collect();
            let packet_number = self.first_packet_number + i as u32;
            // The least encoding while nothing is acknowledged (RFC 9000 appendix A.2), or a longer one.
            let least = (1..4).find(|n| u64::from(packet_number) < 1 << (8 * n - 1)).unwrap_or(4);
            let pn_len = (least + more).min(4);
            let initial = seal_initial(
                self.version,
                &self.dcid,
                &self.scid,
                &self.token,
                packet_number,
                pn_len,
                &frames,
                usize::from(*coalesced) * 8,
                true,
            );
            let bits = |packet_type| self.version.type_bits(packet_type);
            let mut datagram = Vec::new();
            if coalesced & 1 != 0 {
                datagram.extend(junk(self.version, bits(version::PacketType::ZeroRtt), &self.dcid));
            }
            datagram.extend(initial);
            if coalesced & 2 != 0 {
                datagram.extend(junk(self.version, bits(version::PacketType::Handshake), &self.dcid));
            }
            if coalesced & 4 != 0 {
                datagram.extend_from_slice(b"\x41 a 1-RTT packet ends the datagram");
            }
            if *again {
                sent.push((place.rotate_left(16), datagram.clone()));
            }
            sent.push((*place, datagram));
        }
        sent.sort();
        sent.into_iter().map(|(_, datagram)| datagram).collect()
    }
}

proptest! {
    #[test]
    fn however_a_hello_is_sent_its_name_is_found_once(plan in plan()) {
        let mut observer = Observer::default();
        for datagram in plan.datagrams() {
            prop_assert!(probe(&datagram));
            let step = observer.feed(&datagram);
            prop_assert!(!matches!(step, Step::Reject(_)), "{:?}", step);
        }
        prop_assert_eq!(&observer.found, &[(plan.version, plan.name, false)]);
        prop_assert_eq!(observer.derived(), 1);
        prop_assert_eq!(observer.counters.get(Counter::QuicNotDecrypted), 0);
        prop_assert_eq!(observer.connection.buffered(), 0);
    }

    #[test]
    fn all_datagrams_in_one_are_read_too(plan in plan()) {
        // Without the 1-RTT packets, behind which nothing can be split off.
        let mut plan = plan;
        for packet in &mut plan.packets {
            packet.3 &= !4;
        }
        let mut observer = Observer::default();
        observer.feed(&plan.datagrams().concat());
        prop_assert_eq!(&observer.found, &[(plan.version, plan.name, false)]);
    }

    #[test]
    fn arbitrary_frames_never_panic(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5)
    ) {
        let mut observer = Observer::default();
        for (pn, frames) in packets.iter().enumerate() {
            observer.feed(&initial(pn as u32, frames));
            let _ = observer.connection.partial();
            observer.feed(&initial(pn as u32, &[&crypto(pn * 50, frames), &frames[..]].concat()));
        }
        prop_assert!(observer.connection.buffered() < 2 * MAX_HELLO);
    }

    #[test]
    fn arbitrary_datagrams_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let mut observer = Observer::default();
        observer.feed(&bytes);
        let mut datagram = initial(0, &crypto(0, &browser_hello()));
        for (at, value) in changes {
            let at = at.index(60);
            datagram[at] = value;
        }
        observer.feed(&datagram);
        let _ = (probe(&bytes), probe(&datagram), is_unread_version(&bytes), is_unread_version(&datagram));
    }
}
