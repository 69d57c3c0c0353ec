//! Frames for the decoder: the generator's, with their tunnels, and hand-made ones for the link types and headers that
//! it does not use.

use std::collections::BTreeSet;

use super::{Seeds, generator};

/// Puts frames behind the number that chooses the link type, each with its options and its length.
fn seed(link: u8, frames: &[&[u8]]) -> Vec<u8> {
    let mut seed = vec![link, link];
    for frame in frames {
        seed.push(0);
        seed.extend_from_slice(&(frame.len() as u16).to_be_bytes());
        seed.extend_from_slice(frame);
    }
    seed
}

fn ip4(id: u16, fragment: u16, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len()) as u16;
    let [l0, l1, i0, i1, f0, f1] = [length, id, fragment].map(u16::to_be_bytes).concat()[..] else { unreachable!() };
    let header = [0x45, 0, l0, l1, i0, i1, f0, f1, 64, protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2];
    [&header[..], payload].concat()
}

fn ip6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = [0; 40];
    header[0] = 0x60;
    header[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    header[6..8].copy_from_slice(&[next, 64]);
    header[8..12].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
    header[24..28].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
    header[39] = 2;
    [&header[..], payload].concat()
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let header = [4321, port, (8 + payload.len()) as u16, 0].map(u16::to_be_bytes).concat();
    [&header[..], payload].concat()
}

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &ethertype.to_be_bytes(), payload].concat()
}

fn tunnel(port: u16, header: &[u8], inside: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ip4(1, 0, 17, &udp(port, &[header, inside].concat())))
}

pub(super) fn decode() -> Seeds {
    let (inner4, inner6) = (ip4(1, 0, 17, &udp(53, b"question")), ip6(17, &udp(53, b"question")));
    let frame = ethernet(0x0800, &inner4);
    let wifi =
        [&[0x88, 3, 0, 0][..], &[1; 18], &[0, 0], &[1; 6], &[0, 0], &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &inner4].concat();
    let mut seeds = vec![
        seed(0, &[&frame, &ethernet(0x86dd, &inner6)]),
        // Fragments: in order, out of order, overlapping, of IPv6.
        seed(
            0,
            &[
                &ethernet(0x0800, &ip4(7, 0x2000, 17, &udp(53, &[1; 8])[..16])),
                &ethernet(0x0800, &ip4(7, 2, 17, &[2; 16])),
            ],
        ),
        seed(12, &[&ip4(7, 2, 17, &[2; 16]), &ip4(7, 0x2001, 17, &[3; 16]), &ip4(7, 0x2000, 17, &udp(53, &[1; 8]))]),
        seed(
            12,
            &[
                &ip6(44, &[&[17, 0, 0, 1, 0, 0, 0, 9][..], &udp(53, &[1; 8])].concat()),
                &ip6(44, &[&[17, 0, 0, 16, 0, 0, 0, 9][..], &[2; 8]].concat()),
            ],
        ),
        seed(
            0,
            &[&tunnel(4789, &[8, 0, 0, 0, 0, 0, 1, 0], &frame), &tunnel(6081, &[0, 0, 0x65, 0x58, 0, 0, 1, 0], &frame)],
        ),
        seed(0, &[&tunnel(2152, &[0x32, 0xff, 0, 40, 0, 0, 0, 9, 0, 1, 0, 0], &inner4), &tunnel(3544, &[], &inner6)]),
        seed(
            0,
            &[
                &tunnel(1701, &[0, 2, 0, 7, 0, 1, 0xff, 3, 0, 0x21], &inner4),
                &tunnel(5247, &[0, 0x10, 3, 0, 0, 0, 0, 0], &wifi),
            ],
        ),
        seed(
            0,
            &[&ethernet(0x0800, &ip4(1, 0, 47, &[&[0x30, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &inner4].concat()))],
        ),
        seed(
            0,
            &[&ethernet(
                0x0800,
                &ip4(1, 0, 47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 5, 0, 1, 0, 0, 0, 0][..], &frame].concat()),
            )],
        ),
        seed(0, &[&ethernet(0x88a8, &[&[0, 1, 0x81, 0, 0, 2, 0x86, 0xdd][..], &inner6].concat())]),
        seed(0, &[&ethernet(0x8847, &[&[0, 1, 1, 64, 0, 0, 0, 0][..], &frame].concat())]),
        seed(0, &[&ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 38, 0, 0x21][..], &inner4].concat())]),
        seed(
            0,
            &[&ethernet(
                0x86dd,
                &ip6(0, &[&[43, 0, 5, 2, 0, 0, 1, 0][..], &[17, 0, 0, 0, 0, 0, 0, 0], &udp(53, b"q")].concat()),
            )],
        ),
        seed(0, &[&ethernet(0x0800, &ip4(1, 0, 4, &inner4)), &ethernet(0x0800, &ip4(1, 0, 41, &inner6))]),
        seed(5, &[&[&[0xff, 3, 0, 0x21][..], &inner4].concat(), &[&[0x0f, 0, 8, 0][..], &inner4].concat()]),
        seed(1, &[&[&[2, 0, 0, 0][..], &inner4].concat()]),
        seed(19, &[&[&[0; 14][..], &[8, 0], &inner4].concat()]),
        seed(44, &[&[&[8, 0][..], &[0; 18], &inner4].concat()]),
        seed(24, &[&[&[0, 0, 8, 0, 0, 0, 0, 0][..], &wifi].concat()]),
        seed(16, &[&wifi]),
        seed(17, &[&[&[0x18, 0x41, 3, 0xcc][..], &inner4].concat()]),
        seed(
            38,
            &[&[&[2, 0, 0, 0, 8, 0, 1, 0, 7, 0, 0, 0][..], &[(inner4.len() + 4) as u8, 0, 9, 0], &inner4].concat()],
        ),
    ];
    // One frame of each way in which the generator wraps packets, as the octets behind the addresses tell them apart.
    let (mut generator, mut frame, mut seen) = (generator(6, 4000), Vec::new(), BTreeSet::new());
    while generator.next_frame(&mut frame).is_some() && seeds.len() < super::MAX_SEEDS {
        if frame.len() < 400 && seen.insert(frame[12..24].to_vec()) {
            seeds.push(seed(0, &[&frame]));
        }
    }
    seeds
}
