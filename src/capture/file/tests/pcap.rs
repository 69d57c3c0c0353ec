//! Classic pcap.

use super::build::{Endian, KUZNETZOV, MICRO, NANO, PcapFile};
use super::{Dribble, Got, drain, error, open, read, read_clean};
use crate::capture::{FileReader, PacketSource, Poll};

const T: u32 = 1_700_000_000;

fn got(nanos: u64, data: &[u8], orig_len: u32) -> Got {
    Got { nanos, linktype: 1, interface: 0, orig_len, data: data.to_vec() }
}

#[test]
fn every_magic_in_both_orders() {
    for endian in Endian::BOTH {
        for (magic, scale) in [(MICRO, 1000), (NANO, 1), (KUZNETZOV, 1000)] {
            let file = PcapFile::new(endian, magic).record(T, 999, 60, b"first").record(u32::MAX, 7, 6, b"second");
            let want = [
                got(u64::from(T) * 1_000_000_000 + 999 * scale, b"first", 60),
                got(u64::from(u32::MAX) * 1_000_000_000 + 7 * scale, b"second", 6),
            ];
            assert_eq!(read_clean(&file.bytes), want, "{endian:?} {magic:x}");
            assert_eq!(drain(FileReader::from_reader(Dribble::new(&file.bytes)).expect("opens")).0, want);
        }
    }
}

#[test]
fn a_file_without_packets_is_sound() {
    assert_eq!(read_clean(&PcapFile::new(Endian::Big, MICRO).bytes), []);
}

#[test]
fn reserved_bits_of_the_link_type_are_ignored() {
    // Four octets of frame check sequence, said to be known.
    let file = PcapFile::with(Endian::Little, MICRO, 4, 0, 0x4400_0000 | 113).record(T, 0, 1, b"x");
    assert_eq!(read_clean(&file.bytes)[0].linktype, 113);
}

#[test]
fn old_versions_have_the_lengths_the_other_way_round() {
    for minor in 0..=4 {
        let file =
            PcapFile::with(Endian::Big, MICRO, minor, 96, 1).record(T, 0, 700, b"short").record(T, 1, 5, b"whole");
        let read = read_clean(&file.bytes);
        assert_eq!((read[0].orig_len, read[0].data.as_slice()), (700, b"short".as_slice()), "2.{minor}");
        assert_eq!(read[1].data, b"whole");
    }
    let mut swapped_2_3 = PcapFile::with(Endian::Big, MICRO, 2, 96, 1).record(T, 0, 700, b"short");
    swapped_2_3.bytes[7] = 3;
    assert_eq!(read_clean(&swapped_2_3.bytes)[0].data, b"short");
    let mut version_1 = PcapFile::new(Endian::Big, MICRO).bytes;
    version_1[5] = 1;
    assert!(error(&version_1).contains("pcap version 1.4 is not supported"));
}

#[test]
fn a_packet_longer_than_the_snap_length_is_given_whole() {
    let file = PcapFile::with(Endian::Little, MICRO, 4, 4, 1).record(T, 0, 10, b"0123456789");
    assert_eq!(read_clean(&file.bytes)[0].data, b"0123456789");
}

#[test]
fn records_longer_than_the_first_buffer_and_across_refills() {
    let long = vec![7; 256 * 1024];
    let mut file = PcapFile::with(Endian::Little, NANO, 4, 262_144, 1);
    for i in 0..40 {
        file = file.record(T, i, 262_144, &long).record(T, i, 3, b"abc");
    }
    let read = read_clean(&file.bytes);
    assert_eq!(read.len(), 80);
    assert!(read.iter().all(|g| g.data == long || g.data == b"abc"));
}

#[test]
fn cut_at_every_byte_gives_every_whole_packet() {
    for magic in [MICRO, KUZNETZOV] {
        let mut file = PcapFile::new(Endian::Little, magic);
        let mut ends = vec![file.bytes.len()];
        for i in 0..5_u8 {
            file = file.record(T + u32::from(i), 5, 90, &vec![i + 1; usize::from(i) * 9 + 1]);
            ends.push(file.bytes.len());
        }
        let all = read_clean(&file.bytes);
        for cut in 0..file.bytes.len() {
            let Ok(reader) = open(&file.bytes[..cut]) else {
                assert!(cut < 24, "header is there at {cut}");
                continue;
            };
            let (got, damage) = drain(reader);
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(got, all[..whole], "cut at {cut}");
            let clean = ends.contains(&cut);
            assert_eq!(damage.is_clean(), clean, "cut at {cut}: {damage:?}");
            assert_eq!(damage.truncated, !clean);
            assert_eq!(damage.bytes_skipped, (cut - ends[whole]) as u64);
            if !clean {
                assert!(
                    damage.messages[0].starts_with(&format!("truncated record at byte {}", ends[whole])),
                    "{damage:?}"
                );
            }
        }
    }
}

#[test]
fn finds_the_way_back_after_a_lying_length() {
    let file = PcapFile::new(Endian::Little, MICRO)
        .record(T, 0, 4, b"good")
        .header(T, 1, 0x7fff_ffff, 0x7fff_ffff)
        .raw(&[0xaa; 333])
        .record(T + 1, 2, 4, b"back")
        .record(T + 2, 3, 5, b"again");
    let (got, damage) = read(&file.bytes);
    let data: Vec<&[u8]> = got.iter().map(|g| g.data.as_slice()).collect();
    assert_eq!(data, [b"good".as_slice(), b"back", b"again"]);
    assert_eq!((damage.records_skipped, damage.bytes_skipped, damage.truncated), (1, 16 + 333, false));
    assert_eq!(damage.messages, ["impossible record header at byte 44 (length 2147483647); resumed at byte 393"]);
}

#[test]
fn finds_the_way_back_where_the_first_record_is_bad() {
    let file = PcapFile::new(Endian::Big, NANO)
        .header(T, 1, 300_000, 300_000)
        .raw(&[0; 100])
        .record(T, 2, 4, b"back")
        .record(T, 3, 5, b"again");
    assert_eq!(read(&file.bytes).0.len(), 2);
}

#[test]
fn one_header_alone_is_not_believed() {
    let file = PcapFile::new(Endian::Little, MICRO)
        .record(T, 0, 4, b"good")
        .header(T, 1, 0x7fff_ffff, 0x7fff_ffff)
        .raw(&[0xaa; 50])
        .record(T + 1, 2, 4, b"lone");
    let (got, damage) = read(&file.bytes);
    assert_eq!(got.len(), 1);
    assert!(damage.truncated);
    assert_eq!(damage.bytes_skipped, 16 + 50 + 20);
    assert!(damage.messages[0].contains("no record found after it"), "{damage:?}");
}

#[test]
fn nothing_is_found_far_from_the_time_of_the_last_packet() {
    let far = T + 3 * 86_400;
    let file = PcapFile::new(Endian::Little, MICRO)
        .record(T, 0, 4, b"good")
        .header(T, 1, 0x7fff_ffff, 0x7fff_ffff)
        .record(far, 2, 4, b"fake")
        .record(far, 3, 4, b"fake");
    assert_eq!(read(&file.bytes).0.len(), 1);
}

#[test]
fn what_looks_like_records_in_the_last_packet_of_a_cut_file_is_not_read() {
    let inner = PcapFile::new(Endian::Little, MICRO).record(T, 1, 4, b"fake").record(T, 2, 4, b"fake");
    let file = PcapFile::new(Endian::Little, MICRO).record(T, 0, 4, b"good").header(T, 1, 1400, 1400).raw(&inner.bytes);
    let (got, damage) = read(&file.bytes);
    assert_eq!(got.len(), 1);
    assert!(damage.messages[0].starts_with("truncated record at byte 44"), "{damage:?}");
}

#[test]
fn a_tail_of_zeros_is_not_packets() {
    let file = PcapFile::new(Endian::Little, MICRO).record(T, 0, 4, b"good").raw(&[0; 4096]);
    let (got, damage) = read(&file.bytes);
    assert_eq!(got.len(), 1);
    assert_eq!((damage.records_skipped, damage.bytes_skipped, damage.truncated), (1, 4096, true));
    assert!(damage.messages[0].starts_with("record of zeros at byte 44"), "{damage:?}");
}

#[test]
fn serves_as_a_packet_source() {
    let file = PcapFile::new(Endian::Little, MICRO).record(T, 0, 1, b"a").record(T, 1, 1, b"b").record(T, 2, 1, b"c");
    let mut reader = open(&file.bytes).expect("opens");
    assert_eq!(reader.bytes_read(), 32, "only the start was looked at");
    let mut seen = Vec::new();
    let mut polls = Vec::new();
    loop {
        let poll = reader.poll(2, &mut |f| seen.extend_from_slice(f.data)).expect("reads");
        polls.push(poll);
        if poll == Poll::End {
            break;
        }
    }
    assert_eq!(polls, [Poll::Frames(2), Poll::Frames(1), Poll::End]);
    assert_eq!(seen, b"abc");
    assert_eq!(reader.stats().received, 3);
    assert_eq!(reader.stats().received, 0, "a delta");
    assert_eq!(reader.bytes_read(), file.bytes.len() as u64);
}
