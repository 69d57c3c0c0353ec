//! Several workers on one interface: every packet reaches exactly one of them, both directions of a flow and all fragments
//! of a datagram the same one, whatever they are wrapped in, and the load is spread.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use stakeout::capture::ring::{Group, RingConfig, RingSource};
use stakeout::capture::{CaptureStats, PacketSource};

use crate::lab::namespace::{inside, run_inside, send};
use crate::lab::packets::{TCP, UDP, ethernet, ip, tcp, udp};
use crate::tool::{PATIENCE, live};

#[test]
fn workers_share_an_interface_by_flow() {
    run_inside("workers::inside_share");
}

/// Opens so many sources in one group.
fn open(workers: usize) -> Vec<RingSource> {
    let group = Arc::new(Group::default());
    let one = |n: usize| RingConfig {
        group: Some(Arc::clone(&group)),
        counts_interface_drops: n == 0,
        ..RingConfig::new(live())
    };
    (0..workers).map(|n| RingSource::open(&one(n)).expect("opens")).collect()
}

fn serial(frame: &[u8]) -> u32 {
    u32::from_be_bytes(*frame.last_chunk().expect("four octets"))
}

/// Which worker got each frame; the last four octets of a frame say which it is.
fn shared(sources: &mut [RingSource], frames: &[Vec<u8>]) -> BTreeMap<u32, usize> {
    let mut owner = BTreeMap::new();
    // The kernel closes a block after the timeout however empty it is, so a ring that nobody reads holds few frames.
    for some in frames.chunks(500) {
        send(some);
        collect(sources, some, &mut owner);
    }
    owner
}

fn collect(sources: &mut [RingSource], frames: &[Vec<u8>], owner: &mut BTreeMap<u32, usize>) {
    let deadline = Instant::now() + PATIENCE;
    let all = owner.len() + frames.len();
    let mut idle = 0;
    while owner.len() < all || idle < 3 {
        assert!(
            Instant::now() < deadline,
            "{} of {} frames came, the first that did not is {:02x?}; {:?}",
            owner.len(),
            all,
            frames.iter().find(|f| !owner.contains_key(&serial(f))),
            sources.iter_mut().map(PacketSource::stats).collect::<Vec<_>>()
        );
        idle += 1;
        for (n, source) in sources.iter_mut().enumerate() {
            let mut look = |f: stakeout::capture::Frame<'_>| {
                assert_eq!(owner.insert(serial(f.data), n), None, "it came twice: {:02x?}", f.data);
                idle = 0;
            };
            source.poll(100, &mut look).expect("polls");
        }
    }
}

/// Ways of wrapping an Ethernet frame that the spreading looks behind.
fn wrap(way: usize, frame: &[u8]) -> Vec<u8> {
    let v6 = frame[12] == 0x86;
    let (addresses, rest, packet) = (&frame[..12], &frame[12..], &frame[14..]);
    let ppp: &[u8] = if v6 { &[0, 0x57] } else { &[0, 0x21] };
    let between: &[u8] = match way {
        0 => return frame.to_vec(),
        1 => return [addresses, &[0x81, 0, 0, 7], rest].concat(),
        2 => return [addresses, &[0x88, 0xa8, 0, 9, 0x81, 0, 0, 7], rest].concat(),
        3 => return [addresses, &[0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3], rest].concat(),
        4 => &[0x88, 0x64, 0x11, 0, 0, 1, 0, 0],
        5 => &[0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 0],
        6 => return [addresses, &[0x88, 0x47, 0, 0, 0x11, 64], packet].concat(),
        _ => return [addresses, &[0x88, 0x47, 0, 0, 0x10, 64, 0, 0, 0x20, 64, 0, 0, 0x31, 64], packet].concat(),
    };
    [addresses, between, ppp, packet].concat()
}
const WAYS: usize = 8;

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_share() {
    if !inside() {
        return;
    }
    let mut sources = open(3);
    // The kind of each frame: frames of the same kind must reach the same worker.
    let mut kinds: Vec<(u32, &str)> = Vec::new();
    let mut frames: Vec<Vec<u8>> = Vec::new();
    let mut add = |kind: (u32, &'static str), mut frame: Vec<u8>| {
        frame.extend_from_slice(&(kinds.len() as u32).to_be_bytes());
        kinds.push(kind);
        frames.push(frame);
    };
    for n in 0..240_u32 {
        let v4 = |host: u32| IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host));
        let v6 = |host: u32| IpAddr::V6(Ipv6Addr::from(0x2001_0db8_0000_0000_0000_0000_0000_0000 + u128::from(host)));
        for (client, server, family) in [(v4(n), v4(0xffff), false), (v6(n), v6(0xffff), true)] {
            let port = 40_000 + (n * 7) as u16;
            let text = [0x55; 40];
            let tcp_there = ip(client, server, TCP, 1, &tcp(port, 443, 1, 0x18, &text));
            let tcp_back = ip(server, client, TCP, 2, &tcp(443, port, 1, 0x18, &text));
            let udp_there = ip(client, server, UDP, 3, &udp(port, 53, &text));
            let mut udp_back = ip(server, client, UDP, 4, &udp(53, port, &text));
            if family {
                // Only one side sets a flow label, which must not part the two.
                udp_back[1..4].copy_from_slice(&[0x0b, 0xee, 0x0f]);
            }
            let name = if family { "v6" } else { "v4" };
            for way in 0..WAYS {
                for packet in [&tcp_there, &tcp_back] {
                    add((n, if family { "tcp6" } else { "tcp4" }), wrap(way, &ethernet(family, packet)));
                }
                for packet in [&udp_there, &udp_back] {
                    add((n, if family { "udp6" } else { "udp4" }), wrap(way, &ethernet(family, packet)));
                }
            }
            // All fragments go by the addresses, and so does what has no ports.
            let other = ip(client, server, 50, 5, &text);
            add((n, name), ethernet(family, &other));
            if !family {
                for offset in [0x2000_u16, 0x2005, 0x000a] {
                    let mut piece = udp_there.clone();
                    piece[6..8].copy_from_slice(&offset.to_be_bytes());
                    add((n, name), ethernet(false, &piece));
                }
            }
        }
    }
    let owner = shared(&mut sources, &frames);
    let mut by_kind: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    for (serial, kind) in kinds.iter().enumerate() {
        let worker = owner[&(serial as u32)];
        let first = *by_kind.entry(*kind).or_insert(worker);
        assert_eq!(worker, first, "frame {serial} of {kind:?} parted from its like");
    }
    for kind in ["tcp4", "tcp6", "udp4", "udp6", "v4", "v6"] {
        let mut load = [0; 3];
        by_kind.iter().filter(|((_, k), _)| *k == kind).for_each(|(_, worker)| load[*worker] += 1);
        // A fair die does worse than this once in many million runs, and this one is thrown the same way every time.
        assert!(load.iter().all(|n| *n > 40), "{kind}: {load:?}");
    }

    // Each was counted once, by the worker that got it.
    let stats: Vec<_> = sources.iter_mut().map(PacketSource::stats).collect();
    let mut total = CaptureStats::default();
    stats.iter().for_each(|s| total += *s);
    assert_eq!(total, CaptureStats { received: frames.len() as u64, ..CaptureStats::default() });
    for (n, stats) in stats.iter().enumerate() {
        assert_eq!(stats.received, owner.values().filter(|w| **w == n).count() as u64);
    }

    // A second group is another program's: it gets everything too.
    let mut others = open(2);
    let few = &frames[..200];
    assert_eq!(shared(&mut others, few).len(), 200);
    let mut owner = BTreeMap::new();
    collect(&mut sources, &[], &mut owner);
    assert_eq!(owner.len(), 200);
}
