//! Frame by frame: what the ring shows is what libpcap shows, and what was sent.

use std::net::UdpSocket;
use std::time::Duration;

use stakeout::capture::ring::{Filter, Instruction, RingConfig, RingSource};
use stakeout::capture::{CaptureError, CaptureStats, LiveConfig, PacketSource, Poll};
use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile};

use crate::lab::namespace::{TAP, inside, run_inside, send};
use crate::tool::{assert_same, ip, live, pcap, ring, take};

#[test]
fn both_backends_show_every_frame_as_it_was_sent() {
    run_inside("frames::inside_same");
}

#[test]
fn super_packets_and_the_snap_length() {
    run_inside("frames::inside_large");
}

#[test]
fn loopback_and_outgoing_packets() {
    run_inside("frames::inside_directions");
}

#[test]
fn other_kinds_of_interface() {
    run_inside("frames::inside_kinds");
}

#[test]
fn filters_are_attached_before_the_first_packet() {
    run_inside("frames::inside_filter");
}

#[test]
fn a_full_ring_counts_what_it_loses_and_goes_on() {
    run_inside("frames::inside_full");
}

/// An Ethernet frame of `len` octets with these octets between the addresses and the payload.
pub(crate) fn frame(between: &[u8], len: usize, serial: u16) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 0xfe, 2, 0, 0, 0, 0, 1];
    frame.extend_from_slice(between);
    frame.extend_from_slice(&serial.to_be_bytes());
    let mut octet = serial as u8;
    frame.resize_with(len.max(frame.len()), || {
        octet = octet.wrapping_mul(5).wrapping_add(1);
        octet
    });
    frame
}

/// Every way of tagging, then a mix of traffic in tunnels and tags.
pub(crate) fn corpus() -> Vec<Vec<u8>> {
    let stacks: [&[u8]; 10] = [
        &[0x08, 0x00],
        &[0x81, 0, 0, 7, 0x08, 0x00],
        &[0x81, 0, 0, 0, 0x08, 0x00],
        &[0x81, 0, 0xef, 0xfe, 0x08, 0x00],
        &[0x88, 0xa8, 0, 9, 0x81, 0, 0, 7, 0x08, 0x00],
        &[0x81, 0, 0, 9, 0x81, 0, 0, 7, 0x86, 0xdd],
        &[0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x08, 0x00],
        &[0x91, 0, 0, 9, 0x81, 0, 0, 7, 0x08, 0x00],
        &[0x88, 0x47, 0, 0, 0x11, 0xff],
        &[0x88, 0xcc],
    ];
    let lengths = [60, 61, 64, 128, 1499, 1514, 1518, 3000];
    let mut frames: Vec<_> = stacks
        .iter()
        .flat_map(|stack| lengths.map(|len| (stack, len)))
        .enumerate()
        .map(|(i, (stack, len))| frame(stack, len, i as u16))
        .collect();
    let mut generator = Generator::new(
        Profile::provider().frames(3_000),
        5,
        vec!["casino.example".into()],
        Timestamp::from_parts(1, 0),
    );
    let mut next = Vec::new();
    while generator.next_frame(&mut next).is_some() {
        frames.push(next.clone());
    }
    frames
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_same() {
    if !inside() {
        return;
    }
    let frames = corpus();
    // Many at a time, and few, so that a visit stops in the middle of a block.
    for at_once in [1 << 20, 1] {
        let (mut ring, mut pcap) = (ring(live()), pcap(&live()));
        let before = Timestamp::now();
        let (mut by_ring, mut by_pcap) = (Vec::new(), Vec::new());
        // Fewer than the kernel lets wait for a processor that is busy: what it loses there no source ever sees.
        for some in frames.chunks(500) {
            send(some);
            by_ring.extend(take(&mut ring, some.len(), at_once));
            by_pcap.extend(take(&mut pcap, some.len(), at_once));
        }
        assert_same(&by_ring, &by_pcap);
        let sent: Vec<_> = frames.iter().map(|f| (1, f.len() as u32, f.clone())).collect();
        assert_same(&by_ring, &sent);
        let all = frames.len() as u64;
        for stats in [ring.stats(), pcap.stats()] {
            assert_eq!(stats, CaptureStats { received: all, ..CaptureStats::default() });
        }
        assert_eq!(ring.stats(), CaptureStats::default(), "counts are deltas");

        send(&frames[..1]);
        let mut at = None;
        while at.is_none() {
            ring.poll(9, &mut |f| at = Some(f.ts)).expect("polls");
        }
        let at = at.expect("a frame");
        assert!(at > before && at <= Timestamp::now(), "nanoseconds of the wall clock: {at:?}");
        assert_eq!(ring.poll(9, &mut |_| {}).expect("polls"), Poll::Idle);
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_large() {
    if !inside() {
        return;
    }
    for end in [TAP, crate::lab::namespace::MIRROR] {
        ip(&format!("link set {end} mtu 65535"));
    }
    // As the kernel joins segments: up to 64 KiB, tagged or not.
    let lengths = [9_000, 16_400, 32_768, 60_000, 65_540];
    let frames: Vec<_> = lengths
        .iter()
        .flat_map(|len| [frame(&[0x08, 0x00], *len, 1), frame(&[0x81, 0, 0, 7, 0x08, 0x00], *len, 2)])
        .collect();
    for snaplen in [262_144, 1_000] {
        // The smallest buffer, too.
        for buffer_bytes in [1 << 20, 64 << 20] {
            let config = LiveConfig { snaplen, buffer_bytes, ..live() };
            let (mut ring, mut pcap) = (ring(config.clone()), pcap(&config));
            for pair in frames.chunks(2) {
                send(pair);
                let by_ring = take(&mut ring, pair.len(), 64);
                assert_same(&by_ring, &take(&mut pcap, pair.len(), 64));
                for ((_, length, data), sent) in by_ring.iter().zip(pair) {
                    assert_eq!(*length as usize, sent.len());
                    assert!(sent.starts_with(data) && data.len() >= sent.len().min(snaplen as usize));
                }
            }
            assert_eq!(ring.stats().dropped_kernel, 0);
        }
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_directions() {
    if !inside() {
        return;
    }
    // What leaves the interface is seen too, tagged or not.
    let config = LiveConfig { interface: TAP.into(), ..live() };
    let (mut by_ring, mut by_pcap) = (ring(config.clone()), pcap(&config));
    let frames = corpus();
    send(&frames[..80]);
    let seen = take(&mut by_ring, 80, 64);
    assert_same(&seen, &take(&mut by_pcap, 80, 64));

    // On loopback a packet is on its way out and in again; it is one all the same.
    let config = LiveConfig { interface: "lo".into(), ..live() };
    let (mut by_ring, mut by_pcap) = (ring(config.clone()), pcap(&config));
    let socket = UdpSocket::bind("127.0.0.1:0").expect("binds");
    for n in 0..20 {
        socket.send_to(&[n; 100], "127.0.0.1:9").expect("sends");
    }
    let udp = |seen: Vec<_>| -> Vec<_> {
        seen.into_iter().filter(|(_, _, data): &(u32, u32, Vec<u8>)| data.len() == 142 && data[23] == 17).collect()
    };
    let (seen, reference) = (udp(take(&mut by_ring, 20, 64)), udp(take(&mut by_pcap, 20, 64)));
    assert_same(&seen, &reference);
    assert_eq!(seen.len(), 20);
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_kinds() {
    if !inside() {
        return;
    }
    // Frames that begin with IP.
    ip("tuntap add dev tun0 mode tun");
    ip("link set tun0 up");
    let config = LiveConfig { interface: "tun0".into(), ..live() };
    assert_eq!((ring(config.clone()).linktype(), pcap(&config).linktype()), (101, 101));
    // What only libpcap reads, and what is not there or not up.
    let open = |interface: &str| {
        let live = LiveConfig { interface: interface.into(), ..live() };
        RingSource::open(&RingConfig::new(live)).err().expect("must not open")
    };
    assert!(matches!(open("any"), CaptureError::RingUnfit { .. }));
    assert!(matches!(open("nosuch0"), CaptureError::NoSuchInterface { .. }));
    ip("link set tun0 down");
    assert!(matches!(open("tun0"), CaptureError::InterfaceDown { .. }));
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_filter() {
    if !inside() {
        return;
    }
    // Frames of LLDP, 100 octets of each: ldh [12]; jeq #0x88cc; ret #100; ret #0.
    let lldp = [(0x28, 0, 0, 12), (0x15, 0, 1, 0x88cc), (0x06, 0, 0, 100), (0x06, 0, 0, 0)];
    let program: Vec<_> = lldp.iter().map(|&(code, jt, jf, k)| Instruction { code, jt, jf, k }).collect();
    let config = RingConfig { filter: Filter::Classic(program.clone().into()), ..RingConfig::new(live()) };
    let mut source = RingSource::open(&config).expect("opens");
    let frames = corpus();
    send(&frames[..80]);
    let expected: Vec<_> = frames[..80]
        .iter()
        .filter(|f| f[12..14] == [0x88, 0xcc])
        .map(|f| (1, f.len() as u32, f[..f.len().min(100)].to_vec()))
        .collect();
    assert_same(&take(&mut source, expected.len(), 64), &expected);
    assert_eq!(source.stats().received, expected.len() as u64, "the others were never in the ring");

    // Attached later, by hand.
    let mut source = ring(live());
    stakeout::capture::ring::attach(&source, &program).expect("attaches");
    send(&frames[..80]);
    assert_same(&take(&mut source, expected.len(), 64), &expected);

    // A program that is not sound keeps the ring from opening.
    let config = RingConfig { filter: Filter::Classic(vec![program[1]].into()), ..RingConfig::new(live()) };
    assert!(matches!(RingSource::open(&config), Err(CaptureError::Live { .. })));
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_full() {
    if !inside() {
        return;
    }
    let config = LiveConfig { buffer_bytes: 1 << 20, ..live() };
    let mut source = ring(config);
    let frames: Vec<_> = (0..2_000).map(|n| frame(&[0x08, 0x00], 1514, n)).collect();
    send(&frames);
    std::thread::sleep(Duration::from_millis(200));
    let mut seen = Vec::new();
    while source.poll(100, &mut |f| seen.push(f.data.to_vec())).expect("polls") != Poll::Idle {}
    let stats = source.stats();
    assert_eq!(stats.received, 2_000);
    assert!(stats.dropped_kernel > 0 && stats.freezes > 0, "{stats:?}");
    assert_eq!(seen.len() as u64 + stats.dropped_kernel, 2_000);
    assert!(seen.iter().zip(&frames).all(|(a, b)| a == b), "what fitted is as it was");
    // The ring takes packets again.
    send(&frames[..50]);
    assert_eq!(take(&mut source, 50, 7).len(), 50);
    assert_eq!(source.stats(), CaptureStats { received: 50, ..CaptureStats::default() });
}
