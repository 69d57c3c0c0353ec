//! The generator as a whole. What is sent is read back by the small decoder below, which shares nothing with the code
//! that wrote it.

use std::collections::{BTreeMap, HashSet};

use super::*;

fn listed() -> Vec<String> {
    (0..40).map(|n| format!("lucky-{n}.example")).collect()
}

fn generator(profile: Profile, seed: u64) -> Generator {
    Generator::new(profile, seed, listed(), Timestamp::from_parts(1_800_000_000, 0)).with_truth()
}

/// What was found in a frame.
#[derive(Default)]
struct Seen {
    encap: Vec<&'static str>,
    /// Innermost IP payload that was checked.
    transport: Option<u8>,
}

fn be16(octets: &[u8], at: usize) -> usize {
    usize::from(octets[at]) << 8 | usize::from(octets[at + 1])
}

/// Ones' complement sum, word by word; 0xffff where the checksum is right.
fn sum(parts: &[&[u8]]) -> u32 {
    let all: Vec<u8> = parts.concat();
    let mut sum = 0u32;
    for at in (0..all.len()).step_by(2) {
        sum += u32::from(all[at]) << 8 | u32::from(*all.get(at + 1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

fn link(frame: &[u8], seen: &mut Seen) {
    assert!(frame.len() >= 34, "too short");
    let mut at = 12;
    loop {
        let ethertype = be16(frame, at);
        at += 2;
        match ethertype {
            0x8100 | 0x88a8 => {
                seen.encap.push(if ethertype == 0x8100 { "vlan" } else { "qinq" });
                at += 2;
            }
            0x8864 => {
                seen.encap.push("pppoe");
                let len = be16(frame, at + 4);
                assert!(matches!(be16(frame, at + 6), 0x21 | 0x57));
                return ip(&frame[at + 8..at + 6 + len], seen, true);
            }
            0x8847 => {
                seen.encap.push("mpls");
                while frame[at + 2] & 1 == 0 {
                    at += 4;
                }
                return ip(&frame[at + 4..], seen, false);
            }
            0x0800 | 0x86dd => return ip(&frame[at..], seen, false),
            0x0806 => return,
            _ => panic!("unknown EtherType {ethertype:#x}"),
        }
    }
}

fn ip(packet: &[u8], seen: &mut Seen, exact: bool) {
    let (header, total, protocol, fragment) = match packet[0] >> 4 {
        4 => {
            assert_eq!(sum(&[&packet[..20]]), 0xffff, "IPv4 header checksum");
            (20, be16(packet, 2), packet[9], be16(packet, 6) & 0x3fff != 0)
        }
        6 => (40, 40 + be16(packet, 4), packet[6], packet[6] == 44),
        _ => panic!("neither IPv4 nor IPv6"),
    };
    assert!(total <= 1_500 && total <= packet.len() && (!exact || total == packet.len()));
    let addresses = if header == 20 { &packet[12..20] } else { &packet[8..40] };
    let payload = &packet[header..total];
    let pseudo = [0, protocol, (payload.len() >> 8) as u8, payload.len() as u8];
    match protocol {
        _ if fragment => seen.encap.push("fragment"),
        6 => {
            assert_eq!(sum(&[addresses, &pseudo, payload]), 0xffff, "TCP checksum");
            assert!(usize::from(payload[12] >> 4) * 4 <= payload.len());
            seen.transport = Some(6);
        }
        17 => {
            assert_eq!(be16(payload, 4), payload.len(), "UDP length");
            let tunnel = be16(payload, 2);
            if be16(payload, 6) == 0 {
                assert!(header == 20 && matches!(tunnel, 4789 | 2152), "only tunnels may go without a checksum");
            } else {
                assert_eq!(sum(&[addresses, &pseudo, payload]), 0xffff, "UDP checksum");
            }
            match tunnel {
                4789 => {
                    seen.encap.push("vxlan");
                    link(&payload[16..], seen);
                }
                2152 => {
                    seen.encap.push("gtp-u");
                    assert_eq!(be16(payload, 10) + 16, payload.len(), "GTP-U length");
                    let extended = payload[8] & 4 != 0;
                    ip(&payload[if extended { 24 } else { 16 }..], seen, true);
                }
                _ => seen.transport = Some(17),
            }
        }
        47 => {
            seen.encap.push("gre");
            ip(&payload[if payload[0] & 0x20 != 0 { 8 } else { 4 }..], seen, true);
        }
        1 => assert_eq!(sum(&[payload]), 0xffff, "ICMP checksum"),
        58 => assert_eq!(sum(&[addresses, &pseudo, payload]), 0xffff, "ICMPv6 checksum"),
        50 => {}
        _ => panic!("protocol {protocol}"),
    }
}

#[test]
fn the_same_seed_gives_the_same_octets() {
    let bytes = |seed| {
        let mut out = Vec::new();
        write_pcap(&mut generator(Profile::provider().frames(20_000), seed), &mut out, true).unwrap();
        out
    };
    let first = bytes(1);
    assert!(first == bytes(1));
    assert!(first != bytes(2));
}

#[test]
fn every_frame_is_well_formed_and_every_wrapping_occurs() {
    let mut generator = generator(Profile::provider().frames(60_000), 3);
    let (mut frame, mut last, mut encaps) = (Vec::new(), Timestamp::default(), BTreeMap::new());
    while let Some(ts) = generator.next_frame(&mut frame) {
        assert!(ts >= last, "time goes backwards");
        last = ts;
        assert!((60..=1_530).contains(&frame.len()));
        let mut seen = Seen::default();
        link(&frame, &mut seen);
        for encap in seen.encap {
            *encaps.entry(encap).or_insert(0) += 1;
        }
    }
    let names: Vec<_> = encaps.keys().copied().collect();
    assert_eq!(names, ["fragment", "gre", "gtp-u", "mpls", "pppoe", "qinq", "vlan", "vxlan"], "{encaps:?}");
}

#[test]
fn every_way_occurs_and_truth_and_statistics_agree() {
    let mut generator = generator(Profile::names().frames(60_000).listed_share(0.1), 4);
    let mut frame = Vec::new();
    while generator.next_frame(&mut frame).is_some() {}
    let truth = generator.take_truth();
    let stats = generator.stats();
    assert_eq!(truth.len() as u64, stats.names);
    let visits = truth.iter().filter(|t| t.listed && t.kind.is_visit()).count() as u64;
    assert_eq!(visits, stats.listed_visits);
    assert!(visits * 20 > stats.names && stats.damaged > 50 && stats.mirrored > 20, "{stats:?}");
    assert!(stats.name_frames * 100 > stats.frames * 88, "little else in this profile: {stats:?}");
    let mut ways: HashSet<(Proto, &str)> = WAYS.iter().flat_map(|(p, ways)| ways.iter().map(|w| (*p, *w))).collect();
    let known = ways.clone();
    for told in &truth {
        assert!(known.contains(&(told.proto, told.how)), "{} is not in WAYS", told.how);
        ways.remove(&(told.proto, told.how));
    }
    assert!(ways.is_empty(), "never sent: {ways:?}");
    let list: Vec<_> = listed().iter().map(|n| DomainName::from_text(n.as_bytes()).unwrap()).collect();
    for told in &truth {
        assert_eq!(told.listed, list.iter().any(|n| told.name.is_within(n)), "{}", told.name);
    }
    assert!(truth.iter().any(|t| t.cname.iter().any(|c| list.iter().any(|n| c.is_within(n)))), "a cloaked name");
    assert!(generator.take_truth().is_empty());
}

#[test]
fn names_that_were_begun_are_sent_whole() {
    for profile in [Profile::provider().frames(5_000), Profile::names().frames(3_000)] {
        let mut generator = generator(profile, 5);
        let mut frame = Vec::new();
        while generator.next_frame(&mut frame).is_some() {}
        assert!(generator.scripts.iter().all(|s| s.note_at == s.notes.len() && s.at == s.steps.len()));
        assert!(generator.agenda.is_empty() && generator.mirror.is_empty());
    }
}

#[test]
fn the_providers_mix_is_like_a_providers() {
    let mut generator = generator(Profile::provider().frames(400_000), 6);
    let mut frame = Vec::new();
    while generator.next_frame(&mut frame).is_some() {}
    let stats = generator.stats();
    let per_mille = stats.name_frames * 1_000 / stats.frames;
    assert!((22..=42).contains(&per_mille), "{per_mille} ‰ of {stats:?}");
    let mean = stats.octets / stats.frames;
    assert!((730..=870).contains(&mean), "mean {mean}");
    assert!(stats.frames < 440_000);
    for (proto, _) in WAYS {
        assert!(generator.truth.iter().flatten().filter(|t| t.proto == proto).count() > 100, "{proto:?}");
    }
}

#[test]
fn the_demo_takes_a_minute_of_packet_time() {
    let mut generator = generator(Profile::demo(), 7);
    let (mut frame, mut times) = (Vec::new(), Vec::new());
    while let Some(ts) = generator.next_frame(&mut frame) {
        times.push(ts);
    }
    assert!((60_000..100_000).contains(&times.len()), "{}", times.len());
    let length = times[times.len() - 1].nanos_since(times[0]);
    assert!((54_000_000_000..60_000_000_000).contains(&length), "{length}");
    let visits = generator.stats().listed_visits;
    assert!((30..200).contains(&visits), "{visits}");
}

#[test]
fn memory_does_not_grow_with_the_traffic() {
    let mut generator = Generator::new(Profile::names(), 8, listed(), Timestamp::default());
    let mut frame = Vec::new();
    let held = |g: &Generator| -> usize {
        let scripts = g.scripts.iter().map(|s| s.octets.capacity() + s.text.capacity() + 64 * s.steps.capacity());
        scripts.sum::<usize>() + g.agenda.capacity() * 16 + g.spare.len() * 2_048
    };
    for _ in 0..300_000 {
        assert!(generator.next_frame(&mut frame).is_some());
    }
    assert!(held(&generator) < 24 << 20, "{}", held(&generator));
    assert!(generator.take_truth().is_empty(), "nobody asked");
}

#[test]
fn captures_are_classic_pcap() {
    for (ns, magic) in [(true, 0xa1b2_3c4d_u32), (false, 0xa1b2_c3d4)] {
        let mut out = Vec::new();
        let stats = write_pcap(&mut generator(Profile::names().frames(500), 9), &mut out, ns).unwrap();
        assert_eq!(out[..4], magic.to_le_bytes());
        let (mut at, mut frames, mut last) = (24, 0, 0);
        while at < out.len() {
            let field = |n: usize| u32::from_le_bytes(out[at + 4 * n..at + 4 * n + 4].try_into().unwrap());
            assert_eq!(field(2), field(3));
            let fraction = u64::from(field(1));
            assert!(fraction < if ns { 1_000_000_000 } else { 1_000_000 });
            let time = u64::from(field(0)) * 1_000_000_000 + fraction * if ns { 1 } else { 1_000 };
            assert!(time >= last && field(0) >= 1_800_000_000);
            (last, frames) = (time, frames + 1);
            at += 16 + field(2) as usize;
        }
        assert_eq!(frames, stats.frames);
    }
}
