//! Capture files: the generator's traffic, and headers put together by hand for what it does not write.

use std::io::Write;

use super::{Seeds, generator, traffic};

/// A frame of the generator's, short enough to stand several times in a seed.
fn frame() -> Vec<u8> {
    let (mut generator, mut frame) = (generator(5, 400), Vec::new());
    while generator.next_frame(&mut frame).is_some() {
        if frame.len() < 120 {
            return frame;
        }
    }
    panic!("no short frame");
}

/// The first whole records of a capture that fit into a seed.
fn head(file: &[u8], room: usize) -> Vec<u8> {
    let mut end = 24;
    while let Some(len) = file.get(end + 8..end + 12) {
        let next = end + 16 + u32::from_le_bytes([len[0], len[1], len[2], len[3]]) as usize;
        if next > room {
            break;
        }
        end = next;
    }
    file[..end].to_vec()
}

/// A classic file written by hand, in either byte order.
fn classic(magic: u32, version: (u16, u16), big: bool, extra: usize, records: &[(u32, &[u8])]) -> Vec<u8> {
    let u32 = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let u16 = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut file = [u32(magic).as_slice(), &u16(version.0), &u16(version.1), &[0; 8], &u32(65_535), &u32(1)].concat();
    for (secs, data) in records {
        for value in [*secs, 1000, data.len() as u32, data.len() as u32] {
            file.extend_from_slice(&u32(value));
        }
        file.resize(file.len() + extra, 0);
        file.extend_from_slice(data);
    }
    file
}

pub(super) fn pcap() -> Seeds {
    let frame = frame();
    let records: Vec<(u32, &[u8])> = (0..4).map(|i| (1_800_000_000 + i, &frame[..])).collect();
    let plain = classic(0xa1b2_c3d4, (2, 4), false, 0, &records);
    // A record whose length cannot be true, with good ones behind it.
    let mut damaged = plain.clone();
    damaged[24 + 11] = 0xff;
    let mut hole = plain.clone();
    hole.splice(24..24, [0; 40]);
    vec![
        head(&traffic(1, 100, false), 2000),
        head(&traffic(2, 100, true), 2000),
        plain.clone(),
        classic(0xa1b2_c3d4, (2, 4), true, 0, &records),
        classic(0xa1b2_3c4d, (2, 4), true, 0, &records),
        classic(0xa1b2_cd34, (2, 4), false, 8, &records),
        classic(0xa1b2_c3d4, (2, 2), false, 0, &records),
        classic(0xa1b2_c3d4, (2, 3), false, 0, &records),
        classic(0xa1b2_c3d4, (3, 0), false, 0, &records),
        plain[..plain.len() - 30].to_vec(),
        plain[..20].to_vec(),
        damaged,
        hole,
    ]
}

/// A block with its two lengths.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = (body.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, &body, &length].concat()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat())
}

fn interface(options: &[u8]) -> Vec<u8> {
    block(1, &[&[1, 0, 0, 0, 0, 0, 4, 0][..], options].concat())
}

/// An enhanced packet (or an obsolete one, whose interface has two octets) of an interface.
fn packet(kind: u32, interface: u32, data: &[u8]) -> Vec<u8> {
    let len = (data.len() as u32).to_le_bytes();
    block(kind, &[&interface.to_le_bytes()[..], &[1, 0, 0, 0], &[5, 0, 0, 0], &len, &len, data].concat())
}

pub(super) fn pcapng() -> Seeds {
    let frame = frame();
    let simple = block(3, &[&(frame.len() as u32).to_le_bytes()[..], &frame].concat());
    let resolution = interface(&[9, 0, 1, 0, 9, 0, 0, 0, 14, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let binary = interface(&[9, 0, 1, 0, 0x8a, 0, 0, 0]);
    let comment = block(0x0bad, b"passed over");
    let whole = [section(), interface(&[]), packet(6, 0, &frame), simple, packet(2, 0, &frame)].concat();
    let mut big = [0x0a0d_0d0a_u32, 28, 0x1a2b_3c4d].map(u32::to_be_bytes).concat();
    big.extend_from_slice(&[0, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 28]);
    big.extend([1_u32, 20, 0x0001_0000, 0, 20].map(u32::to_be_bytes).concat());
    big.extend([6_u32, 36, 0, 0, 5, 4, 4, 0x0102_0304, 36].map(u32::to_be_bytes).concat());
    vec![
        whole.clone(),
        [section(), resolution, binary, packet(6, 1, &frame), packet(6, 0, &frame)].concat(),
        [whole.clone(), comment, big.clone()].concat(),
        big,
        [section(), packet(6, 0, &frame)].concat(),
        [section(), interface(&[9, 0, 200, 0]), packet(6, 7, &frame)].concat(),
        whole[..whole.len() - 9].to_vec(),
        [section(), block(1, &[1, 0])].concat(),
        section()[..14].to_vec(),
    ]
}

pub(super) fn compressed() -> Seeds {
    let plain = [pcap().swap_remove(2), pcapng().swap_remove(0)];
    let mut seeds: Seeds = plain.iter().flat_map(|file| (1..4).map(|how| [&[how][..], file].concat())).collect();
    for file in &plain {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(file).expect("memory can be written");
        let gzip = encoder.finish().expect("memory can be written");
        let zstd = zstd::encode_all(&file[..], 3).expect("memory can be written");
        let skippable = [b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip", &zstd[..]].concat();
        let twice = zstd::encode_all(&gzip[..], 3).expect("memory can be written");
        let cut = gzip[..gzip.len() - 12].to_vec();
        seeds.extend([gzip, zstd, skippable, twice, cut].map(|file| [&[0][..], &file].concat()));
    }
    seeds
}
