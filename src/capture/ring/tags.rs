//! The VLAN tag that the kernel or the card took off a frame is put back where it was.
//!
//! Linux keeps the outermost tag beside the packet, so the frame in the ring lacks it. The two addresses in front are
//! moved four octets forward, into room that the ring keeps free before each frame: nothing else is copied, and a frame
//! with a stack of tags is again what came over the wire. libpcap does the same, so both backends show equal frames.

/// Octets of the two MAC addresses, behind which the tag stands (IEEE 802.1Q).
const ADDRESSES: usize = 12;
/// Octets of a tag.
const TAG: usize = 4;

/// A tag as it is on the wire.
pub(super) type Tag = [u8; TAG];

/// The tag that was taken off, by what the packet's header says.
#[inline]
pub(super) fn stripped(status: u32, tci: u32, tpid: u16) -> Option<Tag> {
    // Kernels before 3.0 had no flag for it.
    if status & libc::TP_STATUS_VLAN_VALID == 0 && tci == 0 {
        return None;
    }
    let tpid = if status & libc::TP_STATUS_VLAN_TPID_VALID == 0 { libc::ETH_P_8021Q as u16 } else { tpid };
    let [a, b] = tpid.to_be_bytes();
    let [c, d] = (tci as u16).to_be_bytes();
    Some([a, b, c, d])
}

/// Puts `tag` into the frame that begins at `frame` and ends with `octets`, using the octets before it. Gives the whole
/// frame, and its length on the wire. A frame too short to have both addresses stays as it is.
pub(super) fn put_back(octets: &mut [u8], frame: usize, length: u32, tag: Tag) -> (&[u8], u32) {
    let addresses = frame + ADDRESSES;
    let Some(begin) = frame.checked_sub(TAG).filter(|_| addresses <= octets.len()) else {
        return (&octets[frame..], length);
    };
    octets.copy_within(frame..addresses, begin);
    octets[begin + ADDRESSES..addresses].copy_from_slice(&tag);
    (&octets[begin..], length.saturating_add(TAG as u32))
}

#[cfg(test)]
mod tests {
    use super::super::block::Cursor;
    use super::super::block::tests::{ETHERNET, Packet, block};
    use super::*;

    #[test]
    fn a_tag_is_told_by_its_flags() {
        let valid = libc::TP_STATUS_VLAN_VALID;
        let with_type = valid | libc::TP_STATUS_VLAN_TPID_VALID;
        assert_eq!(stripped(0, 0, 0x88a8), None);
        assert_eq!(stripped(valid, 0, 0), Some([0x81, 0, 0, 0]), "a priority tag of nought");
        assert_eq!(stripped(valid, 0xa123, 0), Some([0x81, 0, 0xa1, 0x23]));
        assert_eq!(stripped(with_type, 7, 0x88a8), Some([0x88, 0xa8, 0, 7]));
        assert_eq!(stripped(0, 7, 0), Some([0x81, 0, 0, 7]), "an old kernel");
    }

    #[test]
    fn the_frame_is_whole_again_and_its_neighbours_are_untouched() {
        let frame: Vec<u8> = (1..=60).collect();
        let tagged = |status, tpid| Packet { data: frame.clone(), length: 60, status, tci: 5, tpid, kind: 0 };
        let packets = [
            tagged(0x10, 0),
            Packet { data: frame.clone(), length: 60, ..Packet::default() },
            tagged(0x50, 0x88a8),
            // Cut by the snap length: only what is there moves.
            Packet { length: 1514, ..tagged(0x10, 0) },
            // Too short for a tag to have been in it.
            Packet { data: vec![9; 11], length: 11, ..tagged(0x10, 0) },
        ];
        let mut block = block(&packets);
        let mut seen = Vec::new();
        Cursor::new(&block)
            .lend(&mut block, 9, ETHERNET, &mut |frames| {
                seen.extend(frames.iter().map(|f| (f.data.to_vec(), f.orig_len)));
            })
            .expect("a good block");
        let with = |tag: Tag| [&frame[..12], &tag, &frame[12..]].concat();
        assert_eq!(seen[0], (with([0x81, 0, 0, 5]), 64));
        assert_eq!(seen[1], (frame.clone(), 60));
        assert_eq!(seen[2], (with([0x88, 0xa8, 0, 5]), 64));
        assert_eq!(seen[3], (with([0x81, 0, 0, 5]), 1518));
        assert_eq!(seen[4], (vec![9; 11], 11));

        // The snap length holds for what is shown, the tag included.
        let mut block = super::super::block::tests::block(&packets[..1]);
        let mut seen = Vec::new();
        let reading = super::super::block::Reading { snaplen: 40, ..ETHERNET };
        Cursor::new(&block)
            .lend(&mut block, 9, reading, &mut |frames| {
                seen.extend(frames.iter().map(|f| (f.data.to_vec(), f.orig_len)));
            })
            .expect("a good block");
        assert_eq!(seen, [(with([0x81, 0, 0, 5])[..40].to_vec(), 64)]);
    }

    #[test]
    fn without_room_nothing_is_overwritten() {
        let mut octets = [7; 40];
        assert_eq!(put_back(&mut octets, 2, 38, [1; 4]), (&[7; 38][..], 38));
    }
}
