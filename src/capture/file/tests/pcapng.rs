//! pcapng.

use super::build::{Endian, Ng};
use super::{Dribble, Got, drain, error, open, read, read_clean};
use crate::capture::FileReader;

fn got(nanos: u64, linktype: u32, interface: u32, orig_len: u32, data: &[u8]) -> Got {
    Got { nanos, linktype, interface, orig_len, data: data.to_vec() }
}

/// One of everything, in one byte order.
fn rich(endian: Endian) -> (Ng, Vec<Got>) {
    let ng = Ng::new(endian)
        .interface(1, 0, &[])
        .interface(101, 0, &[(2, b"eth1".to_vec()), (9, vec![9])])
        .interface(276, 0, &[(9, vec![0x80 | 10]), (14, endian.u64(100).to_vec())])
        .block(5, &[1; 24])
        .enhanced(0, 1_500_000, 1400, b"micro")
        .block(0x0000_0bad, &[9; 40])
        .enhanced(1, 1_700_000_000_123_456_789, 4, b"nano")
        .simple(3, b"spb")
        .enhanced(2, 1536, 6, b"binary")
        .obsolete(1, 42, 9, b"obsolete!");
    let want = vec![
        got(1_500_000_000, 1, 0, 1400, b"micro"),
        got(1_700_000_000_123_456_789, 101, 1, 4, b"nano"),
        got(1_700_000_000_123_456_789, 1, 0, 3, b"spb"),
        got(101_500_000_000, 276, 2, 6, b"binary"),
        got(42, 101, 1, 9, b"obsolete!"),
    ];
    (ng, want)
}

#[test]
fn interfaces_clocks_and_block_types_in_both_orders() {
    for endian in Endian::BOTH {
        let (ng, want) = rich(endian);
        assert_eq!(read_clean(&ng.bytes), want, "{endian:?}");
        assert_eq!(drain(FileReader::from_reader(Dribble::new(&ng.bytes)).expect("opens")).0, want);
    }
}

#[test]
fn a_section_starts_anew_in_its_own_byte_order() {
    let ng = Ng::new(Endian::Little)
        .interface(1, 0, &[(9, vec![9])])
        .enhanced(0, 5, 1, b"a")
        .section(Endian::Big)
        .interface(113, 0, &[])
        .enhanced(0, 5, 1, b"b")
        .section(Endian::Little)
        .interface(228, 0, &[])
        .enhanced(0, 6, 1, b"c");
    assert_eq!(
        read_clean(&ng.bytes),
        [got(5, 1, 0, 1, b"a"), got(5_000, 113, 0, 1, b"b"), got(6_000, 228, 0, 1, b"c")]
    );
}

#[test]
fn a_simple_packet_is_cut_by_the_snap_length_of_the_first_interface() {
    let ng = Ng::new(Endian::Little).interface(1, 5, &[]).simple(1500, b"12345").simple(2, b"ab");
    let read = read_clean(&ng.bytes);
    assert_eq!((read[0].data.as_slice(), read[0].orig_len), (b"12345".as_slice(), 1500));
    assert_eq!(read[1].data, b"ab");
}

#[test]
fn packets_that_cannot_be_placed_are_counted_and_passed() {
    let ng = Ng::new(Endian::Little)
        .simple(1, b"x")
        .enhanced(0, 1, 1, b"x")
        .interface(1, 0, &[])
        .enhanced(1, 1, 1, b"x")
        .enhanced_claiming(0, 1, 900, 900, b"short")
        .enhanced_claiming(0, 1, u32::MAX, u32::MAX, b"short")
        .enhanced(0, 2, 4, b"good");
    let (got, damage) = read(&ng.bytes);
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].data, b"good");
    assert_eq!((damage.records_skipped, damage.truncated), (5, false));
    assert_eq!(damage.messages.len(), 5);
    assert!(damage.messages[1].ends_with("names an interface that was not described"), "{damage:?}");
    assert!(damage.messages[3].ends_with("says it is longer than the block"), "{damage:?}");
}

#[test]
fn bad_lengths_stop_the_file_and_keep_what_came_before() {
    let (good, want) = rich(Endian::Little);
    let whole = good.bytes.len();
    for length in [0_u32, 4, 8, 11, 13, 30, 0xffff_fff0, 17 * 1024 * 1024] {
        let mut bytes = good.bytes.clone();
        bytes.extend(6_u32.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend([0; 60]);
        let (got, damage) = read(&bytes);
        assert_eq!(got, want, "{length}");
        assert!(damage.truncated);
        assert_eq!((damage.records_skipped, damage.bytes_skipped), (1, 68));
        assert!(
            damage.messages[0].contains(&format!("byte {whole} has an impossible length ({length})")),
            "{damage:?}"
        );
    }
}

#[test]
fn lengths_that_differ_stop_the_file() {
    for kind in [6, 0x0bad] {
        let (mut ng, want) = rich(Endian::Big);
        ng = ng.block(kind, &[0; 40]);
        let last = ng.bytes.len() - 1;
        ng.bytes[last] ^= 4;
        let (got, damage) = read(&ng.enhanced(0, 1, 1, b"x").bytes);
        assert_eq!(got, want);
        assert!(damage.truncated && damage.messages[0].contains("impossible length"), "{damage:?}");
    }
}

#[test]
fn cut_at_every_byte_gives_every_whole_packet() {
    let (ng, want) = rich(Endian::Little);
    // Where each block ends, by its length field.
    let (mut ends, mut at) = (vec![], 0);
    while at < ng.bytes.len() {
        at += u32::from_le_bytes(*ng.bytes[at + 4..].first_chunk().expect("four")) as usize;
        ends.push(at);
    }
    let mut seen = 0;
    for cut in 0..ng.bytes.len() {
        let Ok(reader) = open(&ng.bytes[..cut]) else {
            assert!(cut < 16);
            continue;
        };
        let (got, damage) = drain(reader);
        assert_eq!(got, want[..got.len()], "cut at {cut}");
        assert!(got.len() >= seen, "never fewer from more");
        seen = got.len();
        assert_eq!(damage.is_clean(), ends.contains(&cut), "cut at {cut}: {damage:?}");
        if !ends.contains(&cut) {
            let start = ends.iter().rev().find(|end| **end < cut).copied().unwrap_or(0);
            assert_eq!(damage.bytes_skipped, (cut - start) as u64, "cut at {cut}");
        }
    }
    assert_eq!(seen, want.len() - 1);
}

#[test]
fn options_that_lie_end_the_options_only() {
    let e = Endian::Little;
    let mut body = e.u16(1).to_vec();
    body.extend([0; 6]);
    for (code, len) in [(9_u16, 1_u16), (2, 4000)] {
        body.extend(e.u16(code));
        body.extend(e.u16(len));
        body.extend([9, 0, 0, 0]);
    }
    let ng = Ng::new(e).block(1, &body).enhanced(0, 77, 1, b"x");
    let (got, damage) = read(&ng.bytes);
    assert_eq!(got[0].nanos, 77, "the first option counts");
    assert_eq!(damage.messages.len(), 1);
    // Of no length at all.
    let empty = Ng::new(e).interface(1, 0, &[(9, vec![]), (14, vec![])]).enhanced(0, 77, 1, b"x");
    assert_eq!(read_clean(&empty.bytes)[0].nanos, 77_000);
}

#[test]
fn a_block_longer_than_the_buffer_is_read_and_one_of_another_type_is_passed() {
    let long = vec![3; 5 * 1024 * 1024];
    let ng = Ng::new(Endian::Big)
        .interface(1, 0, &[])
        .enhanced(0, 1, 1, &long)
        .block(0x0bad, &vec![4; 20 * 1024 * 1024])
        .enhanced(0, 2, 1, b"x");
    let read = read_clean(&ng.bytes);
    assert_eq!((read.len(), read[0].data == long), (2, true));
}

#[test]
fn too_many_interfaces_are_not_kept() {
    let mut ng = Ng::new(Endian::Little);
    for _ in 0..65_540 {
        ng = ng.interface(1, 0, &[]);
    }
    let (got, damage) = read(&ng.enhanced(65_535, 1, 1, b"x").enhanced(65_536, 1, 1, b"y").bytes);
    assert_eq!((got.len(), damage.records_skipped), (1, 1));
    assert_eq!(damage.messages.len() as u64 + damage.messages_suppressed, 5);
}

#[test]
fn headers_that_are_none() {
    let good = Ng::new(Endian::Little).bytes;
    let mut no_magic = good.clone();
    no_magic[8] = 0;
    assert!(error(&no_magic).contains("no byte-order magic"));
    let mut version_2 = good.clone();
    version_2[12] = 2;
    assert!(error(&version_2).contains("pcapng version 2.0 is not supported"));
    assert!(error(&good[..10]).contains("within its pcapng file header, after 10 octets"));
    // The same in a later section is damage.
    let (ng, want) = rich(Endian::Little);
    for bad in [no_magic, version_2] {
        let mut bytes = ng.bytes.clone();
        bytes.extend(bad);
        let (got, damage) = read(&bytes);
        assert_eq!(got, want);
        assert_eq!((damage.truncated, damage.bytes_skipped), (true, 28));
    }
}
