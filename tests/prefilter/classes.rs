//! What each filter passes, what it rejects, and what it can miss: the list that `docs/prefilter.md` gives to operators.

use stakeout::capture::prefilter::{Cause, FilterLink, PrefilterChoice, PrefilterSettings, Profile};
use stakeout::model::Timestamp;

use crate::kernel::KernelFilter;
use crate::observe::{Observer, Packet, unfiltered};
use crate::packets::{ACK, FIN, RST, SYN, from_port, hello, nameless, to_port, wrapped};

fn settings(choice: PrefilterChoice, profile: Profile) -> PrefilterSettings {
    PrefilterSettings { choice, profile, ..PrefilterSettings::default() }
}

fn filter(choice: PrefilterChoice, profile: Profile) -> Option<KernelFilter> {
    KernelFilter::new(FilterLink::Ethernet, settings(choice, profile))
}

const BOTH: [PrefilterChoice; 2] = [PrefilterChoice::Classic, PrefilterChoice::Ebpf];

#[test]
fn what_may_hold_a_name_passes_through_every_header() {
    for choice in BOTH {
        let Some(mut filter) = filter(choice, Profile::Names) else { continue };
        for (name, packet) in wrapped() {
            assert!(filter.passes(&packet), "{choice:?}: {name}");
        }
    }
}

#[test]
fn what_cannot_is_rejected() {
    for choice in BOTH {
        let Some(mut filter) = filter(choice, Profile::Names) else { continue };
        for (name, packet) in nameless() {
            assert!(!filter.passes(&packet), "{choice:?}: {name}");
        }
    }
}

#[test]
fn nothing_is_filtered_where_it_is_off() {
    let Some(mut filter) = filter(PrefilterChoice::Off, Profile::Names) else { return };
    assert!([wrapped(), nameless()].concat().iter().all(|(_, packet)| filter.passes(packet)));
    assert_eq!(filter.counts(), None);
}

/// A conversation, and how many names are found in all of it and in what passes.
fn found(choice: PrefilterChoice, conversation: &[Vec<u8>]) -> Option<(usize, usize)> {
    let mut filter = filter(choice, Profile::Names)?;
    let packets: Vec<Packet> = conversation
        .iter()
        .enumerate()
        .map(|(n, data)| {
            let ts = Timestamp::from_nanos(1_000_000_000 + n as u64 * 1_000_000);
            Packet { linktype: 1, ts, orig_len: data.len() as u32, data: data.clone() }
        })
        .collect();
    let mut observer = Observer::new();
    for packet in packets.iter().filter(|packet| filter.passes(&packet.data)) {
        observer.packet(packet);
    }
    Some((unfiltered(&packets).values().sum(), observer.finish().values().sum()))
}

/// What a filter does with each class of conversation: its words in `docs/prefilter.md`, the packets, and the names that
/// the classic and the eBPF filter leave of the one or two that there are.
fn classes() -> Vec<(&'static str, Vec<Vec<u8>>, usize, usize)> {
    let hello = hello();
    let (first, second) = hello.split_at(40);
    let at = |port: u16, offset: u32, payload: &[u8]| to_port(port, 1000 + offset, ACK, payload);
    let long = |n: usize| vec![0xa7; n];
    let handshake = |port| vec![to_port(port, 999, SYN, b""), from_port(port, 4999, SYN | ACK, b"")];
    let request = b"GET / HTTP/1.1\r\nHost: casino.example\r\n\r\n";
    let mut classes = vec![
        ("a hello in two segments on a configured port", vec![at(443, 0, first), at(443, 40, second)], 1, 1),
        ("the second segment of a hello on another port", vec![at(9443, 0, first), at(9443, 40, second)], 0, 1),
        (
            "a hello whose second segment comes first, on another port",
            vec![at(9443, 40, second), at(9443, 0, first)],
            0,
            1,
        ),
        (
            "a request on another port, with a method that is not on the list",
            vec![at(9000, 0, &[b"X", &request[..]].concat())],
            0,
            1,
        ),
        ("a request on another port, behind an empty line", vec![at(9000, 0, &[b"\r\n", &request[..]].concat())], 0, 1),
        ("a request on another port, in one segment", vec![at(9000, 0, request)], 1, 1),
    ];
    // The sixth piece is the first: without the SYN, userspace does not know for what the others wait.
    let mut reversed = handshake(443);
    let pieces: Vec<&[u8]> = hello.chunks(hello.len().div_ceil(8)).collect();
    let mut offset = hello.len();
    for piece in pieces.iter().rev() {
        offset -= piece.len();
        reversed.push(at(443, offset as u32, piece));
    }
    classes.push(("a hello in more than five segments of which the first comes last", reversed, 0, 0));
    // A request in the middle of a segment, behind the body of another that was longer than the budget.
    let head = b"POST / HTTP/1.1\r\nHost: casino.example\r\nContent-Length: 100000\r\n\r\n";
    let mut upload = vec![at(80, 0, head)];
    let body_at = head.len() as u32;
    for n in 0..99 {
        upload.push(at(80, body_at + n * 1000, &long(1000)));
    }
    upload.push(at(80, body_at + 99_000, &[&long(1000)[..], request].concat()));
    classes.push(("a request that begins inside a segment, more than the budget behind the one before", upload, 2, 1));
    classes
}

#[test]
fn what_can_be_missed_is_what_the_page_says() {
    let page = include_str!("../../docs/prefilter.md");
    for (class, conversation, classic, ebpf) in classes() {
        for (choice, want) in [(PrefilterChoice::Classic, classic), (PrefilterChoice::Ebpf, ebpf)] {
            let Some((all, found)) = found(choice, &conversation) else { continue };
            assert!((1..=2).contains(&all), "{class}: {all} names without a filter");
            assert_eq!(found, want, "{choice:?}: {class}");
        }
        let missed = classic == 0 || ebpf == 0 || classic != ebpf;
        assert!(!missed || page.contains(&format!("- {class}")), "docs/prefilter.md does not tell of: {class}");
    }
}

#[test]
fn a_stream_is_cut_off_once_its_hello_was_seen() {
    let Some(mut filter) = filter(PrefilterChoice::Ebpf, Profile::Names) else { return };
    let hello = hello();
    let behind = 1000 + hello.len() as u32;
    assert!(!filter.passes(&to_port(9443, 999, SYN, b"")));
    assert!(filter.passes(&to_port(9443, 1000, ACK, &hello)));
    assert!(filter.passes(&to_port(9443, 1000, ACK, &hello)), "a repetition");
    for n in 0..20 {
        assert!(!filter.passes(&to_port(9443, behind + n * 1000, ACK, &[0xa7; 1000])), "{n}");
        assert!(!filter.passes(&from_port(9443, 5000 + n * 1000, ACK, &[0xa7; 1000])), "{n}");
    }
    assert!(!filter.passes(&to_port(9443, behind + 20_000, FIN | ACK, b"")));
    // New connections on the same ports: userspace is told, and reads them.
    assert!(filter.passes(&to_port(9443, 7_000_000, SYN, b"")));
    assert!(filter.passes(&to_port(9443, 7_000_001, ACK, &hello[..30])));
    assert!(filter.passes(&to_port(9443, 7_000_031, ACK, &hello[30..])));
    let counts = filter.counts().expect("counts");
    assert_eq!((counts.get(Cause::Begin), counts.get(Cause::StreamRead), counts.get(Cause::Control)), (3, 40, 1));
}

#[test]
fn a_stream_that_shows_nothing_is_cut_off_too() {
    let Some(mut filter) = filter(PrefilterChoice::Ebpf, Profile::Names) else { return };
    for from_client in [true, false] {
        let passed = (0..100).filter(|n| {
            let seq = 1000 + n * 1400;
            let segment = [0xa7; 1400];
            filter.passes(&if from_client {
                to_port(22, seq, ACK, &segment)
            } else {
                from_port(22, seq, ACK, &segment)
            })
        });
        assert_eq!(passed.count(), 6);
    }
    // Small segments say little: more of them pass.
    let passed = (0..5000).filter(|n| filter.passes(&to_port(23, 1000 + n, ACK, b"\xa7"))).count();
    assert_eq!(passed, 4096);
}

#[test]
fn outcomes_pass_what_names_do_not() {
    for choice in BOTH {
        let (Some(mut names), Some(mut outcomes)) = (filter(choice, Profile::Names), filter(choice, Profile::Outcomes))
        else {
            continue;
        };
        let syn_ack = from_port(443, 1, SYN | ACK, b"");
        assert!(!names.passes(&syn_ack) && outcomes.passes(&syn_ack), "{choice:?}");
        // A hello opens the conversation, so that an answer is one.
        let opening = to_port(443, 1000, ACK, &hello());
        assert!(names.passes(&opening) && outcomes.passes(&opening));
        for (what, packet) in [
            ("a server's hello", from_port(443, 2, ACK, &[&[0x16, 3, 3, 0, 90, 2][..], &[0; 89]].concat())),
            ("an alert", from_port(443, 97, ACK, &[0x15, 3, 3, 0, 2, 2, 40])),
            ("a response", from_port(443, 104, ACK, b"HTTP/1.1 451 Unavailable For Legal Reasons\r\n\r\n")),
            ("FIN", from_port(443, 150, FIN | ACK, b"")),
            ("RST", from_port(443, 151, RST, b"")),
        ] {
            assert!(!names.passes(&packet), "{choice:?}: {what}");
            assert!(outcomes.passes(&packet), "{choice:?}: {what}");
        }
        // The rest of a long answer does not pass.
        let rest = (0..20).filter(|n| outcomes.passes(&from_port(443, 200 + n * 1000, ACK, &[0xa7; 1000])));
        assert!(rest.count() <= 4, "{choice:?}");
    }
}

#[test]
fn fixed_numbers_of_both_programs_are_those_of_the_decoder() {
    use stakeout::extract::quic::Version;
    for choice in BOTH {
        let Some(mut filter) = filter(choice, Profile::Names) else { continue };
        for version in Version::ALL {
            let mut datagram = vec![0x80];
            datagram.extend_from_slice(&version.wire().to_be_bytes());
            datagram.extend_from_slice(&[0; 40]);
            let packet =
                crate::packets::ethernet(0x0800, &crate::packets::ipv4(17, &crate::packets::udp(1, 2, &datagram)));
            assert!(filter.passes(&packet), "{choice:?}: {version:?}");
            datagram[4] ^= 0x40;
            let packet =
                crate::packets::ethernet(0x0800, &crate::packets::ipv4(17, &crate::packets::udp(1, 2, &datagram)));
            assert!(!filter.passes(&packet), "{choice:?}: {version:?} changed");
        }
    }
}
