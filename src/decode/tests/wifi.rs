//! 802.11 frames and the radio headers in front of them.

use super::*;
use Encap::*;

const RADIOTAP: LinkType = LinkType::Radiotap;
const WIFI: LinkType = LinkType::Wifi;

/// A data frame with these two control octets; `after` stands between the third address's sequence number and the body.
fn data(control: [u8; 2], after: &[u8], body: &[u8]) -> Vec<u8> {
    cat(&[&control, &[0, 0], &[1; 18], &[0x30, 0x12], after, body])
}

fn snap() -> Vec<u8> {
    cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &hello()])
}

#[test]
fn data_frames_of_every_shape() {
    leads_to_hello(WIFI, &data([0x08, 0x01], &[], &snap()), &[Wifi]);
    leads_to_hello(WIFI, &data([0x08, 0x03], &[4; 6], &snap()), &[Wifi]);
    leads_to_hello(WIFI, &data([0x88, 0x02], &[0, 0], &snap()), &[Wifi]);
    leads_to_hello(WIFI, &data([0x88, 0x03], &[4, 4, 4, 4, 4, 4, 0, 0], &snap()), &[Wifi]);
    leads_to_hello(WIFI, &data([0x88, 0x82], &[0, 0, 9, 9, 9, 9], &snap()), &[Wifi]);
    // The order bit has its old meaning outside QoS frames.
    leads_to_hello(WIFI, &data([0x08, 0x82], &[], &snap()), &[Wifi]);
    // The frame check sequence is behind the IP packet.
    leads_to_hello(WIFI, &data([0x08, 0x01], &[], &cat(&[&snap(), &[0xfc; 4]])), &[Wifi]);
}

#[test]
fn what_is_not_readable_data() {
    is_left(WIFI, &data([0x08, 0x41], &[], &snap()), Counter::SkipEncrypted);
    is_left(WIFI, &data([0x48, 0x01], &[], &[]), Counter::SkipNotIp);
    is_left(WIFI, &data([0xc8, 0x01], &[0, 0], &[]), Counter::SkipNotIp);
    is_left(WIFI, &data([0x80, 0x00], &[], &snap()), Counter::SkipNotIp);
    // A repeated probe response, whose flags octet looks like a data frame's type.
    is_left(WIFI, &data([0x50, 0x08], &[], &snap()), Counter::SkipNotIp);
    is_left(WIFI, &[0xd4, 0, 0, 0, 1, 1, 1, 1, 1, 1], Counter::SkipNotIp);
    let mut later_fragment = data([0x08, 0x01], &[], b"the middle of something");
    later_fragment[22] = 0x31;
    is_left(WIFI, &later_fragment, Counter::SkipTruncated);
}

#[test]
fn padded_headers() {
    let padded = data([0x88, 0x01], &[0, 0, 0, 0], &snap());
    leads_to_hello(WIFI, &padded, &[Wifi]);
    let with_flags = cat(&[&[0, 0, 9, 0, 2, 0, 0, 0, 0x20], &padded]);
    leads_to_hello(RADIOTAP, &with_flags, &[Wifi]);
}

#[test]
fn the_first_subframe_of_an_aggregate_is_read_and_the_rest_counted() {
    let body = snap();
    let subframe = cat(&[&[1; 12], &(body.len() as u16).to_be_bytes(), &body]);
    let padding = vec![0; subframe.len().next_multiple_of(4) - subframe.len()];
    leads_to_hello(WIFI, &data([0x88, 0x01], &[0x80, 0], &subframe), &[Wifi]);
    let mut bench = Bench::new(WIFI);
    let seen = bench.see(&data([0x88, 0x01], &[0x80, 0], &cat(&[&subframe, &padding, &subframe]))).unwrap();
    assert_eq!(seen.payload, HELLO);
    assert_eq!(bench.count(Counter::SkipAggregated), 1);
}

#[test]
fn radiotap_with_any_fields() {
    let frame = data([0x08, 0x01], &[], &snap());
    leads_to_hello(RADIOTAP, &cat(&[&[0, 0, 8, 0, 0, 0, 0, 0], &frame]), &[Wifi]);
    // Two bitmaps, timer, flags: the timer is aligned to eight octets.
    let header = cat(&[&[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0], &[0; 4], &[7; 8], &[0x10]]);
    leads_to_hello(RADIOTAP, &cat(&[&header, &frame]), &[Wifi]);
    is_left(RADIOTAP, &cat(&[&[0, 0, 7, 0, 0, 0, 0, 0], &frame]), Counter::SkipMalformed);
    is_left(RADIOTAP, &cat(&[&[0, 0, 0xff, 0xff, 0, 0, 0, 0], &frame]), Counter::SkipTruncated);
    is_left(RADIOTAP, &cat(&[&[0, 0, 8, 0, 0xff, 0xff, 0xff, 0xff], &data([0x80, 0], &[], &[])]), Counter::SkipNotIp);
}

#[test]
fn prism_and_avs_headers() {
    let frame = data([0x08, 0x01], &[], &snap());
    let prism = |length: [u8; 4]| cat(&[&[0x44, 0, 0, 0], &length, &[0; 136], &frame]);
    leads_to_hello(LinkType::Prism, &prism([144, 0, 0, 0]), &[Wifi]);
    leads_to_hello(LinkType::Prism, &prism([0, 0, 0, 144]), &[Wifi]);
    is_left(LinkType::Prism, &prism([1, 0, 0, 0]), Counter::SkipMalformed);
    let avs = cat(&[&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64], &[0; 56], &frame]);
    leads_to_hello(LinkType::Avs, &avs, &[Wifi]);
    leads_to_hello(LinkType::Prism, &avs, &[Wifi]);
    let ppi = cat(&[&[0, 0, 8, 0, 105, 0, 0, 0], &frame]);
    leads_to_hello(LinkType::Ppi, &ppi, &[Wifi]);
}
